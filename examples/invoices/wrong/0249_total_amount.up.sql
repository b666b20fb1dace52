-- rationale: the dashboard lists the biggest invoices; an index on the total answers that without a sort.
-- author: Jonas Reiter <jonas@invoices.example>

CREATE INDEX CONCURRENTLY IF NOT EXISTS invoices_total_amount_idx
    ON invoices (total_amount);
