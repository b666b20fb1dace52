-- rationale: gives up the index of 0247.
-- author: Jonas Reiter <jonas@invoices.example>

DROP INDEX invoice_items_unpaid_idx;
