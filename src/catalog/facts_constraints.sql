-- Constraints of each relation, and the foreign keys of others that refer to it (inbound); one row of JSON for each relation.
-- $1  oid[] of relations
-- cols are always columns of the relation itself, ref_cols those of the other one. Clones that a partitioned table's foreign
-- key leaves on its partitions, and helpers for the partitions that a key refers to, are left out where the key itself is there.
SELECT k.rel::bigint,
       json_agg(json_build_object(
           'name', k.conname,
           'type', k.contype,
           'validated', k.convalidated,
           'enforced', k.enforced,
           'deferrable', k.condeferrable,
           'def', pg_get_constraintdef(k.oid),
           'cols', (SELECT coalesce(json_agg(a.attname ORDER BY u.place), '[]')
                    FROM unnest(k.ours) WITH ORDINALITY AS u (attnum, place)
                    JOIN pg_attribute AS a ON a.attrelid = k.rel AND a.attnum = u.attnum),
           'ref_schema', n.nspname,
           'ref_table', c.relname,
           'ref_cols', (SELECT coalesce(json_agg(a.attname ORDER BY u.place), '[]')
                        FROM unnest(k.theirs) WITH ORDINALITY AS u (attnum, place)
                        JOIN pg_attribute AS a ON a.attrelid = k.other AND a.attnum = u.attnum),
           'index', i.relname,
           'inbound', k.inbound
       ) ORDER BY k.inbound, k.conname COLLATE "C", n.nspname COLLATE "C", c.relname COLLATE "C")::text
FROM (
    SELECT x.conrelid AS rel, x.confrelid AS other, x.conkey AS ours, x.confkey AS theirs, false AS inbound,
           CASE WHEN x.contype IN ('p', 'u', 'x') THEN x.conindid END AS idx,
           x.oid, x.conname, x.contype, x.convalidated, x.condeferrable,
           coalesce((to_jsonb(x) ->> 'conenforced')::boolean, true) AS enforced
    FROM pg_constraint AS x
    LEFT JOIN pg_constraint AS up ON up.oid = x.conparentid
    WHERE x.conrelid = ANY ($1::oid[]) AND up.conrelid IS DISTINCT FROM x.conrelid
    UNION ALL
    SELECT x.confrelid, x.conrelid, x.confkey, x.conkey, true, x.conindid,
           x.oid, x.conname, x.contype, x.convalidated, x.condeferrable,
           coalesce((to_jsonb(x) ->> 'conenforced')::boolean, true)
    FROM pg_constraint AS x
    WHERE x.contype = 'f' AND x.confrelid = ANY ($1::oid[]) AND x.conparentid = 0
) AS k
LEFT JOIN pg_class AS c ON c.oid = k.other
LEFT JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_class AS i ON i.oid = k.idx
GROUP BY k.rel;
