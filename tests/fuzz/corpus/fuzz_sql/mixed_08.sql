drop type s.ty; drop domain if exists d;
grant select (a, b) on t, u to x;
create schema x create table t (a int) create view v as select a from t;
