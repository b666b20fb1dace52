/* fix_alter.c: fixes of ALTER TABLE: constraints that are added first and proven later. */
#include "sql/nodes.h"

#include "rules/fix_make.h"
#include "sql/lex.h"

enum { NAME_BYTES = 63 };

static struct pr_token next_code(struct pr_lex *lex) {
    struct pr_token t = pr_lex_next(lex);
    while (t.kind == PR_LEX_COMMENT) t = pr_lex_next(lex);
    return t;
}

static bool is_byte(const struct pr_lex *lex, struct pr_token t, char ch) {
    return t.kind == PR_LEX_OTHER && lex->text[t.start] == ch;
}

/* Past ALTER TABLE [IF EXISTS] [ONLY] name [*]: at the first command. */
static size_t first_command(struct pr_lex *lex) {
    struct pr_lex ahead = *lex;
    struct pr_token t = next_code(&ahead);
    while (pr_lex_is(&ahead, t, "alter") || pr_lex_is(&ahead, t, "table") || pr_lex_is(&ahead, t, "if") || pr_lex_is(&ahead, t, "exists") ||
           pr_lex_is(&ahead, t, "only"))
        t = next_code(&ahead);
    *lex = ahead;                                          /* behind the first part of the name */
    for (;;) {
        t = next_code(&ahead);
        if (is_byte(&ahead, t, '.')) t = next_code(&ahead);
        else if (!is_byte(&ahead, t, '*')) return t.start;
        *lex = ahead;
    }
}

bool pr_cmd_span(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd, size_t *from, size_t *to) {
    struct pr_lex lex = {.text = c->script->text, .pos = c->stmt->offset, .end = c->stmt->offset + c->stmt->len};
    size_t begin = first_command(&lex), last = begin;
    int nth = 0, depth = 0, wanted = -1;
    ListCell *lc;
    foreach (lc, at->cmds)
        if (lfirst(lc) == cmd) wanted = foreach_current_index(lc);
    for (;;) {
        const struct pr_token t = next_code(&lex);
        const bool end = t.kind == PR_LEX_END || t.kind == PR_LEX_UNTERMINATED;
        depth += t.kind == PR_LEX_OPEN || is_byte(&lex, t, '[') ? 1 : t.kind == PR_LEX_CLOSE || is_byte(&lex, t, ']') ? -1 : 0;
        if (end || (depth == 0 && is_byte(&lex, t, ','))) {
            if (nth == wanted) {
                *from = begin;
                *to = last;
            }
            nth++;
            begin = 0;
        } else {
            if (begin == 0) begin = t.start;
            last = t.end;
        }
        if (end) break;
    }
    return wanted >= 0 && nth == list_length(at->cmds) && *to > *from;
}

/* Columns that a CHECK names; the server puts the name of a lone one into the constraint's. */
struct named { const char *column; int n; bool odd; };

static bool see_column(Node *node, void *ctx) {
    struct named *s = ctx;
    if (node == NULL) return false;
    if (IsA(node, ColumnRef)) {
        const ColumnRef *ref = pr_cast(ColumnRef, node);
        if (list_length(ref->fields) != 1 || !IsA(linitial(ref->fields), String)) s->odd = true;
        else if (s->column == NULL || !pr_eq(s->column, strVal(linitial(ref->fields)))) {
            s->column = strVal(linitial(ref->fields));
            s->n++;
        }
    }
    return pr_tree_walk(node, see_column, ctx);
}

/* The name that the server gives to what has none; NULL when that cannot be told for sure. */
static const char *server_name(const struct pr_rule_ctx *c, const char *table, const Constraint *con, const char *name) {
    if (con->conname != NULL) return con->conname;
    if (con->contype == CONSTR_CHECK) {
        struct named s = {0};
        (void)see_column(con->raw_expr, &s);
        if (s.odd) return NULL;
        name = s.n == 1 ? pr_fmt(PR_A(c), "%s_%s_check", table, s.column) : pr_fmt(PR_A(c), "%s_check", table);
    }
    return strlen(name) < NAME_BYTES ? name : NULL;         /* a longer one is cut in the server's own way */
}

static bool is_taken(const struct pr_rule_ctx *c, const RangeVar *rv, const char *name) {
    const struct pr_rel *r = pr_rel_of(c, rv);
    return r != NULL && pr_find_con(r, name) != NULL;
}

/* "ALTER TABLE t CMD;" */
static const char *alter(const struct pr_rule_ctx *c, const AlterTableStmt *at, const char *cmd) {
    return pr_fmt(PR_A(c), "ALTER TABLE %s%s %s;", at->relation->inh ? "" : "ONLY ", pr_rv_name(c, at->relation), cmd);
}

