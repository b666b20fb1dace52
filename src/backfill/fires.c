/* fires.c: what else happens when a row is written: triggers, cascades of foreign keys, functions that the statement calls. What
 * writes to other tables is named, and refused unless the header says that it is meant. */
#include "sql/nodes.h"

#include "backfill/impl.h"

/* --- bodies --- */

struct body { struct bf *b; const char *what; };           /* what: the first thing that is in the way */

/* Functions of PostgreSQL and its contrib that change nothing but the row that they are given. */
static bool is_harmless(const char *function) {
    static const char *const names[] = {"tsvector_update_trigger", "tsvector_update_trigger_column", "suppress_redundant_updates_trigger", "moddatetime", "insert_username", "autoinc"};
    const char *dot = strrchr(function, '.');
    return pr_mentions(names, PR_COUNT(names), dot != NULL ? dot + 1 : function);
}

static const struct pr_fn *function_named(const struct bf *b, const char *schema, const char *name) {
    for (size_t i = 0; i < b->facts->n_fns; i++) {
        const struct pr_fn *f = &b->facts->fns[i];
        if (pr_eq(f->name, name) && (schema == NULL || pr_eq(f->schema, schema))) return f;
    }
    return NULL;
}

static const char *written_by(struct bf *b, const struct pr_stmt *s) {
    struct pr_name *names = NULL;
    const size_t n = pr_stmt_names(s, b->a, &names);
    for (size_t i = 0; i < n; i++)
        if (names[i].role == PR_NAME_TARGET || names[i].role == PR_NAME_CREATED) return pr_qualified(b->a, names[i].schema, names[i].name);
    return NULL;
}

static bool is_read_only(const struct pr_stmt *s) {
    const Node *n = s->node;
    return IsA(n, SelectStmt) && pr_cast(SelectStmt, n)->intoClause == NULL && !bf_writes(pr_cast(SelectStmt, n)->withClause);
}

static const char unread[] = "does what cannot be read", composed[] = "runs SQL that it puts together itself (EXECUTE)";

/* Opens a function's body as a call of it would run it. Returns what it does beside giving a value; NULL = nothing. also: looks for
 * that instead. */
static const char *found_in(struct bf *b, const char *schema, const char *name, bool (*also)(struct bf *b, const struct pr_stmt *s)) {
    const char *call = pr_fmt(b->a, "SELECT %s()", pr_qualified(b->a, schema, name));
    struct pr_script s PR_CLEANUP(pr_script_done) = {0}, flat PR_CLEANUP(pr_script_done) = {0};
    struct pr_err e = {0};
    if (pr_script_parse(call, strlen(call), b->a, &s, &e) != PR_OK || s.n != 1) return unread;
    pr_footprint_open(&s, b->facts, b->a, &flat);
    if (flat.n == 0 || !flat.stmts[0].opened) return unread;
    for (size_t i = 1; i < flat.n; i++) {
        const struct pr_stmt *st = &flat.stmts[i];
        if (st->node == NULL) return st->unjudged == PR_DYNAMIC ? composed : unread;
        if (st->inside != NULL && st->inside->kind == PR_INSIDE_COMMIT) continue;
        if (also != NULL && also(b, st)) return "touches it";
        if (also != NULL || is_read_only(st)) continue;
        const char *to = written_by(b, st);
        return to != NULL ? pr_fmt(b->a, "writes %s", to) : pr_fmt(b->a, "runs %s", st->tag);
    }
    return NULL;
}

/* --- triggers --- */

static int event_of(const struct bf *b) {
    return b->kind == PR_BF_UPDATE ? TRIGGER_TYPE_UPDATE : b->kind == PR_BF_DELETE ? TRIGGER_TYPE_DELETE : TRIGGER_TYPE_INSERT;
}

static bool fires(const struct bf *b, const CreateTrigStmt *t, int event) {
    if ((t->events & event) == 0) return false;
    if (event != TRIGGER_TYPE_UPDATE || t->columns == NIL) return true;
    ListCell *lc;
    foreach (lc, t->columns)
        if (pr_mentions(b->changed, b->n_changed, strVal(lfirst(lc)))) return true;
    return false;
}

static enum pr_code refuse(const char *table, const char *who, const char *what, struct pr_err *e) {
    (void)PR_FAIL(e, PR_ERR_REFUSED, "%s %s for each row of %s: more is changed and locked than the statement says", who, what, table);
    return pr_hint(e, "when that is meant, put \"-- triggers: fire\" into the header; else disable it for the session that backfills (session_replication_role), or fill the other table by a backfill of its own");
}

