-- c
SELECT 1;
/* a /* b */ */
SELEC
