do $$ begin drop table x; end $$;
alter table t alter column c type en using (c::text || d)::en;
truncate a, b restart identity cascade;
