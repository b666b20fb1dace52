-- Foreign keys that are declared, those that are not validated first.
-- $1  JSON array of {"schema": text, "name": text}: tables whose keys are meant; empty = of every table of users
-- A key that a partition has from its partitioned table is told of there.
SELECT coalesce(json_agg(json_build_object(
           'constraint', k.conname,
           'def', pg_get_constraintdef(k.oid),
           'schema', n.nspname,
           'table', c.relname,
           'ref_schema', pn.nspname,
           'ref_table', p.relname,
           'cols', (SELECT json_agg(a.attname ORDER BY u.place)
                    FROM unnest(k.conkey) WITH ORDINALITY AS u (attnum, place)
                    JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.attnum),
           'ref_cols', (SELECT json_agg(a.attname ORDER BY u.place)
                        FROM unnest(k.confkey) WITH ORDINALITY AS u (attnum, place)
                        JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = u.attnum),
           'validated', k.convalidated,
           'enforced', coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true),
           'match_full', k.confmatchtype = 'f',
           'period', coalesce((to_jsonb(k) ->> 'conperiod')::boolean, false),
           'triggers_off', EXISTS (SELECT FROM pg_trigger AS t WHERE t.tgconstraint = k.oid AND t.tgenabled IN ('D', 'R'))
       ) ORDER BY k.convalidated, n.nspname COLLATE "C", c.relname COLLATE "C", k.conname COLLATE "C"), '[]')::text
FROM pg_constraint AS k
JOIN pg_class AS c ON c.oid = k.conrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_class AS p ON p.oid = k.confrelid
JOIN pg_namespace AS pn ON pn.oid = p.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0 AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'pgrail')
  AND (json_array_length($1::json) = 0
       OR EXISTS (SELECT FROM json_array_elements($1::json) AS w WHERE w ->> 'schema' = n.nspname AND w ->> 'name' = c.relname))
