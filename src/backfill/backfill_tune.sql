WITH j AS (
    UPDATE pgrail.backfill_job SET settings = $2::jsonb, changed_at = pg_catalog.now()
    WHERE id = $1::bigint AND state NOT IN ('done', 'abandoned')
    RETURNING id, state
)
INSERT INTO pgrail.backfill_event (job, event, state, note) SELECT id, 'tune', state, $3 FROM j
RETURNING id
