# What is wrong with the words is said before anything is asked of a server.
export PRODUCTION_URL='postgresql:///nowhere?host=/nonexistent'
cat >pgrail.conf <<'C'
[project]
migrations = migrations
[environment production]
env = PRODUCTION_URL
C
for args in "" "invoices --split x --by colour" "invoices --method all" "invoices --rows 3" "invoices --timeout soon" "invoices --hole" \
    "a.b.c" "invoices --cast rate" "invoices --cast rate:" "invoices --cast :int" "invoices --cast rate:int);drop" "invoices --cast rate:int,text" \
    "invoices --cast rate:(select" "invoices --cast x.:int" "invoices --split x:y" "invoices a.b"; do
    echo "$ pgrail profile $args"
    $PGRAIL profile $args
    echo "status $?"
done 2>&1
$PGRAIL profile --help
