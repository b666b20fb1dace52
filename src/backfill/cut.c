/* cut.c: one statement becomes walks. What is asked of the live catalog beside the facts is in backfill_look.sql. */
#include "sql/nodes.h"

#include "backfill/impl.h"
#include "sql_files.gen.h"

enum { MAX_DEPTH = 8, LOOK_MS = 30000 };

/* --- the tables that hold the rows --- */

static enum pr_code walk(struct bf *b, const struct pr_rel *member, struct pr_err *e) {
    struct pr_bf_walk w = {.schema = member->schema, .table = member->name, .full = pr_qualified(b->a, member->schema, member->name),
                           .est_rows = member->rows, .est_pages = member->pages};
    w.converges = b->leaves != BF_STAYS || (b->kind == PR_BF_INSERT && bf_repeatable(b));
    PR_TRY(e, bf_way(b, member, &w, e));
    PR_TRY(e, bf_texts(b, member, &w, e));
    *PR_PUSH(b->a, b->out->walks, b->out->n_walks, b->cap_walks) = w;
    return PR_OK;
}

static enum pr_code descend(struct bf *b, const struct pr_rel *r, int depth, struct pr_err *e) {
    if (r->kind == 'f') {
        (void)PR_FAIL(e, PR_ERR_REFUSED, "partition %s is a foreign table: its rows lie on another server", pr_qualified(b->a, r->schema, r->name));
        return pr_hint(e, "name the partitions that are here, each in a backfill of its own");
    }
    if (r->kind == 'p') PR_TRY(e, bf_stays_put(b, r, e));
    else PR_TRY(e, walk(b, r, e));
    if (!b->walked->inh) return PR_OK;
    for (size_t i = 0; i < r->n_partitions; i++) {
        const char *full = r->partitions[i], *dot = strchr(full, '.');
        const struct pr_rel *child = depth > 0 && dot != NULL ? pr_find_rel(b->facts, pr_dupn(b->a, full, (size_t)(dot - full)), dot + 1) : NULL;
        if (child == NULL) {
            (void)PR_FAIL(e, PR_ERR_NOT_GROUNDED, "partition %s is not in the facts", full);
            return pr_hint(e, "pgrail ground %s asks the database", full);
        }
        PR_TRY(e, descend(b, child, depth - 1, e));
    }
    return PR_OK;
}

/* --- what people should know --- */

static bool is_time(Node *node, void *ctx) {
    const FuncCall *f = node != NULL ? pr_as(FuncCall, node) : NULL;
    if (node == NULL) return false;
    if (IsA(node, SQLValueFunction) || (f != NULL && (pr_eq(strVal(llast(f->funcname)), "now") || pr_eq(strVal(llast(f->funcname)), "age")))) return true;
    return pr_tree_walk(node, is_time, ctx);
}

static void notes(struct bf *b) {
    if (is_time(b->whole, NULL)) bf_note(b, "the time (now(), CURRENT_DATE …) is that of each batch");
    if (b->kind == PR_BF_INSERT)
        bf_note(b, bf_repeatable(b) ? "rows that are there already are left out: it may be run again" :
                                      "nothing keeps a second run from adding rows again: each batch commits with its line in the journal, and that alone makes it exact");
    if (b->kind == PR_BF_UPDATE && !bf_repeatable(b))
        bf_note(b, "the condition does not leave out rows that are done: each batch commits with its line in the journal, and that alone makes it exact");
    if (b->kind == PR_BF_UPDATE && *b->from != NIL) bf_note(b, "where a row is joined to several, which of them counts is not defined, as in the whole statement");
}

/* --- the cut --- */

static enum pr_code cut(struct bf *b, struct pr_err *e) {
    PR_TRY(e, bf_take_apart(b, e));
    b->out->kind = b->kind;
    b->out->target = pr_qualified(b->a, b->written->schema, b->written->name);
    b->target->schemaname = pr_dup(b->a, b->written->schema);
    if (b->keeper != NULL) b->out->keeper = pr_qualified(b->a, b->keeper->schema, b->keeper->name);
    PR_TRY(e, bf_safe(b, e));
    PR_TRY(e, bf_fires(b, e));
    PR_TRY(e, bf_functions(b, e));
    bf_learn(b);
    notes(b);
    PR_TRY(e, bf_print(b, b->stmt->node, &b->out->statement, e));
    return descend(b, b->root, MAX_DEPTH, e);
}

