reindex index concurrently s.i;
lock table only t in share mode;
insert into t values (1, (select max(x) from u));
