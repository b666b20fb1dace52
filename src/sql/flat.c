/* flat.c: a script with what stands in its bodies, statement after statement. */
#include "sql/nodes.h"

#include "sql/body.h"
#include "sql/cut.h"
#include "sql/flat.h"
#include "sql/lex.h"

/* A function or procedure that the script makes. */
struct made {
    const CreateFunctionStmt *node;
    const char *name;
    int min_args, max_args;
    struct pr_stmt stmt;
    struct pr_range body;          /* of a string body */
    struct pr_pl *pl;              /* read body of PL/pgSQL; NULL for LANGUAGE sql */
    const char *const *vars; size_t n_vars;
};

struct flat {
    struct pr_arena *a;
    const struct pr_script *s;
    MemoryContext memory;          /* of the trees of bodies; NULL as long as there is none */
    struct pr_flat_text text;
    size_t *newlines, n_newlines;
    struct pr_stmt *stmts; size_t n, cap, inner;
    struct made *made; size_t n_made, cap_made;
    struct pr_known_body *known; size_t n_known;           /* in the order of their names */
    const CreateFunctionStmt *running[PR_CAP_BODIES];
    int depth;
    bool full;                     /* too many statements: the body at hand is not told whole */
};

/* What is so of all statements of a body. */
struct round { int top; struct pr_inside inside; };

static void expand(struct flat *f, size_t index, const struct round *round);

/* --- statements ---------------------------------------------------------------------------------------------------------- */

static void open_text(struct flat *f) {
    if (f->memory != NULL) return;
    f->memory = pr_grammar_open();
    f->text = (struct pr_flat_text){.a = f->a, .text = {.a = f->a}, .own = f->s->len};
    pr_addn(&f->text.text, f->s->text, f->s->len);
    size_t n = 0;
    for (size_t i = 0; i < f->s->len; i++) n += f->s->text[i] == '\n';
    f->newlines = PR_NEW_ARRAY(f->a, size_t, n + 1);
    for (size_t i = 0; i < f->s->len; i++)
        if (f->s->text[i] == '\n') f->newlines[f->n_newlines++] = i;
}

static size_t place_of(const struct flat *f, size_t offset) {
    const struct pr_script now = {.len = f->s->len, .shifts = f->text.shifts, .n_shifts = f->text.n};
    return pr_script_place(&now, offset);
}

static int line_of(const struct flat *f, size_t offset) {
    const size_t at = place_of(f, offset);
    size_t low = 0, high = f->n_newlines;              /* newlines before at */
    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        if (f->newlines[mid] < at) low = mid + 1;
        else high = mid;
    }
    return (int)low + 1;
}

static struct pr_stmt *add(struct flat *f, const struct round *round, size_t from, size_t to, const Node *node) {
    if (f->inner >= PR_CAP_STATEMENTS) {
        f->full = true;
        return NULL;
    }
    f->inner++;
    struct pr_inside *inside = PR_NEW(f->a, struct pr_inside);
    *inside = round->inside;
    inside->composed = inside->composed || (from > f->s->len && place_of(f, from) == place_of(f, to - (to > from ? 1 : 0)));
    struct pr_stmt *s = PR_PUSH(f->a, f->stmts, f->n, f->cap);
    *s = (struct pr_stmt){
        .index = (int)f->n - 1, .top = round->top, .inside = inside, .node = node, .offset = from, .len = to - from, .base = from,
        .text = pr_dupn(f->a, pr_buf_text(&f->text.text) + from, to - from), .line = line_of(f, from),
        .end_line = line_of(f, to > from ? to - 1 : from), .tag = node != NULL ? pr_node_tag(node) : "?"};
    if (node != NULL && pr_tree_too_deep(node, to - from)) {
        s->node = NULL;
        s->unjudged = PR_UNPARSED;
        s->problem = pr_fmt(f->a, "nested deeper than %d levels", PR_CAP_SQL_DEPTH);
    }
    return s;
}

