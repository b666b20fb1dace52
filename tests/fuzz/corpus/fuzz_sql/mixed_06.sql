copy (select a from t) to stdout;
comment on column s.t.c is 'x';
comment on constraint k on s.t is 'x';
