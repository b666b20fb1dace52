# No project at all: one file, no facts.
cat >change.sql <<'SQL'
-- the dunning run
CREATE INDEX invoice_items_unpaid_idx
    ON invoice_items (invoice_id)
    WHERE paid_at IS NULL;
ALTER TABLE invoices ADD CONSTRAINT customer FOREIGN KEY (customer_id) REFERENCES customers (id);
ALTER TABLE invoices ALTER COLUMN currency SET NOT NULL;
DROP TABLE drafts;
SQL
$PGRAIL check change.sql
