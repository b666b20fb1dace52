CREATE TABLE public.jobs (id int PRIMARY KEY, at date NOT NULL, done boolean, batch int);
CREATE TABLE public.batches (id int PRIMARY KEY, note text DEFAULT 'none');
INSERT INTO public.jobs SELECT n, '2024-01-01', NULL, n % 3 FROM generate_series(1, 30) AS n;

-- queries of WITH are no tables to a statement that stands in WITH itself
WITH due AS (SELECT id FROM public.jobs WHERE done IS NULL), over AS (
    UPDATE public.jobs AS j SET done = true FROM due WHERE due.id = j.id RETURNING j.batch
)
INSERT INTO public.batches SELECT DISTINCT batch, 'swept' FROM over;
DO $$
DECLARE left_over int; last_id int := 0;
BEGIN
    CREATE TEMP TABLE sweep AS SELECT id FROM public.jobs;
    CREATE INDEX sweep_id ON sweep (id);
    LOOP
        WITH part AS (SELECT id FROM sweep WHERE id > last_id ORDER BY id LIMIT 10), gone AS (
            UPDATE public.jobs SET done = false FROM part WHERE part.id = jobs.id
        )
        SELECT max(id) INTO last_id FROM part;
        EXIT WHEN last_id IS NULL;
    END LOOP;
    DROP INDEX sweep_id;
END $$;
DROP TABLE sweep;

-- a temporary table lies before the one of the same name
CREATE TEMP TABLE batches (id int);
CREATE INDEX ON batches (id);
INSERT INTO batches SELECT id FROM public.batches;
ALTER TABLE batches ADD COLUMN extra int DEFAULT 1;
CREATE TEMP VIEW sums AS SELECT sum(id) AS total FROM batches;
SELECT * FROM sums;
DROP TABLE batches CASCADE;
ALTER TABLE batches ADD COLUMN extra int;
CREATE TEMP TABLE brief ON COMMIT DROP AS SELECT 1 AS a;
UPDATE brief SET a = 2;

-- what may run
DO $$
BEGIN
    IF (SELECT count(*) FROM public.jobs) > 1000 THEN
        ALTER TABLE public.batches ALTER COLUMN id TYPE bigint;
        DROP INDEX public.jobs_pkey;
    ELSE
        PERFORM 1 FROM public.batches;
    END IF;
END $$;

-- functions with defaults, over rows, and in FROM
CREATE FUNCTION public.touch(a int, b int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN DELETE FROM public.batches WHERE id = a * b; RETURN a; END $$;
CREATE FUNCTION public.touch(a int, b int, c int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN LOCK TABLE public.jobs IN SHARE MODE; RETURN a; END $$;
CREATE FUNCTION public.held(a int, c text DEFAULT 'x') RETURNS int LANGUAGE plpgsql AS $$ BEGIN LOCK TABLE public.jobs IN EXCLUSIVE MODE; RETURN a; END $$;
SELECT touch(100, 200);
SELECT touch(id, 200) FROM public.batches;
SELECT * FROM touch(1, 2);
SELECT held(1);
UPDATE public.batches SET note = held(id)::text WHERE id < 0;

-- a trigger of the statement is none of the partitions
CREATE TABLE public.events (at date NOT NULL, note text) PARTITION BY RANGE (at);
CREATE TABLE public.events_2024 PARTITION OF public.events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE FUNCTION public.seen() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER by_statement AFTER INSERT ON public.events FOR EACH STATEMENT EXECUTE FUNCTION seen();
CREATE TRIGGER by_row AFTER INSERT ON public.events FOR EACH ROW EXECUTE FUNCTION seen();

-- a key with a null in it refers to nothing
CREATE TABLE public.owners (id int PRIMARY KEY, alias int);
CREATE UNIQUE INDEX owners_alias ON public.owners (alias);
CREATE TABLE public.pets (name text, owner int REFERENCES public.owners, other int DEFAULT 1 REFERENCES public.owners (alias));
INSERT INTO public.owners VALUES (1, 1), (2, 2);
