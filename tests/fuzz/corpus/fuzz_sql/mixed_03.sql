select o.id as oid2, count(*) from orders o group by oid2 order by count(*), total;
select row_to_json(t) from t;
select a from s.t tablesample system (1) where s.t.b = 1;
