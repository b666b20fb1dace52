-- What is contended becomes a range of its own, due later; the range goes on behind it.
WITH r AS (
    UPDATE pgrail.backfill_range
    SET at = $3::text[], n = greatest(n - $5::bigint, 1), state = CASE WHEN $6::boolean THEN 'done' ELSE state END
    WHERE id = $1::bigint AND worker = $2::bigint AND state = 'taken'
    RETURNING id, job, walk, begun, tries
)
INSERT INTO pgrail.backfill_range (job, walk, lower, upper, n, begun, tries, due)
SELECT job, walk, $4::text[], $3::text[], $5::bigint, begun, tries + 1, pg_catalog.clock_timestamp() + $7::bigint * interval '1 millisecond' FROM r
RETURNING id
