-- What facts need to know of the server and of this session. No parameter; run it before search_path is emptied.
SELECT row_to_json(s)::text
FROM (
    SELECT current_setting('TimeZone') AS time_zone,
           (SELECT coalesce(json_agg(p.schema ORDER BY p.place), '[]')
            FROM unnest(current_schemas(false)) WITH ORDINALITY AS p (schema, place)
            WHERE p.schema !~ '^pg_') AS search_path,
           current_setting('max_locks_per_transaction')::bigint
               * (current_setting('max_connections')::bigint
                  + current_setting('max_prepared_transactions')::bigint) AS max_locks,
           (SELECT count(*) FROM pg_stat_replication) AS standbys
) AS s;
