-- Which relations are read, and what there is at all.
-- $1  JSON array of {"schema": text or null, "name": text}; empty = every user relation
-- A name without a schema goes through this session's search_path, as the server itself would look it up.
WITH RECURSIVE wanted AS (
    SELECT w ->> 'schema' AS schema, w ->> 'name' AS name FROM json_array_elements($1::json) AS w
),
users AS (
    SELECT c.oid, n.nspname, c.relname
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relpersistence <> 't'
      AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'pgrail')
),
named AS (
    SELECT c.oid, c.relkind, rank() OVER (PARTITION BY w.schema, w.name ORDER BY p.place) AS place
    FROM wanted AS w
    JOIN pg_class AS c ON c.relname = w.name AND c.relkind <> 't'
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN unnest(current_schemas(true)) WITH ORDINALITY AS p (schema, place) ON p.schema = n.nspname
    WHERE n.nspname = w.schema
       OR (w.schema IS NULL AND (p.place IS NOT NULL OR n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'pgrail')))
),
found AS (
    SELECT oid, relkind FROM named WHERE place = 1
),
-- What is no relation leads to those that use it: types, functions of triggers, statistics, schemas.
used AS (
    SELECT d.objid AS oid
    FROM wanted AS w
    JOIN pg_type AS t ON t.typname = w.name
    JOIN pg_namespace AS n ON n.oid = t.typnamespace
    JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_type'::regclass AND d.refobjid = ANY (ARRAY[t.oid, t.typarray])
    WHERE (n.nspname = w.schema OR w.schema IS NULL) AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    UNION
    SELECT g.tgrelid
    FROM wanted AS w
    JOIN pg_proc AS f ON f.proname = w.name
    JOIN pg_namespace AS n ON n.oid = f.pronamespace
    JOIN pg_trigger AS g ON g.tgfoid = f.oid AND NOT g.tgisinternal
    WHERE n.nspname = w.schema OR w.schema IS NULL
    UNION
    SELECT s.stxrelid
    FROM wanted AS w
    JOIN pg_statistic_ext AS s ON s.stxname = w.name
    UNION
    SELECT c.oid
    FROM wanted AS w
    JOIN pg_namespace AS n ON n.nspname = w.name
    JOIN pg_class AS c ON c.relnamespace = n.oid
    WHERE w.schema IS NULL
),
-- An index stands for its table; an owned sequence brings its table, a view the relations that it reads.
asked AS (
    SELECT oid FROM found WHERE relkind NOT IN ('i', 'I')
    UNION
    SELECT u.oid FROM used JOIN users AS u ON u.oid = used.oid
    UNION
    SELECT i.indrelid FROM found AS f JOIN pg_index AS i ON i.indexrelid = f.oid
    UNION
    SELECT d.refobjid
    FROM found AS f
    JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = f.oid AND d.refobjsubid > 0
                       AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
    WHERE f.relkind = 'S'
    UNION
    SELECT u.oid
    FROM found AS f
    JOIN pg_rewrite AS r ON r.ev_class = f.oid
    JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
                       AND d.refclassid = 'pg_class'::regclass
    JOIN users AS u ON u.oid = d.refobjid
    WHERE f.relkind IN ('v', 'm')
    UNION
    SELECT oid FROM users WHERE NOT EXISTS (SELECT FROM wanted)
),
-- Views go with what they read: CASCADE finds those on top of views too.
above AS (
    SELECT oid FROM asked
    UNION
    SELECT r.ev_class
    FROM above AS a
    JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = a.oid AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite AS r ON r.oid = d.objid
),
tree AS (
    SELECT u.oid FROM above AS a JOIN users AS u ON u.oid = a.oid
    UNION
    SELECT oid FROM asked
    UNION
    SELECT CASE WHEN i.inhrelid = t.oid THEN i.inhparent ELSE i.inhrelid END
    FROM tree AS t
    JOIN pg_inherits AS i ON t.oid IN (i.inhrelid, i.inhparent)
),
partners AS (
    SELECT oid FROM tree
    UNION
    SELECT k.confrelid FROM pg_constraint AS k WHERE k.contype = 'f' AND k.conrelid IN (SELECT oid FROM tree)
    UNION
    SELECT k.conrelid FROM pg_constraint AS k WHERE k.contype = 'f' AND k.confrelid IN (SELECT oid FROM tree)
)
SELECT (SELECT coalesce(array_agg(oid ORDER BY oid), '{}') FROM partners)::text,
       (SELECT coalesce(json_agg(nspname || '.' || relname ORDER BY nspname COLLATE "C", relname COLLATE "C"), '[]')
        FROM users)::text,
       (SELECT coalesce(json_agg(n.nspname || '.' || c.relname ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"), '[]')
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('i', 'I') AND c.relpersistence <> 't'
          AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'pgrail'))::text;
