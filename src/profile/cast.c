/* cast.c: which values a cast would fail on, and on which it would lose something. A part is cast in one statement; when that fails, a
 * DO block goes through its rows with a handler for each: exact on every version, and nothing has to be created in the database.
 * (pg_input_is_valid is of 16, knows input functions alone, and no casts between numbers; halving ranges of keys until each failing
 * row stands alone costs statements without end where many fail.) */
#include "profile/cast.h"

/* The statements below meet the type of the user, which the session's search_path finds; all else is qualified, and pg_catalog
 * comes first. */
static enum pr_code use_path(struct pr_profile_run *p, bool own, struct pr_err *e) {
    static const struct pr_pg_stmt set = {.name = "profile: search path", .sql = "SELECT pg_catalog.set_config('search_path', $1, true)", .n_params = 1,
                                          .shape = PR_ONE_ROW, .n_cols = 1, .timeout_ms = 10000};
    const char *path = own ? pr_fmt(p->a, "pg_catalog, %s", p->own_path[0] != '\0' ? p->own_path : "pg_temp") : "pg_catalog, pg_temp";
    return pr_pg_query(p->pg, &set, &path, p->a, NULL, e);
}

static void lose(struct pr_cast_count *k, const char *kind, const char *sql) {
    PR_ASSERT(k->n_losses < PR_COUNT(k->losses));
    k->losses[k->n_losses++] = (struct pr_cast_loss){.kind = kind, .sql = sql};
}

#define HAS_ZONE "x::pg_catalog.text ~ ':[0-9.]+\\s*([zZ]|[+-][0-9:]+|[A-Za-z][A-Za-z_/]*)\\s*$'"

/* From text: what the target's input function takes without a word. x and y are the value before and after. */
static void losses_of_text(struct pr_cast_count *k) {
    const bool number = pr_eq(k->category, "N");
    if (number) {
        lose(k, "rounded", "CASE WHEN x ~ '^\\s*[-+]?([0-9]+\\.?[0-9]*|\\.[0-9]+)\\s*$' THEN x::pg_catalog.numeric <> y::pg_catalog.text::pg_catalog.numeric END");
        lose(k, "leading zeros", "x ~ '^\\s*[-+]?0[0-9]'");
    } else if (pr_eq(k->bare, "timestamp")) {
        lose(k, "time zone dropped", HAS_ZONE);
    } else if (pr_eq(k->bare, "timestamptz")) {
        lose(k, "time zone of the session", "NOT " HAS_ZONE);
    } else if (pr_eq(k->bare, "date")) {
        lose(k, "time of day dropped", "x ~ ':'");
    } else if (pr_eq(k->category, "S")) {
        lose(k, "cut off", "y::pg_catalog.text <> x");
    }
}

static void losses_of(struct pr_profile_run *p, struct pr_cast_count *k, const struct pr_data_col *c) {
    const char *base = c->base;
    if (k->from_text) {
        losses_of_text(k);
    } else if (pr_eq(k->category, "N") && c->cls == PR_DATA_NUMBER) {
        lose(k, "rounded", pr_fmt(p->a, "y::%s <> x", base));
    } else if (pr_eq(k->category, "S")) {
        lose(k, "cut off", "y::pg_catalog.text <> x::pg_catalog.text");
    } else if (c->cls == PR_DATA_TIME) {
        const bool zone = pr_eq(c->bare, "timestamptz"), to_zone = pr_eq(k->bare, "timestamptz");
        if (zone != to_zone) lose(k, "time zone of the session", "true");
        if (pr_eq(k->category, "D")) lose(k, pr_eq(k->bare, "date") ? "time of day dropped" : "rounded", pr_fmt(p->a, "y::%s <> x", base));
    }
}

