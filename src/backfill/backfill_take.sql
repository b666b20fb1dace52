-- A range that is open and due, or whose worker is dead: its session is gone, or behind a pooler it has said nothing for a minute.
-- Should such a worker live after all, its batch finds the range taken and rolls back.
UPDATE pgrail.backfill_range r
SET state = 'taken', worker = $2::bigint
WHERE r.id = (
    SELECT o.id
    FROM pgrail.backfill_range o
    LEFT JOIN pgrail.backfill_worker w ON w.id = o.worker
    WHERE o.job = $1::bigint AND NOT o.rest
      AND (o.state = 'open' AND o.due <= pg_catalog.clock_timestamp()
           OR o.state = 'taken'
              AND (w.left_at IS NOT NULL
                   OR w.pooled AND w.seen_at < pg_catalog.clock_timestamp() - interval '1 minute'
                   OR NOT w.pooled AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.pid = w.backend_pid
                                                   AND (a.backend_start IS NULL OR a.backend_start = w.backend_start))))
    ORDER BY o.id
    LIMIT 1
    FOR UPDATE OF o SKIP LOCKED)
RETURNING r.id, r.walk, r.lower, r.upper, r.at, r.n, r.begun, r.tries
