comment on trigger k on s.t is 'x';
drop table a, s.b, "C" cascade;
drop function s.f(int), g;