static void refuse(struct flat *f, const struct round *round, struct pr_range r, enum pr_unjudged why, const char *problem) {
    struct pr_stmt *s = add(f, round, r.from, r.to, NULL);
    if (s == NULL) return;
    s->unjudged = why;
    s->problem = problem;
    s->problem_line = s->line;
    s->problem_col = 1;
}

static const char *slice(struct flat *f, struct pr_range r) {
    return pr_dupn(f->a, pr_buf_text(&f->text.text) + r.from, r.to - r.from);
}

/* One statement at r, whose words for the grammar are `sql`; the first of them stands at base. */
static void add_one(struct flat *f, const struct round *round, struct pr_range r, const char *sql, size_t base) {
    const struct pr_parsed p = pr_grammar_parse(f->memory, sql, f->a);
    if (p.problem != NULL || list_length(p.tree) != 1)
        return refuse(f, round, r, PR_UNPARSED, p.problem != NULL ? p.problem : "not one statement");
    struct pr_stmt *s = add(f, round, r.from, r.to, linitial_node(RawStmt, p.tree)->stmt);
    if (s == NULL) return;
    s->base = base;
    expand(f, f->n - 1, round);
}

/* All statements of a part of the text. */
static void add_range(struct flat *f, const struct round *round, struct pr_range r) {
    const char *sql = slice(f, r);
    const struct pr_parsed p = pr_grammar_parse(f->memory, sql, f->a);
    if (p.problem != NULL) return refuse(f, round, r, PR_UNPARSED, p.problem);
    struct pr_cut cut = pr_cut_of(sql, 0, r.to - r.from, f->a);
    const ListCell *lc;
    foreach (lc, p.tree) {
        const RawStmt *raw = lfirst_node(RawStmt, lc);
        struct pr_piece piece;
        pr_cut_known(&cut, raw->stmt_len == 0 ? r.to - r.from : (size_t)raw->stmt_location + (size_t)raw->stmt_len, &piece);
        struct pr_stmt *s = add(f, round, r.from + piece.start, r.from + piece.end, raw->stmt);
        if (s == NULL) return;
        s->base = r.from;
        expand(f, f->n - 1, round);
    }
}

/* --- PL/pgSQL -------------------------------------------------------------------------------------------------------------- */

static bool begins(const char *text, const char *const *words, size_t n) {
    struct pr_lex lex = {.text = text, .end = strlen(text)};
    struct pr_token t = pr_lex_next(&lex);
    while (t.kind == PR_LEX_COMMENT) t = pr_lex_next(&lex);
    bool one = false;
    for (size_t i = 0; i < n && !one; i++) one = pr_lex_is(&lex, t, words[i]);
    return one;
}

/* Of what is put together when it runs only the beginning is known: by that, may there be relations afterwards that nobody knows? */
static bool may_make(const Node *expr) {
    static const char *const harmless[] = {"grant", "revoke", "insert", "update", "delete", "merge", "drop", "comment", "refresh", "analyze",
                                           "truncate", "lock", "set", "reset", "notify", "reindex", "cluster", "copy"};
    const char *start = expr != NULL ? pr_constant_start(expr) : NULL;
    return start == NULL || !begins(start, harmless, PR_COUNT(harmless));
}

