#include "sql/nodes.h"

#include "rules/help.h"

static const char *safe(const struct pr_rule_ctx *c, const struct pr_idx *old, const IndexStmt *is) {
    const bool same_name = pr_eq(is->idxname, old->name);
    const char *fresh = same_name ? pr_object_name(c, old->name, NIL, "new") : is->idxname;
    const char *schema = is->relation->schemaname;
    IndexStmt build = *is;
    build.concurrent = true;
    build.if_not_exists = false;
    build.idxname = fresh != NULL ? pr_dup(PR_A(c), fresh) : NULL;
    const char *sql = pr_sql_of(c, &build);
    if (sql == NULL) return NULL;
    const char *rename = !same_name ? "" : pr_fmt(PR_A(c), "\nALTER INDEX %s RENAME TO %s;", pr_qualified(PR_A(c), schema, fresh), pr_id(c, old->name));
    return pr_fmt(PR_A(c), "%s\nDROP INDEX CONCURRENTLY %s;%s", sql, pr_qualified(PR_A(c), schema, old->name), rename);
}

static void check(const struct pr_rule_ctx *c) {
    const DropStmt *ds = c->node;
    if (!IsA(c->node, DropStmt) || ds->removeType != OBJECT_INDEX || pr_in_tx(c) || c->fp->certain_fail) return;    /* in one transaction nobody sees the gap */
    ListCell *lc;
    foreach (lc, ds->objects) {
        const char *schema = NULL, *name = NULL;
        const struct pr_idx *x = NULL;
        const char *shown = pr_dotted(c, lfirst(lc), &schema, &name);
        const struct pr_rel *r = pr_find_index_rel(c->facts, schema, name, &x);
        const IndexStmt *is = r != NULL && x->valid && !pr_is_empty(r) && !pr_world_created(c->before, r->schema, r->name) && !pr_index_is_covered(r, x) ? pr_index_built_later(c, r, x) : NULL;
        if (is == NULL) continue;
        const struct pr_span at = pr_word_at(c, name, 0);
        pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at.offset, .len = at.len, .safe_sql = safe(c, x, is),
            .title = pr_fmt(PR_A(c), "index %s of %s is dropped before its replacement is built", shown, pr_qualified(PR_A(c), NULL, r->name)),
            .what = pr_fmt(PR_A(c), "From here until %s is complete, queries that used it read all of %s%s.", is->idxname != NULL ? pr_id(c, is->idxname) : "the new one", pr_qualified(PR_A(c), NULL, r->name),
                           x->unique ? ", and duplicates are taken" : "")});
    }
}

PR_RULE(drop_index_then_create) = {
    .id = "drop-index-then-create", .family = PR_F_COMPATIBILITY, .level = PR_WARNING,
    .title = "an index is dropped before its replacement is built",
    .why = "Until the new one is complete, queries that used the old one read the whole table; and if the build dies there is neither.",
    .safe_way = "Build the new index concurrently under another name, drop the old one, then rename.",
    .source = "https://www.postgresql.org/docs/current/sql-reindex.html",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .builds = true},
    .setup = "CREATE TABLE t (a int, b int); CREATE INDEX t_a ON t (a); CREATE INDEX t_b ON t (b); INSERT INTO t SELECT i, i FROM generate_series(1, 1000) i; ANALYZE t",
    .bad = (const char *const[]){"DROP INDEX t_a; CREATE INDEX t_a ON t (a, b)", NULL},
    .good = (const char *const[]){"CREATE INDEX t_a2 ON t (a, b); DROP INDEX t_a", "DROP INDEX t_a; CREATE INDEX t_b2 ON t (b, a)", NULL},
    .own_tx = true, .needs_facts = true, .check = check,
};
