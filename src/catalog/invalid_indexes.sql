-- Indexes that are not whole: left by a CREATE, REINDEX or DROP that died, or under way (building). No parameter.
SELECT n.nspname, t.relname, c.relname, i.indisready, i.indislive,
       EXISTS (SELECT FROM pg_stat_progress_create_index AS p
               WHERE p.datid = (SELECT oid FROM pg_database WHERE datname = current_database())
                 AND (p.index_relid = i.indexrelid OR (p.index_relid = 0 AND p.relid = i.indrelid))) AS building
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_class AS t ON t.oid = i.indrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT (i.indisvalid AND i.indisready AND i.indislive) AND c.relpersistence <> 't' AND c.relkind = 'i'
ORDER BY 1, 2, 3;
