-- What may make a backfill wait. $1: pids of its workers. Columns: bytes of WAL written; how far the slowest standby has replayed, its
-- name, and how many standbys there are (null when this role may not see them); how many sessions wait for us, for how long the
-- longest of them has, and for which of us; who holds an old snapshot, since how many milliseconds.
WITH wal AS (
    SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')::bigint AS lsn
), standby AS (
    SELECT pg_catalog.pg_wal_lsn_diff(replay_lsn, '0/0')::bigint AS lsn, application_name AS name
    FROM pg_catalog.pg_stat_replication WHERE state IN ('streaming', 'catchup') AND replay_lsn IS NOT NULL ORDER BY replay_lsn LIMIT 1
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
)
SELECT (SELECT lsn FROM wal), (SELECT lsn FROM standby), (SELECT name FROM standby),
       (SELECT count(*) FROM pg_catalog.pg_stat_replication), (SELECT count(*) FROM pg_catalog.pg_stat_replication WHERE replay_lsn IS NULL AND state IS NULL),
       (SELECT count(DISTINCT pid) FROM blocked), (SELECT min(by) FROM blocked), (SELECT who FROM old), (SELECT ms FROM old)
