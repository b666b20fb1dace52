-- The shape of all that is no relation, as lines of text: schemas, extensions, types, functions, grants, comments, publications.
-- No parameter; run it with search_path pg_catalog. What schema_relations.sql says of members and names holds here too.
WITH spaces AS (
    SELECT * FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'pgrail')
),
members AS (
    SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
),
functions AS MATERIALIZED (
    SELECT p.*, format('%I.%I(%s)', s.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS name
    FROM pg_proc AS p
    JOIN spaces AS s ON s.oid = p.pronamespace
    WHERE NOT EXISTS (SELECT FROM members AS m WHERE m.classid = 'pg_proc'::regclass AND m.objid = p.oid)
),
types AS MATERIALIZED (
    SELECT t.*, format('%I.%I', s.nspname, t.typname) AS name
    FROM pg_type AS t
    JOIN spaces AS s ON s.oid = t.typnamespace
    WHERE t.typtype IN ('e', 'd', 'r')
      AND NOT EXISTS (SELECT FROM members AS m WHERE m.classid = 'pg_type'::regclass AND m.objid = t.oid)
),
-- acldefault's letters; what equals the owner's defaults is not a grant that anybody made (and MAINTAIN came with 17)
grantable AS (
    SELECT 'schema' AS kind, quote_ident(nspname) AS name, nspacl AS acl, 'n' AS letter, nspowner AS owner FROM spaces
    UNION ALL
    SELECT CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'relation' END, format('%I.%I', s.nspname, c.relname), c.relacl,
           CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END, c.relowner
    FROM pg_class AS c
    JOIN spaces AS s ON s.oid = c.relnamespace
    WHERE c.relacl IS NOT NULL AND c.relpersistence <> 't'
      AND NOT EXISTS (SELECT FROM members AS m WHERE m.classid = 'pg_class'::regclass AND m.objid = c.oid)
    UNION ALL
    SELECT 'function', name, proacl, 'f', proowner FROM functions WHERE proacl IS NOT NULL
    UNION ALL
    SELECT 'type', name, typacl, 'T', typowner FROM types WHERE typacl IS NOT NULL
),
grants AS (
    SELECT g.kind, g.name, x.sign, x.grantee, x.privilege_type, x.is_grantable
    FROM grantable AS g
    CROSS JOIN LATERAL (
        SELECT '' AS sign, e.grantee, e.privilege_type, e.is_grantable
        FROM (SELECT grantee, privilege_type, is_grantable FROM aclexplode(g.acl)
              EXCEPT
              SELECT grantee, privilege_type, is_grantable FROM aclexplode(acldefault(g.letter::"char", g.owner))) AS e
        UNION ALL
        SELECT 'not ', e.grantee, e.privilege_type, e.is_grantable
        FROM (SELECT grantee, privilege_type, is_grantable FROM aclexplode(acldefault(g.letter::"char", g.owner))
              EXCEPT
              SELECT grantee, privilege_type, is_grantable FROM aclexplode(g.acl)) AS e
        WHERE g.acl IS NOT NULL
    ) AS x
    UNION ALL
    SELECT 'column', format('%I.%I.%I', s.nspname, c.relname, a.attname), '', x.grantee, x.privilege_type, x.is_grantable
    FROM pg_attribute AS a
    JOIN pg_class AS c ON c.oid = a.attrelid AND c.relpersistence <> 't'
    JOIN spaces AS s ON s.oid = c.relnamespace
    CROSS JOIN LATERAL aclexplode(a.attacl) AS x
    WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
)
SELECT format('schema %I: owner %s', nspname, pg_get_userbyid(nspowner)) FROM spaces
UNION ALL
SELECT format('extension %I: version %s, schema %s', e.extname, e.extversion, e.extnamespace::regnamespace)
FROM pg_extension AS e
UNION ALL
SELECT concat('type ', t.name, ': owner ', pg_get_userbyid(t.typowner), ', ',
    CASE t.typtype
        WHEN 'e' THEN 'labels ' || (SELECT coalesce(string_agg(quote_literal(v.enumlabel), ', ' ORDER BY v.enumsortorder), 'none')
                                    FROM pg_enum AS v WHERE v.enumtypid = t.oid)
        WHEN 'r' THEN 'range of ' || (SELECT format_type(g.rngsubtype, NULL) FROM pg_range AS g WHERE g.rngtypid = t.oid)
        ELSE concat('domain over ', format_type(t.typbasetype, t.typtypmod), CASE WHEN t.typnotnull THEN ', not null' END,
                    ', default ' || t.typdefault,
                    CASE WHEN t.typcollation NOT IN (0, 100) THEN ', collate ' || t.typcollation::regcollation END) END)
FROM types AS t
UNION ALL
SELECT format('constraint %I on %s: %s', k.conname, t.name, pg_get_constraintdef(k.oid))
FROM pg_constraint AS k
JOIN types AS t ON t.oid = k.contypid
WHERE k.contype <> 'n'
UNION ALL
-- an aggregate has no definition to print: the functions that it is made of
SELECT format('%s %s: owner %s, %s, source %s',
    CASE f.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END, f.name, pg_get_userbyid(f.proowner),
    CASE f.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END,
    md5(CASE WHEN f.prokind <> 'a' THEN pg_get_functiondef(f.oid)
             ELSE (SELECT concat_ws(',', g.aggtransfn, g.aggfinalfn, g.aggcombinefn, g.aggtranstype::regtype, g.agginitval)
                   FROM pg_aggregate AS g WHERE g.aggfnoid = f.oid) END))
FROM functions AS f
UNION ALL
SELECT concat('publication ', quote_ident(p.pubname), ': owner ', pg_get_userbyid(p.pubowner),
    CASE WHEN p.puballtables THEN ', all tables' END, CASE WHEN p.pubinsert THEN ', insert' END,
    CASE WHEN p.pubupdate THEN ', update' END, CASE WHEN p.pubdelete THEN ', delete' END,
    CASE WHEN p.pubtruncate THEN ', truncate' END, CASE WHEN p.pubviaroot THEN ', via root' END)
FROM pg_publication AS p
UNION ALL
SELECT concat('publication ', quote_ident(p.pubname), ': table ', r.prrelid::regclass,
    ' where ' || pg_get_expr(q.prqual, r.prrelid),
    ' columns ' || (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
                    FROM pg_attribute AS a
                    WHERE a.attrelid = r.prrelid AND (to_jsonb(r) -> 'prattrs') @> to_jsonb(a.attnum)))
FROM pg_publication_rel AS r
JOIN pg_publication AS p ON p.oid = r.prpubid
-- prqual came with 15: where the catalog has no such column, the name means the one of absent
CROSS JOIN (SELECT NULL::pg_node_tree AS prqual) AS absent
CROSS JOIN LATERAL (SELECT prqual FROM pg_publication_rel AS x WHERE x.oid = r.oid) AS q
UNION ALL
SELECT concat('event trigger ', quote_ident(t.evtname), ': on ', t.evtevent, ', function ', t.evtfoid::regprocedure,
    ', tags ' || array_to_string(t.evttags, ', '),
    CASE t.evtenabled WHEN 'D' THEN ', disabled' WHEN 'R' THEN ', on replicas alone' WHEN 'A' THEN ', always' END)
FROM pg_event_trigger AS t
WHERE NOT EXISTS (SELECT FROM members AS m WHERE m.classid = 'pg_event_trigger'::regclass AND m.objid = t.oid)
UNION ALL
SELECT format('default grants of %s%s on %s: %s', pg_get_userbyid(d.defaclrole),
    (SELECT ' in ' || quote_ident(n.nspname) FROM pg_namespace AS n WHERE n.oid = d.defaclnamespace), d.defaclobjtype::text,
    (SELECT string_agg(i::text, ', ' ORDER BY i::text COLLATE "C") FROM unnest(d.defaclacl) AS i))
FROM pg_default_acl AS d
UNION ALL
SELECT format('grant on %s %s: %s%s%s to %s', kind, name, sign, privilege_type,
    CASE WHEN is_grantable THEN ' with grant option' END, CASE WHEN grantee = 0 THEN 'public' ELSE pg_get_userbyid(grantee) END)
FROM grants
UNION ALL
-- kinds that migrations seldom touch: that they are there, by their name
SELECT format('%s %s', i.type, i.identity)
FROM (
    SELECT 'pg_operator'::regclass, oid FROM pg_operator WHERE oid >= 16384
    UNION ALL SELECT 'pg_opclass'::regclass, oid FROM pg_opclass WHERE oid >= 16384
    UNION ALL SELECT 'pg_cast'::regclass, oid FROM pg_cast WHERE oid >= 16384
    UNION ALL SELECT 'pg_collation'::regclass, oid FROM pg_collation WHERE oid >= 16384
    UNION ALL SELECT 'pg_ts_config'::regclass, oid FROM pg_ts_config WHERE oid >= 16384
    UNION ALL SELECT 'pg_ts_dict'::regclass, oid FROM pg_ts_dict WHERE oid >= 16384
    UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, oid FROM pg_foreign_data_wrapper
    UNION ALL SELECT 'pg_foreign_server'::regclass, oid FROM pg_foreign_server
    UNION ALL SELECT 'pg_language'::regclass, oid FROM pg_language WHERE oid >= 16384
) AS o (classid, oid)
CROSS JOIN LATERAL pg_identify_object(o.classid, o.oid, 0) AS i
WHERE NOT EXISTS (SELECT FROM members AS m WHERE m.classid = o.classid AND m.objid = o.oid)
UNION ALL
SELECT format('comment on %s %s: %s', i.type, i.identity, regexp_replace(d.description, '\s+', ' ', 'g'))
FROM pg_description AS d
CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) AS i
WHERE d.objoid >= 16384 AND (i.schema IS NULL OR i.schema IN (SELECT nspname FROM spaces))
  AND d.classoid <> 'pg_extension'::regclass
  AND NOT (d.classoid = 'pg_namespace'::regclass AND d.objoid NOT IN (SELECT oid FROM spaces))
  AND NOT EXISTS (SELECT FROM members AS m WHERE m.classid = d.classoid AND m.objid = d.objoid);
