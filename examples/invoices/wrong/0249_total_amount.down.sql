-- rationale: gives up the index of 0249.
-- author: Jonas Reiter <jonas@invoices.example>

DROP INDEX CONCURRENTLY IF EXISTS invoices_total_amount_idx;