/* What EXECUTE runs, when it is constant. */
static void execute(struct flat *f, const struct round *round, struct pr_range r, const char *query) {
    const struct pr_parsed p = pr_grammar_parse(f->memory, pr_fmt(f->a, "SELECT %s", query), f->a);
    const SelectStmt *select = p.problem == NULL && list_length(p.tree) == 1 ? pr_as(SelectStmt, linitial_node(RawStmt, p.tree)->stmt) : NULL;
    const ResTarget *target = select != NULL && list_length(select->targetList) == 1 ? linitial_node(ResTarget, select->targetList) : NULL;
    const char *sql = target != NULL && !pr_tree_too_deep(target->val, strlen(query)) ? pr_constant_text(target->val, f->a) : NULL;
    struct round inner = *round;
    inner.inside.may_make = sql == NULL && may_make(target != NULL ? target->val : NULL);
    if (sql == NULL) return refuse(f, &inner, r, PR_DYNAMIC, "what EXECUTE runs here is put together when it runs");
    const A_Const *literal = pr_as(A_Const, target->val);
    const bool here = literal != NULL && literal->location >= 7 && r.to - r.from >= (size_t)literal->location - 7;
    inner.inside.kind = PR_INSIDE_EXECUTED;
    inner.inside.takes_rows = true;
    add_range(f, &inner, here ? pr_flat_literal(&f->text, r.from + (size_t)literal->location - 7, sql)
                              : pr_flat_composed(&f->text, r.from, sql));
}

/* Past "target :=" of an assignment. */
static size_t assigned(const char *query) {
    struct pr_lex lex = {.text = query, .end = strlen(query)};
    int nested = 0;
    for (struct pr_token t = pr_lex_next(&lex); t.kind != PR_LEX_END; t = pr_lex_next(&lex)) {
        nested += pr_lex_is(&lex, t, "[") || t.kind == PR_LEX_OPEN;
        nested -= pr_lex_is(&lex, t, "]") || t.kind == PR_LEX_CLOSE;
        if (nested <= 0 && pr_lex_is(&lex, t, "=")) return t.end;
    }
    return 0;
}

static void add_item(struct flat *f, const struct round *round, size_t from, const struct pr_pl_item *it) {
    struct round here = *round;
    here.inside.maybe = here.inside.maybe || it->maybe;
    here.inside.caught = here.inside.caught || it->caught;
    here.inside.takes_rows = it->takes_rows;
    const size_t at = from + it->at;
    struct pr_range r = {at, at + it->len};
    if (it->len == 0 && it->kind != PR_PL_COMMIT && it->kind != PR_PL_ROLLBACK) r = pr_flat_composed(&f->text, at, it->query);
    const size_t skip = it->kind == PR_PL_ASSIGN ? assigned(it->query) : 0;
    switch (it->kind) {
    case PR_PL_SQL: return add_one(f, &here, r, it->query, r.from);
    case PR_PL_PERFORM:
        here.inside.kind = PR_INSIDE_EXPRESSION;
        return add_one(f, &here, r, it->query, r.from + (it->len > 0 ? 1 : 0));
    case PR_PL_ASSIGN:
    case PR_PL_EXPRESSION:
        here.inside.kind = PR_INSIDE_EXPRESSION;
        r.from += skip;
        return add_one(f, &here, r, pr_fmt(f->a, "SELECT %s", it->query + skip), r.from - strlen("SELECT "));
    case PR_PL_EXECUTE: return execute(f, &here, r, it->query);
    case PR_PL_COMMIT:
    case PR_PL_ROLLBACK:
        here.inside.kind = PR_INSIDE_COMMIT;
        return add_one(f, &here, r, it->query, r.from);
    }
}

static void add_plpgsql(struct flat *f, const struct round *round, struct pr_range body, const struct pr_pl *pl) {
    struct round inner = *round;
    inner.inside.vars = pl->vars;
    inner.inside.n_vars = pl->n_vars;
    inner.inside.settled = pl->settled;
    if (pl->problem != NULL) {
        const char *text = pr_buf_text(&f->text.text) + body.from;
        size_t from = body.from + pl->problem_at;
        while (from < body.to && pr_lex_blank(text[from - body.from])) from++;
        const char *nl = memchr(text + (from - body.from), '\n', body.to - from);
        const size_t to = nl != NULL ? body.from + (size_t)(nl - text) : body.to;
        inner.inside.may_make = pl->ours;
        return refuse(f, &inner, (struct pr_range){from, to}, pl->ours ? PR_DYNAMIC : PR_UNPARSED, pl->problem);
    }
    for (size_t i = 0; i < pl->n && !f->full; i++) add_item(f, &inner, body.from, &pl->items[i]);
}

