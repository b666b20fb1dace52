/* tree.c: trees made of trees, and printed. Nothing of the person's is ever put together as text. */
#include "sql/nodes.h"

#include "backfill/impl.h"

static bool is_writing(Node *node, void *ctx) {
    if (node == NULL) return false;
    if (IsA(node, InsertStmt) || IsA(node, UpdateStmt) || IsA(node, DeleteStmt) || IsA(node, MergeStmt)) return true;
    return pr_tree_walk(node, is_writing, ctx);
}

bool bf_writes(const WithClause *with) { return is_writing((Node *)(uintptr_t)with, NULL); }

static enum pr_code print(const void *node, struct pr_arena *a, const char **out, struct pr_err *e) {
    const struct pr_stmt s = {.node = node, .text = "", .tag = "statement"};
    return pr_stmt_deparse(&s, a, out, e);
}

enum pr_code bf_expression(const void *expr, struct pr_arena *a, const char **out, struct pr_err *e) {
    ResTarget column = {.type = T_ResTarget, .val = (Node *)(uintptr_t)expr};
    ListCell cell = {.ptr_value = &column};
    List one = {.type = T_List, .length = 1, .max_length = 1, .elements = &cell};
    const SelectStmt q = {.type = T_SelectStmt, .targetList = &one, .limitOption = LIMIT_OPTION_DEFAULT, .op = SETOP_NONE};
    const char *text = NULL;
    PR_TRY(e, print(&q, a, &text, e));
    PR_ASSERT(pr_starts(text, "SELECT "));
    *out = text + strlen("SELECT ");
    return PR_OK;
}

enum pr_code bf_parse(struct bf *b, const char *sql, Node **out, struct pr_err *e) {
    struct bf_text *t = PR_NEW(b->a, struct bf_text);
    PR_TRY(e, pr_script_parse(sql, strlen(sql), b->a, &t->script, e));
    t->next = b->texts;
    b->texts = t;
    if (t->script.n != 1 || t->script.stmts[0].node == NULL) return PR_FAIL(e, PR_ERR_BUG, "SQL of our own that does not parse: %.300s", sql);
    *out = (Node *)(uintptr_t)t->script.stmts[0].node;
    return PR_OK;
}

void bf_done(struct bf *b) {
    for (struct bf_text *t = b->texts; t != NULL; t = t->next) pr_script_done(&t->script);
    b->texts = NULL;
}

enum pr_code bf_print(struct bf *b, const void *node, const char **out, struct pr_err *e) {
    const char *text = NULL;
    PR_TRY(e, print(node, b->a, &text, e));
    struct pr_script again PR_CLEANUP(pr_script_done) = {0};
    PR_TRY(e, pr_script_parse(text, strlen(text), b->a, &again, e));
    /* The printer is not ours: what it has printed must say what the tree says. */
    if (again.n != 1 || again.stmts[0].node == NULL || !equal(again.stmts[0].node, node))
        return PR_FAIL(e, PR_ERR_BUG, "the statement cannot be printed as it is: %.300s", text);
    *out = text;
    return PR_OK;
}

enum pr_code bf_condition(struct bf *b, const char *condition, Node **out, struct pr_err *e) {
    Node *n = NULL;
    PR_TRY(e, bf_parse(b, pr_fmt(b->a, "SELECT WHERE %s", condition), &n, e));
    *out = pr_cast(SelectStmt, n)->whereClause;
    return PR_OK;
}

static List *list_of(struct bf *b, Node **items, size_t n) {
    List *l = PR_NEW(b->a, List);
    *l = (List){.type = T_List, .length = (int)n, .max_length = (int)n, .elements = PR_NEW_ARRAY(b->a, ListCell, n + 1)};
    for (size_t i = 0; i < n; i++) l->elements[i].ptr_value = items[i];
    return l;
}

static Node *bool_of(struct bf *b, BoolExprType op, Node **items, size_t n) {
    if (n <= 1) return n == 1 ? items[0] : NULL;
    BoolExpr *x = PR_NEW(b->a, BoolExpr);
    *x = (BoolExpr){.xpr.type = T_BoolExpr, .boolop = op, .args = list_of(b, items, n), .location = -1};
    return (Node *)x;
}

size_t bf_conjuncts(struct bf *b, Node *where, Node ***out) {
    const BoolExpr *x = pr_as(BoolExpr, where);
    const size_t n = where == NULL ? 0 : x != NULL && x->boolop == AND_EXPR ? (size_t)list_length(x->args) : 1;
    Node **items = PR_NEW_ARRAY(b->a, Node *, n + 1);
    for (size_t i = 0; i < n; i++) items[i] = n == 1 && (x == NULL || x->boolop != AND_EXPR) ? where : list_nth(x->args, (int)i);
    *out = items;
    return n;
}

/* Flat, as the grammar makes it of "a AND b AND c". */
Node *bf_and(struct bf *b, Node *x, Node *y) {
    Node **left = NULL, **right = NULL;
    const size_t n = bf_conjuncts(b, x, &left), m = bf_conjuncts(b, y, &right);
    Node **all = PR_NEW_ARRAY(b->a, Node *, n + m + 1);
    for (size_t i = 0; i < n; i++) all[i] = left[i];
    for (size_t i = 0; i < m; i++) all[n + i] = right[i];
    return bool_of(b, AND_EXPR, all, n + m);
}

Node *bf_or(struct bf *b, Node **items, size_t n) { return bool_of(b, OR_EXPR, items, n); }

void bf_note(struct bf *b, const char *fmt, ...) {
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    const char **notes = (const char **)(uintptr_t)b->out->notes;
    for (size_t i = 0; i < b->out->n_notes; i++)
        if (pr_eq(notes[i], text)) return;
    *PR_PUSH(b->a, notes, b->out->n_notes, b->cap_notes) = pr_dup(b->a, text);
    b->out->notes = notes;
}

const char *bf_id(const struct bf *b, const char *name) { return pr_quote_ident(b->a, name); }

const char *bf_column(const struct bf *b, const char *col) { return pr_fmt(b->a, "%s.%s", bf_id(b, b->alias), bf_id(b, col)); }

const char *bf_list(const struct bf *b, const char *const *items, size_t n) {
    struct pr_buf text = {.a = b->a};
    for (size_t i = 0; i < n; i++) pr_addf(&text, "%s%s", i > 0 ? ", " : "", items[i]);
    return pr_buf_text(&text);
}
