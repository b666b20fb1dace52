-- Every user relation as the session that asks sees it: for an index its table, for a TOAST table its owner. File numbers tell
-- a rewrite, sizes what it made. pg_relation_size gives its lock back at once.
SELECT c.oid::bigint, n.nspname, c.relname, c.relkind, coalesce(pg_catalog.pg_relation_filenode(c.oid), 0)::bigint,
       coalesce(i.indrelid, o.oid, 0)::bigint,
       CASE WHEN c.relkind IN ('r', 'i', 'm', 't') THEN coalesce(pg_catalog.pg_relation_size(c.oid), 0) ELSE 0 END
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid
LEFT JOIN pg_catalog.pg_class AS o ON o.reltoastrelid = c.oid AND c.relkind = 't'
WHERE c.oid >= 16384
ORDER BY c.oid