/* --- bodies ------------------------------------------------------------------------------------------------------------------ */

static const DefElem *option(const List *options, const char *name) {
    const ListCell *lc;
    foreach (lc, options)
        if (pr_eq(lfirst_node(DefElem, lc)->defname, name)) return lfirst_node(DefElem, lc);
    return NULL;
}

/* The text of AS 'body': behind the word AS in a function, at the place itself in a DO. */
static bool body_of(struct flat *f, const struct pr_stmt *s, const List *options, struct pr_range *out, const char **value) {
    const DefElem *as = option(options, "as");
    if (as == NULL || as->arg == NULL || as->location < 0) return false;
    const List *list = pr_as(List, as->arg);
    if (list != NULL && list_length(list) != 1) return false;
    const String *text = pr_as(String, list != NULL ? linitial(list) : (const Node *)as->arg);
    if (text == NULL) return false;
    struct pr_lex lex = {.text = pr_buf_text(&f->text.text), .pos = s->base + (size_t)as->location, .end = f->text.text.len};
    struct pr_token t = pr_lex_next(&lex);
    while (t.kind == PR_LEX_COMMENT || pr_lex_is(&lex, t, "as")) t = pr_lex_next(&lex);
    *value = strVal(text);
    *out = pr_flat_literal(&f->text, t.start, *value);
    return true;
}

static const char *language_of(const List *options, const char *fallback) {
    const DefElem *d = option(options, "language");
    return d != NULL && d->arg != NULL && IsA(d->arg, String) ? strVal(d->arg) : fallback;
}

static struct pr_pl *read_body(struct flat *f, const void *node, const char *value) {
    struct pr_pl *pl = PR_NEW(f->a, struct pr_pl);
    pr_pl_read(node, value, strlen(value), f->a, pl);
    return pl;
}

/* Statements of BEGIN ATOMIC … END have no places of their own. */
static void add_atomic(struct flat *f, const struct round *round, const struct pr_stmt *of, const Node *body) {
    const List *list = pr_as(List, body);
    const ListCell *lc;
    if (list != NULL) {
        foreach (lc, list) add_atomic(f, round, of, lfirst(lc));
        return;
    }
    struct pr_stmt *s = add(f, round, of->offset, of->offset + of->len, body);
    if (s != NULL) s->base = of->base;
}

static void parameters(struct flat *f, const CreateFunctionStmt *node, struct made *m) {
    const char **vars = PR_NEW_ARRAY(f->a, const char *, (size_t)list_length(node->parameters) + 1);
    const ListCell *lc;
    foreach (lc, node->parameters) {
        const FunctionParameter *p = lfirst_node(FunctionParameter, lc);
        if (p->name != NULL) vars[m->n_vars++] = pr_dup(f->a, p->name);
        if (p->mode == FUNC_PARAM_TABLE || (p->mode == FUNC_PARAM_OUT && !node->is_procedure)) continue;
        m->max_args = p->mode == FUNC_PARAM_VARIADIC ? INT_MAX / 2 : m->max_args + 1;
        if (p->defexpr == NULL && p->mode != FUNC_PARAM_VARIADIC) m->min_args++;
    }
    m->vars = vars;
}

static void run_made(struct flat *f, const struct round *round, const struct made *m) {
    struct round inner = *round;
    inner.inside.vars = m->vars;
    inner.inside.n_vars = m->n_vars;
    inner.inside.takes_rows = true;
    if (m->pl != NULL) add_plpgsql(f, &inner, m->body, m->pl);
    else if (m->node->sql_body == NULL) add_range(f, &inner, m->body);
    else if (!round->inside.later) add_atomic(f, &inner, &m->stmt, m->node->sql_body);
}

/* --- statements that open -------------------------------------------------------------------------------------------------- */

