delete from a using b where a.id = b.id and c = 1;
merge into t using s on t.id = s.id when matched then update set v = s.v when not matched then insert (id, v) values (s.id, s.v);
select generate_series(1,10), * from generate_series(1,2) g, lateral (select * from inner_t where inner_t.k = g) l;
