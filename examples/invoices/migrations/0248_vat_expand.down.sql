-- rationale: takes the columns of 0248 away. vat_data is still whole, so what they held can be made again.
-- author: Mara Lindqvist <mara@invoices.example>

ALTER TABLE invoice_items
    DROP COLUMN vat_rate,
    DROP COLUMN vat_amount,
    DROP COLUMN net_amount;
