/* clean.c: the invalid index that a broken CREATE INDEX or REINDEX CONCURRENTLY leaves. Ours is the one that was absent before the
 * statement, has its name and table, and is built by nobody; any other is left alone, however invalid it is. */
#include "apply/flight.h"

#define OURS 10000                              /* ms */
#define DROP_US 120000000                       /* DROP INDEX CONCURRENTLY waits for everybody who uses the table */

static const char *index_name(const struct pr_flight *f, size_t i) {
    struct pr_name *names = NULL;
    const size_t n = pr_stmt_names(&f->script.stmts[i], f->a, &names);
    for (size_t k = 0; k < n; k++)
        if (names[k].role == PR_NAME_CREATED && names[k].kind == PR_NAME_INDEX) return names[k].name;
    return NULL;
}

static enum pr_code index_exists(struct pr_flight *f, const char *schema, const char *name, bool *out, struct pr_err *e) {
    static const struct pr_pg_stmt there = {
        .name = "index before", .n_params = 1, .shape = PR_ONE_ROW, .n_cols = 1, .timeout_ms = OURS,
        .sql = "SELECT pg_catalog.to_regclass($1) IS NOT NULL",
    };
    const char *const params[] = {pr_qualified(f->a, schema, name)};
    struct pr_pg_rows r = {0};
    PR_TRY(e, pr_pg_query(f->watch, &there, params, f->a, &r, e));
    *out = pr_eq(PR_CELL(&r, 0, 0), "t");
    return PR_OK;
}

enum pr_code pr_clean_remember(struct pr_flight *f, size_t i, struct pr_err *e) {
    struct pr_invalid *list = NULL;
    size_t n = 0;
    PR_TRY(e, pr_invalid_indexes(f->watch, f->a, &list, &n, e));
    const char *schema = f->footprint.stmts[i].main_schema, *name = index_name(f, i);
    bool there = false;
    if (name != NULL) PR_TRY(e, index_exists(f, schema, name, &there, e));
    json_t *o = pr_set_object(f->row.detail, "concurrent");
    pr_set_int(o, "stmt", (int64_t)i);
    pr_set_str(o, "schema", schema);
    pr_set_str(o, "table", f->footprint.stmts[i].main_name);
    pr_set_str(o, "index", name);
    pr_set_bool(o, "was_there", there);
    json_t *before = pr_set_array(o, "invalid_before");
    for (size_t k = 0; k < n; k++) pr_push_str(before, pr_qualified(f->a, list[k].schema, list[k].index));
    return PR_OK;
}

static bool was_invalid_before(const json_t *note, const char *qualified) {
    size_t k = 0;
    json_t *o = NULL;
    json_array_foreach(pr_get(note, "invalid_before"), k, o)
        if (pr_eq(json_string_value(o), qualified)) return true;
    return false;
}

static bool is_ours(const struct pr_flight *f, const json_t *note, const struct pr_stmt *s, const struct pr_invalid *x) {
    const char *index = pr_get_str(note, "index"), *schema = pr_get_str(note, "schema"), *table = pr_get_str(note, "table");
    if (was_invalid_before(note, pr_qualified(f->a, x->schema, x->index))) return false;
    if (pr_starts(s->tag, "REINDEX")) return strstr(x->index, "_ccnew") != NULL || strstr(x->index, "_ccold") != NULL;
    if (schema != NULL && !pr_eq(schema, x->schema)) return false;
    if (table != NULL && !pr_eq(table, x->table)) return false;
    return index == NULL || (pr_eq(index, x->index) && !pr_get_bool(note, "was_there"));
}

static enum pr_code drop(struct pr_flight *f, size_t i, const struct pr_invalid *x, struct pr_err *e) {
    const char *name = pr_qualified(f->a, x->schema, x->index);
    const char *sql = pr_fmt(f->a, "DROP INDEX CONCURRENTLY IF EXISTS %s", name);
    struct pr_eye eye = {.f = f, .stmt = i, .concurrent = true, .cleaning = true, .stop_after_us = DROP_US};
    const struct pr_pg_watch watch = pr_eye_watch(&eye);
    struct pr_pg_done done = {0};
    pr_say(f->ask->talk, PR_LINE_STEP, "removing what it left: index %s is invalid", name);
    pr_say(f->ask->talk, PR_LINE_CODE, "%s", sql);
    enum pr_code code = pr_flight_lift_timeouts(f, e);
    if (code == PR_OK) code = pr_flight_backend(f, e);
    if (code == PR_OK) code = pr_pg_run(f->worker, sql, &watch, f->a, &done, e);
    pr_progress(f->ask->talk, NULL);
    if (code == PR_OK || done.finished) {
        pr_say(f->ask->talk, PR_LINE_GOOD, "removed in %s", pr_human_us(f->a, done.elapsed_us));
        pr_fault("dropped");
        return PR_OK;
    }
    pr_note_left(f, pr_fmt(f->a, "invalid index %s", name), sql);
    char why[sizeof e->msg];
    (void)snprintf(why, sizeof why, "%s", e->msg);
    (void)PR_FAIL(e, PR_ERR_NEEDS_PERSON, "the invalid index %s could not be dropped: %s", name, why);
    return pr_hint(e, "%s; then: %s", sql, pr_flight_command(f));
}

enum pr_code pr_clean_index(struct pr_flight *f, size_t i, bool *dropped, struct pr_err *e) {
    const json_t *note = pr_get(f->row.detail, "concurrent");
    const struct pr_stmt *s = &f->script.stmts[i];
    if (dropped != NULL) *dropped = false;
    if (note == NULL || pr_get_int(note, "stmt") != (int64_t)i || pr_starts(s->tag, "DROP")) return PR_OK;
    struct pr_invalid *list = NULL;
    size_t n = 0;
    PR_TRY(e, pr_invalid_indexes(f->watch, f->a, &list, &n, e));
    for (size_t k = 0; k < n; k++) {
        if (list[k].building || !is_ours(f, note, s, &list[k])) continue;
        PR_TRY(e, drop(f, i, &list[k], e));
        if (dropped != NULL) *dropped = true;
    }
    return PR_OK;
}
