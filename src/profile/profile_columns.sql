-- The columns of the relation whose oid is $1: what they are made of, under all their domains, and whether the role may read them.
WITH RECURSIVE bare AS (
    SELECT a.attnum, a.attname, a.atttypid AS top, a.atttypmod AS top_mod, t.oid, t.typtype, t.typcategory, t.typbasetype,
           t.typname, t.typnamespace
    FROM pg_catalog.pg_attribute AS a
    JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
    WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT b.attnum, b.attname, b.top, b.top_mod, t.oid, t.typtype, t.typcategory, t.typbasetype, t.typname, t.typnamespace
    FROM bare AS b
    JOIN pg_catalog.pg_type AS t ON t.oid = b.typbasetype
    WHERE b.typtype = 'd'
)
SELECT b.attname,
       pg_catalog.format_type(b.top, b.top_mod),
       pg_catalog.format_type(b.oid, NULL),
       CASE WHEN b.typnamespace = 'pg_catalog'::pg_catalog.regnamespace THEN b.typname::text ELSE '' END,
       b.typtype::text,
       b.typcategory::text,
       pg_catalog.has_column_privilege($1::pg_catalog.oid, b.attnum, 'SELECT'),
       b.typtype = 'e' OR EXISTS (SELECT FROM pg_catalog.pg_opclass AS o JOIN pg_catalog.pg_am AS m ON m.oid = o.opcmethod
                                  WHERE o.opcintype = b.oid AND o.opcdefault AND m.amname IN ('btree', 'hash')),
       pg_catalog.has_table_privilege($1::pg_catalog.oid, 'SELECT'),
       pg_catalog.row_security_active($1::pg_catalog.oid)
FROM bare AS b
WHERE b.typtype <> 'd'
ORDER BY b.attnum
