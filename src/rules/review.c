/* review.c: the review class of a migration. The table is the policy; the rest finds out which of its rows apply. */
#include "sql/nodes.h"

#include "rules/review.h"

const char *pr_review_name(enum pr_review r) {
    static const char *const names[PR_REVIEW_COUNT] = {
        [PR_REVIEW_SPOT] = "spot check", [PR_REVIEW_THOROUGH] = "thorough", [PR_REVIEW_MANDATORY] = "mandatory"};
    PR_ASSERT(r >= 0 && r < PR_REVIEW_COUNT);
    return names[r];
}

const char *pr_review_key(enum pr_review r) { return r == PR_REVIEW_SPOT ? "spot-check" : pr_review_name(r); }

/* What is overwritten or gone comes back with no rollback: that much a team cannot wave through. */
const struct pr_review_rule pr_review_rules[] = {
    {PR_SIGN_OTHER_DATABASE, "other-database", PR_REVIEW_MANDATORY, PR_REVIEW_SPOT, "another database is touched"},
    {PR_SIGN_LOSS, "loss", PR_REVIEW_MANDATORY, PR_REVIEW_THOROUGH, "data is lost"},
    {PR_SIGN_BACKFILL, "backfill", PR_REVIEW_MANDATORY, PR_REVIEW_THOROUGH, "rows that are there are changed"},
    {PR_SIGN_TRIGGER, "trigger", PR_REVIEW_MANDATORY, PR_REVIEW_SPOT, "triggers depend on it"},
    {PR_SIGN_ERROR, "error", PR_REVIEW_THOROUGH, PR_REVIEW_SPOT, "check found an error"},
    {PR_SIGN_UNJUDGED, "unjudged", PR_REVIEW_THOROUGH, PR_REVIEW_SPOT, "what it does is decided when it runs"},
    {PR_SIGN_ACCESS, "access", PR_REVIEW_THOROUGH, PR_REVIEW_SPOT, "rights are changed"},
    {PR_SIGN_RENAME, "rename", PR_REVIEW_THOROUGH, PR_REVIEW_SPOT, "something is renamed"},
    {PR_SIGN_NOT_NULL, "not-null", PR_REVIEW_THOROUGH, PR_REVIEW_SPOT, "a column must have a value"},
    {PR_SIGN_LARGE, "large", PR_REVIEW_THOROUGH, PR_REVIEW_SPOT, "work on a table that is large or of unknown size"},
    {PR_SIGN_INSERT, "insert", PR_REVIEW_THOROUGH, PR_REVIEW_SPOT, "rows are added to a table that is there"},
    {PR_SIGN_OTHER_CHANGE, "other-change", PR_REVIEW_THOROUGH, PR_REVIEW_SPOT, "a table that is there is changed"},
    {PR_SIGN_SMALL_INDEX, "small-index", PR_REVIEW_SPOT, PR_REVIEW_SPOT, "an index on a small table"},
    {PR_SIGN_NULLABLE_COLUMN, "nullable-column", PR_REVIEW_SPOT, PR_REVIEW_SPOT, "a nullable column"},
    {PR_SIGN_NEW_ONLY, "new-only", PR_REVIEW_SPOT, PR_REVIEW_SPOT, "nothing that was there is changed"},
};
const size_t pr_n_review_rules = PR_COUNT(pr_review_rules);
static_assert(PR_COUNT(pr_review_rules) == PR_SIGN_COUNT, "each sign has its row");

/* --- the signs --- */

struct look {
    const struct pr_judge *j;
    const struct pr_facts *facts;
    const struct pr_footprint *fp;
    int stmt;
    struct pr_arena *a, *scratch;
    struct pr_shown *out;
};

static void show(struct look *l, enum pr_sign sign, const char *of) {
    if (l->out->at[sign] >= 0) return;
    l->out->signs |= 1u << sign;
    l->out->at[sign] = l->stmt;
    l->out->of[sign] = pr_dup(l->a, of);
}

