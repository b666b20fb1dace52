alter table t rename constraint a to b;
alter index s.i rename to j;
alter table t rename to u;
