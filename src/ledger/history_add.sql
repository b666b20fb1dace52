-- A run is recorded once, whoever records it again after a crash.
INSERT INTO pgrail.history (version, migration, sha256, direction, applied_at, applied_by, approved_by, pgrail_version, elapsed_us,
                            up_sha256, down_sha256, run_id)
VALUES ($1, $2, $3, $4, coalesce($5::timestamptz, pg_catalog.now()), coalesce($6, session_user::text), $7, $8, $9::bigint, $10, $11, $12)
ON CONFLICT (run_id) DO NOTHING