/* The relation that the statement is about, when somebody else has it. */
static const char *others(const struct look *l) {
    for (size_t i = 0; i < l->fp->n; i++) {
        const struct pr_effect *f = &l->fp->effects[i];
        if (f->own || f->created || f->lock == PR_ACCESS_SHARE || f->lock == PR_ROW_SHARE) continue;
        if (l->fp->main_name == NULL || pr_eq(f->name, l->fp->main_name)) return f->name;
    }
    return NULL;
}

static const struct pr_rel *rel_of(const struct look *l, const char *name) {
    return l->facts != NULL && name != NULL ? pr_find_rel(l->facts, pr_eq(name, l->fp->main_name) ? l->fp->main_schema : NULL, name) : NULL;
}

static bool is_known_empty(const struct pr_rel *r) { return r != NULL && r->rows_trusted && r->rows == 0; }

/* Long, or of unknown length, for those who wait. */
static bool is_large(const struct look *l) {
    const int64_t max_us = pr_sat_mul(l->j->config != NULL ? l->j->config->max_block_ms : 1000, 1000);
    for (size_t i = 0; i < l->fp->n; i++) {
        const struct pr_effect *f = &l->fp->effects[i];
        int64_t low = 0, high = 0;
        if (f->own || f->created || (!f->scan && !f->rewrite && f->index_builds == 0)) continue;
        if (!pr_effect_duration(f, NULL, &low, &high) || high > max_us) return true;
    }
    return false;
}

static bool has_trigger_on(const struct pr_rel *r, const char *col) {
    for (size_t i = 0; r != NULL && i < r->n_trgs; i++) {
        const struct pr_trg *t = &r->trgs[i];
        if (t->n_mentions == 0 || col == NULL || pr_mentions(t->mentions, t->n_mentions, col)) return true;
    }
    return false;
}

static bool has_value(const ColumnDef *col) {
    ListCell *lc;
    foreach (lc, col->constraints) {
        const ConstrType t = lfirst_node(Constraint, lc)->contype;
        if (t == CONSTR_NOTNULL || t == CONSTR_PRIMARY || t == CONSTR_IDENTITY) return true;
    }
    return false;
}

static void on_cmd(struct look *l, const AlterTableCmd *cmd, const char *table_name, const struct pr_rel *r) {
    const char *what = cmd->name != NULL ? pr_fmt(l->scratch, "%s.%s", table_name, cmd->name) : table_name;
    switch ((int)cmd->subtype) {
    case AT_DropColumn:
        show(l, PR_SIGN_LOSS, what);
        if (has_trigger_on(r, cmd->name)) show(l, PR_SIGN_TRIGGER, what);
        return;
    case AT_AlterColumnType:
        if (has_trigger_on(r, cmd->name)) show(l, PR_SIGN_TRIGGER, what);
        show(l, PR_SIGN_OTHER_CHANGE, what);
        return;
    case AT_AddColumn: {
        const ColumnDef *col = pr_as(ColumnDef, cmd->def);
        const char *name = col != NULL ? pr_fmt(l->scratch, "%s.%s", table_name, col->colname) : table_name;
        if (col != NULL && has_value(col)) show(l, PR_SIGN_NOT_NULL, name);
        else show(l, is_large(l) ? PR_SIGN_LARGE : PR_SIGN_NULLABLE_COLUMN, name);
        return;
    }
    case AT_SetNotNull: show(l, PR_SIGN_NOT_NULL, what); return;
    case AT_EnableTrig: case AT_DisableTrig: case AT_EnableTrigAll: case AT_DisableTrigAll: case AT_EnableTrigUser: case AT_DisableTrigUser:
    case AT_EnableAlwaysTrig: case AT_EnableReplicaTrig: show(l, PR_SIGN_TRIGGER, what); return;
    case AT_EnableRowSecurity: case AT_DisableRowSecurity: case AT_ForceRowSecurity: case AT_NoForceRowSecurity: case AT_ChangeOwner:
        show(l, PR_SIGN_ACCESS, what);
        return;
    default: show(l, PR_SIGN_OTHER_CHANGE, what);
    }
}

