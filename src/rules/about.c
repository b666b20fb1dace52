/* about.c: which statements of a script are about a relation, so that a rule that looks round asks for them and does not read the
 * whole script for each statement. */
#include "sql/nodes.h"

#include "rules/help.h"

struct filing { struct pr_abouts *all; struct pr_arena *a; const struct pr_stmt *s; };

/* Scripts are filed from the last statement to the first: so a chain is in the order of the script. */
static void file_under(const struct filing *f, enum pr_about_kind kind, const char *name) {
    void **chain = pr_map_at(&f->all->by_name[kind], NULL, name);
    struct pr_about *next = *chain, *one = NULL;
    if (next != NULL && next->stmt == f->s) return;
    one = PR_NEW(f->a, struct pr_about);
    *one = (struct pr_about){.stmt = f->s, .node = f->s->node, .next = next};
    *chain = one;
}

static void file_range(const struct filing *f, enum pr_about_kind kind, const RangeVar *rv) {
    if (rv != NULL) file_under(f, kind, rv->relname);
}

static void file_grant(const struct filing *f, const GrantStmt *g) {
    ListCell *lc;
    if (g->objtype != OBJECT_TABLE) return;
    if (g->targtype == ACL_TARGET_ALL_IN_SCHEMA) file_under(f, PR_ABOUT_GRANTS, PR_ABOUT_ALL);
    foreach (lc, g->objects) file_range(f, PR_ABOUT_GRANTS, pr_as(RangeVar, (const Node *)lfirst(lc)));
}

static void file_vacuum(const struct filing *f, const VacuumStmt *v) {
    ListCell *lc;
    if (v->rels == NIL) file_under(f, PR_ABOUT_VACUUMS, PR_ABOUT_ALL);
    foreach (lc, v->rels) file_range(f, PR_ABOUT_VACUUMS, lfirst_node(VacuumRelation, lc)->relation);
}

static void file_stmt(const struct filing *f) {
    const Node *n = f->s->node;
    if (n == NULL) return;
    if (IsA(n, AlterTableStmt)) file_range(f, PR_ABOUT_ALTERS, pr_cast(AlterTableStmt, n)->relation);
    if (IsA(n, IndexStmt)) file_range(f, PR_ABOUT_INDEXES, pr_cast(IndexStmt, n)->relation);
    if (IsA(n, CreatePolicyStmt)) file_range(f, PR_ABOUT_POLICIES, pr_cast(CreatePolicyStmt, n)->table);
    if (IsA(n, GrantStmt)) file_grant(f, pr_cast(GrantStmt, n));
    if (IsA(n, VacuumStmt)) file_vacuum(f, pr_cast(VacuumStmt, n));
}

static void file_script(struct pr_abouts *all, const struct pr_script *s, struct pr_arena *a) {
    for (size_t k = 0; k < PR_COUNT(all->by_name); k++) all->by_name[k] = (struct pr_map){.a = a};
    for (size_t i = s->n; i > 0; i--) file_stmt(&(struct filing){.all = all, .a = a, .s = &s->stmts[i - 1]});
    all->filed = true;
}

const struct pr_about *pr_about(const struct pr_rule_ctx *c, enum pr_about_kind kind, const char *name) {
    if (!c->abouts->filed) file_script(c->abouts, c->script, PR_A(c));
    return pr_map_get(&c->abouts->by_name[kind], NULL, name);
}

const struct pr_about *pr_about_later(const struct pr_rule_ctx *c, enum pr_about_kind kind, const char *name) {
    const struct pr_about *p = pr_about(c, kind, name);
    while (p != NULL && p->stmt->index <= c->stmt->index) p = p->next;
    return p;
}
