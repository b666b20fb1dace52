alter table status drop column status;
create index a on t (a, lower(b)) include (c) where d is null and t.e > 0;
create table nt(id int primary key, r_id bigint references r(id));
