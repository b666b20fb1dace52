-- A batch: how far its range is now, and its row. No row comes back when the range is no longer this worker's.
WITH r AS (
    UPDATE pgrail.backfill_range
    SET at = CASE WHEN $5::boolean THEN $4::text[] ELSE at END,
        n = CASE WHEN $5::boolean THEN greatest(n - $8::bigint, 1) ELSE n END,
        begun = begun OR $6::boolean,
        state = CASE WHEN $7::boolean THEN 'done' ELSE state END,
        read = read + $8::bigint, changed = changed + $9::bigint, batches = batches + 1, retries = retries + $10::bigint,
        wal_bytes = wal_bytes + $11::bigint, elapsed_us = elapsed_us + $12::bigint
    WHERE id = $1::bigint AND worker = $2::bigint AND state = 'taken'
    RETURNING id, job, walk
), b AS (
    INSERT INTO pgrail.backfill_batch (job, range, worker, lower, upper, read, changed, retries, wal_bytes, elapsed_us)
    SELECT r.job, r.id, $2::bigint, $3::text[], $4::text[], $8::bigint, $9::bigint, $10::bigint, $11::bigint, $12::bigint FROM r
), x AS (
    INSERT INTO pgrail.backfill_reject (job, walk, key, sqlstate)
    SELECT r.job, r.walk, $4::text[], $13 FROM r WHERE $13::text IS NOT NULL
    ON CONFLICT DO NOTHING
)
SELECT r.id, (SELECT count(*) FROM pgrail.backfill_reject j WHERE j.job = r.job AND $13::text IS NOT NULL) FROM r
