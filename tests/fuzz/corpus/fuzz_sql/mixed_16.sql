with x as (insert into a(c1) select c2 from b returning id) update z set v = x.id from x where z.k = x.id;
values (1),(2);
call proc(1);