static bool open_do(struct flat *f, const struct pr_stmt *s, const DoStmt *node, const struct round *round) {
    struct pr_range body;
    const char *value = NULL;
    if (!pr_eq(language_of(node->args, "plpgsql"), "plpgsql") || !body_of(f, s, node->args, &body, &value)) return false;
    add_plpgsql(f, round, body, read_body(f, node, value));
    return true;
}

static bool sets_path(const List *options) {
    const ListCell *lc;
    foreach (lc, options) {
        const DefElem *d = lfirst_node(DefElem, lc);
        const VariableSetStmt *set = pr_eq(d->defname, "set") ? pr_as(VariableSetStmt, (const Node *)d->arg) : NULL;
        if (set != NULL && pr_eq(set->name, "search_path")) return true;
    }
    return false;
}

static bool open_function(struct flat *f, const struct pr_stmt *s, const CreateFunctionStmt *node, const struct round *round) {
    const char *language = language_of(node->options, node->sql_body != NULL ? "sql" : ""), *value = NULL;
    struct made m = {.node = node, .name = strVal(llast(node->funcname)), .stmt = *s};
    const bool pl = pr_eq(language, "plpgsql");
    if ((!pl && !pr_eq(language, "sql")) || (pl && node->sql_body != NULL)) return false;
    if (node->sql_body == NULL && !body_of(f, s, node->options, &m.body, &value)) return false;
    parameters(f, node, &m);
    if (pl) m.pl = read_body(f, node, value);
    *PR_PUSH(f->a, f->made, f->n_made, f->cap_made) = m;
    struct round inner = *round;
    inner.inside.later = true;
    inner.inside.at_creation = !pl;
    inner.inside.own_path = sets_path(node->options);
    run_made(f, &inner, &m);
    return true;
}

/* The newest function of that name that takes so many arguments. */
static const struct made *made_of(const struct flat *f, const FuncCall *call) {
    const int n = list_length(call->args);
    for (size_t i = f->n_made; i > 0; i--) {
        const struct made *m = &f->made[i - 1];
        if (pr_eq(m->name, strVal(llast(call->funcname))) && n >= m->min_args && n <= m->max_args) return m;
    }
    return NULL;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct pr_known_body *)a)->name, ((const struct pr_known_body *)b)->name);
}

/* CREATE of a function whose return type is not known, for the parser's sake. */
static const CreateFunctionStmt *create_known(struct flat *f, const struct pr_known_body *k, bool call, const char *returns) {
    const bool whole = pr_starts(k->body, "CREATE OR REPLACE ");
    const char *sql = whole ? k->body : pr_fmt(f->a, "CREATE %s f(%s) %s LANGUAGE %s AS ''", call ? "PROCEDURE" : "FUNCTION",
                                               k->args != NULL ? k->args : "", call ? "" : returns, pr_quote_ident(f->a, k->language));
    const struct pr_parsed p = pr_grammar_parse(f->memory, sql, f->a);
    return p.problem == NULL && list_length(p.tree) == 1 ? pr_as(CreateFunctionStmt, linitial_node(RawStmt, p.tree)->stmt) : NULL;
}

/* As if the script had made it, its body all at the place of the call. */
static bool take_known(struct flat *f, const struct pr_known_body *k, const FuncCall *call, bool by_call, size_t place) {
    static const char *const returns[] = {"RETURNS void", "RETURNS text", "RETURNS SETOF record", "RETURNS trigger"};
    const int n = list_length(call->args);
    struct made m = {.name = k->name, .stmt = {.offset = place, .base = place}};
    for (size_t i = 0; i < PR_COUNT(returns) && (i == 0 || (m.pl != NULL && m.pl->problem != NULL)); i++) {
        m.min_args = m.max_args = 0;
        m.n_vars = 0;
        m.node = create_known(f, k, by_call, returns[i]);
        if (m.node == NULL) return false;
        parameters(f, m.node, &m);
        if (n < m.min_args || n > m.max_args) return false;
        if (pr_eq(k->language, "plpgsql")) m.pl = read_body(f, m.node, k->body);
    }
    if (m.node->sql_body == NULL) m.body = pr_flat_composed(&f->text, place, k->body);
    *PR_PUSH(f->a, f->made, f->n_made, f->cap_made) = m;
    return true;
}

