-- rationale: the VAT report casts vat_data line by line. First step of its split into columns: all three are
--            nullable and have no default, so this touches no row, and the version of the service that runs now
--            does not see them. Filling them is a backfill of its own, and vat_data stays until readers are moved.
-- author: Mara Lindqvist <mara@invoices.example>

ALTER TABLE invoice_items
    ADD COLUMN vat_rate   numeric(5, 2),
    ADD COLUMN vat_amount numeric(12, 2),
    ADD COLUMN net_amount numeric(12, 2);