static enum pr_code describe(struct pr_profile_run *p, struct pr_cast_count *k, struct pr_err *e) {
    const struct pr_data_col *c = pr_profile_col(p, k->cast->spot.column);
    k->from_text = k->cast->spot.n_keys > 0 || c->cls == PR_DATA_TEXT;
    k->source = k->from_text ? "pg_catalog.text" : c->base;
    /* The branch is never taken: of a cast that fails on NULL, or of a domain that forbids it, only the type is wanted. */
    const char *sql = pr_fmt(p->a, "SELECT b.typcategory::pg_catalog.text, b.typname::pg_catalog.text FROM pg_catalog.pg_type AS t"
                             " JOIN pg_catalog.pg_type AS b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END"
                             " WHERE t.oid = pg_catalog.pg_typeof(CASE WHEN false THEN CAST(CAST(NULL AS %s) AS %s\n) END)", k->source, k->cast->type);
    struct pr_pg_rows row = {0};
    PR_TRY(e, pr_profile_ask_rows(p, "profile: cast", sql, 2, p->a, &row, e));
    k->category = row.n_rows == 1 ? PR_CELL(&row, 0, 0) : "";
    k->bare = row.n_rows == 1 ? PR_CELL(&row, 0, 1) : "";
    losses_of(p, k, c);
    return PR_OK;
}

static enum pr_code describe_or_say(struct pr_profile_run *p, struct pr_cast_count *k, struct pr_err *e) {
    if (describe(p, k, e) == PR_OK) return PR_OK;
    if (e->code != PR_ERR_DB || pr_profile_out_of_time(p, e)) return e->code;
    (void)pr_prefix(e, "%s to %s", pr_spot_text(p->a, &k->cast->spot), k->cast->type);
    if (pr_eq(e->sqlstate, "42846")) return pr_hint(e, "there is no such cast: try it by way of text, or write the expression in the migration");
    return e->code;
}

enum pr_code pr_casts_prepare(struct pr_profile_run *p, struct pr_err *e) {
    p->casts = PR_NEW_ARRAY(p->a, struct pr_cast_count, p->ask->n_casts);
    if (p->ask->n_casts == 0) return PR_OK;
    PR_TRY(e, pr_parts_begin(p, e));
    enum pr_code code = use_path(p, true, e);
    for (size_t i = 0; i < p->ask->n_casts && code == PR_OK; i++) {
        p->casts[i].cast = &p->ask->casts[i];
        code = describe_or_say(p, &p->casts[i], e);
    }
    struct pr_err ignored = {0};
    const enum pr_code end = code == PR_OK ? pr_parts_end(p, e) : pr_parts_end(p, &ignored);
    return code == PR_OK ? end : code;
}

/* --- the quick way: one statement ---------------------------------------------------------------------------------- */

static const char *quick_sql(const struct pr_profile_run *p, const struct pr_cast_count *k, size_t part, struct pr_arena *a) {
    const struct pr_data_col *c = pr_profile_col(p, k->cast->spot.column);
    struct pr_buf b = {.a = a};
    pr_add(&b, "SELECT pg_catalog.count(*)::pg_catalog.text, pg_catalog.count(x)::pg_catalog.text, pg_catalog.count(y)::pg_catalog.text");
    for (size_t i = 0; i < PR_COUNT(k->losses); i++) {
        if (i < k->n_losses) pr_addf(&b, ", (pg_catalog.count(*) FILTER (WHERE %s))::pg_catalog.text", k->losses[i].sql);
        else pr_add(&b, ", '0'");
    }
    pr_addf(&b, " FROM (SELECT x, CAST(x AS %s\n) AS y FROM (SELECT %s::%s AS x %s) AS s) AS c", k->cast->type,
            pr_spot_sql(p, &k->cast->spot, c->ident), k->source, pr_part_from(p, part, a));
    return pr_buf_text(&b);
}

/* Whether it went through; PR_OK with false when a value failed. */
static enum pr_code quick(struct pr_profile_run *p, struct pr_cast_count *k, size_t part, bool *through, struct pr_err *e) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)4 << 20);
    struct pr_err failed = {0};
    struct pr_pg_rows row = {0};
    *through = false;
    PR_TRY(e, pr_pg_do(p->pg, "profile: savepoint", "SAVEPOINT pgrail_cast", 10000, e));
    if (pr_profile_ask_rows(p, "profile: cast", quick_sql(p, k, part, a), 5, a, &row, &failed) != PR_OK) {
        if (failed.code == PR_ERR_DB && !pr_profile_out_of_time(p, &failed))
            return pr_pg_do(p->pg, "profile: back", "ROLLBACK TO SAVEPOINT pgrail_cast", 10000, e);
        *e = failed;
        return e->code;
    }
    int64_t n[5] = {0};
    for (size_t i = 0; i < PR_COUNT(n); i++) PR_TRY(e, pr_parse_i64(PR_CELL(&row, 0, i), 0, INT64_MAX, &n[i], e));
    k->rows += n[0];
    k->nulls += n[0] - n[1];
    k->fine += n[1];
    for (size_t i = 0; i < k->n_losses; i++) {
        k->losses[i].n += n[3 + i];
        if (n[3 + i] > 0) pr_places_add(&k->losses[i].places, part);
    }
    *through = true;
    return PR_OK;
}

