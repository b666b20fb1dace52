#include "sql/nodes.h"

#include "rules/help.h"

static bool is_word_byte(char ch) {
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '_' || ch == '$' ||
           (unsigned char)ch >= 0x80;
}

/* Length of a string, quoted identifier or comment that begins at s[0]; 0 when none does. */
static size_t skip_quoted(const char *s, size_t n) {
    if (n >= 2 && s[0] == '-' && s[1] == '-') {
        const char *nl = memchr(s, '\n', n);
        return nl != NULL ? (size_t)(nl - s) : n;
    }
    if (n >= 2 && s[0] == '/' && s[1] == '*') {
        const char *close = memmem(s + 2, n - 2, "*/", 2);
        return close != NULL ? (size_t)(close - s) + 2 : n;
    }
    if (s[0] != '\'' && s[0] != '"') return 0;
    for (size_t i = 1; i < n; i++)
        if (s[i] == s[0]) return i + 1;
    return n;
}

static bool same_ident(const char *text, size_t n, const char *word) {
    if (n >= 2 && text[0] == '"') return strlen(word) == n - 2 && memcmp(text + 1, word, n - 2) == 0;
    if (strlen(word) != n) return false;
    for (size_t i = 0; i < n; i++) {
        const char ch = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + 32) : text[i];
        if (ch != word[i]) return false;
    }
    return true;
}

/* The nth occurrence of word as an identifier; len 0 when there is none. */
static struct pr_span find_word(const char *s, size_t n, const char *word, int nth) {
    for (size_t i = 0; i < n;) {
        size_t w = skip_quoted(s + i, n - i);
        const bool is_name = w > 0 ? s[i] == '"' : is_word_byte(s[i]);
        if (w == 0 && is_name)
            while (i + w < n && is_word_byte(s[i + w])) w++;
        if (is_name && same_ident(s + i, w, word) && nth-- == 0) return (struct pr_span){.offset = i, .len = w};
        i += w > 0 ? w : 1;
    }
    return (struct pr_span){0};
}

struct pr_span pr_word_at(const struct pr_rule_ctx *c, const char *word, int nth) {
    if (word == NULL) return (struct pr_span){0};
    struct pr_span at = find_word(c->script->text + c->stmt->offset, c->stmt->len, word, nth);
    if (at.len > 0) at.offset += c->stmt->offset;
    return at;
}

bool pr_text_names(const char *text, const char *word) { return find_word(text, strlen(text), word, 0).len > 0; }

const struct pr_rel *pr_rel_of(const struct pr_rule_ctx *c, const RangeVar *rv) {
    return c->facts != NULL && rv != NULL ? pr_find_rel(c->facts, rv->schemaname, rv->relname) : NULL;
}

bool pr_is_new(const struct pr_rule_ctx *c, const RangeVar *rv) {
    return rv->relpersistence == RELPERSISTENCE_TEMP || pr_world_created(c->before, rv->schemaname, rv->relname);
}

/* A never analyzed table has reltuples 0 up to 13 and -1 since: neither says that it is empty. Its size does. */
bool pr_is_empty(const struct pr_rel *r) {
    if (r == NULL || r->kind == 'p') return false;
    return (r->rows_trusted && r->rows == 0) || (r->table_bytes == 0 && r->total_bytes == 0 && r->rows == 0 && r->pages == 0);
}

const struct pr_effect *pr_effect_on(const struct pr_footprint *fp, const char *schema, const char *name) {
    for (size_t i = 0; i < fp->n; i++) {
        const struct pr_effect *f = &fp->effects[i];
        if (pr_eq(f->name, name) && (schema == NULL || f->schema == NULL || pr_eq(f->schema, schema))) return f;
    }
    return NULL;
}

bool pr_is_foreign_runner(const struct pr_rule_ctx *c) { return !pr_eq(c->runner, "pgrail"); }

bool pr_in_tx(const struct pr_rule_ctx *c) { return c->so_far.open; }

/* The statement of the file round this one, in the flat script. */
static size_t round_of(const struct pr_rule_ctx *c) {
    size_t i = (size_t)c->stmt->index;
    while (i > 0 && c->script->stmts[i].inside != NULL) i--;
    return i;
}

