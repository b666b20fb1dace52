/* footprint_probe.c: one session and the predictions made in it, for tests/lib/footprint.py. CONNINFO names the server. Each line
 * of standard input is a JSON object, whose "do" says what; each line of output answers it:
 *   predict   {sql, tx, version, facts, whole, kept, inside} → {"footprints"} of the script's statements
 *   run       {sql} → {"notices", "sqlstate", "message", "rows"} of one statement
 *   query     {sql, cols} → {"rows"} of one of ours
 *   folder    {path, layout} → {"layout", "migrations": [{"id", "path", "line", "tx", "sql"}]}, the up sides
 *   cut       {sql} → {"tx", "statements": [{"sql", "line", "tag", "outside", "word", "judged"}]}
 * facts: read just before, of what the script names (whole: of everything; kept: of everything, once for the session); inside: in the
 * session's open transaction. */
#include "catalog/catalog.h"
#include "footprint/footprint.h"
#include "server/probe.h"

static enum pr_code kept_facts(const struct probe *q, struct pr_facts **out, struct pr_err *e) {
    if (*q->kept == NULL) {
        PR_TRY(e, pr_facts_read(q->pg, NULL, 0, q->life, out, e));
        *q->kept = *out;
    }
    *out = *q->kept;
    return PR_OK;
}

static enum pr_code read_facts(const struct probe *q, const struct pr_script *s, struct pr_facts **out, struct pr_err *e) {
    if (pr_get_bool(q->job, "kept")) return kept_facts(q, out, e);
    struct pr_want *wants = NULL;
    const size_t n = pr_get_bool(q->job, "whole") ? 0 : pr_facts_wants(s, q->a, &wants);
    const bool inside = pr_get_bool(q->job, "inside");
    return inside ? pr_facts_read_inside(q->pg, wants, n, q->a, out, e) : pr_facts_read(q->pg, wants, n, q->a, out, e);
}

static enum pr_code predict(const struct probe *q, json_t *out, struct pr_err *e) {
    const char *sql = pr_get_str(q->job, "sql");
    struct pr_script s PR_CLEANUP(pr_script_done) = {0};
    PR_TRY(e, pr_script_parse(sql, strlen(sql), q->a, &s, e));
    struct pr_facts *facts = NULL;
    if (pr_get_bool(q->job, "facts")) PR_TRY(e, read_facts(q, &s, &facts, e));
    struct pr_world *w = pr_world_new(facts, (int)pr_get_int(q->job, "version"), q->a);
    struct pr_run_footprint run = {0};
    pr_footprint_script(w, &s, pr_get_bool(q->job, "tx") ? PR_TX_ONE : PR_TX_EACH, q->a, &run);
    json_t *list = pr_set_array(out, "footprints");
    for (size_t i = 0; i < run.n; i++) PR_ASSERT(json_array_append_new(list, pr_footprint_json(&run.stmts[i])) == 0);
    return PR_OK;
}

static enum pr_code run(const struct probe *q, json_t *out, struct pr_err *e) {
    struct pr_pg_done done = {0};
    const enum pr_code code = pr_pg_run(q->pg, pr_get_str(q->job, "sql"), NULL, q->a, &done, e);
    if (code != PR_OK && code != PR_ERR_DB) return code;
    json_t *notices = pr_set_array(out, "notices");
    for (size_t i = 0; i < done.n_notices; i++) pr_push_str(notices, done.notices[i]);
    pr_set_str(out, "sqlstate", code == PR_OK ? NULL : e->sqlstate);
    pr_set_str(out, "message", code == PR_OK ? NULL : e->msg);
    pr_set_int(out, "rows", done.rows);
    return PR_OK;
}

static enum pr_code query(const struct probe *q, json_t *out, struct pr_err *e) {
    const struct pr_pg_stmt ours = {.name = "probe", .sql = pr_get_str(q->job, "sql"), .shape = PR_ROWS,
                                    .n_cols = (int)pr_get_int(q->job, "cols"), .timeout_ms = 60000};
    struct pr_pg_rows rows = {0};
    PR_TRY(e, pr_pg_query(q->pg, &ours, NULL, q->a, &rows, e));
    json_t *list = pr_set_array(out, "rows");
    for (int i = 0; i < rows.n_rows; i++) {
        json_t *row = json_array();
        for (int k = 0; k < rows.n_cols; k++) {
            const char *cell = PR_CELL(&rows, i, k);
            PR_ASSERT(json_array_append_new(row, cell != NULL ? json_string(cell) : json_null()) == 0);
        }
        PR_ASSERT(json_array_append_new(list, row) == 0);
    }
    return PR_OK;
}

static enum pr_code folder(const struct probe *q, json_t *out, struct pr_err *e) {
    struct pr_folder *f = NULL;
    const char *path = pr_get_str(q->job, "path");
    PR_TRY(e, pr_folder_read(path, path, pr_get_str(q->job, "layout"), q->a, &f, e));
    pr_set_str(out, "layout", f->layout);
    json_t *list = pr_set_array(out, "migrations");
    for (size_t i = 0; i < f->n; i++) {
        const struct pr_side *up = &f->migrations[i].up;
        if (up->text == NULL) continue;
        json_t *o = pr_push_object(list);
        pr_set_str(o, "id", f->migrations[i].id);
        pr_set_str(o, "path", up->path);
        pr_set_int(o, "line", up->first_line);
        pr_set_str(o, "tx", pr_tx_mode_name(pr_side_tx(up)));
        pr_set_str(o, "sql", pr_dupn(q->a, up->text, up->len));
    }
    return PR_OK;
}

static enum pr_code cut(const struct probe *q, json_t *out, struct pr_err *e) {
    static const char *const words[] = {[PR_TX_NONE] = "", [PR_TX_BEGIN] = "begin", [PR_TX_COMMIT] = "commit",
                                        [PR_TX_ROLLBACK] = "rollback", [PR_TX_SAVEPOINT] = "savepoint"};
    const char *sql = pr_get_str(q->job, "sql");
    struct pr_script s PR_CLEANUP(pr_script_done) = {0};
    PR_TRY(e, pr_script_parse(sql, strlen(sql), q->a, &s, e));
    pr_set_str(out, "tx", pr_tx_mode_name(pr_tx_mode_of(PR_TX_RULE_PGRAIL, &s)));
    json_t *list = pr_set_array(out, "statements");
    for (size_t i = 0; i < s.n; i++) {
        json_t *o = pr_push_object(list);
        pr_set_str(o, "sql", s.stmts[i].text);
        pr_set_int(o, "line", s.stmts[i].line);
        pr_set_str(o, "tag", s.stmts[i].tag);
        pr_set_bool(o, "outside", pr_stmt_outside_tx(&s.stmts[i]));
        pr_set_str(o, "word", words[pr_stmt_tx_word(&s.stmts[i])]);
        pr_set_bool(o, "judged", s.stmts[i].node != NULL);
    }
    return PR_OK;
}

static enum pr_code answer(const struct probe *q, json_t *out, struct pr_err *e) {
    static const struct { const char *name; enum pr_code (*run)(const struct probe *q, json_t *out, struct pr_err *e); } verbs[] = {
        {"predict", predict}, {"run", run}, {"query", query}, {"folder", folder}, {"cut", cut},
    };
    for (size_t i = 0; i < PR_COUNT(verbs); i++)
        if (pr_eq(verbs[i].name, pr_get_str(q->job, "do"))) return verbs[i].run(q, out, e);
    return PR_FAIL(e, PR_ERR_BAD_INPUT, "no such verb");
}

int main(int argc, char **argv) { return probe_main(argc, argv, answer); }
