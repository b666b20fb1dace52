# A suite for each file, a case for each finding: what fails the run fails its case, the rest passes with its text.
printf 'DROP TABLE "a&b\001";\nCREATE INDEX i ON t (a);\n' >a.sql
printf 'SELECT 1;\n' >b.sql
$PGRAIL check a.sql b.sql --format junit
