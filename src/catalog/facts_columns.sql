-- Columns of each relation, in order, dropped ones left out; one row of JSON for each relation.
-- $1  oid[] of relations
-- Since 18 a not-null constraint may be NOT VALID: attnotnull is set then too, and pg_constraint has a row of type n.
WITH RECURSIVE domains AS (
    SELECT t.oid, t.typbasetype AS base, t.typtypmod AS typmod,
           t.typnotnull OR EXISTS (SELECT FROM pg_constraint AS k WHERE k.contypid = t.oid) AS constrained
    FROM pg_type AS t
    WHERE t.typtype = 'd'
    UNION ALL
    SELECT d.oid, t.typbasetype, t.typtypmod,
           d.constrained OR t.typnotnull OR EXISTS (SELECT FROM pg_constraint AS k WHERE k.contypid = t.oid)
    FROM domains AS d
    JOIN pg_type AS t ON t.oid = d.base AND t.typtype = 'd'
),
bases AS MATERIALIZED (   -- a domain over a domain: its bottom, and whether any level constrains
    SELECT d.oid, d.base, d.typmod, d.constrained
    FROM domains AS d
    JOIN pg_type AS t ON t.oid = d.base AND t.typtype <> 'd'
)
SELECT a.attrelid::bigint,
       json_agg(json_build_object(
           'name', a.attname,
           'type', format_type(a.atttypid, a.atttypmod),
           'base_type', format_type(b.base, b.typmod),
           'type_schema', tn.nspname,
           'typmod', a.atttypmod,
           'position', a.place,
           'not_null', a.attnotnull,
           'has_default', a.atthasdef AND a.attgenerated = '',
           'domain_constrained', coalesce(b.constrained, false),
           'not_null_valid', coalesce((SELECT k.convalidated FROM pg_constraint AS k
                                       WHERE k.conrelid = a.attrelid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum]), true),
           'default_sql', pg_get_expr(d.adbin, d.adrelid),
           'identity', a.attidentity,
           'generated', a.attgenerated,
           'collation', CASE WHEN a.attcollation <> t.typcollation THEN cn.nspname || '.' || co.collname END,
           'comment', col_description(a.attrelid, a.attnum),
           'enum_values', (SELECT coalesce(json_agg(v.enumlabel ORDER BY v.enumsortorder), '[]')
                           FROM pg_enum AS v WHERE v.enumtypid = coalesce(b.base, a.atttypid)),
           'seq_last', coalesce(q.last, 0),
           'seq_max', coalesce(q.max, 0)
       ) ORDER BY a.attnum)::text
FROM (SELECT x.*, row_number() OVER (PARTITION BY x.attrelid ORDER BY x.attnum) AS place
      FROM pg_attribute AS x
      WHERE x.attrelid = ANY ($1::oid[]) AND x.attnum > 0 AND NOT x.attisdropped) AS a
JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind <> 'S'
JOIN pg_type AS t ON t.oid = a.atttypid
JOIN pg_namespace AS tn ON tn.oid = t.typnamespace
LEFT JOIN bases AS b ON b.oid = a.atttypid
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_collation AS co ON co.oid = a.attcollation
LEFT JOIN pg_namespace AS cn ON cn.oid = co.collnamespace
LEFT JOIN LATERAL (   -- where the sequence of the column stands
    SELECT s.seqmax AS max,
           CASE WHEN has_sequence_privilege(s.seqrelid, 'SELECT,USAGE') THEN pg_sequence_last_value(s.seqrelid) END AS last
    FROM pg_depend AS o
    JOIN pg_sequence AS s ON s.seqrelid = o.objid
    WHERE o.classid = 'pg_class'::regclass AND o.refclassid = 'pg_class'::regclass AND o.refobjid = a.attrelid
      AND o.refobjsubid = a.attnum AND o.deptype IN ('a', 'i')
    LIMIT 1
) AS q ON true
GROUP BY a.attrelid;
