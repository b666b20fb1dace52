# [review] sets what a sign asks for; a name, a class or a lowering that cannot be is refused with its line.
printf '[review]\nloss = thorough\nsmall-index = mandatory\n' >pgrail.conf
$PGRAIL rules | sed -n '/^what decides/,/^  new-only/p'
cat >a.sql <<'S'
ALTER TABLE t DROP COLUMN a;
S
$PGRAIL check a.sql --json | grep -A12 '"review"'
for line in 'los = thorough' 'loss = through' 'loss = spot-check' 'backfill = spot-check'; do
    printf '[review]\n# what we think\n%s\n' "$line" >pgrail.conf
    $PGRAIL rules
done
printf '[reviews]\nloss = thorough\n' >pgrail.conf
$PGRAIL rules
printf '[review]\nloss = thorough\nloss = mandatory\n' >pgrail.conf
$PGRAIL rules
printf '[review]\n' >pgrail.conf
PGRAIL_REVIEW_LOSS=spot-check $PGRAIL rules
