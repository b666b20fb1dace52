-- Enums, domains and composite types of users, with the columns that use them. No parameter.
SELECT row_to_json(x)::text
FROM (
    SELECT n.nspname AS schema, t.typname AS name, t.typtype AS kind,
           (SELECT coalesce(json_agg(v.enumlabel ORDER BY v.enumsortorder), '[]')
            FROM pg_enum AS v WHERE v.enumtypid = t.oid) AS values,
           CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END AS base_type,
           t.typnotnull OR EXISTS (SELECT FROM pg_constraint AS k WHERE k.contypid = t.oid) AS constrained,
           (SELECT coalesce(json_agg(u.text ORDER BY u.text COLLATE "C"), '[]')
            FROM (SELECT DISTINCT cn.nspname || '.' || c.relname || '.' || a.attname
                  FROM pg_depend AS d
                  JOIN pg_class AS c ON c.oid = d.objid AND c.relkind IN ('r', 'p', 'm', 'f', 'v')
                  JOIN pg_namespace AS cn ON cn.oid = c.relnamespace
                  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = d.objsubid
                  WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_type'::regclass
                    AND d.refobjid IN (t.oid, t.typarray)
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
