-- Relation locks of one backend ($1 its pid): relation and mode. Catalogs are left out.
SELECT l.relation::bigint, l.mode, l.granted
FROM pg_catalog.pg_locks AS l
WHERE l.pid = $1::int AND l.locktype = 'relation' AND l.relation >= 16384
