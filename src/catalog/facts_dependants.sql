-- What depends on each relation, with the columns that it names (none = the relation as a whole); one row of JSON for each.
-- $1  oid[] of relations
-- From pg_depend: views and rules through pg_rewrite, functions with a BEGIN ATOMIC body or with the row type in their
-- signature, owned sequences, extended statistics, publications, generated columns, columns of the row type. Functions whose
-- body is a string are not in pg_depend: facts_functions.sql brings their text.
WITH edges AS (
    SELECT d.refobjid AS rel, d.classid, d.objid, d.objsubid, d.refobjsubid, d.deptype
    FROM pg_depend AS d
    WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY ($1::oid[])
    UNION ALL
    SELECT c.oid, d.classid, d.objid, d.objsubid, 0, d.deptype
    FROM pg_class AS c
    JOIN pg_type AS t ON t.oid = c.reltype
    JOIN pg_depend AS d ON d.refclassid = 'pg_type'::regclass AND d.refobjid IN (t.oid, t.typarray)
    WHERE c.oid = ANY ($1::oid[]) AND d.deptype = 'n'
),
named AS (
    SELECT e.rel, CASE v.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'rule' END AS kind,
           v.relnamespace AS namespace,
           CASE WHEN v.relkind IN ('v', 'm') THEN v.relname ELSE r.rulename END AS name, e.refobjsubid
    FROM edges AS e
    JOIN pg_rewrite AS r ON e.classid = 'pg_rewrite'::regclass AND r.oid = e.objid
    JOIN pg_class AS v ON v.oid = r.ev_class
    WHERE r.ev_class <> e.rel OR v.relkind NOT IN ('v', 'm')
    UNION ALL
    SELECT e.rel, 'function', p.pronamespace, p.proname, e.refobjsubid
    FROM edges AS e
    JOIN pg_proc AS p ON e.classid = 'pg_proc'::regclass AND p.oid = e.objid
    UNION ALL
    SELECT e.rel, 'sequence', s.relnamespace, s.relname, e.refobjsubid
    FROM edges AS e
    JOIN pg_class AS s ON e.classid = 'pg_class'::regclass AND s.oid = e.objid AND s.relkind = 'S'
    WHERE e.deptype IN ('a', 'i') AND e.refobjsubid > 0
    UNION ALL
    SELECT e.rel, 'statistics', s.stxnamespace, s.stxname, e.refobjsubid
    FROM edges AS e
    JOIN pg_statistic_ext AS s ON e.classid = 'pg_statistic_ext'::regclass AND s.oid = e.objid
    UNION ALL
    SELECT e.rel, 'publication', NULL, p.pubname, e.refobjsubid
    FROM edges AS e
    JOIN pg_publication_rel AS r ON e.classid = 'pg_publication_rel'::regclass AND r.oid = e.objid
    JOIN pg_publication AS p ON p.oid = r.prpubid
    UNION ALL
    SELECT c.oid, 'publication', NULL, p.pubname, 0
    FROM pg_class AS c
    CROSS JOIN pg_publication AS p
    WHERE c.oid = ANY ($1::oid[]) AND p.puballtables AND c.relkind IN ('r', 'p') AND pg_relation_is_publishable(c.oid)
    UNION ALL
    SELECT e.rel, 'generated column', c.relnamespace, a.attname, e.refobjsubid
    FROM edges AS e
    JOIN pg_class AS c ON c.oid = e.rel
    JOIN pg_attribute AS a ON a.attrelid = e.rel AND a.attgenerated <> ''
    LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE e.refobjsubid > 0 AND e.refobjsubid <> a.attnum
      AND ((e.classid = 'pg_class'::regclass AND e.objid = e.rel AND e.objsubid = a.attnum)
           OR (e.classid = 'pg_attrdef'::regclass AND e.objid = d.oid))
    UNION ALL
    SELECT e.rel, 'column', c.relnamespace, c.relname || '.' || a.attname, 0
    FROM edges AS e
    JOIN pg_class AS c ON c.oid = e.objid AND c.relkind IN ('r', 'p', 'm', 'f', 'c')
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = e.objsubid
    WHERE e.classid = 'pg_class'::regclass AND e.objid <> e.rel AND e.objsubid > 0 AND e.refobjsubid = 0
),
gathered AS (
    SELECT x.rel, x.kind, n.nspname AS schema, x.name,
           coalesce(json_agg(DISTINCT a.attname) FILTER (WHERE a.attname IS NOT NULL), '[]') AS mentions
    FROM named AS x
    LEFT JOIN pg_namespace AS n ON n.oid = x.namespace
    LEFT JOIN pg_attribute AS a ON a.attrelid = x.rel AND a.attnum = x.refobjsubid AND x.refobjsubid > 0
    GROUP BY x.rel, x.kind, n.nspname, x.name
)
SELECT g.rel::bigint,
       json_agg(json_build_object('kind', g.kind, 'schema', g.schema, 'name', g.name, 'mentions', g.mentions)
                ORDER BY g.kind, g.schema COLLATE "C", g.name COLLATE "C")::text
FROM gathered AS g
GROUP BY g.rel;
