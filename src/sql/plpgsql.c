/* plpgsql.c: a PL/pgSQL body as a list of what it runs. libpg_query carries PL/pgSQL's own parser; it prints a tree that has the
 * texts of statements and their lines, and the texts are found again in the body to learn their places.
 * The library knows no catalog. Types of other schemas and VARIADIC it refuses, so it gets the body under a head that is made
 * here, with the schemas of types in DECLARE blanked out, byte for byte.
 * Source  PostgreSQL, src/pl/plpgsql/src/pl_gram.y; libpg_query, src/pg_query_json_plpgsql.c */
#include "sql/nodes.h"

#include "sql/body.h"
#include "sql/lex.h"

#include <strings.h>

/* The library looks at every variable for every word; and its tree is printed before it is read. */
enum { VARIABLE_LOOKUPS = 4000000, BODY_BYTES = 4 << 20, LEVELS = 400 };
/* A text is looked for that far behind its line, and no longer when that many were not there. */
enum { FIND_BYTES = 64 << 10, FIND_MISSES = 200 };

struct reading {
    struct pr_arena *a;
    const char *body;          /* as the library gets it */
    size_t len;
    size_t *lines, n_lines;    /* first byte of each line */
    size_t pos;                /* behind the last item that was found */
    struct pr_pl *out;
    bool maybe, caught, too_deep;
    bool returned;             /* behind a RETURN: what follows may run */
    int levels, not_found;
};

/* --- the text that the library gets ---------------------------------------------------------------------------------- */

/* Blanks the schema in "name schema.type" of a declaration, not in schema.table.column%TYPE; and makes arrays arrays of int:
 * what a type is that the library does not know, it takes for a record, of which it knows no arrays. */
static void soften_type(struct pr_lex *lex, struct pr_token name, char *body) {
    struct pr_lex ahead = {.text = lex->text, .pos = name.end, .end = lex->end};
    const struct pr_token first = pr_lex_next(&ahead);
    if (pr_lex_is(&ahead, first, "constant")) return soften_type(lex, first, body);
    const bool is_name = first.kind == PR_LEX_WORD || first.kind == PR_LEX_IDENT;
    struct pr_token type = first, then = pr_lex_next(&ahead);
    if (is_name && pr_lex_is(&ahead, then, ".")) {
        type = pr_lex_next(&ahead);
        then = pr_lex_next(&ahead);
    }
    if (!is_name || pr_lex_is(&ahead, then, ".") || pr_lex_is(&ahead, then, "%")) return;
    if (type.start > first.start) memset(body + first.start, ' ', type.start - first.start);
    if (!pr_lex_is(&ahead, then, "[") || type.end - first.start < strlen("int")) return;
    memset(body + first.start, ' ', type.end - first.start);
    memcpy(body + first.start, "int", strlen("int"));
}

/* Makes the body fit for the library; false when its variables are too many for its words. */
static bool soften(char *body, size_t len) {
    struct pr_lex lex = {.text = body, .end = len};
    bool declaring = false, fresh = false;
    size_t variables = 0, words = 0;
    for (struct pr_token t = pr_lex_next(&lex); t.kind != PR_LEX_END; t = pr_lex_next(&lex)) {
        const bool is_name = t.kind == PR_LEX_WORD || t.kind == PR_LEX_IDENT;
        words += is_name;
        if (pr_lex_is(&lex, t, "declare")) {
            declaring = fresh = true;
        } else if (pr_lex_is(&lex, t, "begin")) {
            declaring = false;
        } else if (declaring && fresh && is_name) {
            soften_type(&lex, t, body);
            variables++;
            fresh = false;
        } else if (t.kind == PR_LEX_SEMI) {
            fresh = declaring;
        }
    }
    return variables * words <= VARIABLE_LOOKUPS;
}

/* A type without its schema and modifiers: enough to know a record, a set and an array. */
static void add_type(struct pr_buf *b, const TypeName *t) {
    if (t->setof) pr_add(b, "SETOF ");
    const char *name = t->names != NIL ? strVal(llast(t->names)) : "record";
    pr_addf(b, "%s%s", pr_quote_ident(b->a, name), t->arrayBounds != NIL ? "[]" : "");
}

