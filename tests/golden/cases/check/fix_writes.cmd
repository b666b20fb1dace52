# --fix writes in place where one statement stands alone, keeps every other byte (CRLF here), and says what it left and why.
mkdir migrations
printf '[project]\nmigrations = migrations\n' >pgrail.conf
printf -- '-- keep me\r\nCREATE INDEX items_label\r\n    ON items (label);\r\n' >migrations/0001_labels.up.sql
printf 'DROP INDEX items_label;\r\n' >migrations/0001_labels.down.sql
printf 'CREATE INDEX items_price ON items (price);\nSELECT refresh_prices();\n' >migrations/0002_prices.up.sql
printf 'DROP INDEX items_price;\n' >migrations/0002_prices.down.sql
printf 'CREATE INDEX items_a ON items (a);\nALTER TABLE items ADD COLUMN b int;\n' >migrations/0003_no_room.up.sql
printf 'ALTER TABLE items DROP COLUMN b;\nDROP INDEX items_a;\n' >migrations/0003_no_room.down.sql
printf 'SELECT 1;\n' >migrations/0004_last.up.sql
printf 'SELECT 1;\n' >migrations/0004_last.down.sql
$PGRAIL check --fix
od -c migrations/0001_labels.up.sql | head -5
ls migrations
