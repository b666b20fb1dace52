-- What may make a backfill wait. $1: pids of its workers; $2: the tables that it walks, quoted in full. Most of it any role may see; where
-- it may not, that is said (unseen) or guessed from what it may.
WITH wal AS (
    SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')::bigint AS lsn
), standby AS (
    -- The copies that a subscription makes of single tables come and go.
    SELECT pg_catalog.pg_wal_lsn_diff(replay_lsn, '0/0')::bigint AS lsn, application_name AS name
    FROM pg_catalog.pg_stat_replication
    WHERE state IN ('streaming', 'catchup') AND replay_lsn IS NOT NULL AND application_name !~ '^pg_[0-9]+_sync_[0-9]+'
), slowest AS (
    SELECT lsn, name FROM standby ORDER BY lsn LIMIT 1
), waiting AS (
    SELECT l.pid, pg_catalog.pg_blocking_pids(l.pid) AS by
    FROM (SELECT DISTINCT pid FROM pg_catalog.pg_locks WHERE NOT granted AND pid <> ALL ($1::integer[])) AS l
), blocked AS (
    SELECT w.pid, x AS by FROM waiting w, pg_catalog.unnest(w.by) AS x WHERE x = ANY ($1::integer[])
), old AS (
    SELECT 'session ' || pid AS who, (extract(epoch FROM pg_catalog.clock_timestamp() - xact_start) * 1000)::bigint AS ms
    FROM pg_catalog.pg_stat_activity
    WHERE backend_xmin IS NOT NULL AND datname = current_database() AND pid <> ALL ($1::integer[]) AND xact_start IS NOT NULL
    UNION ALL
    SELECT 'prepared transaction ' || gid, (extract(epoch FROM pg_catalog.clock_timestamp() - prepared) * 1000)::bigint
    FROM pg_catalog.pg_prepared_xacts WHERE database = current_database()
    ORDER BY 2 DESC NULLS LAST LIMIT 1
), session AS (
    SELECT count(*) FILTER (WHERE state = 'active' AND backend_type = 'client backend') AS active, count(*) FILTER (WHERE backend_type IS NULL) AS unseen
    FROM pg_catalog.pg_stat_activity WHERE pid <> pg_catalog.pg_backend_pid() AND pid <> ALL ($1::integer[])
), archiver AS (
    SELECT last_failed_time IS NOT NULL AND last_failed_time > coalesce(last_archived_time, '-infinity') AS failing, last_failed_wal AS failed,
           CASE WHEN last_archived_wal ~ '^[0-9A-F]{24}' THEN
               -- The name of a segment says where it ends.
               greatest((SELECT lsn FROM wal) - (('x' || substr(last_archived_wal, 9, 8))::bit(32)::bigint * (bigint '4294967296' / s.size)
                                                 + ('x' || substr(last_archived_wal, 17, 8))::bit(32)::bigint + 1) * s.size, 0) END AS bytes
    FROM pg_catalog.pg_stat_archiver, (SELECT pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size')) AS size) AS s
    WHERE pg_catalog.current_setting('archive_mode') <> 'off'
), slot AS (
    SELECT slot_name AS name, (SELECT lsn FROM wal) - pg_catalog.pg_wal_lsn_diff(restart_lsn, '0/0')::bigint AS bytes, wal_status = 'unreserved' AS losing
    FROM pg_catalog.pg_replication_slots WHERE restart_lsn IS NOT NULL AND wal_status <> 'lost'
    ORDER BY 3 DESC, 2 DESC LIMIT 1
), freezing AS (
    -- Another's vacuum of a table that is older than it may become. Its own words are hidden from some roles; then its age tells.
    SELECT min(w.name) AS name
    FROM pg_catalog.unnest($2::text[]) AS w (name)
    JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass(w.name)
    JOIN pg_catalog.pg_locks l ON l.relation = c.oid AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
    JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
    WHERE l.mode = 'ShareUpdateExclusiveLock' AND l.granted AND l.pid <> ALL ($1::integer[])
      AND CASE WHEN a.backend_type IS NULL THEN
                    pg_catalog.age(c.relfrozenxid) > least(pg_catalog.current_setting('autovacuum_freeze_max_age')::bigint,
                        (SELECT o.option_value::bigint FROM pg_catalog.pg_options_to_table(c.reloptions) o WHERE o.option_name = 'autovacuum_freeze_max_age'))
               ELSE a.query LIKE 'autovacuum: %(to prevent wraparound)' END
)
SELECT (SELECT lsn FROM wal) AS lsn, (SELECT lsn FROM slowest) AS standby_lsn, (SELECT name FROM slowest) AS standby,
       (SELECT count(*) FROM standby) AS standbys, (SELECT count(*) FROM pg_catalog.pg_stat_replication WHERE replay_lsn IS NULL AND state IS NULL) AS standbys_unseen,
       (SELECT count(DISTINCT pid) FROM blocked) AS blocked, (SELECT min(by) FROM blocked) AS blocker,
       (SELECT who FROM old) AS old, (SELECT ms FROM old) AS old_ms,
       (SELECT active FROM session) AS active, (SELECT unseen FROM session) AS active_unseen,
       (SELECT failing FROM archiver) AS failing, (SELECT failed FROM archiver) AS failed, (SELECT bytes FROM archiver) AS unarchived,
       (SELECT name FROM slot) AS slot, (SELECT bytes FROM slot) AS retained, (SELECT losing FROM slot) AS losing,
       (SELECT name FROM freezing) AS freezing
