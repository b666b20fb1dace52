-- Functions and procedures of users. No parameter.
-- Of an extension's functions the volatility matters (uuid_generate_v4() as a default), their text does not.
SELECT row_to_json(x)::text
FROM (
    SELECT n.nspname AS schema, p.proname AS name, pg_get_function_arguments(p.oid) AS args,
           p.provolatile AS volatility, l.lanname AS language,
           CASE WHEN e.oid IS NOT NULL OR l.lanname IN ('c', 'internal') THEN NULL
                WHEN p.prosrc = '' THEN pg_get_functiondef(p.oid)   -- BEGIN ATOMIC: the body is a tree
                ELSE p.prosrc END AS body
    FROM pg_proc AS p
    JOIN pg_namespace AS n ON n.oid = p.pronamespace
    JOIN pg_language AS l ON l.oid = p.prolang
    LEFT JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    LEFT JOIN pg_extension AS e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
    WHERE p.prokind IN ('f', 'p', 'w')
      AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'pgrail')
    ORDER BY n.nspname COLLATE "C", p.proname COLLATE "C", pg_get_function_identity_arguments(p.oid) COLLATE "C"
) AS x;
