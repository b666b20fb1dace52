-- The shape of every user relation as lines of text, one fact each: what up-down-up and drift compare. No parameter; run it with
-- search_path pg_catalog, so that every name is qualified.
-- Left out: OIDs, file nodes, gaps in attnum, estimates, statistics, sequence positions, what the server makes for itself,
-- members of extensions. Not-null constraints (type n, since 18) are said by their column, as before 18.
WITH spaces AS (
    SELECT oid, nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'pgrail')
),
members AS (
    SELECT objid FROM pg_depend WHERE classid = 'pg_class'::regclass AND deptype = 'e'
),
rels AS MATERIALIZED (
    SELECT c.*, quote_ident(s.nspname) || '.' || quote_ident(c.relname) AS name
    FROM pg_class AS c
    JOIN spaces AS s ON s.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c') AND c.relpersistence <> 't'
      AND c.oid NOT IN (SELECT objid FROM members)
)
SELECT concat(
    CASE r.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
                   WHEN 'f' THEN 'foreign table' WHEN 'S' THEN 'sequence' ELSE 'composite type' END,
    ' ', r.name, ': owner ', pg_get_userbyid(r.relowner),
    CASE WHEN r.relpersistence = 'u' THEN ', unlogged' END,
    ', access method ' || (SELECT am.amname FROM pg_am AS am WHERE am.oid = r.relam AND am.amname <> 'heap'),
    ', tablespace ' || (SELECT t.spcname FROM pg_tablespace AS t WHERE t.oid = r.reltablespace),
    ', options ' || (SELECT string_agg(o.text, ', ' ORDER BY o.text COLLATE "C")
                     FROM (SELECT unnest(r.reloptions)
                           UNION ALL
                           SELECT 'toast.' || unnest(t.reloptions) FROM pg_class AS t WHERE t.oid = r.reltoastrelid) AS o (text)),
    CASE WHEN r.relkind IN ('r', 'p') AND r.relreplident <> 'd' THEN ', replica identity ' || r.relreplident::text END,
    CASE WHEN r.relrowsecurity THEN ', row security' END, CASE WHEN r.relforcerowsecurity THEN ', row security forced' END,
    CASE WHEN r.relkind = 'p' THEN ', partition by ' || pg_get_partkeydef(r.oid) END,
    CASE WHEN r.relkind = 'm' AND NOT r.relispopulated THEN ', not populated' END,
    ', of type ' || CASE WHEN r.reloftype <> 0 THEN format_type(r.reloftype, NULL) END)
FROM rels AS r
UNION ALL
SELECT format('child of %s: %s %s%s', i.inhparent::regclass, r.name, pg_get_expr(r.relpartbound, r.oid),
              CASE WHEN (to_jsonb(i) ->> 'inhdetachpending')::boolean THEN ', detach pending' END)
FROM pg_inherits AS i
JOIN rels AS r ON r.oid = i.inhrelid
UNION ALL
SELECT format('definition of %s: %s', r.name, regexp_replace(btrim(pg_get_viewdef(r.oid)), '\s+', ' ', 'g'))
FROM rels AS r
WHERE r.relkind IN ('v', 'm')
UNION ALL
SELECT concat('column ', r.name, '.', quote_ident(a.attname), ': position ',
    row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum), ', ', format_type(a.atttypid, a.atttypmod),
    CASE WHEN a.attcollation <> t.typcollation THEN ', collate ' || a.attcollation::regcollation END,
    CASE WHEN a.attnotnull THEN ', not null' END,
    CASE WHEN a.attnotnull AND EXISTS (SELECT FROM pg_constraint AS k WHERE k.conrelid = a.attrelid AND k.contype = 'n'
                                       AND k.conkey = ARRAY[a.attnum] AND NOT k.convalidated) THEN ' not valid' END,
    CASE a.attidentity WHEN 'a' THEN ', identity always' WHEN 'd' THEN ', identity by default' END,
    CASE a.attgenerated WHEN '' THEN ', default ' WHEN 's' THEN ', generated stored as ' ELSE ', generated virtual as ' END
        || regexp_replace(pg_get_expr(d.adbin, d.adrelid), '\s+', ' ', 'g'),
    CASE WHEN a.attstattarget >= 0 THEN ', statistics ' || a.attstattarget END,   -- default: -1, NULL since 17
    CASE WHEN a.attstorage <> t.typstorage THEN ', storage ' || a.attstorage::text END,
    CASE WHEN a.attlen = -1 THEN ', compression ' || nullif(to_jsonb(a) ->> 'attcompression', '') END,   -- since 14
    -- pg_attver is a counter of the server's own (15.20 keeps it there): the same column made again has another
    ', options ' || nullif(array_to_string(ARRAY(SELECT o FROM unnest(a.attoptions) AS o WHERE o !~ '^pg_attver='), ', '), ''))
