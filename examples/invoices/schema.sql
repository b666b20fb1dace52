-- The schema of an invoicing service, as production has it today.
--
-- Plain SQL for PostgreSQL 13 to 18. It goes into an empty database; load.sql fills it.
-- The migrations that made it (0001 to 0246) are long squashed; the next one is 0247.

CREATE TYPE public.invoice_status AS ENUM ('draft', 'open', 'paid', 'void');

CREATE TABLE public.customers (
    id          bigserial   CONSTRAINT customers_pkey PRIMARY KEY,
    name        text        NOT NULL,
    email       text        NOT NULL,
    country     text        NOT NULL CONSTRAINT customers_country_check CHECK (country ~ '^[A-Z]{2}$'),
    vat_number  text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE public.invoices (
    id                bigserial             CONSTRAINT invoices_pkey PRIMARY KEY,
    customer_id       bigint                NOT NULL,
    number            text                  NOT NULL CONSTRAINT invoices_number_key UNIQUE,
    status            public.invoice_status NOT NULL DEFAULT 'draft',
    issued_on         date                  NOT NULL,
    due_on            date                  NOT NULL,
    paid_at           timestamptz,
    currency          text                  NOT NULL DEFAULT 'EUR',
    net_total_cents   bigint                NOT NULL,
    vat_total_cents   bigint                NOT NULL,
    gross_total_cents bigint                NOT NULL,
    created_at        timestamptz           NOT NULL DEFAULT now(),
    updated_at        timestamptz           NOT NULL DEFAULT now(),
    CONSTRAINT invoices_gross_total_check CHECK (gross_total_cents = net_total_cents + vat_total_cents),
    CONSTRAINT invoices_due_on_check CHECK (due_on >= issued_on),
    CONSTRAINT invoices_paid_at_check CHECK ((status = 'paid') = (paid_at IS NOT NULL))
);

CREATE TABLE public.invoice_items (
    id               bigserial      CONSTRAINT invoice_items_pkey PRIMARY KEY,
    invoice_id       bigint         NOT NULL,
    line_number      integer        NOT NULL,
    description      text           NOT NULL,
    quantity         numeric(10, 2) NOT NULL,
    unit_price_cents bigint         NOT NULL,
    vat_data         jsonb,
    paid_at          timestamptz,
    created_at       timestamptz    NOT NULL DEFAULT now(),
    CONSTRAINT invoice_items_line_number_check CHECK (line_number > 0)
);

CREATE TABLE public.payments (
    id           bigserial   CONSTRAINT payments_pkey PRIMARY KEY,
    invoice_id   bigint      NOT NULL,
    amount_cents bigint      NOT NULL,
    method       text        NOT NULL CONSTRAINT payments_method_check CHECK (method IN ('transfer', 'card', 'direct_debit')),
    reference    text,
    received_at  timestamptz NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX invoices_customer_id_idx ON public.invoices (customer_id);
CREATE INDEX invoices_status_due_on_idx ON public.invoices (status, due_on);
CREATE INDEX invoice_items_invoice_id_line_number_idx ON public.invoice_items (invoice_id, line_number);
CREATE INDEX payments_invoice_id_idx ON public.payments (invoice_id);

ALTER TABLE public.invoices
    ADD CONSTRAINT invoices_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customers (id);
ALTER TABLE public.payments
    ADD CONSTRAINT payments_invoice_id_fkey FOREIGN KEY (invoice_id) REFERENCES public.invoices (id);
ALTER TABLE public.invoice_items
    ADD CONSTRAINT invoice_items_invoice_id_fkey FOREIGN KEY (invoice_id) REFERENCES public.invoices (id) NOT VALID;

CREATE FUNCTION public.touch_updated_at() RETURNS trigger
    LANGUAGE plpgsql AS
$$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

CREATE TRIGGER customers_touch_updated_at BEFORE UPDATE ON public.customers
    FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
CREATE TRIGGER invoices_touch_updated_at BEFORE UPDATE ON public.invoices
    FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

CREATE VIEW public.open_invoices AS
    SELECT i.id, i.number, c.name AS customer, i.issued_on, i.due_on, i.currency, i.gross_total_cents
    FROM public.invoices AS i
    JOIN public.customers AS c ON c.id = i.customer_id
    WHERE i.status = 'open';

COMMENT ON TABLE public.customers IS 'Who gets our invoices.';
COMMENT ON TABLE public.invoices IS 'One row for each invoice. The totals are what was printed; they win over a sum of the lines.';
COMMENT ON COLUMN public.invoices.number IS 'Runs per year without gaps, the tax office asks for that.';
COMMENT ON COLUMN public.invoices.gross_total_cents IS 'What the customer pays, in cents of the currency.';
COMMENT ON TABLE public.invoice_items IS 'The lines of the invoices; by far the biggest table we have.';
COMMENT ON COLUMN public.invoice_items.vat_data IS 'rate in percent, amount and net in units of the currency, country. Old clients wrote other shapes; to be split into columns.';
COMMENT ON COLUMN public.invoice_items.paid_at IS 'Set line by line, because of instalments. NULL means unpaid.';
COMMENT ON CONSTRAINT invoice_items_invoice_id_fkey ON public.invoice_items IS 'Not validated: the import of March 2021 brought lines without an invoice. Clean up first.';
COMMENT ON TABLE public.payments IS 'Money that came in. An invoice may have several.';
COMMENT ON VIEW public.open_invoices IS 'The dunning run and the dashboard read this.';
