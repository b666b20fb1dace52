-- a view that is replaced reads what its last form reads, and nothing else
DROP VIEW post_view;
CREATE VIEW post_view AS WITH shown AS (SELECT p.id, p.title FROM posts p) SELECT * FROM shown;
DROP VIEW user_view;
CREATE VIEW user_view AS SELECT u.id, u.name FROM users u;
CREATE OR REPLACE VIEW user_view AS SELECT u.id, u.name FROM users u WHERE u.id > 0;
ALTER TABLE posts DROP COLUMN name, DROP COLUMN hidden, ALTER COLUMN body TYPE varchar(200);
ALTER TABLE users DROP COLUMN admin;
REFRESH MATERIALIZED VIEW post_counts;
ALTER TABLE copied ADD COLUMN extra int;
UPDATE copied SET extra = 1, label = 'x' WHERE id = 1;
CREATE INDEX copied_label ON copied (label);
