-- $1 an id, $2 a name, $3 whether ended ones count; each may be null.
SELECT j.id, j.name, j.sha256, j.statement, j.target, j.state, j.settings::text, j.rows_total, j.starts, j.note, j.held,
       pg_catalog.to_char(j.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), j.created_by,
       pg_catalog.to_char(j.changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
FROM pgrail.backfill_job j
WHERE ($1::bigint IS NULL OR j.id = $1::bigint) AND ($2::text IS NULL OR j.name = $2::text)
  AND ($3::boolean OR j.state NOT IN ('done', 'abandoned'))
ORDER BY j.id DESC
LIMIT 100
