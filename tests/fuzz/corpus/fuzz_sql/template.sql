CREATE TABLE {{ a }} (b int);
CREATE INDEX ON ${s}.t (a);