const struct pr_fix *pr_fix_not_valid(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd, const char *guess) {
    const Constraint *con = (const Constraint *)(const void *)cmd->def;
    const struct pr_rel *r = pr_rel_of(c, at->relation);
    const bool foreign = con->contype == CONSTR_FOREIGN;
    size_t from = 0, to = 0;
    if (at->missing_ok || (!at->relation->inh && !foreign)) return NULL;
    if (foreign && r != NULL && r->kind == 'p' && c->version_num < 180000) return pr_fix_refused(c, "a foreign key of a partitioned table can be NOT VALID from version 18 on");
    const char *name = server_name(c, at->relation->relname, con, guess);
    if (name == NULL || is_taken(c, at->relation, name) || !pr_cmd_span(c, at, cmd, &from, &to)) return NULL;
    /* The same constraint as SQL, for the way back of VALIDATE. */
    const char *sql = pr_sql_not_valid(c, at, con, name), *add = sql != NULL ? strstr(sql, " ADD CONSTRAINT ") : NULL;
    const char *end = add != NULL ? strstr(add, ";\n-- in a transaction") : NULL;
    if (end == NULL) return NULL;
    struct pr_fix *fix = PR_NEW(PR_A(c), struct pr_fix);
    const char *id = pr_id(c, name);
    fix->title = pr_fmt(PR_A(c), "add %s NOT VALID, and validate it in a transaction of its own", id);
    if (foreign && r == NULL && c->version_num < 180000) fix->assumes = pr_fmt(PR_A(c), "%s is not partitioned", pr_rv_name(c, at->relation));
    if (con->conname == NULL) pr_fix_edit(c, fix, pr_stmt_at(c->stmt, con->location), pr_stmt_at(c->stmt, con->location), pr_fmt(PR_A(c), "CONSTRAINT %s ", id));
    pr_fix_edit(c, fix, to, to, " NOT VALID");
    fix->n_steps = 2;
    fix->steps[1] = (struct pr_fix_step){
        .sql = alter(c, at, pr_fmt(PR_A(c), "VALIDATE CONSTRAINT %s", id)), .word = "validate", .joins = true,
        .undo = alter(c, at, pr_fmt(PR_A(c), "DROP CONSTRAINT %s,%.*s", id, (int)(end - add), add))};
    return fix;
}

const struct pr_fix *pr_fix_not_null(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    struct pr_arena *a = PR_A(c);
    size_t from = 0, to = 0;
    if (at->missing_ok || !at->relation->inh || !pr_cmd_span(c, at, cmd, &from, &to)) return NULL;
    const bool native = c->version_num >= 180000;
    const char *col = pr_id(c, cmd->name);
    /* From 18 on the server names the constraint itself: the same name, or a name that is not in its way. */
    const char *name = pr_fmt(a, "%s_%s_not_null%s", at->relation->relname, cmd->name, native ? "" : "_check");
    if (strlen(name) >= NAME_BYTES || is_taken(c, at->relation, name)) return NULL;
    const char *id = pr_id(c, name);
    const char *add = native ? pr_fmt(a, "ADD CONSTRAINT %s NOT NULL %s NOT VALID", id, col)
                             : pr_fmt(a, "ADD CONSTRAINT %s CHECK (%s IS NOT NULL) NOT VALID", id, col);
    struct pr_fix *fix = PR_NEW(a, struct pr_fix);
    fix->title = pr_fmt(a, "make %s NOT NULL by a constraint that is validated in a transaction of its own", col);
    pr_fix_edit(c, fix, from, to, add);
    fix->steps[1] = (struct pr_fix_step){.sql = alter(c, at, pr_fmt(a, "VALIDATE CONSTRAINT %s", id)), .word = "validate", .joins = true,
                                         .undo = alter(c, at, pr_fmt(a, "DROP CONSTRAINT %s, %s", id, add))};
    fix->n_steps = 2;
    if (native) return fix;
    const char *drop = alter(c, at, pr_fmt(a, "DROP CONSTRAINT %s", id));
    fix->steps[2] = (struct pr_fix_step){
        .sql = pr_fmt(a, "%s\n%s", alter(c, at, pr_fmt(a, "ALTER COLUMN %s SET NOT NULL", col)), drop), .word = "not_null",
        .undo = pr_fmt(a, "%s\n%s\n%s", alter(c, at, add), alter(c, at, pr_fmt(a, "VALIDATE CONSTRAINT %s", id)),
                       alter(c, at, pr_fmt(a, "ALTER COLUMN %s DROP NOT NULL", col)))};
    fix->n_steps = 3;
    fix->undo_kind = PR_UNDO_NOT_NULL;
    fix->undo_relation = at->relation->relname;
    fix->undo_name = cmd->name;
    fix->undo_becomes = pr_fmt(a, "DROP CONSTRAINT %s", id);
    return fix;
}

