$PGRAIL rules set-not-nul