static void add_parameter(struct pr_buf *b, const FunctionParameter *p) {
    const FunctionParameterMode mode = p->mode;
    pr_add(b, mode == FUNC_PARAM_OUT ? "OUT " : mode == FUNC_PARAM_INOUT ? "INOUT " : "");
    if (p->name != NULL) pr_addf(b, "%s ", pr_quote_ident(b->a, p->name));
    add_type(b, p->argType);
}

static void add_parameters(struct pr_buf *b, const List *parameters, bool of_table) {
    bool first = true;
    const ListCell *lc;
    foreach (lc, parameters) {
        const FunctionParameter *p = lfirst_node(FunctionParameter, lc);
        if ((p->mode == FUNC_PARAM_TABLE) != of_table) continue;
        pr_add(b, first ? "" : ", ");
        add_parameter(b, p);
        first = false;
    }
}

static bool returns_table(const CreateFunctionStmt *f) {
    const ListCell *lc;
    foreach (lc, f->parameters)
        if (lfirst_node(FunctionParameter, lc)->mode == FUNC_PARAM_TABLE) return true;
    return false;
}

static const char *statement_round(const Node *of, const char *body, struct pr_arena *a) {
    struct pr_buf b = {.a = a, .cap = 4 * (size_t)BODY_BYTES};
    const CreateFunctionStmt *f = pr_as(CreateFunctionStmt, of);
    const char *tag = "$pgrail$";
    for (int i = 0; strstr(body, tag) != NULL; i++) tag = pr_fmt(a, "$pgrail%d$", i);
    if (f == NULL) {
        pr_add(&b, "DO ");
    } else {
        pr_add(&b, f->is_procedure ? "CREATE PROCEDURE f(" : "CREATE FUNCTION f(");
        add_parameters(&b, f->parameters, false);
        pr_add(&b, ") ");
        if (returns_table(f)) {
            pr_add(&b, "RETURNS TABLE (");
            add_parameters(&b, f->parameters, true);
            pr_add(&b, ") ");
        } else if (f->returnType != NULL) {
            pr_add(&b, "RETURNS ");
            add_type(&b, f->returnType);
            pr_add(&b, " ");
        }
        pr_add(&b, "AS ");
    }
    pr_addf(&b, "%s", tag);
    pr_add(&b, body);
    pr_addf(&b, "%s LANGUAGE plpgsql", tag);
    return b.over ? NULL : pr_buf_text(&b);
}

/* --- places ---------------------------------------------------------------------------------------------------------- */

static void find_lines(struct reading *r) {
    size_t n = 1;
    for (size_t i = 0; i < r->len; i++) n += r->body[i] == '\n';
    r->lines = PR_NEW_ARRAY(r->a, size_t, n);
    for (size_t i = 0; i < r->len; i++)
        if (r->body[i] == '\n') r->lines[++r->n_lines] = i + 1;
    r->n_lines = n;
}

static size_t line_start(const struct reading *r, int64_t line) {
    if (line < 1) return 0;
    return r->lines[(size_t)line <= r->n_lines ? (size_t)line - 1 : r->n_lines - 1];
}

/* The words of INTO are blanks in a query of the library. */
static bool same_words(const char *query, const char *body, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (query[i] != body[i] && query[i] != ' ') return false;
    return true;
}

static bool find_from(const struct reading *r, size_t from, const char *words, bool perform, size_t *at) {
    const size_t n = strlen(words);
    size_t head = strcspn(words, " ");
    if (head == 0) head = n > 0 ? 1 : 0;
    if (n == 0 || n > r->len) return false;
    const size_t end = r->len - from > n + FIND_BYTES ? from + n + FIND_BYTES : r->len;
    for (size_t i = from; i + n <= end; i++) {
        const char *hit = memmem(r->body + i, end - i, words, head);
        if (hit == NULL) return false;
        i = (size_t)(hit - r->body);
        if (i + n > end) return false;
        const bool fits = !perform || (i >= 7 && strncasecmp(hit - 7, "perform", 7) == 0);
        if (fits && same_words(words, hit, n)) {
            *at = i;
            return true;
        }
    }
    return false;
}

