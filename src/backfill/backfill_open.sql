-- A planned job, with one rest for each walked table.
WITH j AS (
    INSERT INTO pgrail.backfill_job (name, sha256, statement, target, state, workers, batch, target_ms, pause_ms, max_lag_ms, max_wal_bytes_s,
                                     max_rejects, vacuum_rows, async_commit, gentle, rows_total)
    VALUES ($1, $2, $3, $4, 'planned', $5::bigint, $6::bigint, $7::bigint, $8::bigint, $9::bigint, $10::bigint, $11::bigint, $12::bigint,
            $13::boolean, $14::boolean, $15::bigint)
    RETURNING id
), r AS (
    INSERT INTO pgrail.backfill_range (job, walk, rest)
    SELECT j.id, w.walk, true FROM j, pg_catalog.unnest($16::text[]) WITH ORDINALITY AS w (walk, i) ORDER BY w.i
)
SELECT id FROM j
