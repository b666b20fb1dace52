-- Row security policies of each relation; one row of JSON for each relation.
-- $1  oid[] of relations
SELECT p.polrelid::bigint,
       json_agg(json_build_object(
           'name', p.polname,
           'def', CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END
                  || ' FOR ' || CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                                              WHEN 'd' THEN 'DELETE' ELSE 'ALL' END
                  || ' TO ' || (SELECT string_agg(CASE WHEN r.oid = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r.oid)) END,
                                                  ', ' ORDER BY pg_get_userbyid(r.oid) COLLATE "C")
                                FROM unnest(p.polroles) AS r (oid))
                  || coalesce(' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')
                  || coalesce(' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', ''),
           'mentions', (SELECT coalesce(json_agg(a.attname ORDER BY a.attnum), '[]')
                        FROM pg_attribute AS a
                        WHERE a.attrelid = p.polrelid AND a.attnum > 0
                          AND a.attnum IN (SELECT d.refobjsubid FROM pg_depend AS d
                                           WHERE d.classid = 'pg_policy'::regclass AND d.objid = p.oid
                                             AND d.refclassid = 'pg_class'::regclass AND d.refobjid = p.polrelid))
       ) ORDER BY p.polname COLLATE "C")::text
FROM pg_policy AS p
WHERE p.polrelid = ANY ($1::oid[])
GROUP BY p.polrelid;
