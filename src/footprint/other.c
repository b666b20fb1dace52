/* other.c: statements that are planned and not run, that keep a query for later, and those about objects that hang together. */
#include "footprint/statements.h"

#include "sql/lex.h"

/* Target of a statement that is analysed: locked as it would be to run it, and nothing written. */
static const RangeVar *target_of(const Node *n) {
    if (IsA(n, InsertStmt)) return FX_NODE(InsertStmt, n)->relation;
    if (IsA(n, UpdateStmt)) return FX_NODE(UpdateStmt, n)->relation;
    if (IsA(n, DeleteStmt)) return FX_NODE(DeleteStmt, n)->relation;
    return IsA(n, MergeStmt) ? FX_NODE(MergeStmt, n)->relation : NULL;
}

/* planned: children of what is named are looked at as well. */
static void analysed(struct fx *x, const void *query, bool planned) {
    const Node *n = query;
    const RangeVar *target = target_of(n);
    if (target != NULL) {
        struct w_rel *r = fx_rel(x, target, 'r', false), **family = NULL;
        if (r == NULL) return;
        fx_main(x, r);
        const size_t members = fx_family(x, r, planned && target->inh && !IsA(n, InsertStmt), &family);
        for (size_t i = 0; i < members; i++) fx_lock(x, family[i], PR_ROW_EXCLUSIVE);
    }
    if (target != NULL || IsA(n, SelectStmt)) fx_analyses(x, n, target, planned);
}

void fx_explain(struct fx *x, const void *node) {
    const ExplainStmt *st = node;
    ListCell *lc;
    bool runs = false;
    foreach (lc, st->options) {
        const DefElem *d = lfirst(lc);
        if (pr_eq(d->defname, "analyze")) runs = d->arg == NULL || !IsA(d->arg, String) || !(pr_eq_nocase(strVal(d->arg), "false") || pr_eq_nocase(strVal(d->arg), "off"));
    }
    if (runs) fx_dispatch(x, st->query);
    else if (target_of(st->query) != NULL || IsA(st->query, SelectStmt)) analysed(x, st->query, true);
    else x->out->unjudged = true;
}

void fx_prepare(struct fx *x, const void *node) { analysed(x, FX_NODE(PrepareStmt, node)->query, false); }

void fx_declare_cursor(struct fx *x, const void *node) {
    const DeclareCursorStmt *st = node;
    if (!x->w->in_tx && (st->options & CURSOR_OPT_HOLD) == 0) {
        fx_fail(x, "25P01", true, "DECLARE CURSOR can only be used in transaction blocks");
        return;
    }
    analysed(x, st->query, true);
}

/* --- functions --- */

static const DefElem *option(const List *options, const char *name) {
    ListCell *lc;
    foreach (lc, options)
        if (pr_eq(FX_NODE(DefElem, lfirst(lc))->defname, name)) return lfirst(lc);
    return NULL;
}

static void analysed_list(struct fx *x, const Node *body) {
    if (body == NULL || x->stop) return;
    if (IsA(body, ReturnStmt)) {
        fx_analyses(x, FX_NODE(ReturnStmt, body)->returnval, NULL, false);
    } else if (IsA(body, List)) {
        ListCell *lc;
        foreach (lc, FX_NODE(List, body)) analysed_list(x, lfirst(lc));
    } else {
        analysed(x, body, false);
    }
}

/* The text of a function in SQL is analysed when it is made: a type in it that is polymorphic puts that off. */
static bool polymorphic(const CreateFunctionStmt *st) {
    ListCell *lc;
    foreach (lc, st->parameters) {
        const TypeName *t = FX_NODE(FunctionParameter, lfirst(lc))->argType;
        const char *name = t->names != NIL ? strVal(llast(t->names)) : "";
        if (pr_starts(name, "any")) return true;
    }
    return false;
}

