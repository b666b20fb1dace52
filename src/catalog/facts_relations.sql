-- Each relation by itself: what it is, how big, how much used. What hangs on it comes from the other facts_*.sql.
-- $1  oid[] of relations
-- Rows are estimated as the planner does: reltuples, scaled to the present size. reltuples is -1 before the first
-- ANALYZE since 14; before that it is 0, with relpages 0. Then the counters, else the size over a guessed row width.
WITH published AS MATERIALIZED (
    SELECT t.relid FROM pg_publication AS p, pg_get_publication_tables(p.pubname) AS t
    UNION
    SELECT prrelid FROM pg_publication_rel
),
measured AS MATERIALIZED (
    SELECT c.oid,
           b.bytes / current_setting('block_size')::bigint AS pages_now,
           c.reltuples < 0 OR (c.reltuples = 0 AND c.relpages = 0) AS unknown,
           CASE WHEN b.stored THEN pg_table_size(c.oid) ELSE 0 END AS table_bytes,
           CASE WHEN b.stored THEN pg_indexes_size(c.oid) ELSE 0 END AS index_bytes,
           CASE WHEN c.reltoastrelid <> 0 THEN pg_total_relation_size(c.reltoastrelid) ELSE 0 END AS toast_bytes,
           (SELECT 28 + coalesce(sum(CASE WHEN a.attlen > 0 THEN a.attlen ELSE 32 END), 0)
            FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS width,
           b.bytes, b.stored
    FROM pg_class AS c
    CROSS JOIN LATERAL (
        SELECT k.stored, CASE WHEN k.stored THEN pg_relation_size(c.oid) ELSE 0 END AS bytes
        FROM (SELECT c.relkind IN ('r', 'm', 'S', 't')) AS k (stored)
    ) AS b
    WHERE c.oid = ANY ($1::oid[])
)
SELECT row_to_json(r)::text
FROM (
    SELECT n.nspname AS schema, c.relname AS name, c.relkind AS kind, c.relpersistence AS persistence,
           c.oid::bigint AS oid, pg_get_userbyid(c.relowner) AS owner,
           CASE WHEN NOT m.stored THEN greatest(c.reltuples, 0)::bigint
                WHEN m.bytes = 0 THEN 0
                WHEN NOT m.unknown AND c.relpages > 0 AND c.reltuples > 0
                    THEN round(c.reltuples::numeric * m.pages_now / c.relpages)::bigint
                WHEN pg_stat_get_live_tuples(c.oid) > 0 THEN pg_stat_get_live_tuples(c.oid)
                WHEN m.unknown THEN m.bytes / m.width
                ELSE 0 END AS rows,
           m.stored AND (m.bytes = 0
               OR (NOT m.unknown AND abs(m.pages_now - c.relpages) <= greatest(10, c.relpages / 5)
                   AND pg_stat_get_mod_since_analyze(c.oid) <= 50 + c.reltuples / 5)) AS rows_trusted,
           m.pages_now AS pages, m.table_bytes, m.index_bytes, m.table_bytes + m.index_bytes AS total_bytes, m.toast_bytes,
           to_char(greatest(pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid))
                   AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS last_analyze,
           pg_stat_get_numscans(c.oid) AS seq_scans,
           (SELECT coalesce(sum(pg_stat_get_numscans(i.indexrelid)), 0)::bigint
            FROM pg_index AS i WHERE i.indrelid = c.oid) AS idx_scans,
           pg_stat_get_tuples_inserted(c.oid) AS inserted, pg_stat_get_tuples_updated(c.oid) AS updated,
           pg_stat_get_tuples_deleted(c.oid) AS deleted, pg_stat_get_live_tuples(c.oid) AS live_rows,
           pg_stat_get_dead_tuples(c.oid) AS dead_rows,
           obj_description(c.oid, 'pg_class') AS comment,
           c.relrowsecurity AS row_security, c.relforcerowsecurity AS force_row_security,
           c.relreplident AS replica_identity,
           (SELECT string_agg(o.text, ', ' ORDER BY o.text COLLATE "C")
            FROM (SELECT unnest(c.reloptions)
                  UNION ALL
                  SELECT 'toast.' || unnest(t.reloptions) FROM pg_class AS t WHERE t.oid = c.reltoastrelid) AS o (text)) AS options,
           pn.nspname AS partition_of_schema, p.relname AS partition_of,
           pg_get_expr(c.relpartbound, c.oid) AS partition_bound,
           CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END AS partition_key,
           coalesce(pt.partdefid = c.oid, false) AS is_default_partition,
           coalesce((to_jsonb(i) ->> 'inhdetachpending')::boolean, false) AS detach_pending,
           (SELECT coalesce(json_agg(kn.nspname || '.' || k.relname ORDER BY kn.nspname COLLATE "C", k.relname COLLATE "C"), '[]')
            FROM pg_inherits AS h
            JOIN pg_class AS k ON k.oid = h.inhrelid
            JOIN pg_namespace AS kn ON kn.oid = k.relnamespace
            WHERE h.inhparent = c.oid) AS partitions,
           (SELECT count(*) FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attisdropped) AS dropped_cols,
           CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END AS view_def,
           c.oid IN (SELECT relid FROM published) AS published,
           -- by the marks that these extensions leave: their own catalogs are not everybody's to read
           CASE WHEN EXISTS (SELECT FROM pg_trigger AS g JOIN pg_proc AS f ON f.oid = g.tgfoid
                             WHERE g.tgrelid = c.oid AND f.proname = 'insert_blocker'
                               AND f.pronamespace::regnamespace::text LIKE '\_timescaledb%')
                  OR EXISTS (SELECT FROM pg_inherits AS h JOIN pg_class AS k ON k.oid = h.inhrelid
                             WHERE h.inhparent = c.oid AND k.relnamespace::regnamespace::text = '_timescaledb_internal')
                THEN 'timescaledb'
                WHEN EXISTS (SELECT FROM pg_trigger AS g JOIN pg_proc AS f ON f.oid = g.tgfoid
                             WHERE g.tgrelid = c.oid AND f.proname = 'citus_truncate_trigger')
                THEN 'citus'
                WHEN c.relkind = 'p' AND EXISTS (SELECT FROM pg_extension AS x WHERE x.extname = 'pg_partman')
                     AND EXISTS (SELECT FROM pg_inherits AS h JOIN pg_class AS k ON k.oid = h.inhrelid
                                 WHERE h.inhparent = c.oid AND k.relname ~ '_p[0-9]{4,}[0-9_w]*$')
                THEN 'pg_partman' END AS managed_by,
           -- What differs from the owner's defaults: "role:PRIVILEGE", with * for grant option, -… for what the owner gave up.
           -- The defaults themselves change between versions (MAINTAIN came with 17).
           (SELECT string_agg(g.text, ', ' ORDER BY g.text COLLATE "C")
            FROM (
                SELECT CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(x.grantee) END || ':' || x.privilege_type
                       || CASE WHEN x.is_grantable THEN '*' ELSE '' END
                FROM (SELECT * FROM aclexplode(c.relacl)
                      EXCEPT
                      SELECT * FROM aclexplode(acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))) AS x
                UNION ALL
                SELECT '-' || pg_get_userbyid(x.grantee) || ':' || x.privilege_type
                FROM (SELECT * FROM aclexplode(acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))
                      EXCEPT
                      SELECT * FROM aclexplode(c.relacl)) AS x
                WHERE c.relacl IS NOT NULL
                UNION ALL
                SELECT CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(x.grantee) END || ':' || x.privilege_type
                       || CASE WHEN x.is_grantable THEN '*' ELSE '' END || '(' || a.attname || ')'
                FROM pg_attribute AS a, aclexplode(a.attacl) AS x
                WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL AND NOT a.attisdropped
            ) AS g (text)) AS acl
    FROM measured AS m
    JOIN pg_class AS c ON c.oid = m.oid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN pg_inherits AS i ON i.inhrelid = c.oid AND c.relispartition
    LEFT JOIN pg_class AS p ON p.oid = i.inhparent
    LEFT JOIN pg_namespace AS pn ON pn.oid = p.relnamespace
    LEFT JOIN pg_partitioned_table AS pt ON pt.partrelid = p.oid
    ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
) AS r;
