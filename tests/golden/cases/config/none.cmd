# Neither here nor above.
$PGRAIL doctor
