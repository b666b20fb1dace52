-- The database that is to be copied ($1): owner's rights, size, its own settings.
SELECT pg_catalog.pg_database_size(d.oid), d.datistemplate OR pg_catalog.pg_has_role(d.datdba, 'USAGE'),
       coalesce((SELECT r.rolcreatedb OR r.rolsuper FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user), false),
       coalesce((SELECT pg_catalog.to_json(s.setconfig)::text FROM pg_catalog.pg_db_role_setting AS s
                 WHERE s.setdatabase = d.oid AND s.setrole = 0), '[]')
FROM pg_catalog.pg_database AS d
WHERE d.datname = $1
