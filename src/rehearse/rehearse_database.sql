-- The database as a whole: encoding, collation and its version (from 15), size, other sessions at work in it.
SELECT pg_catalog.pg_encoding_to_char(d.encoding), d.datcollate, coalesce(pg_catalog.to_json(d) ->> 'datcollversion', '-'),
       pg_catalog.pg_database_size(d.oid),
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity AS a
        WHERE a.datname = d.datname AND a.pid <> pg_catalog.pg_backend_pid() AND a.backend_type = 'client backend'
          AND a.state <> 'idle')
FROM pg_catalog.pg_database AS d
WHERE d.datname = pg_catalog.current_database()
