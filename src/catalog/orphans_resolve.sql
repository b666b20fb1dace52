-- How the rows of references are to be compared and read.
-- $1  JSON array of {"schema", "table", "cols", "ref_schema", "ref_table", "ref_cols", "all_lost", "period"}, in order
-- One object for each, in that order: columns with the operator that the index of the other side compares by (as the server's own
-- check of a foreign key does), the tables to read (the partitions of a partitioned one) with the key to walk along, and the column
-- that tells a row's age. A temporal key is compared by = and, its last column, by overlap: its index is no btree. problem says why one cannot be looked at.
WITH RECURSIVE asked AS (
    SELECT r.place, r.ref ->> 'schema' AS schema, r.ref ->> 'table' AS name, r.ref -> 'cols' AS cols, r.ref -> 'ref_cols' AS ref_cols,
           coalesce((r.ref ->> 'all_lost')::boolean, false) AS all_lost, coalesce((r.ref ->> 'period')::boolean, false) AS period,
           c.oid AS child, c.relkind AS child_kind, p.oid AS parent, p.relkind AS parent_kind
    FROM json_array_elements($1::json) WITH ORDINALITY AS r (ref, place)
    LEFT JOIN (pg_class AS c JOIN pg_namespace AS cn ON cn.oid = c.relnamespace)
           ON c.relname = r.ref ->> 'table' AND cn.nspname = r.ref ->> 'schema'
    LEFT JOIN (pg_class AS p JOIN pg_namespace AS pn ON pn.oid = p.relnamespace)
           ON p.relname = r.ref ->> 'ref_table' AND pn.nspname = r.ref ->> 'ref_schema'
),
bases AS (
    SELECT t.oid AS type, t.oid AS base, t.typbasetype AS next FROM pg_type AS t
    WHERE t.oid IN (SELECT a.atttypid FROM asked JOIN pg_attribute AS a ON a.attrelid = asked.child WHERE a.attnum > 0 AND NOT a.attisdropped)
    UNION ALL
    SELECT b.type, t.oid, t.typbasetype FROM bases AS b JOIN pg_type AS t ON t.oid = b.next WHERE b.next <> 0
),
pairs AS (
    SELECT s.place, u.n, s.child, s.parent, f.attnum AS from_num, f.attname AS from_name, b.base AS from_type, t.attnum AS to_num,
           t.attname AS to_name, t.attcollation AS collation_oid
    FROM asked AS s
    CROSS JOIN LATERAL json_array_elements_text(s.cols) WITH ORDINALITY AS u (name, n)
    LEFT JOIN LATERAL json_array_elements_text(s.ref_cols) WITH ORDINALITY AS v (name, n) ON v.n = u.n
    LEFT JOIN pg_attribute AS f ON f.attrelid = s.child AND f.attname = u.name AND f.attnum > 0 AND NOT f.attisdropped
    LEFT JOIN bases AS b ON b.type = f.atttypid AND b.next = 0
    LEFT JOIN pg_attribute AS t ON t.attrelid = s.parent AND t.attname = v.name AND t.attnum > 0 AND NOT t.attisdropped
),
-- The index that looks the keys up: unique, over exactly these columns.
lookup AS (
    SELECT DISTINCT ON (s.place) s.place, i.indexrelid, i.indkey::int2[] AS keys, i.indclass::oid[] AS classes
    FROM asked AS s
    JOIN pg_index AS i ON i.indrelid = s.parent
    JOIN pg_class AS x ON x.oid = i.indexrelid
    JOIN pg_am AS m ON m.oid = x.relam
    WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND m.amname = 'btree'
      AND i.indnkeyatts = json_array_length(s.ref_cols)
      AND NOT EXISTS (SELECT FROM pairs AS p WHERE p.place = s.place
                      AND (p.to_num IS NULL OR p.to_num <> ALL ((i.indkey::int2[])[0:i.indnkeyatts - 1])))
    ORDER BY s.place, i.indisprimary DESC, i.indexrelid
),
compared AS (
    SELECT p.*, l.indexrelid, oc.opcintype, oc.opcfamily,
           own.amopopr AS own_operator, same.amopopr AS same_operator
    FROM pairs AS p
    LEFT JOIN lookup AS l ON l.place = p.place
    LEFT JOIN pg_opclass AS oc ON oc.oid = l.classes[array_position(l.keys, p.to_num)]
    LEFT JOIN pg_amop AS own ON own.amopfamily = oc.opcfamily AND own.amopstrategy = 3 AND own.amoppurpose = 's'
          AND own.amoplefttype = oc.opcintype AND own.amoprighttype = p.from_type
    LEFT JOIN pg_amop AS same ON same.amopfamily = oc.opcfamily AND same.amopstrategy = 3 AND same.amoppurpose = 's'
          AND same.amoplefttype = oc.opcintype AND same.amoprighttype = oc.opcintype
),
columns AS (
    SELECT c.place, bool_and(c.from_num IS NOT NULL) AS has_from, bool_and(c.to_num IS NOT NULL) AS has_to,
           bool_and(o.oid IS NOT NULL OR s.period) AS comparable,
           json_agg(json_build_object(
               'name', c.from_name,
               'ref_name', c.to_name,
               'operator', CASE WHEN NOT s.period AND o.oid IS NOT NULL THEN format('OPERATOR(%I.%s)', n.nspname, o.oprname)
                                WHEN c.n = json_array_length(s.cols) THEN 'OPERATOR(pg_catalog.&&)' ELSE 'OPERATOR(pg_catalog.=)' END,
               'cast', CASE WHEN c.own_operator IS NULL AND t.typtype <> 'p' AND NOT s.period THEN '::' || format_type(t.oid, NULL) ELSE '' END,
               'collate', CASE WHEN c.collation_oid <> 0 THEN format(' COLLATE %I.%I', ln.nspname, l.collname) ELSE '' END
           ) ORDER BY c.n) AS list
    FROM compared AS c
    JOIN asked AS s ON s.place = c.place
    LEFT JOIN pg_operator AS o ON o.oid = coalesce(c.own_operator, c.same_operator)
    LEFT JOIN pg_namespace AS n ON n.oid = o.oprnamespace
    LEFT JOIN pg_type AS t ON t.oid = c.opcintype
    LEFT JOIN pg_collation AS l ON l.oid = c.collation_oid
    LEFT JOIN pg_namespace AS ln ON ln.oid = l.collnamespace
    GROUP BY c.place
),
leaves AS (
    SELECT DISTINCT s.child, coalesce(t.relid, s.child) AS leaf
    FROM asked AS s
    LEFT JOIN LATERAL pg_partition_tree(s.child) AS t ON s.child_kind = 'p'
    WHERE s.child IS NOT NULL AND (s.child_kind <> 'p' OR t.isleaf)
),
-- The key to walk along: a primary key, else another unique one that cannot be null, in plain order and of the server's own types.
walks AS (
    SELECT DISTINCT ON (v.leaf) v.leaf, i.indexrelid,
           (SELECT json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod)) ORDER BY u.n)
            FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS u (num, n)
            JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = u.num
            WHERE u.n <= i.indnkeyatts) AS list
    FROM (SELECT DISTINCT leaf FROM leaves) AS v
    JOIN pg_index AS i ON i.indrelid = v.leaf
    JOIN pg_class AS x ON x.oid = i.indexrelid
    JOIN pg_am AS m ON m.oid = x.relam
    WHERE i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL AND m.amname = 'btree'
      AND NOT EXISTS (
          SELECT FROM unnest(i.indkey::int2[], i.indoption::int2[], i.indclass::oid[]) WITH ORDINALITY AS u (num, option, class, n)
          LEFT JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = u.num
          LEFT JOIN pg_type AS t ON t.oid = a.atttypid
          LEFT JOIN pg_opclass AS oc ON oc.oid = u.class
          WHERE u.n <= i.indnkeyatts
            AND (NOT a.attnotnull OR u.option <> 0 OR NOT oc.opcdefault OR t.typnamespace <> 'pg_catalog'::regnamespace OR t.typtype <> 'b'
                 OR EXISTS (SELECT FROM unnest(i.indcollation::oid[]) WITH ORDINALITY AS ic (oid, n) WHERE ic.n = u.n AND ic.oid <> a.attcollation)))
    ORDER BY v.leaf, i.indisprimary DESC, i.indnkeyatts, i.indexrelid
),
ages AS (
    SELECT DISTINCT ON (s.child) s.child, a.attname
    FROM (SELECT DISTINCT child FROM asked) AS s
    JOIN pg_attribute AS a ON a.attrelid = s.child AND a.attnum > 0 AND NOT a.attisdropped
    JOIN unnest('{createdat,created,createdon,createddate,createtime,creationdate,datecreated,insertedat,inserted,addedat,registeredat,occurredat,receivedat,timestamp,ts,updatedat,modifiedat}'::text[])
         WITH ORDINALITY AS u (word, n) ON u.word = lower(replace(a.attname, '_', ''))
    WHERE a.atttypid IN ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype)
    ORDER BY s.child, u.n, a.attnum
)
SELECT coalesce(json_agg(json_build_object(
           'problem', CASE
               WHEN s.child IS NULL THEN 'the table is not there'
               WHEN s.child_kind NOT IN ('r', 'p') THEN 'it is no table'
               WHEN NOT c.has_from THEN 'a column is not there'
               WHEN s.all_lost THEN NULL
               WHEN s.parent IS NULL THEN 'the table that it refers to is not there'
               WHEN s.parent_kind NOT IN ('r', 'p') THEN 'what it refers to is no table'
               WHEN NOT c.has_to THEN 'a column that it refers to is not there'
               WHEN k.indexrelid IS NULL AND NOT s.period THEN 'no unique index stands on the columns that it refers to'
               WHEN NOT c.comparable THEN 'the types cannot be compared' END,
           'only', s.parent_kind IS DISTINCT FROM 'p',
           'columns', c.list,
           'age', g.attname,
           'leaves', (SELECT json_agg(json_build_object(
                          'schema', vn.nspname,
                          'table', vc.relname,
                          'foreign', vc.relkind <> 'r',
                          'rows', greatest(vc.reltuples, 0)::bigint,
                          'blocks', CASE WHEN vc.relkind = 'r' THEN pg_relation_size(vc.oid) / current_setting('block_size')::bigint ELSE 0 END,
                          'key', w.list
                      ) ORDER BY vn.nspname COLLATE "C", vc.relname COLLATE "C")
                      FROM leaves AS v
                      JOIN pg_class AS vc ON vc.oid = v.leaf
                      JOIN pg_namespace AS vn ON vn.oid = vc.relnamespace
                      LEFT JOIN walks AS w ON w.leaf = v.leaf
                      WHERE v.child = s.child)
       ) ORDER BY s.place), '[]')::text
FROM asked AS s
LEFT JOIN columns AS c ON c.place = s.place
LEFT JOIN lookup AS k ON k.place = s.place
LEFT JOIN ages AS g ON g.child = s.child
