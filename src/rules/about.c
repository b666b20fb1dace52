/* about.c: which statements of a script are about a relation, so that a rule that looks round asks for them and does not read the
 * whole script for each statement. */
#include "sql/nodes.h"

#include "rules/help.h"
#include "rules/judge.h"

struct filing { struct pr_abouts *all; struct pr_arena *a; const struct pr_stmt *s; };

/* In the order of the script. */
struct chain { struct pr_about *first, *last; };

static void file_in(const struct filing *f, enum pr_about_kind kind, const char *relation, const char *name) {
    struct pr_map *map = &f->all->by_name[kind];
    struct chain *chain = pr_map_get(map, relation, name);
    if (chain == NULL) {
        chain = PR_NEW(f->a, struct chain);
        *pr_map_at(map, pr_dup(f->a, relation), pr_dup(f->a, name)) = chain;       /* the tree may go before the map */
    }
    if (chain->last != NULL && chain->last->at == f->s->index) return;
    struct pr_about *one = PR_NEW(f->a, struct pr_about);
    *one = (struct pr_about){.at = f->s->index};
    if (chain->last != NULL) chain->last->next = one;
    else chain->first = one;
    chain->last = one;
}

static void file_range(const struct filing *f, enum pr_about_kind kind, const RangeVar *rv) {
    if (rv != NULL) file_in(f, kind, NULL, rv->relname);
}

static void file_alter(const struct filing *f, const AlterTableStmt *at) {
    ListCell *lc;
    file_range(f, PR_ABOUT_ALTERS, at->relation);
    foreach (lc, at->relation != NULL ? at->cmds : NIL) {
        const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
        const Constraint *con = cmd->subtype == AT_AddConstraint ? pr_as(Constraint, cmd->def) : NULL;
        if (con != NULL && con->skip_validation && con->conname != NULL) file_in(f, PR_ABOUT_NOT_VALID, at->relation->relname, con->conname);
    }
}

static void file_grant(const struct filing *f, const GrantStmt *g) {
    ListCell *lc;
    if (g->objtype != OBJECT_TABLE) return;
    if (g->targtype == ACL_TARGET_ALL_IN_SCHEMA) file_in(f, PR_ABOUT_GRANTS, NULL, PR_ABOUT_ALL);
    foreach (lc, g->objects) file_range(f, PR_ABOUT_GRANTS, pr_as(RangeVar, (const Node *)lfirst(lc)));
}

static void file_vacuum(const struct filing *f, const VacuumStmt *v) {
    ListCell *lc;
    if (v->rels == NIL) file_in(f, PR_ABOUT_VACUUMS, NULL, PR_ABOUT_ALL);
    foreach (lc, v->rels) file_range(f, PR_ABOUT_VACUUMS, lfirst_node(VacuumRelation, lc)->relation);
}

static void file_stmt(const struct filing *f) {
    const Node *n = f->s->node;
    if (n == NULL) return;
    if (IsA(n, AlterTableStmt)) file_alter(f, pr_cast(AlterTableStmt, n));
    if (IsA(n, IndexStmt)) file_range(f, PR_ABOUT_INDEXES, pr_cast(IndexStmt, n)->relation);
    if (IsA(n, CreatePolicyStmt)) file_range(f, PR_ABOUT_POLICIES, pr_cast(CreatePolicyStmt, n)->table);
    if (IsA(n, GrantStmt)) file_grant(f, pr_cast(GrantStmt, n));
    if (IsA(n, VacuumStmt)) file_vacuum(f, pr_cast(VacuumStmt, n));
}

static void begin(struct pr_abouts *all, struct pr_arena *a) {
    for (size_t k = 0; k < PR_COUNT(all->by_name); k++) all->by_name[k] = (struct pr_map){.a = a};
}

static void file_script(struct pr_abouts *all, const struct pr_script *s, struct pr_arena *a) {
    begin(all, a);
    for (size_t i = 0; i < s->n; i++) file_stmt(&(struct filing){.all = all, .a = a, .s = &s->stmts[i]});
    all->filed = true;
}

/* Rules look for a SET, a schema, an enum and its values, a view of the old name, a GIN index; and bodies are looked into. */
bool pr_about_stays(void *ctx, const struct pr_stmt *s) {
    const struct pr_filing *f = ctx;
    const Node *n = s->node;
    if (!f->all->filed) begin(f->all, f->a);
    f->all->filed = true;
    file_stmt(&(struct filing){.all = f->all, .a = f->a, .s = s});
    switch ((int)nodeTag(n)) {
    case T_VariableSetStmt: case T_CreateSchemaStmt: case T_CreateEnumStmt: case T_AlterEnumStmt: case T_ViewStmt: case T_DoStmt: case T_CreateFunctionStmt: return true;
    case T_IndexStmt: return pr_eq(pr_cast(IndexStmt, n)->accessMethod, "gin");
    default: return false;
    }
}

const struct pr_about *pr_about_in(const struct pr_rule_ctx *c, enum pr_about_kind kind, const char *relation, const char *name) {
    if (!c->abouts->filed) file_script(c->abouts, c->script, c->out->a);
    const struct chain *chain = pr_map_get(&c->abouts->by_name[kind], relation, name);
    return chain != NULL ? chain->first : NULL;
}

const struct pr_about *pr_about(const struct pr_rule_ctx *c, enum pr_about_kind kind, const char *name) { return pr_about_in(c, kind, NULL, name); }

const struct pr_about *pr_about_later(const struct pr_rule_ctx *c, enum pr_about_kind kind, const char *name) {
    const struct pr_about *p = pr_about(c, kind, name);
    while (p != NULL && p->at <= c->stmt->index) p = p->next;
    return p;
}

const struct pr_stmt *pr_about_stmt(const struct pr_rule_ctx *c, const struct pr_about *p) { return &c->script->stmts[p->at]; }
const void *pr_about_node(const struct pr_rule_ctx *c, const struct pr_about *p) { return pr_about_stmt(c, p)->node; }
