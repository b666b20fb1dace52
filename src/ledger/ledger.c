/* ledger.c: opens the local state; groundings and rehearsals. */
#include "ledger/impl.h"
#include "sql_files.gen.h"

static enum pr_code find_path(struct pr_arena *a, const char **out, struct pr_err *e) {
    const char *named = getenv("PGRAIL_LEDGER"), *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (named != NULL && named[0] != '\0') *out = named;
    else if (state != NULL && state[0] == '/') *out = pr_fmt(a, "%s/pgrail/ledger.db", state);
    else if (home != NULL && home[0] == '/') *out = pr_fmt(a, "%s/.local/state/pgrail/ledger.db", home);
    else {
        (void)PR_FAIL(e, PR_ERR_STORE, "no place for the ledger: neither XDG_STATE_HOME nor HOME is set");
        return pr_hint(e, "export XDG_STATE_HOME=/a/folder");
    }
    return PR_OK;
}

enum pr_code pr_ledger_open(const char *project, struct pr_ledger **out, struct pr_err *e) {
    static const char *const schema[] = {pr_sql_ledger_v1};
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(1 << 20);
    const char *path = NULL;
    PR_TRY(e, find_path(a, &path, e));
    struct pr_ledger *l PR_CLEANUP(pr_ledger_closep) = calloc(1, sizeof *l);
    PR_ASSERT(l != NULL);
    l->project = strdup(project);
    PR_ASSERT(l->project != NULL);
    PR_TRY(e, pr_store_open(path, schema, (int)PR_COUNT(schema), &l->store, e));
    *out = l;
    l = NULL;
    return PR_OK;
}

void pr_ledger_close(struct pr_ledger *l) {
    if (l == NULL) return;
    pr_store_close(l->store);
    free(l->project);
    free(l);
}

void pr_ledger_closep(struct pr_ledger **l) { pr_ledger_close(*l); }

enum pr_code pr_cell_int(const struct pr_store_rows *r, int row, int col, int64_t *out, struct pr_err *e) {
    if (pr_parse_i64(PR_STORE_CELL(r, row, col), INT64_MIN, INT64_MAX, out, e) == PR_OK) return PR_OK;
    return PR_FAIL(e, PR_ERR_STORE, "the ledger holds something else where a number should be");
}

enum pr_code pr_cell_json(const struct pr_store_rows *r, int row, int col, json_t **out, struct pr_err *e) {
    const char *text = PR_STORE_CELL(r, row, col);
    if (text != NULL && pr_json_parse("ledger", text, strlen(text), out, e) == PR_OK) return PR_OK;
    return PR_FAIL(e, PR_ERR_STORE, "the ledger holds something else where a document should be");
}

const char *pr_int_text(struct pr_arena *a, int64_t n) { return pr_fmt(a, "%" PRId64, n); }
const char *pr_now(struct pr_arena *a) { return pr_iso_time(a, pr_wall_us()); }

enum pr_code pr_ledger_put_grounding(struct pr_ledger *l, struct pr_grounding *g, struct pr_err *e) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    json_t *none PR_CLEANUP(pr_json_freep) = json_object();
    const char *const params[] = {
        l->project, g->environment, g->system_id, g->database, g->migration, g->sha256, g->fingerprint,
        pr_json_text(a, g->relations != NULL ? g->relations : none, false), g->taken_at != NULL ? g->taken_at : pr_now(a)};
    PR_TRY(e, pr_store_run(l->store,
                           "INSERT INTO grounding (project, environment, system_id, database, migration, sha256, fingerprint, relations,"
                           " taken_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", params, (int)PR_COUNT(params), a, NULL, e));
    g->id = pr_store_last_id(l->store);
    return PR_OK;
}

enum pr_code pr_ledger_grounding(struct pr_ledger *l, const char *environment, const char *migration, struct pr_arena *a,
                                 struct pr_grounding *out, bool *found, struct pr_err *e) {
    struct pr_store_rows r = {0};
    const char *const params[] = {l->project, environment, migration};
    PR_TRY(e, pr_store_run(l->store,
                           "SELECT id, system_id, database, migration, sha256, fingerprint, relations, taken_at FROM grounding"
                           " WHERE project = ? AND environment = ? AND migration IS ? ORDER BY id DESC LIMIT 1", params, 3, a, &r, e));
    if (r.n_rows == 0) {
        *found = false;
        return PR_OK;
    }
    struct pr_grounding g = {.environment = pr_dup(a, environment), .system_id = PR_STORE_CELL(&r, 0, 1), .database = PR_STORE_CELL(&r, 0, 2),
                             .migration = PR_STORE_CELL(&r, 0, 3), .sha256 = PR_STORE_CELL(&r, 0, 4), .fingerprint = PR_STORE_CELL(&r, 0, 5),
                             .taken_at = PR_STORE_CELL(&r, 0, 7)};
    PR_TRY(e, pr_cell_int(&r, 0, 0, &g.id, e));
    PR_TRY(e, pr_cell_json(&r, 0, 6, &g.relations, e));
    *out = g;
    *found = true;
    return PR_OK;
}

enum pr_code pr_ledger_put_rehearsal(struct pr_ledger *l, struct pr_rehearsal *h, struct pr_err *e) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    const char *const params[] = {
        l->project, h->environment, h->staging, h->migration, h->sha256, h->passed ? "1" : "0", h->fingerprint, h->report_sha256,
        pr_json_text(a, h->doc, false), h->started_at != NULL ? h->started_at : pr_now(a), pr_int_text(a, h->elapsed_us)};
    PR_TRY(e, pr_store_run(l->store,
                           "INSERT INTO rehearsal (project, environment, staging, migration, sha256, passed, fingerprint, report_sha256, doc,"
                           " started_at, elapsed_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", params, (int)PR_COUNT(params), a, NULL, e));
    h->id = pr_store_last_id(l->store);
    return PR_OK;
}

enum pr_code pr_ledger_rehearsal(struct pr_ledger *l, const char *environment, const char *migration, const char *sha256,
                                 struct pr_arena *a, struct pr_rehearsal *out, bool *found, struct pr_err *e) {
    struct pr_store_rows r = {0};
    const char *const params[] = {l->project, environment, migration, sha256};
    PR_TRY(e, pr_store_run(l->store,
                           "SELECT id, staging, sha256, passed, fingerprint, report_sha256, doc, started_at, elapsed_us FROM rehearsal"
                           " WHERE project = ?1 AND environment = ?2 AND migration = ?3 AND (?4 IS NULL OR sha256 = ?4)"
                           " ORDER BY id DESC LIMIT 1", params, 4, a, &r, e));
    if (r.n_rows == 0) {
        *found = false;
        return PR_OK;
    }
    struct pr_rehearsal h = {.environment = pr_dup(a, environment), .staging = PR_STORE_CELL(&r, 0, 1), .migration = pr_dup(a, migration),
                             .sha256 = PR_STORE_CELL(&r, 0, 2), .passed = pr_eq(PR_STORE_CELL(&r, 0, 3), "1"),
                             .fingerprint = PR_STORE_CELL(&r, 0, 4), .report_sha256 = PR_STORE_CELL(&r, 0, 5),
                             .started_at = PR_STORE_CELL(&r, 0, 7)};
    PR_TRY(e, pr_cell_int(&r, 0, 0, &h.id, e));
    PR_TRY(e, pr_cell_int(&r, 0, 8, &h.elapsed_us, e));
    PR_TRY(e, pr_cell_json(&r, 0, 6, &h.doc, e));
    *out = h;
    *found = true;
    return PR_OK;
}