/* Where the item's text stands: behind the last one, else anywhere from its line on. */
static void place(struct reading *r, struct pr_pl_item *it, int64_t line) {
    const bool perform = it->kind == PR_PL_PERFORM;
    const char *words = perform ? it->query + strlen("SELECT") : it->query;
    size_t at = 0;
    const size_t start = line_start(r, line);
    const bool found = r->not_found < FIND_MISSES && (find_from(r, r->pos > start ? r->pos : start, words, perform, &at) || find_from(r, start, words, perform, &at));
    if (!found) {
        r->not_found++;
        it->at = start;
        return;
    }
    it->len = strlen(words) + (perform ? strlen("PERFORM") : 0);
    it->at = perform ? at - strlen("PERFORM") : at;
    r->pos = it->at + it->len;
}

/* COMMIT and ROLLBACK, which have no text in the tree. */
static void place_word(struct reading *r, struct pr_pl_item *it, int64_t line) {
    const size_t start = line_start(r, line);
    struct pr_lex lex = {.text = r->body, .pos = r->pos > start ? r->pos : start, .end = r->len};
    it->at = start;
    for (struct pr_token t = pr_lex_next(&lex); t.kind != PR_LEX_END && t.start < start + FIND_BYTES; t = pr_lex_next(&lex)) {
        if (!pr_lex_is(&lex, t, it->query)) continue;
        it->at = t.start;
        it->len = t.end - t.start;
        r->pos = t.end;
        return;
    }
}

/* --- the tree ---------------------------------------------------------------------------------------------------------- */

/* Only an expression with a query in it reads a table. */
static bool has_select(const char *query) { return strcasestr(query, "select") != NULL; }

static void add(struct reading *r, enum pr_pl_kind kind, const json_t *value, int64_t line, bool takes_rows) {
    const char *query = pr_get_str(json_object_get(value, "PLpgSQL_expr"), "query");
    const bool bare = kind == PR_PL_COMMIT || kind == PR_PL_ROLLBACK;
    if (bare) query = kind == PR_PL_COMMIT ? "commit" : "rollback";
    if (query == NULL || ((kind == PR_PL_EXPRESSION || kind == PR_PL_ASSIGN) && !has_select(query))) return;
    struct pr_pl_item it = {.kind = kind, .query = pr_dup(r->a, query), .maybe = r->maybe || r->returned, .caught = r->caught, .takes_rows = takes_rows};
    if (bare) place_word(r, &it, line);
    else place(r, &it, line);
    *PR_PUSH(r->a, r->out->items, r->out->n, r->out->cap) = it;
}

static void statements(struct reading *r, const json_t *list, bool maybe, bool caught);

static void expressions(struct reading *r, const json_t *list, int64_t line) {
    size_t i = 0;
    json_t *v = NULL;
    json_array_foreach(list, i, v) {
        const json_t *option = json_object_get(v, "PLpgSQL_raise_option");
        add(r, PR_PL_EXPRESSION, option != NULL ? json_object_get(option, "expr") : v, line, true);
    }
}

/* ELSIF and WHEN: a condition and what follows it. */
static void branches(struct reading *r, const json_t *list, const char *kind, const char *condition) {
    size_t i = 0;
    json_t *v = NULL;
    const bool before = r->maybe;
    json_array_foreach(list, i, v) {
        const json_t *o = json_object_get(v, kind);
        r->maybe = before || i > 0 || pr_eq(kind, "PLpgSQL_if_elsif");
        add(r, PR_PL_EXPRESSION, json_object_get(o, condition), pr_get_int(o, "lineno"), true);
        statements(r, json_object_get(o, "stmts"), true, false);
    }
    r->maybe = before;
}

static void handlers(struct reading *r, const json_t *block) {
    const json_t *list = json_object_get(json_object_get(block, "PLpgSQL_exception_block"), "exc_list");
    size_t i = 0;
    json_t *v = NULL;
    json_array_foreach(list, i, v) statements(r, json_object_get(json_object_get(v, "PLpgSQL_exception"), "action"), true, false);
}

