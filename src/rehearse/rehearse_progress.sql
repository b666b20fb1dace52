-- Progress of one backend ($1 its pid), whatever it does.
SELECT 'building index', p.phase,
       CASE WHEN p.blocks_total > 0 THEN p.blocks_done WHEN p.tuples_total > 0 THEN p.tuples_done ELSE p.lockers_done END,
       CASE WHEN p.blocks_total > 0 THEN p.blocks_total WHEN p.tuples_total > 0 THEN p.tuples_total ELSE p.lockers_total END,
       CASE WHEN p.blocks_total > 0 THEN 'blocks' WHEN p.tuples_total > 0 THEN 'rows' ELSE 'sessions' END
FROM pg_catalog.pg_stat_progress_create_index AS p WHERE p.pid = $1::int
UNION ALL
SELECT 'rewriting', p.phase, p.heap_blks_scanned, p.heap_blks_total, 'blocks'
FROM pg_catalog.pg_stat_progress_cluster AS p WHERE p.pid = $1::int
UNION ALL
SELECT 'analyzing', p.phase, p.sample_blks_scanned, p.sample_blks_total, 'blocks'
FROM pg_catalog.pg_stat_progress_analyze AS p WHERE p.pid = $1::int
UNION ALL
SELECT 'vacuuming', p.phase, p.heap_blks_scanned, p.heap_blks_total, 'blocks'
FROM pg_catalog.pg_stat_progress_vacuum AS p WHERE p.pid = $1::int
LIMIT 1