/* --- the exact way: row by row on the server ----------------------------------------------------------------------- */

/* Keeps the name of the row under a key of `named`, of the first few. */
static void put_naming(struct pr_buf *b, const char *key) {
    pr_addf(b, "  IF r.k IS NOT NULL AND coalesce(pg_catalog.jsonb_array_length(named -> %s), 0) < %d THEN\n"
               "   named := named || pg_catalog.jsonb_build_object(%s, coalesce(named -> %s, '[]'::jsonb) || pg_catalog.to_jsonb(r.k));\n"
               "  END IF;\n", key, PR_MOST_KEYS, key, key);
}

static const char *slow_sql(const struct pr_profile_run *p, const struct pr_cast_count *k, size_t part, struct pr_arena *a) {
    const struct pr_data_col *c = pr_profile_col(p, k->cast->spot.column);
    struct pr_buf b = {.a = a};
    pr_addf(&b, "DECLARE r record; x %s; n bigint := 0; nulls bigint := 0; fine bigint := 0; l0 bigint := 0; l1 bigint := 0;\n"
                "states jsonb := '{}'; named jsonb := '{}'; s text;\n", k->source);
    pr_add(&b, "BEGIN\n");
    pr_addf(&b, "FOR r IN SELECT %s AS c, (%s)::pg_catalog.text AS k %s%s LOOP\n n := n + 1;\n BEGIN\n", c->ident,
            p->row_name != NULL ? p->row_name : "NULL", pr_part_from(p, part, a), p->way == PR_WAY_KEY ? pr_fmt(a, " ORDER BY %s", p->key_list) : "");
    pr_addf(&b, "  x := %s;\n  IF x IS NULL THEN nulls := nulls + 1; CONTINUE; END IF;\n"
                "  DECLARE y %s\n := CAST(x AS %s\n); BEGIN\n", pr_spot_sql(p, &k->cast->spot, "r.c"), k->cast->type, k->cast->type);
    for (size_t i = 0; i < k->n_losses; i++) {
        pr_addf(&b, "  IF (%s) THEN l%zu := l%zu + 1;\n", k->losses[i].sql, i, i);
        put_naming(&b, pr_fmt(a, "'l%zu'::text", i));
        pr_add(&b, "  END IF;\n");
    }
    pr_add(&b, "  END;\n  fine := fine + 1;\n EXCEPTION WHEN OTHERS THEN\n  s := SQLSTATE;\n"
               "  states := states || pg_catalog.jsonb_build_object(s, coalesce((states ->> s)::bigint, 0) + 1);\n");
    put_naming(&b, "s");
    pr_add(&b, " END;\nEND LOOP;\n"
                "PERFORM pg_catalog.set_config('pgrail.cast', pg_catalog.jsonb_build_object('n', n, 'nulls', nulls, 'fine', fine, 'l0', l0, 'l1', l1, "
                "'states', states, 'named', named)::pg_catalog.text, true);\nEND");
    return pr_fmt(a, "DO LANGUAGE plpgsql %s", pr_quote_literal(a, pr_buf_text(&b)));
}

static struct pr_cast_failure *failure_of(struct pr_cast_count *k, const char *state) {
    for (size_t i = 0; i < k->n_failures; i++)
        if (pr_eq(k->failures[i].sqlstate, state)) return &k->failures[i];
    if (k->n_failures == PR_COUNT(k->failures)) return &k->failures[k->n_failures - 1];
    struct pr_cast_failure *f = &k->failures[k->n_failures++];
    (void)snprintf(f->sqlstate, sizeof f->sqlstate, "%s", state);
    f->keys = json_array();
    return f;
}

static void take_keys(json_t **keys, const json_t *named) {
    size_t i = 0;
    json_t *key = NULL;
    if (*keys == NULL) *keys = json_array();
    json_array_foreach((json_t *)(uintptr_t)named, i, key)
        if (json_array_size(*keys) < PR_MOST_KEYS) pr_push_str(*keys, json_string_value(key));
}

