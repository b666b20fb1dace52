-- Indexes of each relation; one row of JSON for each relation.
-- $1  oid[] of relations
-- mentions: every column that the index needs: keys, INCLUDE, and from pg_depend those in expressions and the predicate.
SELECT i.indrelid::bigint,
       json_agg(json_build_object(
           'name', c.relname,
           'def', pg_get_indexdef(i.indexrelid),
           'method', am.amname,
           'cols', (SELECT coalesce(json_agg(CASE WHEN u.attnum <> 0 THEN a.attname::text
                                                  WHEN x.text LIKE '(%' THEN x.text ELSE '(' || x.text || ')' END
                                             ORDER BY u.place), '[]')
                    FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS u (attnum, place)
                    CROSS JOIN LATERAL pg_get_indexdef(i.indexrelid, u.place::integer, true) AS x (text)
                    LEFT JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = u.attnum
                    WHERE u.place <= i.indnkeyatts),
           'mentions', (SELECT coalesce(json_agg(a.attname ORDER BY a.attnum), '[]')
                        FROM pg_attribute AS a
                        WHERE a.attrelid = i.indrelid AND a.attnum > 0
                          AND (a.attnum = ANY (i.indkey::int2[])
                               OR a.attnum IN (SELECT d.refobjsubid FROM pg_depend AS d
                                               WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                                                 AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid))),
           'unique', i.indisunique,
           'primary', i.indisprimary,
           'valid', i.indisvalid,
           'ready', i.indisready,
           'live', i.indislive,
           'has_expressions', i.indexprs IS NOT NULL,
           'is_partial', i.indpred IS NOT NULL,
           'default_order', (SELECT bool_and(o.option = 0) FROM unnest(i.indoption::int2[]) AS o (option))
                        AND (SELECT bool_and(oc.opcdefault)
                             FROM unnest(i.indclass::oid[]) AS u (oid) JOIN pg_opclass AS oc ON oc.oid = u.oid),
           'constraint', k.conname,
           'bytes', CASE WHEN c.relkind = 'i' THEN pg_relation_size(c.oid) ELSE 0 END,
           'scans', pg_stat_get_numscans(c.oid)
       ) ORDER BY c.relname COLLATE "C")::text
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_am AS am ON am.oid = c.relam
LEFT JOIN pg_constraint AS k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x')
WHERE i.indrelid = ANY ($1::oid[])
GROUP BY i.indrelid;
