-- What facts need to know of the server and of this session. No parameter; run it before search_path is emptied.
SELECT row_to_json(s)::text
FROM (
    SELECT current_setting('TimeZone') AS time_zone,
           (SELECT coalesce(json_agg(p.schema ORDER BY p.place), '[]')
            FROM unnest(current_schemas(false)) WITH ORDINALITY AS p (schema, place)
            WHERE p.schema !~ '^pg_') AS search_path,
           current_setting('max_locks_per_transaction')::bigint
               * (current_setting('max_connections')::bigint
                  + current_setting('max_prepared_transactions')::bigint) AS max_locks,
           (SELECT count(*) FROM pg_stat_replication AS r          -- subscribers replay no locks
            WHERE NOT EXISTS (SELECT FROM pg_replication_slots AS s WHERE s.active_pid = r.pid AND s.slot_type = 'logical')) AS standbys,
           current_user::text AS role,
           (SELECT r.rolsuper FROM pg_roles AS r WHERE r.rolname = current_user) AS role_super,
           (SELECT coalesce(json_agg(r.rolname ORDER BY r.rolname COLLATE "C"), '[]')
            FROM pg_roles AS r
            WHERE r.rolname = current_user OR (r.rolname !~ '^pg_' AND pg_has_role(r.oid, 'USAGE'))) AS role_of,
           (SELECT coalesce(json_agg(g.* ORDER BY g.schema COLLATE "C", g.kind, g.role COLLATE "C"), '[]')
            FROM (
                SELECT x.schema, x.role, x.kind, max(x.has) AS has, max(x.of) AS of,
                       string_agg(x.privilege, ', ' ORDER BY x.privilege) FILTER (WHERE x.n * 2 > x.of) AS privileges
                FROM (
                    SELECT t.schema, t.kind, t.of, p.role, p.privilege, count(*) AS n,
                           max(count(*)) OVER (PARTITION BY t.schema, t.kind, p.role) AS has
                    FROM (
                        SELECT n.nspname AS schema, CASE c.relkind WHEN 'S' THEN 'S' ELSE 'r' END AS kind, c.relacl, c.relowner,
                               count(*) OVER (PARTITION BY n.nspname, c.relkind = 'S') AS of
                        FROM pg_class AS c
                        JOIN pg_namespace AS n ON n.oid = c.relnamespace
                        WHERE c.relkind IN ('r', 'p', 'S') AND c.relpersistence <> 't' AND NOT c.relispartition
                          AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'pgrail')
                    ) AS t
                    CROSS JOIN LATERAL (
                        SELECT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END AS role, a.privilege_type AS privilege
                        FROM aclexplode(t.relacl) AS a
                        WHERE a.grantee <> t.relowner
                    ) AS p
                    GROUP BY t.schema, t.kind, t.of, p.role, p.privilege
                ) AS x
                WHERE x.has * 2 > x.of AND x.of > 1
                GROUP BY x.schema, x.role, x.kind
            ) AS g) AS grantees,
           (SELECT coalesce(json_agg(json_build_object(
                'owner', pg_get_userbyid(d.defaclrole),
                'schema', (SELECT n.nspname FROM pg_namespace AS n WHERE n.oid = d.defaclnamespace),
                'kind', d.defaclobjtype,
                'roles', (SELECT coalesce(json_agg(DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END), '[]')
                          FROM aclexplode(d.defaclacl) AS a)) ORDER BY d.oid), '[]')
            FROM pg_default_acl AS d) AS default_grants,
           EXISTS (SELECT FROM pg_publication AS p WHERE p.puballtables AND (p.pubupdate OR p.pubdelete)) AS publishes_all
) AS s;