static const struct made *known_of(struct flat *f, const FuncCall *call, bool by_call, size_t place) {
    const struct pr_known_body key = {.name = strVal(llast(call->funcname))};
    const struct pr_known_body *k = f->n_known > 0 ? bsearch(&key, f->known, f->n_known, sizeof *f->known, by_name) : NULL;
    while (k != NULL && k > f->known && by_name(k - 1, &key) == 0) k--;
    for (; k != NULL && k < f->known + f->n_known && by_name(k, &key) == 0; k++)
        if (take_known(f, k, call, by_call, place)) return made_of(f, call);
    return NULL;
}

static bool open_call(struct flat *f, const struct pr_stmt *s, const FuncCall *call, const struct round *round) {
    if (round->inside.later) return false;
    const struct made *found = made_of(f, call);
    if (found == NULL) found = known_of(f, call, IsA((const Node *)s->node, CallStmt), s->offset);
    if (found == NULL) return false;
    const struct made m = *found;                      /* the list may grow meanwhile */
    for (int i = 0; i < f->depth; i++)
        if (f->running[i] == m.node) return true;      /* it calls itself: what it does is told once */
    f->running[f->depth - 1] = m.node;
    run_made(f, round, &m);
    f->running[f->depth - 1] = NULL;
    return true;
}

struct called { struct flat *f; const FuncCall **items; size_t n, cap; };

static bool gather_called(Node *node, void *ctx) {
    struct called *c = ctx;
    if (node == NULL) return false;
    if (IsA(node, FuncCall)) *PR_PUSH(c->f->a, c->items, c->n, c->cap) = pr_cast(FuncCall, node);
    return pr_tree_walk(node, gather_called, ctx);
}

static bool is_target(const SelectStmt *q, const FuncCall *call) {
    const ListCell *lc;
    foreach (lc, q->targetList)
        if ((const void *)lfirst_node(ResTarget, lc)->val == (const void *)call) return true;
    return false;
}

/* SELECT f() and SELECT … FROM f(): once, whatever the rows are. */
static bool runs_once(const Node *n, const FuncCall *call) {
    const SelectStmt *q = pr_as(SelectStmt, n);
    if (q == NULL || q->op != SETOP_NONE || q->whereClause != NULL || q->withClause != NULL || q->limitCount != NULL) return false;
    if (q->fromClause == NIL) return is_target(q, call);
    const RangeFunction *from = list_length(q->fromClause) == 1 ? pr_as(RangeFunction, (const Node *)linitial(q->fromClause)) : NULL;
    const List *first = from != NULL && list_length(from->functions) == 1 ? pr_as(List, (const Node *)linitial(from->functions)) : NULL;
    return first != NULL && linitial(first) == (const void *)call;
}

/* Functions of a query or of what writes rows. One that is called several times is told once. */
static bool open_called(struct flat *f, const struct pr_stmt *s, const struct round *round) {
    struct called c = {.f = f};
    bool opened = false;
    if (round->inside.later) return false;
    (void)gather_called((Node *)(uintptr_t)s->node, &c);
    for (size_t i = 0; i < c.n; i++) {
        bool told = false;
        for (size_t k = 0; k < i && !told; k++)
            told = pr_eq(strVal(llast(c.items[k]->funcname)), strVal(llast(c.items[i]->funcname))) &&
                   list_length(c.items[k]->args) == list_length(c.items[i]->args);
        struct round here = *round;
        here.inside.maybe = here.inside.maybe || !runs_once(s->node, c.items[i]);
        if (!told) opened = open_call(f, s, c.items[i], &here) || opened;
    }
    return opened;
}