static void take(struct pr_cast_count *k, const json_t *got) {
    const json_t *named = pr_get(got, "named");
    k->rows += pr_get_int(got, "n");
    k->nulls += pr_get_int(got, "nulls");
    k->fine += pr_get_int(got, "fine");
    for (size_t i = 0; i < k->n_losses; i++) {
        const int64_t n = pr_get_int(got, i == 0 ? "l0" : "l1");
        k->losses[i].n += n;
        if (n > 0) take_keys(&k->losses[i].keys, pr_get(named, i == 0 ? "l0" : "l1"));
    }
    const char *state = NULL;
    json_t *n = NULL;
    json_object_foreach(pr_get(got, "states"), state, n) {
        struct pr_cast_failure *f = failure_of(k, state);
        f->n += json_integer_value(n);
        take_keys(&f->keys, pr_get(named, state));
    }
}

static enum pr_code slow(struct pr_profile_run *p, struct pr_cast_count *k, size_t part, json_t **out, struct pr_err *e) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)8 << 20);
    const int64_t left_us = p->deadline_us - pr_mono_us();
    if (left_us < 1000) return PR_FAIL(e, PR_ERR_TIMEOUT, "profile: out of time");
    if (pr_pg_do(p->pg, "profile: cast row by row", slow_sql(p, k, part, a), (int)(left_us / 1000), e) != PR_OK) {
        if (!pr_eq(e->sqlstate, "42501") && !pr_eq(e->sqlstate, "42704")) return e->code;
        return pr_hint(e, "values that fail are found by a DO block, which needs USAGE on the language plpgsql");
    }
    struct pr_pg_rows row = {0};
    PR_TRY(e, pr_profile_ask_rows(p, "profile: cast", "SELECT pg_catalog.current_setting('pgrail.cast')", 1, a, &row, e));
    return pr_json_parse("profile: cast", PR_CELL(&row, 0, 0), strlen(PR_CELL(&row, 0, 0)), out, e);
}

/* Rows that would lose something, where only quick statements counted them: the first part that has some is gone through again. */
static enum pr_code find_losses(struct pr_profile_run *p, struct pr_cast_count *k, struct pr_err *e) {
    for (size_t i = 0; i < k->n_losses; i++) {
        struct pr_cast_loss *l = &k->losses[i];
        if (l->n == 0 || json_array_size(l->keys) > 0 || l->places.n == 0) continue;
        json_t *got PR_CLEANUP(pr_json_freep) = NULL;
        PR_TRY(e, slow(p, k, l->places.part[0], &got, e));
        take_keys(&l->keys, pr_get(pr_get(got, "named"), i == 0 ? "l0" : "l1"));
    }
    return PR_OK;
}

enum pr_code pr_casts_keys(struct pr_profile_run *p, struct pr_err *e) {
    if (p->ask->n_casts == 0 || p->row_name == NULL) return PR_OK;
    pr_profile_show(p, "rows to show");
    PR_TRY(e, pr_parts_begin(p, e));
    enum pr_code code = use_path(p, true, e);
    for (size_t i = 0; i < p->ask->n_casts && code == PR_OK; i++) code = find_losses(p, &p->casts[i], e);
    if (code == PR_OK) return pr_parts_end(p, e);
    pr_parts_abort(p);
    return code;
}

static enum pr_code count_one(struct pr_profile_run *p, struct pr_cast_count *k, size_t part, struct pr_err *e) {
    bool through = false;
    if (!k->fails) PR_TRY(e, quick(p, k, part, &through, e));
    if (through) return PR_OK;
    const int64_t rows = k->rows, fine = k->fine, nulls = k->nulls;
    json_t *got PR_CLEANUP(pr_json_freep) = NULL;
    PR_TRY(e, slow(p, k, part, &got, e));
    take(k, got);
    k->fails = k->fine - fine + k->nulls - nulls < k->rows - rows;     /* the next part most likely fails as well */
    return PR_OK;
}

enum pr_code pr_casts_count(struct pr_profile_run *p, size_t part, struct pr_err *e) {
    if (p->ask->n_casts == 0) return PR_OK;
    PR_TRY(e, use_path(p, true, e));
    for (size_t i = 0; i < p->ask->n_casts; i++) PR_TRY(e, count_one(p, &p->casts[i], part, e));
    return use_path(p, false, e);
}
