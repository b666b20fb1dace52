/* runs.c: the journal of runs. A transition and its event are one transaction, on disk before the act that it announces. */
#include "ledger/impl.h"

static enum pr_code begin(struct pr_ledger *l, struct pr_err *e) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(1 << 20);
    return pr_store_run(l->store, "BEGIN IMMEDIATE", NULL, 0, a, NULL, e);
}

static enum pr_code end(struct pr_ledger *l, enum pr_code code, struct pr_err *e) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(1 << 20);
    if (code == PR_OK) return pr_store_run(l->store, "COMMIT", NULL, 0, a, NULL, e);
    struct pr_err ignored = {0};                               /* e tells the first failure */
    const enum pr_code back = pr_store_run(l->store, "ROLLBACK", NULL, 0, a, NULL, &ignored);
    (void)back;
    return code;
}

static enum pr_code add_event(struct pr_ledger *l, const struct pr_run_row *r, const char *event, const char *note,
                              struct pr_arena *a, struct pr_err *e) {
    const char *const params[] = {pr_int_text(a, r->id), pr_now(a), event, r->state, pr_int_text(a, r->step), note};
    return pr_store_run(l->store, "INSERT INTO run_event (run_id, at, event, state, step, note) VALUES (?, ?, ?, ?, ?, ?)", params,
                        (int)PR_COUNT(params), a, NULL, e);
}

static const char *detail_text(const struct pr_run_row *r, struct pr_arena *a) {
    return r->detail != NULL ? pr_json_text(a, r->detail, false) : "{}";
}

static enum pr_code insert(struct pr_ledger *l, struct pr_run_row *r, struct pr_arena *a, struct pr_err *e) {
    const char *now = pr_now(a);
    const char *const params[] = {
        l->project, r->environment, r->migration, r->sha256, r->direction, r->state, pr_int_text(a, r->step), pr_int_text(a, r->steps),
        r->step_sha256, pr_int_text(a, r->backend_pid), r->backend_start, r->pre_fingerprint,
        r->started_at != NULL ? r->started_at : now, now, detail_text(r, a)};
    PR_TRY(e, pr_store_run(l->store,
                           "INSERT INTO run (project, environment, migration, sha256, direction, state, step, steps, step_sha256,"
                           " backend_pid, backend_start, pre_fingerprint, started_at, changed_at, detail)"
                           " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", params, (int)PR_COUNT(params), a, NULL, e));
    r->id = pr_store_last_id(l->store);
    return add_event(l, r, "open", NULL, a, e);
}

enum pr_code pr_ledger_open_run(struct pr_ledger *l, struct pr_run_row *r, struct pr_err *e) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    PR_TRY(e, begin(l, e));
    return end(l, insert(l, r, a, e), e);
}

static enum pr_code update(struct pr_ledger *l, const struct pr_run_row *r, const char *event, const char *note, struct pr_arena *a,
                           struct pr_err *e) {
    struct pr_store_rows hit = {0};
    const char *const params[] = {
        r->state, pr_int_text(a, r->step), pr_int_text(a, r->steps), r->step_sha256, pr_int_text(a, r->backend_pid), r->backend_start,
        r->pre_fingerprint, pr_now(a), detail_text(r, a), pr_int_text(a, r->id), l->project};
    PR_TRY(e, pr_store_run(l->store,
                           "UPDATE run SET state = ?, step = ?, steps = ?, step_sha256 = ?, backend_pid = ?, backend_start = ?,"
                           " pre_fingerprint = ?, changed_at = ?, detail = ? WHERE id = ? AND project = ? RETURNING id", params,
                           (int)PR_COUNT(params), a, &hit, e));
    if (hit.n_rows != 1) return PR_FAIL(e, PR_ERR_STORE, "the ledger knows no run %" PRId64 " of this project", r->id);
    return add_event(l, r, event, note, a, e);
}

enum pr_code pr_ledger_step_run(struct pr_ledger *l, const struct pr_run_row *r, const char *event, const char *note, struct pr_err *e) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    PR_TRY(e, begin(l, e));
    return end(l, update(l, r, event, note, a, e), e);
}

static enum pr_code take(const struct pr_store_rows *r, int i, struct pr_run_row *row, struct pr_err *e) {
    *row = (struct pr_run_row){
        .environment = PR_STORE_CELL(r, i, 1), .migration = PR_STORE_CELL(r, i, 2), .sha256 = PR_STORE_CELL(r, i, 3),
        .direction = PR_STORE_CELL(r, i, 4), .state = PR_STORE_CELL(r, i, 5), .step_sha256 = PR_STORE_CELL(r, i, 8),
        .backend_start = PR_STORE_CELL(r, i, 10), .pre_fingerprint = PR_STORE_CELL(r, i, 11), .started_at = PR_STORE_CELL(r, i, 12),
        .changed_at = PR_STORE_CELL(r, i, 13)};
    PR_TRY(e, pr_cell_int(r, i, 0, &row->id, e));
    PR_TRY(e, pr_cell_int(r, i, 6, &row->step, e));
    PR_TRY(e, pr_cell_int(r, i, 7, &row->steps, e));
    PR_TRY(e, pr_cell_int(r, i, 9, &row->backend_pid, e));
    return pr_cell_json(r, i, 14, &row->detail, e);
}

enum pr_code pr_ledger_open_runs(struct pr_ledger *l, const char *environment, struct pr_arena *a, struct pr_run_row **out, size_t *n,
                                 struct pr_err *e) {
    struct pr_store_rows r = {0};
    const char *const params[] = {l->project, environment};
    PR_TRY(e, pr_store_run(l->store,
                           "SELECT id, environment, migration, sha256, direction, state, step, steps, step_sha256, backend_pid,"
                           " backend_start, pre_fingerprint, started_at, changed_at, detail FROM run"
                           " WHERE project = ? AND environment = ? AND state NOT IN ('done', 'failed') ORDER BY id", params, 2, a, &r, e));
    struct pr_run_row *rows = PR_NEW_ARRAY(a, struct pr_run_row, (size_t)r.n_rows);
    for (int i = 0; i < r.n_rows; i++) {
        if (take(&r, i, &rows[i], e) == PR_OK) continue;
        for (int j = 0; j < i; j++) json_decref(rows[j].detail);
        return e->code;
    }
    *out = rows;
    *n = (size_t)r.n_rows;
    return PR_OK;
}