static int by_full(const void *x, const void *y) { return strcmp(((const struct pr_bf_walk *)x)->full, ((const struct pr_bf_walk *)y)->full); }

enum pr_code pr_bf_cut(const struct pr_bf_file *f, const struct pr_facts *facts, const struct pr_bf_look *looks, size_t n_looks, struct pr_arena *a,
                       struct pr_bf_cut *out, struct pr_err *e) {
    if (pr_grammar_major() < 17) {
        (void)PR_FAIL(e, PR_ERR_REFUSED, "this build has the grammar of PostgreSQL %d, which cannot print a statement that was taken apart", pr_grammar_major());
        return pr_hint(e, "build with libpg_query 17 or newer");
    }
    struct pr_script own PR_CLEANUP(pr_script_done) = {0};  /* a tree that may be changed */
    PR_TRY(e, pr_script_parse(f->text, f->len, a, &own, e));
    PR_ASSERT(own.n == 1 && own.stmts[0].node != NULL);
    struct pr_bf_cut c = {0};
    struct bf b = {.a = a, .f = f, .facts = facts, .looks = looks, .n_looks = n_looks, .out = &c, .stmt = &own.stmts[0],
                   .node = (Node *)(uintptr_t)own.stmts[0].node, .whole = (Node *)(uintptr_t)own.stmts[0].node, .world = pr_world_new(facts, facts->version_num, a)};
    const enum pr_code code = cut(&b, e);
    bf_done(&b);
    PR_TRY(e, code);
    if (c.n_walks > 1) qsort(c.walks, c.n_walks, sizeof *c.walks, by_full);
    *out = c;
    return PR_OK;
}

/* --- the live catalog --- */

static const struct pr_pg_stmt look_stmt = {.name = "backfill: look", .sql = pr_sql_backfill_look, .n_params = 1, .shape = PR_ROWS, .n_cols = 7, .timeout_ms = LOOK_MS};

static enum pr_code look(struct pr_pg *pg, const struct pr_facts *facts, struct pr_arena *a, struct pr_bf_look **out, size_t *n, struct pr_err *e) {
    struct pr_buf oids = {.a = a};
    for (size_t i = 0; i < facts->n_rels; i++) pr_addf(&oids, "%s%" PRId64, i > 0 ? "," : "", facts->rels[i].oid);
    const char *list = pr_fmt(a, "{%s}", pr_buf_text(&oids));
    struct pr_pg_rows rows = {0};
    PR_TRY(e, pr_pg_query(pg, &look_stmt, (const char *const[]){list}, a, &rows, e));
    struct pr_bf_look *looks = PR_NEW_ARRAY(a, struct pr_bf_look, (size_t)rows.n_rows + 1);
    for (int i = 0; i < rows.n_rows; i++) {
        int64_t order = -1, on_page = 0;
        PR_TRY(e, pr_parse_i64(PR_CELL(&rows, i, 3), -1, 1000, &order, e));
        PR_TRY(e, pr_parse_i64(PR_CELL(&rows, i, 4), 0, INT64_MAX, &on_page, e));
        looks[i] = (struct pr_bf_look){.schema = PR_CELL(&rows, i, 0), .table = PR_CELL(&rows, i, 1), .column = PR_CELL(&rows, i, 2),
                                       .correlation_permille = (int)order, .rows_per_page = on_page, .rls_active = pr_eq(PR_CELL(&rows, i, 5), "t"), .rule = PR_CELL(&rows, i, 6)};
    }
    *out = looks;
    *n = (size_t)rows.n_rows;
    return PR_OK;
}

