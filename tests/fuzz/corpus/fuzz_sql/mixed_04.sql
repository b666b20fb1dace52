create trigger tr after update of a, b on t for each row when (old.a is distinct from new.a) execute function s.f();
create policy p on t using (tenant_id = current_setting('x')::int and exists (select 1 from members m where m.tenant_id = t.tenant_id));
create function f() returns int begin atomic select a from t; end;
