-- The journal of backfills. One statement, so that it works behind a pooler; the lock lets two creators queue up.
DO $ensure$
BEGIN
    PERFORM pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('pgrail.backfill'));
    IF pg_catalog.to_regclass('pgrail.backfill_reject') IS NOT NULL THEN
        RETURN;
    END IF;
    CREATE TABLE pgrail.backfill_job (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        name text NOT NULL,
        sha256 text NOT NULL,
        statement text NOT NULL,
        target text NOT NULL,
        state text NOT NULL,
        settings jsonb NOT NULL,
        rows_total bigint NOT NULL,
        starts bigint NOT NULL DEFAULT 0,
        note text,
        held text,
        created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
        created_by text NOT NULL DEFAULT session_user,
        changed_at timestamptz NOT NULL DEFAULT pg_catalog.now()
    );
    CREATE UNIQUE INDEX backfill_job_unended ON pgrail.backfill_job (name) WHERE state NOT IN ('done', 'abandoned');
    COMMENT ON TABLE pgrail.backfill_job IS 'one row per backfill: what it is, how it runs, and its state';
    CREATE TABLE pgrail.backfill_event (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        job bigint NOT NULL REFERENCES pgrail.backfill_job (id),
        at timestamptz NOT NULL DEFAULT pg_catalog.now(),
        event text NOT NULL,
        state text NOT NULL,
        note text,
        by text NOT NULL DEFAULT session_user
    );
    COMMENT ON TABLE pgrail.backfill_event IS 'every change of a job''s state or settings, in order; rows are added and never changed';
    CREATE TABLE pgrail.backfill_worker (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        job bigint NOT NULL REFERENCES pgrail.backfill_job (id),
        host text,
        backend_pid integer NOT NULL,
        backend_start timestamptz,
        pooled boolean NOT NULL,
        started_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
        seen_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
        left_at timestamptz
    );
    CREATE INDEX backfill_worker_of ON pgrail.backfill_worker (job) WHERE left_at IS NULL;
    COMMENT ON TABLE pgrail.backfill_worker IS 'who is at a job, or was';
    CREATE TABLE pgrail.backfill_range (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        job bigint NOT NULL REFERENCES pgrail.backfill_job (id),
        walk text NOT NULL,
        rest boolean NOT NULL DEFAULT false,
        lower text[],
        upper text[],
        at text[],
        n bigint NOT NULL DEFAULT 0,
        rows bigint NOT NULL DEFAULT 0,
        begun boolean NOT NULL DEFAULT false,
        state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'taken', 'done')),
        worker bigint,
        due timestamptz NOT NULL DEFAULT pg_catalog.now(),
        tries bigint NOT NULL DEFAULT 0,
        read bigint NOT NULL DEFAULT 0,
        changed bigint NOT NULL DEFAULT 0,
        batches bigint NOT NULL DEFAULT 0,
        retries bigint NOT NULL DEFAULT 0,
        wal_bytes bigint NOT NULL DEFAULT 0,
        elapsed_us bigint NOT NULL DEFAULT 0
    ) WITH (fillfactor = 50);
    CREATE INDEX backfill_range_undone ON pgrail.backfill_range (job, id) WHERE state <> 'done';
    CREATE INDEX backfill_range_of ON pgrail.backfill_range (job);
    COMMENT ON TABLE pgrail.backfill_range IS 'keys above lower up to upper; all up to at is done. A rest is what no range was cut off yet';
    CREATE TABLE pgrail.backfill_batch (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        job bigint NOT NULL,
        range bigint NOT NULL,
        worker bigint NOT NULL,
        lower text[],
        upper text[],
        read bigint NOT NULL,
        changed bigint NOT NULL,
        retries bigint NOT NULL,
        wal_bytes bigint NOT NULL,
        started_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
        elapsed_us bigint NOT NULL,
        xid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id()
    );
    CREATE INDEX backfill_batch_of ON pgrail.backfill_batch (job);
    COMMENT ON TABLE pgrail.backfill_batch IS 'one row per transaction, committed with it. wal_bytes: of the whole server meanwhile';
    CREATE TABLE pgrail.backfill_reject (
        job bigint NOT NULL REFERENCES pgrail.backfill_job (id),
        walk text NOT NULL,
        key text[] NOT NULL,
        sqlstate text NOT NULL,
        at timestamptz NOT NULL DEFAULT pg_catalog.now(),
        PRIMARY KEY (job, walk, key)
    );
    COMMENT ON TABLE pgrail.backfill_reject IS 'rows that were set aside: their keys and the SQLSTATE, no values';
END
$ensure$
