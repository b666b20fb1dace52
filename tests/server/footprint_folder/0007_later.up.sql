DROP TRIGGER by_statement ON public.events;
DROP TRIGGER by_row ON public.events;
SELECT held(2), touch(3, 4, 5);
CREATE TEMP TABLE jobs AS SELECT 1 AS id;
SELECT * FROM jobs;
DROP TABLE jobs;
SELECT id FROM jobs;
DROP TABLE public.jobs, public.batches, public.events;
DROP FUNCTION public.held;
