create materialized view mv as select a from t with no data;
refresh materialized view concurrently s.mv;
select * into newt from t;
