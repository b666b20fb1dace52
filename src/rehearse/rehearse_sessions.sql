-- Who is connected to a database ($1), other than us.
SELECT a.pid, coalesce(nullif(a.application_name, ''), 'no name'), coalesce(a.usename, '?'), coalesce(a.state, '?')
FROM pg_catalog.pg_stat_activity AS a
WHERE a.datname = $1 AND a.pid <> pg_catalog.pg_backend_pid() AND a.backend_type = 'client backend'
ORDER BY a.pid
