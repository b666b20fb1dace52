select * from a full join b using (id) where a.x = b.y;
create table p1 partition of p (constraint c check (a > 1)) for values in (1);
select (t).a, (select b from t where c) from t;
