-- constraints and keys under a new name are the same to what leans on them
ALTER TABLE users RENAME TO people;
ALTER TABLE people RENAME CONSTRAINT users_pkey TO people_pkey;
ALTER TABLE posts RENAME CONSTRAINT posts_author_fkey TO posts_person_fkey;
ALTER TABLE people ADD CONSTRAINT people_email_key UNIQUE (email);
ALTER TABLE people DROP CONSTRAINT people_email_key;
DROP VIEW user_view;
ALTER TABLE posts DROP CONSTRAINT posts_person_fkey;
DROP TABLE people CASCADE;
