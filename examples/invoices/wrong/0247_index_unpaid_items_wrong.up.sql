-- rationale: the dunning run reads the unpaid lines of each invoice every hour.
-- author: Jonas Reiter <jonas@invoices.example>

CREATE INDEX invoice_items_unpaid_idx
    ON invoice_items (invoice_id)
    WHERE paid_at IS NULL;
