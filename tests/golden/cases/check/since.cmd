# Only what changed since a revision is judged: committed, staged, in the working tree and new; the others still make the world.
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
mkdir -p repo/app/migrations; cd repo/app
echo '[project]' >pgrail.conf
up() { echo "$2" >migrations/$1.up.sql; echo 'SELECT 1;' >migrations/$1.down.sql; }
up 0001_base 'CREATE TABLE t (i int); CREATE TABLE gone (i int);'
up 0002_drop 'DROP TABLE gone;'
$PGRAIL check --all --since main
git -C .. init -q -b main
$PGRAIL check --all --since main
git add . && git commit -qm base
$PGRAIL check --all --since main
$PGRAIL check --all --since mian
$PGRAIL check --all --since=--help
git checkout -q -b work
up 0003_committed 'ALTER TABLE t ADD COLUMN a int; DROP TABLE nowhere;'
git add . && git commit -qm more
up 0004_staged 'DROP TABLE t;'
git add migrations
up 0005_untracked 'SELECT 1;'
echo 'SELECT 2;' >>migrations/0002_drop.down.sql
$PGRAIL check --all --since main --json | grep -E '"(id|rule|since)":'
echo '--- named: only those that changed'
$PGRAIL check 2 5 --offline --since HEAD --json | grep -E '"(id|since)":'
git checkout -q --orphan other && git commit -qm other
$PGRAIL check --all --since main
