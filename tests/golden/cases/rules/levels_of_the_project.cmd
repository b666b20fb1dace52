# What pgrail.conf says about a rule is said with the rule; a name that is no rule is refused with its line.
cat >pgrail.conf <<'C'
[rules]
version-gap = off
loss = warning
[rules db/old/*]
* = off
drop-table = note
C
$PGRAIL rules drop-table | grep pgrail.conf
$PGRAIL rules version-gap | grep pgrail.conf
for rule in version-gap drop-table truncate not-judged; do $PGRAIL rules | grep -A1 "^  $rule "; done
$PGRAIL rules version-gap --json | grep -A14 '"set"'
printf '[rules]\ndrop-tabel = off\n' >pgrail.conf
$PGRAIL rules
$PGRAIL check --all
printf '[rules]\ndb/old/* = off\n' >pgrail.conf
$PGRAIL rules
printf '[rules db/old/*]\ndrop-table = wrning\n' >pgrail.conf
$PGRAIL rules
printf '[conventions]\nindex_name = {tabel}_idx\n' >pgrail.conf
$PGRAIL rules
