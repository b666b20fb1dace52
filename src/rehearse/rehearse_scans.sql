-- What this session has counted in its transaction: scans by table, and rows written.
SELECT relid::bigint, seq_scan, coalesce(seq_tup_read, 0), n_tup_ins + n_tup_upd + n_tup_del
FROM pg_catalog.pg_stat_xact_user_tables
WHERE seq_scan > 0 OR n_tup_ins + n_tup_upd + n_tup_del > 0
