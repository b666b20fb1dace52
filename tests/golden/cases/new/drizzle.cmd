mkdir -p drizzle/meta
printf '[project]\nmigrations = drizzle\n' >pgrail.conf
echo '{"version":"7","dialect":"postgresql","entries":[]}' >drizzle/meta/_journal.json
$PGRAIL new add_flag
