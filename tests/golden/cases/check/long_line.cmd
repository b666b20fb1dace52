# The place stays in sight, and control characters do nothing.
awk 'BEGIN { printf "SELECT 1"; for (i = 0; i < 60; i++) printf ", 1"; printf "; \tDROP TABLE \"x\033[31m\"; SELECT 2;\n" }' >a.sql
$PGRAIL check a.sql
