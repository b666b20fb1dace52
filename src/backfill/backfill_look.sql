-- What a backfill asks of tables beside the facts: one row for each column that a unique index begins with, at least one for a table.
-- $1  oid[] of relations
SELECT n.nspname, c.relname, k.attname,
       coalesce(round(abs(s.correlation) * 1000)::integer, -1) AS correlation_permille,
       CASE WHEN c.relpages > 0 AND c.reltuples > 0 THEN (c.reltuples / c.relpages)::bigint ELSE 0 END AS rows_per_page,
       row_security_active(c.oid) AS rls_active,
       (SELECT min(w.rulename) FROM pg_rewrite AS w WHERE w.ev_class = c.oid AND w.ev_enabled <> 'D') AS rule
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN (SELECT DISTINCT i.indrelid, a.attname
           FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
           WHERE i.indisunique AND i.indpred IS NULL) AS k ON k.indrelid = c.oid
LEFT JOIN pg_stats AS s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = k.attname AND NOT s.inherited
WHERE c.oid = ANY ($1::oid[]) AND c.relkind IN ('r', 'p');