/* From behind UNIQUE or PRIMARY KEY to behind the columns and INCLUDE: what USING INDEX stands for. */
static bool columns_span(const struct pr_rule_ctx *c, const Constraint *con, size_t *from, size_t *to) {
    struct pr_lex lex = {.text = c->script->text, .pos = pr_stmt_at(c->stmt, con->location), .end = c->stmt->offset + c->stmt->len};
    int depth = 0;
    for (;;) {
        const struct pr_token t = next_code(&lex);
        if (t.kind == PR_LEX_END || t.kind == PR_LEX_UNTERMINATED) return *from > 0 && *to > *from;
        if (*from == 0 && (pr_lex_is(&lex, t, "unique") || pr_lex_is(&lex, t, "key"))) *from = t.end;
        depth += t.kind == PR_LEX_OPEN ? 1 : t.kind == PR_LEX_CLOSE ? -1 : 0;
        if (depth == 0 && t.kind == PR_LEX_CLOSE) {
            *to = t.end;
            struct pr_lex ahead = lex;
            if (!pr_lex_is(&ahead, next_code(&ahead), "include")) return *from > 0 && *to > *from;
        }
    }
}

static const char *why_nullable(const struct pr_rule_ctx *c, const RangeVar *rv, const Constraint *con) {
    const struct pr_rel *r = pr_rel_of(c, rv);
    ListCell *lc;
    foreach (lc, con->keys) {
        const struct pr_col *col = r != NULL ? pr_find_col(r, strVal(lfirst(lc))) : NULL;
        if (r == NULL) return "whether its columns are NOT NULL is not known without facts: where they are not, the whole table is read";
        if (col == NULL || !col->not_null) return "a column may be null: make it NOT NULL first, else the whole table is read under the lock";
    }
    return NULL;
}

const struct pr_fix *pr_fix_using_index(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd, const char *guess) {
    struct pr_arena *a = PR_A(c);
    const Constraint *con = (const Constraint *)(const void *)cmd->def;
    const struct pr_rel *r = pr_rel_of(c, at->relation);
    const bool primary = con->contype == CONSTR_PRIMARY;
    size_t from = 0, to = 0;
    if (at->missing_ok || list_length(at->cmds) != 1 || con->options != NIL || con->indexspace != NULL || con->keys == NIL) return NULL;
    if (r != NULL && r->kind == 'p') return pr_fix_refused(c, "a partitioned table takes no CONCURRENTLY");
    const char *why = primary ? why_nullable(c, at->relation, con) : NULL;
    if (why != NULL) return pr_fix_refused(c, why);
    const char *name = con->conname != NULL ? con->conname : strlen(guess) < NAME_BYTES ? guess : NULL;
    if (name == NULL || is_taken(c, at->relation, name) || !columns_span(c, con, &from, &to)) return NULL;
    const char *id = pr_id(c, name), *t = pr_rv_name(c, at->relation);
    const char *index = pr_qualified(a, at->relation->schemaname, name);
    const char *include = con->including != NIL ? pr_fmt(a, " INCLUDE (%s)", pr_list_names(c, con->including, ", ")) : "";
    struct pr_fix *fix = PR_NEW(a, struct pr_fix);
    fix->title = pr_fmt(a, "build the index of %s CONCURRENTLY first", id);
    if (r == NULL) fix->assumes = pr_fmt(a, "%s is not partitioned", t);
    if (con->conname == NULL) pr_fix_edit(c, fix, pr_stmt_at(c->stmt, con->location), pr_stmt_at(c->stmt, con->location), pr_fmt(a, "CONSTRAINT %s ", id));
    pr_fix_edit(c, fix, from, to, pr_fmt(a, " USING INDEX %s", id));
    fix->steps[0] = (struct pr_fix_step){
        .sql = pr_fmt(a, "CREATE UNIQUE INDEX CONCURRENTLY %s ON %s (%s)%s%s;", id, t, pr_list_names(c, con->keys, ", "), include,
                      con->nulls_not_distinct ? " NULLS NOT DISTINCT" : ""),
        .undo = pr_fmt(a, "DROP INDEX CONCURRENTLY IF EXISTS %s;", index), .word = name, .outside = true};
    fix->steps[1] = (struct pr_fix_step){.undo = alter(c, at, pr_fmt(a, "DROP CONSTRAINT %s", id)), .word = primary ? "primary_key" : "unique", .absorbs = true};
    fix->n_steps = 2;
    fix->leaned_on = true;
    fix->undo_kind = PR_UNDO_CONSTRAINT;
    fix->undo_relation = at->relation->relname;
    fix->undo_name = name;
    return fix;
}