static enum pr_code check_trigger(struct bf *b, const char *table, int event, const struct pr_trg *t, struct pr_err *e) {
    struct pr_script s PR_CLEANUP(pr_script_done) = {0};
    struct pr_err ignored = {0};
    const bool read = t->def != NULL && pr_script_parse(t->def, strlen(t->def), b->a, &s, &ignored) == PR_OK && s.n == 1 && s.stmts[0].node != NULL;
    const CreateTrigStmt *def = read ? pr_as(CreateTrigStmt, (const Node *)s.stmts[0].node) : NULL;
    if (!t->enabled || (def != NULL && !fires(b, def, event)) || is_harmless(t->function)) return PR_OK;
    const char *dot = strchr(t->function, '.');
    const char *schema = dot != NULL ? pr_dupn(b->a, t->function, (size_t)(dot - t->function)) : NULL, *name = dot != NULL ? dot + 1 : t->function;
    const char *what = function_named(b, schema, name) != NULL ? found_in(b, schema, name, NULL) : unread;
    if (what == NULL) {
        bf_note(b, "trigger %s fires for each row", t->name);
        return PR_OK;
    }
    if (!b->f->triggers_fire) return refuse(table, pr_fmt(b->a, "trigger %s", t->name), what, e);
    bf_note(b, "trigger %s fires for each row and %s", t->name, what);
    return PR_OK;
}

/* --- foreign keys that take others along --- */

static bool key_changes(const struct bf *b, const struct pr_con *c) {
    for (size_t i = 0; i < c->n_cols; i++)
        if (pr_mentions(b->changed, b->n_changed, c->cols[i])) return true;
    return false;
}

static enum pr_code check_cascade(struct bf *b, const struct pr_con *c, struct pr_err *e) {
    if (c->type != 'f' || !c->inbound || c->def == NULL || b->kind == PR_BF_INSERT || (b->kind == PR_BF_UPDATE && !key_changes(b, c))) return PR_OK;
    const char *on = strstr(c->def, b->kind == PR_BF_DELETE ? "ON DELETE " : "ON UPDATE ");
    if (on == NULL || !(pr_starts(on + 10, "CASCADE") || pr_starts(on + 10, "SET "))) return PR_OK;
    const char *other = pr_qualified(b->a, c->ref_schema, c->ref_table);
    if (!b->f->triggers_fire) return refuse(b->out->target, pr_fmt(b->a, "foreign key %s (%.19s)", c->name, on), pr_fmt(b->a, "changes rows of %s", other), e);
    bf_note(b, "foreign key %s takes rows of %s along", c->name, other);
    return PR_OK;
}

enum pr_code bf_fires(struct bf *b, struct pr_err *e) {
    for (size_t i = 0; i < b->written->n_trgs; i++) PR_TRY(e, check_trigger(b, b->out->target, event_of(b), &b->written->trgs[i], e));
    for (size_t i = 0; b->keeper != NULL && i < b->keeper->n_trgs; i++) PR_TRY(e, check_trigger(b, b->out->keeper, TRIGGER_TYPE_INSERT, &b->keeper->trgs[i], e));
    for (size_t i = 0; i < b->written->n_cons; i++) PR_TRY(e, check_cascade(b, &b->written->cons[i], e));
    return PR_OK;
}

/* --- functions of the statement --- */

/* Reads or writes the table that the statement writes. */
static bool touches_written(struct bf *b, const struct pr_stmt *s) {
    struct pr_name *names = NULL;
    const size_t n = pr_stmt_names(s, b->a, &names);
    for (size_t i = 0; i < n; i++) {
        const RangeVar rv = {.type = T_RangeVar, .schemaname = (char *)(uintptr_t)names[i].schema, .relname = (char *)(uintptr_t)names[i].name};
        if (names[i].kind == PR_NAME_RELATION && bf_is_written(b, &rv)) return true;
    }
    return false;
}

enum pr_code bf_functions(struct bf *b, struct pr_err *e) {
    struct pr_called *calls = NULL;
    const size_t n = pr_stmt_calls(b->stmt, b->a, &calls);
    for (size_t i = 0; i < n; i++) {
        const struct pr_fn *f = function_named(b, NULL, calls[i].name);
        if (f == NULL || f->body == NULL || f->volatility == 'i') continue;
        const char *what = found_in(b, f->schema, f->name, touches_written);
        if (what == NULL || what == unread || what == composed) continue;          /* cannot be read: nothing is said against it */
        (void)PR_FAIL(e, PR_ERR_REFUSED, "%s() reads %s itself: what it says of a row changes while batches run", f->name, b->out->target);
        return pr_hint(e, "store its result in a table first, with the key, and join that");
    }
    return PR_OK;
}
