$PGRAIL orphans --help
