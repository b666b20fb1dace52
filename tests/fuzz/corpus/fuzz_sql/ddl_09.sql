
alter view vw set (security_barrier=true);
alter table p reset (fillfactor);
alter view vw set schema public;
alter schema s rename to s9;
alter view vw rename column x to xx;
alter materialized view mv rename to mv9;
alter function trg() owner to migr_other;
alter table p add constraint fkm foreign key (x) references r(id);
alter table p rename column v to v9;
