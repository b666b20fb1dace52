CREATE FUNCTION f(a s.t, VARIADIC b int[]) RETURNS SETOF s.t LANGUAGE plpgsql SET search_path = x AS $$ #variable_conflict use_column
DECLARE x CONSTANT s.e := 'q'; y s.t[]; z s.t.c%TYPE; w s.t%ROWTYPE; BEGIN RETURN QUERY SELECT 1; RETURN QUERY EXECUTE 'SELECT 2'; RETURN NEXT y; END $$; SELECT f(1, 2);
