-- the names that the server chose, shortened and numbered
DROP INDEX users_plain_idx, users_expr_idx, users_expr_idx1;
ALTER TABLE a_table_with_a_name_of_some_length DROP CONSTRAINT a_table_with_a_name_of_some_l_a_column_with_a_name_of_some_fkey;
ALTER TABLE a_table_with_a_name_of_some_length DROP CONSTRAINT a_table_with_a_name_of_some_length_other_check;
ALTER TABLE users DROP CONSTRAINT users_name_key;
