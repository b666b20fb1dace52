$PGRAIL rules set-not-null