/* What a statement reads or runs itself, in the order of the text. */
static void own_parts(struct reading *r, const char *kind, const json_t *o) {
    static const char *const plain[] = {"t_expr", "cond", "lower", "upper", "step"};
    const int64_t line = pr_get_int(o, "lineno");
    for (size_t i = 0; i < PR_COUNT(plain); i++) add(r, PR_PL_EXPRESSION, json_object_get(o, plain[i]), line, true);
    const bool executes = pr_eq(kind, "PLpgSQL_stmt_dynexecute") || pr_eq(kind, "PLpgSQL_stmt_dynfors");
    add(r, executes ? PR_PL_EXECUTE : PR_PL_SQL, json_object_get(o, "query"), line, true);
    add(r, PR_PL_SQL, json_object_get(o, "sqlstmt"), line, pr_get_bool(o, "into"));
    const enum pr_pl_kind expression = pr_eq(kind, "PLpgSQL_stmt_perform") ? PR_PL_PERFORM
                                       : pr_eq(kind, "PLpgSQL_stmt_call")  ? PR_PL_SQL
                                       : pr_eq(kind, "PLpgSQL_stmt_assign") ? PR_PL_ASSIGN : PR_PL_EXPRESSION;
    add(r, expression, json_object_get(o, "expr"), line, true);
    add(r, PR_PL_EXECUTE, json_object_get(o, "dynquery"), line, true);
    add(r, PR_PL_EXPRESSION, json_object_get(o, "argquery"), line, true);
    expressions(r, json_object_get(o, "params"), line);
    if (json_is_object(json_object_get(o, "message"))) add(r, PR_PL_EXPRESSION, json_object_get(o, "message"), line, true);
    expressions(r, json_object_get(o, "options"), line);
    if (pr_eq(kind, "PLpgSQL_stmt_commit")) add(r, PR_PL_COMMIT, NULL, line, true);
    if (pr_eq(kind, "PLpgSQL_stmt_rollback")) add(r, PR_PL_ROLLBACK, NULL, line, true);
}

static void statement(struct reading *r, const char *kind, const json_t *o) {
    const json_t *exceptions = json_object_get(o, "exceptions");
    own_parts(r, kind, o);
    statements(r, json_object_get(o, "then_body"), true, false);
    branches(r, json_object_get(o, "elsif_list"), "PLpgSQL_if_elsif", "cond");
    statements(r, json_object_get(o, "else_body"), true, false);
    branches(r, json_object_get(o, "case_when_list"), "PLpgSQL_case_when", "expr");
    statements(r, json_object_get(o, "else_stmts"), true, false);
    statements(r, json_object_get(o, "body"), !pr_eq(kind, "PLpgSQL_stmt_block"), exceptions != NULL);
    handlers(r, exceptions);
    if (pr_eq(kind, "PLpgSQL_stmt_return")) r->returned = true;
}

static void statements(struct reading *r, const json_t *list, bool maybe, bool caught) {
    if (list == NULL || r->too_deep) return;
    if (r->levels >= LEVELS) {
        r->too_deep = true;
        return;
    }
    const bool maybe_before = r->maybe, caught_before = r->caught;
    const size_t n = json_array_size(list);
    r->maybe = r->maybe || maybe;
    r->caught = r->caught || caught;
    r->levels++;
    for (size_t i = 0; i < n; i++) {
        const char *kind = NULL;
        json_t *o = NULL;
        json_object_foreach(json_array_get(list, i), kind, o) statement(r, kind, o);
    }
    r->levels--;
    r->maybe = maybe_before;
    r->caught = caught_before;
}

static void variables(struct reading *r, const json_t *datums) {
    size_t i = 0;
    json_t *v = NULL;
    json_array_foreach(datums, i, v) {
        const char *kind = NULL;
        json_t *o = NULL;
        json_object_foreach(v, kind, o) {
            const char *name = pr_get_str(o, "refname");
            if (name == NULL) continue;
            *PR_PUSH(r->a, r->out->vars, r->out->n_vars, r->out->cap_vars) = pr_dup(r->a, name);
            add(r, PR_PL_EXPRESSION, json_object_get(o, "default_val"), pr_get_int(o, "lineno"), true);
            add(r, PR_PL_SQL, json_object_get(o, "cursor_explicit_expr"), pr_get_int(o, "lineno"), true);
        }
    }
}

