-- A batch: how far its range is now, and its row. No row comes back when the range is no longer this worker's.
WITH wal AS (
    SELECT pg_catalog.pg_current_wal_insert_lsn() AS lsn,
           coalesce(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), $11::pg_lsn), 0)::bigint AS bytes
), r AS (
    UPDATE pgrail.backfill_range
    SET at = CASE WHEN $5::boolean THEN $4::text[] ELSE at END,
        n = CASE WHEN $5::boolean THEN greatest(n - $14::bigint, 1) ELSE n END,
        begun = begun OR $6::boolean,
        state = CASE WHEN $7::boolean THEN 'done' ELSE state END,
        read = CASE WHEN begun AND $7::boolean THEN greatest(read, rows) ELSE read + $8::bigint END, changed = changed + $9::bigint, batches = batches + 1, retries = retries + $10::bigint,
        wal_bytes = wal_bytes + wal.bytes, elapsed_us = elapsed_us + $12::bigint
    FROM wal
    WHERE id = $1::bigint AND worker = $2::bigint AND state = 'taken'
    RETURNING id, job, walk, wal.bytes, wal.lsn
), b AS (
    INSERT INTO pgrail.backfill_batch (job, range, worker, lower, upper, read, changed, retries, wal_bytes, elapsed_us)
    SELECT r.job, r.id, $2::bigint, $3::text[], $4::text[], $8::bigint, $9::bigint, $10::bigint, r.bytes, $12::bigint FROM r
), x AS (
    INSERT INTO pgrail.backfill_reject (job, walk, key, sqlstate)
    SELECT r.job, r.walk, $4::text[], $13 FROM r WHERE $13::text IS NOT NULL
    ON CONFLICT DO NOTHING
)
SELECT r.id,
       (SELECT count(*) FROM pgrail.backfill_reject j
        WHERE $13::text IS NOT NULL AND j.job = r.job AND NOT (j.walk = r.walk AND j.key = $4::text[])),
       r.lsn
FROM r
