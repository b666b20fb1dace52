-- One change of state; none when somebody else was quicker.
WITH j AS (
    UPDATE pgrail.backfill_job
    SET state = $3, note = $5, held = CASE WHEN $3 IN ('running', 'paused', 'checking') AND $4 NOT IN ('start', 'join') THEN held END,
        changed_at = pg_catalog.now(), starts = starts + CASE WHEN $4 IN ('start', 'join') THEN 1 ELSE 0 END
    WHERE id = $1::bigint AND state = $2
    RETURNING id
)
INSERT INTO pgrail.backfill_event (job, event, state, note) SELECT id, $4, $3, $5 FROM j
RETURNING id
