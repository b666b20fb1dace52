/* help_facts.c: questions to the facts that several rules ask. */
#include "sql/nodes.h"

#include "rules/help.h"

enum { MAX_LEVELS = 20 };                                   /* of partitions below partitions */

static int64_t sum(int64_t a, int64_t b) { return a < 0 || b < 0 ? -1 : pr_sat_add(a, b); }

static void add_work(struct pr_effect *all, const struct pr_effect *f) {
    if (f->own || f->created || !(f->rewrite || f->scan || f->index_builds > 0)) return;
    const bool first = !(all->rewrite || all->scan || all->index_builds > 0);
    all->rewrite |= f->rewrite;
    all->scan |= f->scan;
    if (f->index_builds > all->index_builds) all->index_builds = f->index_builds;
    all->rows = first ? f->rows : sum(all->rows, f->rows);
    all->bytes = first ? f->bytes : sum(all->bytes, f->bytes);
    if (f->lock > all->lock) all->lock = f->lock;
    if (all->why == NULL) all->why = f->why;
}

struct summing { const struct pr_rule_ctx *c; const struct pr_footprint *fp; struct pr_effect *all; };

static void add_below(const struct summing *s, const struct pr_rel *r, int level) {
    for (size_t i = 0; i < r->n_partitions && level < MAX_LEVELS; i++) {
        const char **path = NULL;
        if (pr_split(PR_A(s->c), r->partitions[i], '.', &path) != 2) continue;
        const struct pr_effect *f = pr_effect_on(s->fp, path[0], path[1]);
        const struct pr_rel *part = pr_find_rel(s->c->facts, path[0], path[1]);
        if (f == NULL || part == NULL) continue;
        if (part->kind != 'p') add_work(s->all, f);
        add_below(s, part, level + 1);
    }
}

static const struct pr_effect *work_in(const struct pr_rule_ctx *c, const struct pr_footprint *fp, const RangeVar *rv) {
    const struct pr_effect *f = pr_effect_on(fp, rv->schemaname, rv->relname);
    const struct pr_rel *r = pr_rel_of(c, rv);
    if (f == NULL || r == NULL || r->n_partitions == 0 || f->own || f->created) return f;
    struct pr_effect *all = PR_NEW(PR_A(c), struct pr_effect);
    *all = *f;
    if (r->kind == 'p') {                                   /* it has no rows of its own */
        all->rewrite = all->scan = false;
        all->index_builds = 0;
    }
    add_below(&(struct summing){.c = c, .fp = fp, .all = all}, r, 0);
    return all;
}

const struct pr_effect *pr_work_on(const struct pr_rule_ctx *c, const RangeVar *rv) { return work_in(c, c->fp, rv); }

const struct pr_effect *pr_work_of(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const struct pr_effect *f = pr_work_on(c, at->relation);
    if (f == NULL || list_length(at->cmds) < 2 || !(f->rewrite || f->scan || f->index_builds > 0)) return f;
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);       /* a world is large */
    ListCell cell = {.ptr_value = (void *)(uintptr_t)cmd};
    List one = {.type = T_List, .length = 1, .max_length = 1, .elements = &cell};
    AlterTableStmt only = *at;
    only.cmds = &one;
    struct pr_stmt s = *c->stmt;
    s.node = &only;
    struct pr_footprint fp = {0};
    pr_footprint_step(pr_world_new(c->facts, c->version_num, a), &s, &fp);
    const bool all_rewritten = f->rewrite;
    f = work_in(c, &fp, at->relation);
    if (f == NULL || (all_rewritten && !f->rewrite)) return NULL;       /* what rewrites the table does that too */
    struct pr_effect *mine = PR_NEW(PR_A(c), struct pr_effect);
    *mine = *f;
    mine->schema = pr_dup(PR_A(c), f->schema);
    mine->name = pr_dup(PR_A(c), f->name);
    mine->why = pr_dup(PR_A(c), f->why);
    mine->own = mine->own || pr_is_new(c, at->relation);
    return mine;
}

const struct pr_effect *pr_heavier(const struct pr_effect *a, const struct pr_effect *b) {
    if (a == NULL || a->own || a->created || b == NULL) return b == NULL || b->own ? a : b;
    return b->own || a->bytes >= b->bytes ? a : b;
}

const char *pr_dropped_proof(const struct pr_rule_ctx *c, const AlterTableStmt *at, const char *column) {
    const struct pr_rel *r = pr_rel_of(c, at->relation);
    ListCell *lc;
    foreach (lc, at->cmds) {
        const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
        if (cmd->subtype != AT_DropConstraint) continue;
        const struct pr_con *con = r != NULL ? pr_find_con(r, cmd->name) : NULL;
        if (con == NULL) {
            if (r == NULL) return cmd->name;                            /* no facts: the textbook way names it so */
            continue;
        }
        const bool says_so = con->def == NULL || strstr(con->def, "IS NOT NULL") != NULL;      /* NULL: made earlier in this run */
        if (con->type == 'c' && con->validated && says_so && pr_mentions(con->cols, con->n_cols, column)) return cmd->name;
    }
    return NULL;
}

const char *pr_type_blockers(const struct pr_rule_ctx *c, const struct pr_rel *r, const char *column) {
    struct pr_buf b = {.a = PR_A(c)};
    for (size_t i = 0; i < r->n_deps; i++) {
        const struct pr_dep *d = &r->deps[i];
        if (pr_eq(d->kind, "statistics") || pr_eq(d->kind, "sequence") || !pr_mentions(d->mentions, d->n_mentions, column)) continue;
        pr_addf(&b, "%s%s %s", b.len > 0 ? ", " : "", d->kind, d->schema != NULL && strstr(d->kind, "column") == NULL ? pr_qualified(PR_A(c), d->schema, d->name) : d->name);
    }
    for (size_t i = 0; i < r->n_trgs; i++)
        if (pr_mentions(r->trgs[i].mentions, r->trgs[i].n_mentions, column)) pr_addf(&b, "%strigger %s", b.len > 0 ? ", " : "", r->trgs[i].name);
    for (size_t i = 0; i < r->n_pols; i++)
        if (pr_mentions(r->pols[i].mentions, r->pols[i].n_mentions, column)) pr_addf(&b, "%spolicy %s", b.len > 0 ? ", " : "", r->pols[i].name);
    return pr_buf_text(&b);
}

/* Does an ALTER TABLE of that relation add the constraint NOT VALID? */
static bool adds_not_valid(const void *node, const RangeVar *rv, const char *name) {
    if (node == NULL || !IsA(node, AlterTableStmt)) return false;
    const AlterTableStmt *at = node;
    if (at->relation == NULL || !pr_eq(at->relation->relname, rv->relname)) return false;
    ListCell *lc;
    foreach (lc, at->cmds) {
        const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
        if (cmd->subtype != AT_AddConstraint) continue;
        const Constraint *con = (const Constraint *)(const void *)cmd->def;
        if (con->skip_validation && pr_eq(con->conname, name)) return true;
    }
    return false;
}

bool pr_added_not_valid_here(const struct pr_rule_ctx *c, const RangeVar *rv, const char *name) {
    if (adds_not_valid(c->node, rv, name)) return true;
    const struct pr_about *p = pr_in_tx(c) && name != NULL ? pr_about_in(c, PR_ABOUT_NOT_VALID, rv->relname, name) : NULL;
    while (p != NULL && p->at < c->so_far.first) p = p->next;
    return p != NULL && p->at < c->stmt->index;
}
