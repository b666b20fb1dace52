\set x 1
\i f.sql
SELECT :x;
SELECT 1 \gset