static bool is_named_as_text(const struct pr_stmt *s, const char *name) {
    const size_t n = strlen(name);
    for (size_t i = 0; n > 0 && i + n < s->len; i++) {
        const char *hit = memmem(s->text + i, s->len - i, name, n);
        if (hit == NULL) return false;
        i = (size_t)(hit - s->text);
        if (i > 0 && s->text[i + n] == '\'' && strchr("'.\"", s->text[i - 1]) != NULL) return true;
    }
    return false;
}

static bool makes(const struct pr_rule_ctx *c, const struct pr_stmt *s, const char *name) {
    struct pr_name *names = NULL;
    const size_t n = s->node != NULL ? pr_stmt_names(s, PR_A(c), &names) : 0;
    for (size_t i = 0; i < n; i++)
        if (names[i].role == PR_NAME_CREATED && pr_eq(names[i].name, name)) return true;
    return false;
}

enum { BODY_LOOKED_AT = 500 };

bool pr_body_may_know(const struct pr_rule_ctx *c, const char *schema, const char *name) {
    const struct pr_inside *in = c->stmt->inside;
    if (in == NULL) return false;
    const size_t top = round_of(c);
    const struct pr_stmt *round = &c->script->stmts[top];
    const CreateFunctionStmt *fn = pr_as(CreateFunctionStmt, (const Node *)round->node);
    const bool trigger = fn != NULL && fn->returnType != NULL && fn->returnType->names != NIL &&
                         pr_eq(strVal(llast(fn->returnType->names)), "trigger");
    if (in->caught || (schema == NULL && (trigger || in->own_path)) || (in->maybe && is_named_as_text(round, name))) return true;
    for (size_t i = top + 1; i < c->script->n && c->script->stmts[i].inside != NULL; i++) {
        const struct pr_stmt *s = &c->script->stmts[i];
        if (!in->later && i >= (size_t)c->stmt->index) break;
        if (s->unjudged == PR_DYNAMIC || i - top > BODY_LOOKED_AT || (in->later && makes(c, s, name))) return true;
    }
    return false;
}

bool pr_body_refuses(const struct pr_rule_ctx *c) {
    const char *state = c->fp->fails_sqlstate;
    const bool plain = c->stmt->inside != NULL && state != NULL;
    if (!plain || c->stmt->inside->kind == PR_INSIDE_EXECUTED) return false;
    return pr_eq(state, "2D000") || pr_eq(state, "42601") ||
           (pr_eq(state, "0A000") && (IsA(c->node, TransactionStmt) || IsA(c->node, CopyStmt)));
}

const AlterTableStmt *pr_alter_table(const struct pr_rule_ctx *c) {
    const AlterTableStmt *at = c->node;
    if (!IsA(c->node, AlterTableStmt)) return NULL;
    return at->objtype == OBJECT_TABLE ? at : NULL;
}

void pr_each_cmd(const struct pr_rule_ctx *c, AlterTableType subtype, pr_cmd_fn *fn) {
    const AlterTableStmt *at = pr_alter_table(c);
    if (at == NULL) return;
    ListCell *lc;
    foreach (lc, at->cmds) {
        const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
        if (cmd->subtype == subtype) fn(c, at, cmd);
    }
}

const Constraint *pr_added(const AlterTableCmd *cmd, ConstrType type) {
    if (cmd->subtype != AT_AddConstraint) return NULL;
    const Constraint *con = (const Constraint *)(const void *)cmd->def;
    return con->contype == type ? con : NULL;
}

const Constraint *pr_column_constraint(const ColumnDef *col, ConstrType type) {
    ListCell *lc;
    foreach (lc, col->constraints) {
        const Constraint *con = lfirst_node(Constraint, lc);
        if (con->contype == type) return con;
    }
    return NULL;
}

void pr_report_block_fix(const struct pr_rule_ctx *c, const struct pr_effect *f, struct pr_span at, const char *title,
                         const char *safe_sql, const struct pr_fix *fix) {
    struct pr_hit h = {.offset = at.offset, .len = at.len, .title = title, .safe_sql = safe_sql, .fix = fix};
    if (f != NULL && pr_blocking_level(c, f, &h.level, &h.unknown_size, &h.what)) pr_report(c, &h);
}

void pr_report_block(const struct pr_rule_ctx *c, const struct pr_effect *f, struct pr_span at, const char *title,
                     const char *safe_sql) {
    pr_report_block_fix(c, f, at, title, safe_sql, NULL);
}
