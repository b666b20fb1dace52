# Nothing to say, and the exit status says so.
printf 'CREATE TABLE notes (id bigint PRIMARY KEY, body text);\nCREATE INDEX notes_body_idx ON notes (body);\n' >notes.sql
$PGRAIL check notes.sql --offline
