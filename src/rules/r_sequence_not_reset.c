#include "sql/nodes.h"

#include "rules/help.h"

static bool draws(const struct pr_col *col) { return col->identity == 'd' || (col->default_sql != NULL && strstr(col->default_sql, "nextval(") != NULL); }

/* The place in each row of the first column whose values come from a sequence; -1 = it is left to the sequence. */
static int place_of(const InsertStmt *is, const struct pr_rel *r, const struct pr_col **out) {
    int at = 0;
    ListCell *lc;
    for (size_t i = 0; is->cols == NIL && i < r->n_cols; i++)
        if (draws(&r->cols[i])) {
            *out = &r->cols[i];
            return (int)i;
        }
    foreach (lc, is->cols) {
        const ResTarget *target = pr_as(ResTarget, lfirst(lc));
        const struct pr_col *col = target != NULL && target->name != NULL ? pr_find_col(r, target->name) : NULL;
        if (col != NULL && draws(col)) {
            *out = col;
            return at;
        }
        at++;
    }
    return -1;
}

static bool is_positive(const Node *n) {
    const A_Const *k = pr_as(A_Const, n);
    if (k == NULL || k->isnull || nodeTag(&k->val) != T_Integer) return k == NULL && n != NULL && !IsA(n, SetToDefault);
    return intVal(&k->val) > 0;
}

/* Rows that bring a number of their own: VALUES with something else than DEFAULT, or a query. */
static bool brings(const InsertStmt *is, int at) {
    const SelectStmt *q = pr_as(SelectStmt, is->selectStmt);
    if (q == NULL) return false;
    if (q->valuesLists == NIL) return list_length(q->targetList) == 0 || at < list_length(q->targetList);
    ListCell *lc;
    foreach (lc, q->valuesLists) {
        const List *row = lfirst(lc);
        if (at < list_length(row) && is_positive(list_nth(row, at))) return true;
    }
    return false;
}

static bool word_here(const char *s, const char *word) { return strncasecmp(s, word, strlen(word)) == 0; }

/* setval() or RESTART anywhere after this statement; from the end, where it most often stands. */
static bool is_reset_later(const struct pr_rule_ctx *c) {
    const size_t from = c->stmt->offset + c->stmt->len;
    for (size_t i = c->script->len; i-- > from;)
        if (word_here(c->script->text + i, "setval") || word_here(c->script->text + i, "restart")) return true;
    return false;
}

static void check(const struct pr_rule_ctx *c) {
    const InsertStmt *is = pr_as(InsertStmt, (const Node *)c->node);
    const struct pr_rel *r = is != NULL ? pr_rel_of(c, is->relation) : NULL;
    const struct pr_col *col = NULL;
    const int at = r != NULL && is->override != OVERRIDING_USER_VALUE ? place_of(is, r, &col) : -1;
    if (at < 0 || !brings(is, at) || pr_said_before(c) || is_reset_later(c)) return;
    const char *t = pr_rv_name(c, is->relation), *id = pr_id(c, col->name);
    const struct pr_span word = pr_word_at(c, is->relation->relname, 0);
    pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = word.offset, .len = word.len,
        .title = pr_fmt(PR_A(c), "rows of %s bring their own %s, and its sequence does not know", t, id),
        .safe_sql = pr_fmt(PR_A(c), "SELECT setval(pg_get_serial_sequence(%s, %s), (SELECT max(%s) FROM %s));  -- after the rows",
                           pr_quote_literal(PR_A(c), t), pr_quote_literal(PR_A(c), col->name), id, t)});
}

PR_RULE(sequence_not_reset) = {
    .id = "sequence-not-reset", .family = PR_F_COMPATIBILITY, .level = PR_WARNING,
    .title = "rows bring their own numbers, and the sequence is not moved on",
    .why = "The sequence goes on from where it stood: the application's next INSERT gets a number that is taken and fails with 23505.",
    .safe_way = "Leave the column out, or setval() the sequence to the highest number after the rows.",
    .source = "https://www.postgresql.org/docs/current/functions-sequence.html",
    .claim = {.query = "SELECT next_state()", .answer = "23505"},
    .setup = "CREATE TABLE t (id serial PRIMARY KEY, a int); CREATE FUNCTION next_state() RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t (a) VALUES (9); RETURN 'fine'; "
             "EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END $$",
    .bad = (const char *const[]){"INSERT INTO t (id, a) VALUES (1, 2), (2, 2), (3, 2), (4, 2), (5, 2), (6, 2)", "INSERT INTO t SELECT i, i FROM generate_series(1, 50) i",
                                 "INSERT INTO t (a, id) SELECT i, i FROM generate_series(1, 50) i", NULL},
    .good = (const char *const[]){"INSERT INTO t (a) VALUES (2)", "INSERT INTO t (id, a) VALUES (DEFAULT, 2)", "INSERT INTO t (id, a) VALUES (1, 2); SELECT setval('t_id_seq', 1)", NULL},
    .needs_facts = true, .check = check,
};
