create sequence sq owned by t.id;
alter table t add column b int, add check (b > 0 and c > 0), add exclude using gist (c1 with =, (lower(c2)) with =);
create publication p for table t (a, b) where (c > 1), u;
