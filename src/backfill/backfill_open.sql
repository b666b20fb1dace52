-- A planned job, with one rest for each walked table.
WITH j AS (
    INSERT INTO pgrail.backfill_job (name, sha256, statement, target, state, settings, rows_total)
    VALUES ($1, $2, $3, $4, 'planned', $5::jsonb, $6::bigint)
    RETURNING id
), r AS (
    INSERT INTO pgrail.backfill_range (job, walk, rest)
    SELECT j.id, w.walk, true FROM j, pg_catalog.unnest($7::text[]) WITH ORDINALITY AS w (walk, i) ORDER BY w.i
)
SELECT id FROM j
