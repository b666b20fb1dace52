printf 'DROP INDEX a_idx;\n' >a.sql
$PGRAIL check a.sql --json | sed "s,\"grammar\": .*,\"grammar\": …\,,"
