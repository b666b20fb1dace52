-- Enums, domains and composite types of users, with the columns that use them, through domains over them too. No parameter.
WITH RECURSIVE made_of AS (
    SELECT t.oid AS root, t.oid, t.typarray FROM pg_type AS t WHERE t.typtype IN ('e', 'd', 'c') AND t.oid >= 16384
    UNION
    SELECT m.root, t.oid, t.typarray FROM made_of AS m JOIN pg_type AS t ON t.typtype = 'd' AND t.typbasetype IN (m.oid, m.typarray)
),
chain AS (   -- a domain, and the domains that it stands on
    SELECT t.oid AS root, t.oid, t.typbasetype, t.typtypmod, t.typnotnull FROM pg_type AS t WHERE t.typtype = 'd'
    UNION ALL
    SELECT c.root, t.oid, t.typbasetype, t.typtypmod, t.typnotnull
    FROM chain AS c
    JOIN pg_type AS t ON t.typtype = 'd' AND t.oid = c.typbasetype
)
SELECT row_to_json(x)::text
FROM (
    SELECT n.nspname AS schema, t.typname AS name, t.typtype AS kind,
           (SELECT coalesce(json_agg(v.enumlabel ORDER BY v.enumsortorder), '[]')
            FROM pg_enum AS v WHERE v.enumtypid = t.oid) AS values,
           (SELECT format_type(c.typbasetype, c.typtypmod) FROM chain AS c
            WHERE c.root = t.oid AND NOT EXISTS (SELECT FROM chain AS d WHERE d.root = c.typbasetype)) AS base_type,
           EXISTS (SELECT FROM chain AS c
                   WHERE c.root = t.oid
                     AND (c.typnotnull OR EXISTS (SELECT FROM pg_constraint AS k WHERE k.contypid = c.oid))) AS constrained,
           (SELECT coalesce(json_agg(u.text ORDER BY u.text COLLATE "C"), '[]')
            FROM (SELECT DISTINCT cn.nspname || '.' || c.relname || '.' || a.attname
                  FROM made_of AS m
                  JOIN pg_depend AS d ON d.refobjid IN (m.oid, m.typarray)
                  JOIN pg_class AS c ON c.oid = d.objid AND c.relkind IN ('r', 'p', 'm', 'f', 'v')
                  JOIN pg_namespace AS cn ON cn.oid = c.relnamespace
                  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = d.objsubid
                  WHERE m.root = t.oid AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_type'::regclass
                  UNION                                      -- tables made OF the type, by their own name
                  SELECT cn.nspname || '.' || c.relname
                  FROM pg_class AS c
                  JOIN pg_namespace AS cn ON cn.oid = c.relnamespace
                  WHERE c.reloftype = t.oid) AS u (text)) AS used_by
    FROM pg_type AS t
    JOIN pg_namespace AS n ON n.oid = t.typnamespace
    LEFT JOIN pg_class AS r ON r.oid = t.typrelid
    WHERE (t.typtype IN ('e', 'd') OR (t.typtype = 'c' AND r.relkind = 'c'))
      AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'pgrail')
    ORDER BY n.nspname COLLATE "C", t.typname COLLATE "C"
) AS x;