static void walk(struct reading *r, const json_t *functions) {
    const json_t *f = json_object_get(json_array_get(functions, 0), "PLpgSQL_function");
    find_lines(r);
    variables(r, json_object_get(f, "datums"));
    r->pos = 0;
    const json_t *block = json_object_get(json_object_get(f, "action"), "PLpgSQL_stmt_block");
    if (block != NULL) statement(r, "PLpgSQL_stmt_block", block);
    if (r->too_deep) *r->out = (struct pr_pl){.problem = "its body is nested too deeply to be read", .ours = true};
}

/* --- errors ------------------------------------------------------------------------------------------------------------ */

/* The library loses the line of an error: it is where the word that the message quotes stands first. */
static size_t problem_place(const struct reading *r, const char *message) {
    const char *open = strchr(message, '"'), *close = strrchr(message, '"');
    if (open == NULL || close - open < 2) return pr_ends(message, "end of input") ? r->len : 0;
    const size_t n = (size_t)(close - open) - 1;
    struct pr_lex lex = {.text = r->body, .end = r->len};
    for (struct pr_token t = pr_lex_next(&lex); t.kind != PR_LEX_END; t = pr_lex_next(&lex))
        if (t.end - t.start == n && memcmp(r->body + t.start, open + 1, n) == 0) return t.start;
    return 0;
}

/* What a server with its catalog would say too, as against what this parser cannot do. */
static bool is_of_the_text(const char *message) {
    static const char *const beginnings[] = {"syntax error", "unterminated", "missing ", "loop variable", "cannot use RETURN", "RETURN "};
    for (size_t i = 0; i < PR_COUNT(beginnings); i++)
        if (pr_starts(message, beginnings[i])) return true;
    return pr_ends(message, "is not a known variable") || strstr(message, " is not a scalar variable") != NULL;
}

static void refuse(struct reading *r, const char *problem) { *r->out = (struct pr_pl){.problem = problem, .ours = true}; }

/* Of a trigger's own variables (TG_OP …) the library writes "{}}": a brace that closes nothing. */
static const char *mended(const char *json, struct pr_arena *a) {
    const size_t n = strlen(json);
    char *out = pr_dupn(a, json, n), *stack = pr_alloc(a, n + 1);
    size_t len = 0, depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < n; i++) {
        const char c = json[i];
        const bool in = quoted;
        if (c == '"') quoted = !quoted;
        if (in && c == '\\' && i + 1 < n) out[len++] = json[i++];
        if (!in && (c == '{' || c == '[')) stack[depth++] = c;
        if (!in && (c == '}' || c == ']')) {
            if (depth == 0 || stack[depth - 1] != (c == '}' ? '{' : '[')) continue;
            depth--;
        }
        out[len++] = json[i];
    }
    out[len] = '\0';
    return out;
}

/* The library catches its own errors in the parser; those that it raises while it prints are caught here. */
static bool parse(const char *text, PgQueryPlpgsqlParseResult *out) {
    PG_TRY();
    {
        *out = pg_query_parse_plpgsql(text);
    }
    PG_CATCH();
    {
        MemoryContextSwitchTo(TopMemoryContext);
        FlushErrorState();
        return false;
    }
    PG_END_TRY();
    return true;
}

void pr_pl_read(const Node *of, const char *body, size_t len, struct pr_arena *a, struct pr_pl *out) {
    *out = (struct pr_pl){.settled = strstr(body, "#variable_conflict") != NULL};
    char *soft = pr_dupn(a, body, len < BODY_BYTES ? len : 0);
    struct reading r = {.a = a, .body = soft, .len = len, .out = out};
    if (len >= BODY_BYTES || !soften(soft, len)) return refuse(&r, "its body is too large to be read");
    const char *text = statement_round(of, soft, a);
    if (text == NULL) return refuse(&r, "its body is too large to be read");
    PgQueryPlpgsqlParseResult result = {0};
    if (!parse(text, &result)) return refuse(&r, "its body is nested too deeply to be read");
    if (result.error != NULL) {
        out->problem = pr_dup(a, result.error->message);
        out->ours = !is_of_the_text(out->problem);
        out->problem_at = problem_place(&r, out->problem);
    } else {
        json_t *functions PR_CLEANUP(pr_json_freep) = json_loads(mended(result.plpgsql_funcs, a), 0, NULL);
        if (functions == NULL) refuse(&r, "its body is nested too deeply to be read");
        else walk(&r, functions);
    }
    pg_query_free_plpgsql_parse_result(result);
}
