with t as (select * from t where x = 1) select t.y, u.z from t join u on u.id = t.id where w = 2;
with recursive t as (select 1 union all select * from t) insert into t (a,b) select c, d from src s on conflict (a) do update set b = excluded.b, c = t.c where t.d > 1 returning e;
update invoices set gross = net * 1.2, (a, b) = (select x, y from rates r where r.id = invoices.rate_id) where status = 'open' and exists (select 1 from items where items.invoice_id = invoices.id and qty > 0);
