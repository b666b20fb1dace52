SELECT id, version, migration, sha256, direction,
       pg_catalog.to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
       applied_by, approved_by, pgrail_version, elapsed_us, up_sha256, down_sha256, run_id
FROM pgrail.history
ORDER BY id
