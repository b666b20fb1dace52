-- Settings that change what DDL costs or does, in words.
SELECT s.name, pg_catalog.current_setting(s.name)
FROM pg_catalog.pg_settings AS s
WHERE s.name IN ('TimeZone', 'maintenance_work_mem', 'max_parallel_maintenance_workers', 'max_parallel_workers', 'shared_buffers',
                 'wal_level', 'full_page_writes', 'fsync', 'synchronous_commit', 'wal_compression', 'max_wal_size',
                 'checkpoint_timeout', 'data_checksums', 'default_tablespace', 'default_table_access_method',
                 'max_locks_per_transaction', 'standard_conforming_strings', 'wal_buffers')
ORDER BY s.name
