-- Triggers of each relation, those that the server made for itself left out; one row of JSON for each relation.
-- $1  oid[] of relations
-- mentions: columns of UPDATE OF, and from pg_depend those of the WHEN condition.
SELECT t.tgrelid::bigint,
       json_agg(json_build_object(
           'name', t.tgname,
           'def', pg_get_triggerdef(t.oid),
           'function', n.nspname || '.' || p.proname,
           'mentions', (SELECT coalesce(json_agg(a.attname ORDER BY a.attnum), '[]')
                        FROM pg_attribute AS a
                        WHERE a.attrelid = t.tgrelid AND a.attnum > 0
                          AND (a.attnum = ANY (t.tgattr::int2[])
                               OR a.attnum IN (SELECT d.refobjsubid FROM pg_depend AS d
                                               WHERE d.classid = 'pg_trigger'::regclass AND d.objid = t.oid
                                                 AND d.refclassid = 'pg_class'::regclass AND d.refobjid = t.tgrelid))),
           'enabled', t.tgenabled <> 'D'
       ) ORDER BY t.tgname COLLATE "C")::text
FROM pg_trigger AS t
JOIN pg_proc AS p ON p.oid = t.tgfoid
JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE t.tgrelid = ANY ($1::oid[]) AND NOT t.tgisinternal
GROUP BY t.tgrelid;
