-- Databases that look like clones of ours, with the comment that says whose.
SELECT d.datname, pg_catalog.shobj_description(d.oid, 'pg_database')
FROM pg_catalog.pg_database AS d
WHERE d.datname ~ '^pgrail_clone_[0-9a-f]{24}$' AND pg_catalog.pg_has_role(d.datdba, 'USAGE')
ORDER BY d.datname