FROM pg_attribute AS a
JOIN rels AS r ON r.oid = a.attrelid AND r.relkind <> 'S'
JOIN pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT format('constraint %I on %s: %s', k.conname, r.name, regexp_replace(pg_get_constraintdef(k.oid), '\s+', ' ', 'g'))
FROM pg_constraint AS k
JOIN rels AS r ON r.oid = k.conrelid
-- a foreign key to a partitioned table has a helper for each partition, named by the server
WHERE k.contype NOT IN ('n', 't')
  AND NOT EXISTS (SELECT FROM pg_constraint AS up WHERE up.oid = k.conparentid AND up.conrelid = k.conrelid)
UNION ALL
SELECT concat('index ', i.indexrelid::regclass, ' on ', r.name, ': ',
    regexp_replace(pg_get_indexdef(i.indexrelid), '\s+', ' ', 'g'),
    CASE WHEN NOT i.indisvalid THEN ', invalid' END, CASE WHEN NOT i.indisready THEN ', not ready' END,
    CASE WHEN NOT i.indislive THEN ', not live' END, CASE WHEN i.indisclustered THEN ', clustered' END,
    CASE WHEN i.indisreplident THEN ', replica identity' END,
    ', attached to ' || (SELECT h.inhparent::regclass FROM pg_inherits AS h WHERE h.inhrelid = i.indexrelid),
    ', tablespace ' || (SELECT s.spcname FROM pg_tablespace AS s JOIN pg_class AS c ON c.reltablespace = s.oid
                        WHERE c.oid = i.indexrelid))
FROM pg_index AS i
JOIN rels AS r ON r.oid = i.indrelid
UNION ALL
SELECT concat('trigger ', quote_ident(t.tgname), ' on ', r.name, ': ', pg_get_triggerdef(t.oid),
    CASE t.tgenabled WHEN 'D' THEN ', disabled' WHEN 'R' THEN ', on replicas alone' WHEN 'A' THEN ', always' END)
FROM pg_trigger AS t
JOIN rels AS r ON r.oid = t.tgrelid
WHERE NOT t.tgisinternal
UNION ALL
SELECT concat('rule ', quote_ident(w.rulename), ' on ', r.name, ': ', regexp_replace(pg_get_ruledef(w.oid), '\s+', ' ', 'g'),
    CASE w.ev_enabled WHEN 'D' THEN ', disabled' WHEN 'R' THEN ', on replicas alone' WHEN 'A' THEN ', always' END)
FROM pg_rewrite AS w
JOIN rels AS r ON r.oid = w.ev_class
WHERE w.rulename <> '_RETURN'
UNION ALL
SELECT concat('policy ', quote_ident(p.polname), ' on ', r.name, ': ',
    CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END, ' for ', p.polcmd::text, ' to ',
    (SELECT string_agg(CASE WHEN o.oid = 0 THEN 'public' ELSE pg_get_userbyid(o.oid) END, ', ' ORDER BY pg_get_userbyid(o.oid) COLLATE "C")
     FROM unnest(p.polroles) AS o (oid)),
    ' using ' || pg_get_expr(p.polqual, p.polrelid), ' with check ' || pg_get_expr(p.polwithcheck, p.polrelid))
FROM pg_policy AS p
JOIN rels AS r ON r.oid = p.polrelid
UNION ALL
SELECT concat('sequence ', r.name, ': ', format_type(s.seqtypid, NULL), ', start ', s.seqstart, ', increment ', s.seqincrement,
    ', from ', s.seqmin, ' to ', s.seqmax, ', cache ', s.seqcache, CASE WHEN s.seqcycle THEN ', cycle' END,
    (SELECT format(', owned by %s.%I', d.refobjid::regclass, a.attname)
     FROM pg_depend AS d
     JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
     WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
       AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0))
FROM pg_sequence AS s
JOIN rels AS r ON r.oid = s.seqrelid
UNION ALL
SELECT format('statistics %s on %s: %s', s.stxname, r.name, pg_get_statisticsobjdef(s.oid))
FROM pg_statistic_ext AS s
JOIN rels AS r ON r.oid = s.stxrelid;