static void on_alter(struct look *l, const AlterTableStmt *at) {
    const char *name = others(l);
    ListCell *lc;
    if (name == NULL) return;
    foreach (lc, at->cmds) on_cmd(l, lfirst_node(AlterTableCmd, lc), name, rel_of(l, name));
    if (is_large(l)) show(l, PR_SIGN_LARGE, name);
}

static void on_rows(struct look *l, const Node *n) {
    const char *name = others(l);
    if (name == NULL || is_known_empty(rel_of(l, name))) return;
    const InsertStmt *is = pr_as(InsertStmt, n);
    const SelectStmt *q = is != NULL ? pr_as(SelectStmt, is->selectStmt) : NULL;
    const bool only_new = is != NULL && is->onConflictClause == NULL && (q == NULL || q->valuesLists != NIL);
    show(l, only_new ? PR_SIGN_INSERT : PR_SIGN_BACKFILL, name);
    if (has_trigger_on(rel_of(l, name), NULL)) show(l, PR_SIGN_TRIGGER, name);
}

/* A function that a trigger calls. */
static bool serves_trigger(const struct look *l, const CreateFunctionStmt *cf) {
    const char *name = strVal(llast(cf->funcname));
    for (size_t i = 0; l->facts != NULL && cf->replace && i < l->facts->n_rels; i++)
        for (size_t k = 0; k < l->facts->rels[i].n_trgs; k++) {
            const char *f = l->facts->rels[i].trgs[k].function, *dot = f != NULL ? strrchr(f, '.') : NULL;
            if (pr_eq(dot != NULL ? dot + 1 : f, name)) return true;
        }
    return false;
}

/* As it is written: of what is no relation no footprint tells the name. */
static const char *first_dropped(const DropStmt *ds) {
    const Node *o = linitial(ds->objects);
    const TypeName *type = pr_as(TypeName, o);
    const List *names = type != NULL ? type->names : pr_as(List, o);
    return names != NULL ? strVal(llast(names)) : IsA(o, String) ? strVal(o) : NULL;
}

static void on_drop(struct look *l, const DropStmt *ds) {
    const char *name = others(l);
    switch ((int)ds->removeType) {
    case OBJECT_TABLE: case OBJECT_MATVIEW: case OBJECT_SEQUENCE:
        if (name != NULL || l->fp->n == 0) show(l, PR_SIGN_LOSS, name != NULL ? name : first_dropped(ds));
        return;
    case OBJECT_SCHEMA: case OBJECT_TYPE: case OBJECT_DOMAIN: case OBJECT_EXTENSION:
        show(l, ds->behavior == DROP_CASCADE ? PR_SIGN_LOSS : PR_SIGN_OTHER_CHANGE, first_dropped(ds));
        return;
    case OBJECT_TRIGGER: if (name != NULL) show(l, PR_SIGN_TRIGGER, name); return;
    case OBJECT_POLICY: if (name != NULL) show(l, PR_SIGN_ACCESS, name); return;
    default:
        if (name != NULL || ds->removeType == OBJECT_FUNCTION || ds->removeType == OBJECT_PROCEDURE) show(l, PR_SIGN_OTHER_CHANGE, name);
    }
}

static bool talks_elsewhere(struct look *l, const struct pr_stmt *s) {
    struct pr_called *calls = NULL;
    const NodeTag tag = nodeTag((const Node *)s->node);
    if (tag == T_CreateSubscriptionStmt || tag == T_AlterSubscriptionStmt || tag == T_CreateForeignServerStmt || tag == T_ImportForeignSchemaStmt) return true;
    const bool queries = tag == T_SelectStmt || tag == T_InsertStmt || tag == T_UpdateStmt;
    const bool worth_it = queries && (pr_stmt_says(s, "dblink") || strstr(s->text, "&\"") != NULL);      /* U&"\0064blink" */
    const size_t n = worth_it ? pr_stmt_calls(s, l->scratch, &calls) : 0;
    for (size_t i = 0; i < n; i++)
        if (pr_starts(calls[i].name, "dblink")) return true;
    const struct pr_rel *r = rel_of(l, l->fp->main_name);
    return l->fp->dml && r != NULL && r->kind == 'f';
}

