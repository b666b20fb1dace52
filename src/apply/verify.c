/* verify.c: is a migration's effect there and whole: its assertions against the live catalog, its history row, its checksum. */
#include "apply/flight.h"

struct answer { struct pr_arena *a; json_t *checks; int broken; };

static void check(struct answer *x, bool holds, const char *what, const char *found) {
    json_t *o = pr_push_object(x->checks);
    pr_set_bool(o, "holds", holds);
    pr_set_str(o, "what", what);
    pr_set_str(o, "found", found);
    if (!holds) x->broken++;
}

static enum pr_code check_history(struct answer *x, struct pr_pg *pg, const struct pr_migration *m, struct pr_err *e) {
    struct pr_history_row *rows = NULL;
    size_t n = 0;
    PR_TRY(e, pr_history_read(pg, x->a, &rows, &n, e));
    const struct pr_history_row *row = pr_history_applied(rows, n, m->version);
    check(x, row != NULL, "recorded in pgrail.history", row == NULL ? "no row that says applied" : pr_fmt(x->a, "at %s by %s", row->applied_at, row->applied_by));
    if (row != NULL) check(x, pr_eq(row->sha256, m->sha256), "the file is what was applied", pr_eq(row->sha256, m->sha256) ? m->sha256 :
                           pr_fmt(x->a, "file %.16s…, applied %.16s…", m->sha256, row->sha256));
    return PR_OK;
}

static enum pr_code check_effects(struct answer *x, struct pr_pg *pg, const struct pr_side *up, struct pr_err *e) {
    struct pr_script s PR_CLEANUP(pr_script_done) = {0};
    struct pr_assertion *list = NULL;
    size_t n = 0;
    PR_TRY(e, pr_script_parse(up->text, up->len, x->a, &s, e));
    PR_TRY(e, pr_effects_verify(pg, &s, x->a, &list, &n, e));
    for (size_t i = 0; i < n; i++) check(x, list[i].holds, list[i].claim, list[i].found);
    if (n == 0) check(x, true, "effect", "the catalogue shows nothing of these statements: only the history speaks for them");
    return PR_OK;
}

/* A file without any SQL is no migration: that its effect cannot be seen would say too little. */
static enum pr_code is_sql(const struct pr_migration *m, struct pr_arena *a, struct pr_err *e) {
    struct pr_script s PR_CLEANUP(pr_script_done) = {0};
    if (m->up.path == NULL) return PR_FAIL(e, PR_ERR_BAD_INPUT, "migration %s has no up script: there is nothing to prove", m->id);
    PR_TRY(e, pr_script_parse(m->up.text, m->up.len, a, &s, e));
    if (s.n == 0) return PR_FAIL(e, PR_ERR_BAD_INPUT, "%s holds no statement: there is nothing to prove", m->up.path);
    if (s.n_unjudged < s.n) return PR_OK;
    const struct pr_stmt *first = &s.stmts[0];
    (void)PR_FAIL(e, PR_ERR_PARSE, "%s:%d: no statement of it is SQL that PostgreSQL %d accepts%s%s", m->up.path,
                  (m->up.first_line > 0 ? m->up.first_line - 1 : 0) + first->line, pr_grammar_major(), first->problem != NULL ? ": " : "",
                  first->problem != NULL ? first->problem : "");
    return pr_hint(e, "name a migration: pgrail status lists them");
}

enum pr_code pr_apply_verify(const struct pr_config *c, const struct pr_environment *env, const struct pr_migration *m, const struct pr_talk *talk,
                             struct pr_arena *a, json_t **doc, struct pr_err *e) {
    (void)c;
    struct pr_pg *pg PR_CLEANUP(pr_pg_closep) = NULL;
    json_t *j PR_CLEANUP(pr_json_freep) = json_object();
    const struct pr_pg_ident *id = NULL;
    const struct pr_pg_where where = {.service = env->service, .env = env->env, .timeout_ms = 10000, .app = "pgrail/verify",
                                      .interrupted = talk->interrupted};
    PR_TRY(e, is_sql(m, a, e));
    if (pr_pg_open(&where, &pg, e) != PR_OK) return pr_prefix(e, "environment %s", env->name);
    PR_TRY(e, pr_pg_identity(pg, &id, e));
    pr_set_str(j, "schema", "pgrail.verify/1");
    pr_set_str(j, "migration", m->id);
    pr_set_str(j, "environment", env->name);
    pr_set_str(j, "address", id->address);
    pr_set_str(j, "database", id->database);
    struct answer x = {.a = a, .checks = pr_set_array(j, "checks")};
    PR_TRY(e, check_effects(&x, pg, &m->up, e));
    PR_TRY(e, check_history(&x, pg, m, e));
    pr_set_bool(j, "proven", x.broken == 0);
    *doc = j;
    j = NULL;
    return PR_OK;
}
