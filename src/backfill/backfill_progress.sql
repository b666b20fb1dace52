SELECT count(*) FILTER (WHERE NOT rest), count(*) FILTER (WHERE NOT rest AND state = 'done'),
       count(*) FILTER (WHERE NOT rest AND state = 'open'),
       coalesce(sum(read), 0), coalesce(sum(changed), 0), coalesce(sum(batches), 0), coalesce(sum(retries), 0), coalesce(sum(wal_bytes), 0),
       coalesce(sum(elapsed_us), 0),
       (SELECT count(*) FROM pgrail.backfill_reject x WHERE x.job = $1::bigint),
       (SELECT count(*) FROM pgrail.backfill_worker w WHERE w.job = $1::bigint AND w.left_at IS NULL
           AND CASE WHEN w.pooled THEN w.seen_at > pg_catalog.clock_timestamp() - interval '1 minute'
                    ELSE EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.pid = w.backend_pid
                                 AND (a.backend_start IS NULL OR a.backend_start = w.backend_start)) END)
FROM pgrail.backfill_range
WHERE job = $1::bigint
