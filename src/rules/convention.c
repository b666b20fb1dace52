#include "sql/nodes.h"

#include <fnmatch.h>

#include "rules/convention.h"

enum { CUT_BYTES = 60 };           /* of 63: a longer name was cut somewhere, and no form can be held against it */

const struct pr_conventions *pr_asked(const struct pr_rule_ctx *c) {
    static const struct pr_conventions nothing;
    return c->config != NULL && !c->is_down ? &c->config->conventions : &nothing;
}

void pr_each_new_column(const struct pr_rule_ctx *c, pr_new_column_fn *fn) {
    const AlterTableStmt *at = pr_alter_table(c);
    const CreateStmt *cs = pr_as(CreateStmt, c->node);
    ListCell *lc;
    if (at != NULL) {
        foreach (lc, at->cmds) {
            const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
            if (cmd->subtype == AT_AddColumn) fn(c, at->relation, NULL, (const ColumnDef *)(const void *)cmd->def);
        }
    } else if (cs != NULL && cs->relation->relpersistence != RELPERSISTENCE_TEMP && cs->partbound == NULL && cs->ofTypename == NULL) {
        foreach (lc, cs->tableElts)
            if (IsA(lfirst(lc), ColumnDef)) fn(c, cs->relation, cs, lfirst_node(ColumnDef, lc));
    }
}

const CreateStmt *pr_new_table(const struct pr_rule_ctx *c) {
    const CreateStmt *cs = pr_as(CreateStmt, c->node);
    if (cs == NULL || cs->relation->relpersistence == RELPERSISTENCE_TEMP || cs->inhRelations != NIL || cs->ofTypename != NULL) return NULL;
    ListCell *lc;
    foreach (lc, cs->tableElts)
        if (IsA(lfirst(lc), TableLikeClause)) return NULL;
    return cs;
}

static bool is_ours(const Constraint *con) {
    return con->contype == CONSTR_UNIQUE || con->contype == CONSTR_CHECK || con->contype == CONSTR_FOREIGN;
}

void pr_each_new_constraint(const struct pr_rule_ctx *c, pr_new_constraint_fn *fn) {
    struct pr_defined *list = NULL;
    const size_t n = pr_constraints_of(c, &list);
    for (size_t i = 0; i < n; i++) {
        const struct pr_defined *d = &list[i];
        if (!is_ours(d->con) || d->table->relpersistence == RELPERSISTENCE_TEMP) continue;
        if (d->con->indexname == NULL) fn(c, d->table, d->col, d->con);       /* USING INDEX takes the index's name */
    }
}

const char *pr_type_word(const ColumnDef *col) {
    if (col->typeName == NULL || col->typeName->names == NIL || col->typeName->arrayBounds != NIL) return "";
    return strVal(llast(col->typeName->names));
}

const char *pr_joined(const struct pr_rule_ctx *c, const List *names) {
    struct pr_buf b = {.a = PR_A(c)};
    ListCell *lc;
    foreach (lc, names) {
        const Node *n = lfirst(lc);
        const IndexElem *elem = pr_as(IndexElem, n);
        const char *name = elem != NULL ? elem->name : strVal(n);
        if (name == NULL) return NULL;
        pr_addf(&b, "%s%s", b.len > 0 ? "_" : "", name);
    }
    return pr_buf_text(&b);
}

/* A name inside a glob: what the glob would take for its own is escaped. NULL stands for anything. */
static void add_word(struct pr_buf *b, const char *word) {
    if (word == NULL) pr_add(b, "*");
    for (; word != NULL && *word != '\0'; word++) {
        if (strchr("*?[]\\", *word) != NULL) pr_add(b, "\\");
        pr_addn(b, word, 1);
    }
}

static const char *filled(struct pr_arena *a, const char *pattern, const struct pr_named *n) {
    const struct { const char *hole, *word; } words[] = {{"{table}", n->table}, {"{columns}", n->columns}, {"{ref_table}", n->ref_table}};
    struct pr_buf b = {.a = a};
    while (*pattern != '\0') {
        size_t i = 0;
        while (i < PR_COUNT(words) && !pr_starts(pattern, words[i].hole)) i++;
        if (i < PR_COUNT(words)) add_word(&b, words[i].word);
        else pr_addn(&b, pattern, 1);
        pattern += i < PR_COUNT(words) ? strlen(words[i].hole) : 1;
    }
    return pr_buf_text(&b);
}

bool pr_name_fits(const char *pattern, const struct pr_named *n, struct pr_arena *a) {
    return strlen(n->name) >= CUT_BYTES || fnmatch(filled(a, pattern, n), n->name, 0) == 0;
}

void pr_report_form(const struct pr_rule_ctx *c, const struct pr_form *f) {
    const struct pr_named n = {.name = f->name != NULL ? f->name : f->usual, .table = f->table, .columns = f->columns, .ref_table = f->ref_table};
    if (f->pattern == NULL || pr_name_fits(f->pattern, &n, PR_A(c))) return;
    const struct pr_span at = pr_word_at(c, f->name != NULL ? f->name : f->table, 0);
    const char *wanted = filled(PR_A(c), f->pattern, &n);
    pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at.offset, .len = at.len,
        .title = f->name != NULL ? pr_fmt(PR_A(c), "%s %s is not named as here: %s", f->what, pr_id(c, f->name), wanted)
                                 : pr_fmt(PR_A(c), "%s without a name gets %s, which is not as here: %s", f->what, pr_id(c, f->usual), wanted)});
}
