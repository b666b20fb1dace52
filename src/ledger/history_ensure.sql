-- pgrail's own schema in the target. One statement, so that it works behind a pooler; the lock lets two creators queue up.
DO $ensure$
BEGIN
    PERFORM pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('pgrail.history'));
    IF pg_catalog.to_regnamespace('pgrail') IS NULL THEN
        CREATE SCHEMA pgrail;
        COMMENT ON SCHEMA pgrail IS 'pgrail: what was applied, by whom, approved by whom';
    END IF;
    IF pg_catalog.to_regclass('pgrail.history') IS NULL THEN
        CREATE TABLE pgrail.history (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            version text NOT NULL,
            migration text NOT NULL,
            sha256 text NOT NULL,
            direction text NOT NULL CHECK (direction IN ('up', 'down')),
            applied_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
            applied_by text NOT NULL DEFAULT session_user,
            approved_by text,
            pgrail_version text NOT NULL,
            elapsed_us bigint NOT NULL,
            up_sha256 text,
            down_sha256 text,
            run_id text NOT NULL UNIQUE
        );
        COMMENT ON TABLE pgrail.history IS 'one row per proven run, up or down; the newest row of a version says whether it is applied';
    END IF;
    IF pg_catalog.to_regclass('pgrail.lock') IS NULL THEN
        CREATE TABLE pgrail.lock (
            id smallint PRIMARY KEY CHECK (id = 1),
            holder text,
            since timestamptz
        );
        COMMENT ON TABLE pgrail.lock IS 'its one row is locked while a migration is applied behind a pooler';
    END IF;
    INSERT INTO pgrail.lock (id) VALUES (1) ON CONFLICT (id) DO NOTHING;
END
$ensure$