static void on_stmt(struct look *l, const struct pr_stmt *s) {
    const Node *n = s->node;
    if (n == NULL || l->fp->unjudged) show(l, PR_SIGN_UNJUDGED, NULL);
    if (n == NULL) return;
    if (talks_elsewhere(l, s)) show(l, PR_SIGN_OTHER_DATABASE, NULL);
    const char *name = others(l);
    switch ((int)nodeTag(n)) {
    case T_AlterTableStmt: on_alter(l, pr_cast(AlterTableStmt, n)); return;
    case T_IndexStmt:
        if (name != NULL) show(l, pr_cast(IndexStmt, n)->concurrent || is_large(l) ? PR_SIGN_LARGE : PR_SIGN_SMALL_INDEX, name);
        return;
    case T_RenameStmt: case T_AlterObjectSchemaStmt:
        if (name != NULL || l->fp->n == 0) show(l, PR_SIGN_RENAME, name);
        return;
    case T_DropStmt: on_drop(l, pr_cast(DropStmt, n)); return;
    case T_DropOwnedStmt: show(l, PR_SIGN_LOSS, NULL); return;
    case T_DropdbStmt: show(l, PR_SIGN_LOSS, pr_cast(DropdbStmt, n)->dbname); return;
    case T_TruncateStmt: if (name != NULL) show(l, PR_SIGN_LOSS, name); return;
    case T_UpdateStmt: case T_DeleteStmt: case T_InsertStmt: case T_MergeStmt: case T_CopyStmt: on_rows(l, n); return;
    case T_CreateTrigStmt: if (name != NULL) show(l, PR_SIGN_TRIGGER, name); return;
    case T_CreateFunctionStmt: if (serves_trigger(l, pr_cast(CreateFunctionStmt, n))) show(l, PR_SIGN_TRIGGER, strVal(llast(pr_cast(CreateFunctionStmt, n)->funcname))); return;
    case T_CreatePolicyStmt: case T_AlterPolicyStmt: if (name != NULL) show(l, PR_SIGN_ACCESS, name); return;
    case T_CreateRoleStmt: case T_AlterRoleStmt: case T_AlterRoleSetStmt: case T_DropRoleStmt: case T_GrantRoleStmt: case T_ReassignOwnedStmt: case T_AlterOwnerStmt:
    case T_AlterDefaultPrivilegesStmt: case T_AlterSystemStmt: show(l, PR_SIGN_ACCESS, NULL); return;
    case T_GrantStmt: if (name != NULL || l->fp->n == 0) show(l, PR_SIGN_ACCESS, name); return;
    default:
        if (name != NULL && is_large(l)) show(l, PR_SIGN_LARGE, name);
        else if (name != NULL) show(l, PR_SIGN_OTHER_CHANGE, name);
    }
}

void pr_review_begin(struct pr_shown *out) {
    *out = (struct pr_shown){0};
    for (int i = 0; i < PR_SIGN_COUNT; i++) out->at[i] = -1;
}

void pr_review_signs(const struct pr_reviewing *r, const struct pr_stmt *s, const struct pr_footprint *fp, struct pr_arena *a, struct pr_shown *out) {
    struct look l = {.j = r->judge, .facts = r->facts, .a = a, .scratch = r->scratch != NULL ? r->scratch : a, .out = out, .stmt = s->index, .fp = fp};
    if (s->inside != NULL && s->inside->later) return;     /* a function that is only created */
    on_stmt(&l, s);
}

void pr_review_errors(const struct pr_script *script, const struct pr_findings *findings, struct pr_arena *a, struct pr_shown *out) {
    struct look l = {.a = a, .out = out, .stmt = -1};
    for (size_t i = 0; i < findings->n; i++) {
        if (findings->items[i].level != PR_ERROR) continue;
        for (size_t k = 0; k < script->n && l.stmt < 0; k++)       /* a finding names the file's own statement */
            if (script->stmts[k].top == findings->items[i].stmt) l.stmt = (int)k;
        show(&l, PR_SIGN_ERROR, findings->items[i].rule);
        return;
    }
}
