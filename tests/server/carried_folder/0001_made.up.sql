-- every name here is used by a later file, as its own runner would leave it
CREATE TABLE users (id serial PRIMARY KEY, name text UNIQUE, email text, admin boolean DEFAULT false, note text);
CREATE TABLE posts (id serial PRIMARY KEY, author int REFERENCES users, title varchar(100), body text, hidden boolean DEFAULT false, name text);
CREATE FUNCTION plain(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT lower($1)';
CREATE UNIQUE INDEX ON users (plain(email));
CREATE INDEX ON users ((name || email));
CREATE INDEX ON users ((name || email));
CREATE TABLE a_table_with_a_name_of_some_length (a_column_with_a_name_of_some_length_too int REFERENCES users (id), other text CHECK (other <> ''));
CREATE VIEW post_view AS
    SELECT p.id, p.title, (SELECT u.name FROM users u WHERE u.id = p.author) AS author FROM posts p;
CREATE VIEW user_view AS SELECT *, (SELECT count(*) FROM posts WHERE author = users.id) AS posts FROM users;
CREATE MATERIALIZED VIEW post_counts AS SELECT author, count(*) AS n FROM posts GROUP BY author;
CREATE UNIQUE INDEX post_counts_author ON post_counts (author);
CREATE TABLE copied AS SELECT id, name AS label FROM users;