/* What stands between the first parentheses. */
static const char *argument_text(struct fx *x) {
    struct pr_lex lex = {.text = x->s->text, .end = x->s->len};
    size_t from = 0;
    int depth = 0;
    for (struct pr_token t = pr_lex_next(&lex); t.kind != PR_LEX_END; t = pr_lex_next(&lex)) {
        if (t.kind == PR_LEX_OPEN && depth++ == 0) from = t.end;
        if (t.kind == PR_LEX_CLOSE && --depth == 0) return pr_dupn(x->a, x->s->text + from, t.start - from);
    }
    return "";
}

/* As the facts would have it. */
static void remember(struct fx *x, const CreateFunctionStmt *st) {
    const char *schema = NULL, *name = NULL;
    fx_parts(st->funcname, &schema, &name);
    const DefElem *language = option(st->options, "language"), *as = option(st->options, "as"), *volatility = option(st->options, "volatility");
    const List *body = as != NULL ? FX_NODE(List, as->arg) : NIL;
    w_add_fn(x->w, &(struct pr_fn){
        .schema = schema != NULL ? fx_str(x, schema) : w_default_schema(x->w), .name = fx_str(x, name), .args = argument_text(x),
        .volatility = volatility == NULL ? 'v' : strVal(volatility->arg)[0], .language = language != NULL ? fx_str(x, strVal(language->arg)) : "sql",
        .body = list_length(body) == 1 ? fx_str(x, strVal(linitial(body))) : NULL});
}

void fx_create_function(struct fx *x, const void *node) {
    const CreateFunctionStmt *st = node;
    remember(x, st);
    analysed_list(x, st->sql_body);
    const char *schema = NULL, *name = NULL;
    fx_parts(st->funcname, &schema, &name);
    const struct w_rel as_named = {.r = {.schema = schema != NULL ? fx_str(x, schema) : w_default_schema(x->w), .name = fx_str(x, name)}};
    for (size_t i = 0; st->sql_body != NULL && i < x->out->n; i++)
        if (x->touched[i] != NULL) fx_mentions(x, (struct w_rel *)(uintptr_t)x->touched[i], "function", &as_named, st->sql_body);
    const DefElem *language = option(st->options, "language"), *as = option(st->options, "as");
    if (language == NULL || !pr_eq_nocase(strVal(language->arg), "sql") || as == NULL || x->w->bodies_unread || polymorphic(st)) return;
    const char *text = strVal(linitial(FX_NODE(List, as->arg)));
    struct pr_script s PR_CLEANUP(pr_script_done) = {0};
    struct pr_err e = {0};
    if (pr_script_parse(text, strlen(text), x->o, &s, &e) != PR_OK) return;
    for (size_t i = 0; i < s.n && !x->stop; i++)
        if (s.stmts[i].node != NULL) analysed(x, s.stmts[i].node, false);
}

/* --- what belongs to extensions, labels --- */

static void member(struct fx *x, ObjectType type, const Node *object, enum pr_lock lock) {
    switch ((int)type) {
    case OBJECT_TABLE:
    case OBJECT_VIEW:
    case OBJECT_MATVIEW:
    case OBJECT_SEQUENCE:
    case OBJECT_FOREIGN_TABLE: break;
    default: return;
    }
    const char *schema = NULL, *name = NULL;
    fx_parts(FX_NODE(List, object), &schema, &name);
    struct w_rel *r = fx_rel_named(x, schema, name, 'r', false);
    if (r == NULL) return;
    fx_main(x, r);
    fx_lock(x, r, lock);
}

void fx_extension_contents(struct fx *x, const void *node) {
    const AlterExtensionContentsStmt *st = node;
    member(x, (ObjectType)st->objtype, st->object, PR_SHARE_UPDATE_EXCLUSIVE);
}

void fx_sec_label(struct fx *x, const void *node) {
    const SecLabelStmt *st = node;
    member(x, st->objtype, st->object, PR_SHARE_UPDATE_EXCLUSIVE);
    fx_fail(x, "22023", false, "no module of the server gives security labels");
}
