-- rationale: gives up the index of 0247; the dunning run is slow again, nothing is lost.
-- author: Mara Lindqvist <mara@invoices.example>

DROP INDEX CONCURRENTLY IF EXISTS invoice_items_unpaid_idx;
