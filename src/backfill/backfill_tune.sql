WITH j AS (
    UPDATE pgrail.backfill_job
    SET workers = $2::bigint, batch = $3::bigint, target_ms = $4::bigint, pause_ms = $5::bigint, max_lag_ms = $6::bigint, max_wal_bytes_s = $7::bigint,
        max_rejects = $8::bigint, vacuum_rows = $9::bigint, async_commit = $10::boolean, gentle = $11::boolean, changed_at = pg_catalog.now()
    WHERE id = $1::bigint AND state NOT IN ('done', 'abandoned')
    RETURNING id, state
)
INSERT INTO pgrail.backfill_event (job, event, state, note) SELECT id, 'tune', state, $12 FROM j
RETURNING id