static bool open_one(struct flat *f, const struct pr_stmt *s, const struct round *round) {
    const Node *n = s->node;
    if (IsA(n, DoStmt)) return open_do(f, s, pr_cast(DoStmt, n), round);
    if (IsA(n, CreateFunctionStmt)) return open_function(f, s, pr_cast(CreateFunctionStmt, n), round);
    if (IsA(n, CallStmt)) return open_call(f, s, pr_cast(CallStmt, n)->funccall, round);
    return open_called(f, s, round);
}

static bool may_open(const struct flat *f, const Node *n) {
    if (n == NULL) return false;
    const bool calls = IsA(n, CallStmt) || IsA(n, SelectStmt) || IsA(n, InsertStmt) || IsA(n, UpdateStmt) || IsA(n, DeleteStmt) ||
                       IsA(n, CreateTableAsStmt);
    return IsA(n, DoStmt) || IsA(n, CreateFunctionStmt) || (calls && f->n_made + f->n_known > 0);
}

/* Adds what stands in the body of statement `index`, the last one. */
static void expand(struct flat *f, size_t index, const struct round *round) {
    if (!may_open(f, f->stmts[index].node) || f->depth >= PR_CAP_BODIES) return;
    open_text(f);
    const struct pr_stmt s = f->stmts[index];          /* the list may move */
    f->running[f->depth++] = NULL;
    const bool opened = open_one(f, &s, round);
    f->depth--;
    if (f->full) f->n = index + 1;
    f->stmts[index].opened = opened && !f->full;
    if (f->depth == 0) f->full = false;
}

/* A body to look into: its own, or of a function that somebody calls. */
static bool has_bodies(const struct flat *f) {
    bool any = f->n_known > 0;
    for (size_t i = 0; i < f->s->n && !any; i++) {
        const struct pr_stmt *s = &f->s->stmts[i];         /* its tree may not be there */
        any = s->unjudged == PR_JUDGED && (pr_eq(s->tag, "DO") || pr_eq(s->tag, "CREATE FUNCTION") || pr_eq(s->tag, "CREATE PROCEDURE"));
    }
    return any;
}

void pr_script_flat(const struct pr_script *s, const struct pr_known_body *known, size_t n_known, struct pr_arena *a,
                    struct pr_script *out) {
    struct flat f = {.a = a, .s = s, .known = PR_NEW_ARRAY(a, struct pr_known_body, n_known + 1)};
    for (size_t i = 0; i < n_known; i++)
        if (known[i].body != NULL && (pr_eq(known[i].language, "plpgsql") || pr_eq(known[i].language, "sql"))) f.known[f.n_known++] = known[i];
    if (f.n_known > 1) qsort(f.known, f.n_known, sizeof *f.known, by_name);
    if (!has_bodies(&f)) {                                  /* then it is flat as it is */
        *out = (struct pr_script){.text = s->text, .len = s->len, .stmts = s->stmts, .n = s->n, .n_unjudged = s->n_unjudged, .groups = s->groups, .a = a};
        return;
    }
    pr_script_wake_all(s);
    f.cap = s->n;
    f.stmts = PR_NEW_ARRAY(a, struct pr_stmt, s->n);
    for (size_t i = 0; i < s->n; i++) {
        struct pr_stmt *copy = PR_PUSH(a, f.stmts, f.n, f.cap);
        *copy = s->stmts[i];
        copy->index = (int)f.n - 1;
        copy->top = (int)i;
        expand(&f, f.n - 1, &(struct round){.top = (int)i});
    }
    *out = (struct pr_script){.text = f.memory != NULL ? pr_buf_text(&f.text.text) : s->text, .len = s->len, .stmts = f.stmts, .n = f.n,
                              .n_unjudged = s->n_unjudged, .memory = f.memory, .shifts = f.text.shifts, .n_shifts = f.text.n, .a = a};
}