static enum pr_code not_accepted(struct pr_err *e) {
    if (e->code != PR_ERR_DB || pr_starts(e->sqlstate, "57") || pr_eq(e->sqlstate, "55P03")) return e->code;
    const bool denied = pr_eq(e->sqlstate, "42501");
    e->code = PR_ERR_REFUSED;
    (void)pr_prefix(e, "the server does not accept it");
    return pr_hint(e, denied ? "grant the role what it lacks: partitions are written by their own names, so each of them has to allow it"
                             : "correct the statement, or the expressions of the header");
}

/* The server reads each text as it will run it: types that do not fit and names that it resolves otherwise show now, not in the first
 * batch. */
static enum pr_code try_one(struct pr_pg *pg, const char *sql, struct pr_arena *a, struct pr_err *e) {
    if (sql == NULL) return PR_OK;
    if (pr_pg_do(pg, "backfill: prepare", pr_fmt(a, "PREPARE pgrail_backfill AS %s", sql), LOOK_MS, e) != PR_OK) return not_accepted(e);
    return pr_pg_do(pg, "backfill: prepare", "DEALLOCATE pgrail_backfill", LOOK_MS, e);
}

/* Privileges are looked at when a plan is begun, which EXPLAIN does. */
static enum pr_code try_batch(struct pr_pg *pg, const struct pr_bf_walk *w, struct pr_arena *a, struct pr_err *e) {
    const struct pr_pg_stmt q = {.name = "backfill: explain", .sql = pr_fmt(a, "EXPLAIN %s", w->batch.next), .n_params = 2 * (int)w->n_keys, .shape = PR_ROWS,
                                 .n_cols = 1, .timeout_ms = LOOK_MS};
    return pr_pg_query(pg, &q, PR_NEW_ARRAY(a, const char *, 2 * w->n_keys), a, NULL, e) == PR_OK ? PR_OK : not_accepted(e);
}

static enum pr_code try_walk(struct pr_pg *pg, const struct pr_bf_walk *w, struct pr_arena *a, struct pr_err *e) {
    const char *const texts[] = {w->some, w->sweep.next, w->edge.next, w->rows.next, w->left.next, w->wrong_rows.next, w->tally.next};
    PR_TRY(e, try_batch(pg, w, a, e));
    for (size_t i = 0; i < PR_COUNT(texts); i++) PR_TRY(e, try_one(pg, texts[i], a, e));
    for (size_t i = 0; i < w->n_compare; i++) PR_TRY(e, try_one(pg, w->compare[i].rows.next, a, e));
    return PR_OK;
}

static enum pr_code try_all(struct pr_pg *pg, const struct pr_bf_cut *c, struct pr_arena *a, struct pr_err *e) {
    PR_TRY(e, pr_pg_do(pg, "backfill: prepare", "BEGIN READ ONLY", LOOK_MS, e));
    enum pr_code code = PR_OK;
    for (size_t i = 0; i < c->n_walks && code == PR_OK; i++) code = try_walk(pg, &c->walks[i], a, e);
    struct pr_err ignored = {0};
    const enum pr_code end = pr_pg_do(pg, "backfill: prepare", "ROLLBACK", LOOK_MS, code == PR_OK ? e : &ignored);
    return code != PR_OK ? code : end;
}

enum pr_code pr_bf_cut_live(const struct pr_bf_file *f, struct pr_pg *pg, struct pr_arena *a, struct pr_bf_cut *out, struct pr_facts **facts, struct pr_err *e) {
    struct pr_want *wants = NULL;
    const size_t n = pr_facts_wants(&f->script, a, &wants);
    struct pr_facts *read = NULL;
    struct pr_bf_look *looks = NULL;
    size_t n_looks = 0;
    struct pr_bf_cut c = {0};
    PR_TRY(e, pr_facts_read(pg, wants, n, a, &read, e));
    PR_TRY(e, look(pg, read, a, &looks, &n_looks, e));
    PR_TRY(e, pr_bf_cut(f, read, looks, n_looks, a, &c, e));
    PR_TRY(e, try_all(pg, &c, a, e));
    *out = c;
    if (facts != NULL) *facts = read;
    return PR_OK;
}
