SELECT pg_catalog.to_regclass('pgrail.history') IS NOT NULL AND pg_catalog.to_regclass('pgrail.lock') IS NOT NULL
