-- rationale: the dunning run reads the unpaid lines of each invoice every hour; they are one line in nine of
--            2,400,000, and it goes over all of them. A partial index holds only those.
-- author: Mara Lindqvist <mara@invoices.example>

CREATE INDEX CONCURRENTLY IF NOT EXISTS invoice_items_unpaid_idx
    ON invoice_items (invoice_id)
    WHERE paid_at IS NULL;
