#include "sql/nodes.h"

#include "rules/fix_make.h"
#include "rules/help.h"

/* The index as facts know it; a constraint's index and a partitioned one cannot go concurrently. */
static bool can_go_concurrently(const struct pr_rule_ctx *c, const char *schema, const char *name) {
    if (c->facts == NULL) return true;
    const struct pr_idx *idx = NULL;
    const struct pr_rel *r = pr_find_index_rel(c->facts, schema, name, &idx);
    return r == NULL || (r->kind != 'p' && idx->constraint == NULL);
}

static const char *safe(const struct pr_rule_ctx *c, const DropStmt *ds) {
    struct pr_buf b = {.a = PR_A(c)};
    ListCell *lc;
    foreach (lc, ds->objects) {
        const char *schema = NULL, *name = NULL;
        const char *shown = pr_dotted(c, lfirst(lc), &schema, &name);
        if (!can_go_concurrently(c, schema, name)) return NULL;
        pr_addf(&b, "%sDROP INDEX CONCURRENTLY %s%s;", b.len > 0 ? "\n" : "", ds->missing_ok ? "IF EXISTS " : "", shown);
    }
    return pr_buf_text(&b);
}

static bool all_are_new_or_gone(const struct pr_rule_ctx *c) {
    for (size_t i = 0; i < c->fp->n; i++)
        if (!c->fp->effects[i].own) return false;
    return c->fp->n > 0 || c->facts != NULL;
}

static void check(const struct pr_rule_ctx *c) {
    const DropStmt *ds = c->node;
    if (!IsA(c->node, DropStmt) || ds->removeType != OBJECT_INDEX || ds->concurrent || all_are_new_or_gone(c)) return;
    const char *name = NULL;
    const char *shown = pr_dotted(c, linitial(ds->objects), NULL, &name);
    const struct pr_span at = pr_word_at(c, name, 0);
    pr_report(c, &(struct pr_hit){
        .level = pr_is_foreign_runner(c) ? PR_WARNING : PR_NOTE, .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "DROP INDEX %s without CONCURRENTLY stops all reads and writes of its table", shown),
        .safe_sql = safe(c, ds), .fix = pr_fix_drop_index(c, ds)});
}

PR_RULE(drop_index_not_concurrent) = {
    .id = "drop-index-not-concurrent", .family = PR_F_BLOCKING, .level = PR_WARNING,
    .title = "DROP INDEX without CONCURRENTLY stops all reads and writes of its table",
    .why = "It takes ACCESS EXCLUSIVE on the table. The drop itself is short, but it waits behind every long query, and whoever comes "
           "after waits behind it. pgrail apply gives up and tries again; other runners wait.",
    .safe_way = "DROP INDEX CONCURRENTLY, one index per statement, outside a transaction. An index of a constraint goes with DROP CONSTRAINT.",
    .source = "https://www.postgresql.org/docs/current/sql-dropindex.html",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE},
    .setup = "CREATE TABLE t (a int); CREATE INDEX t_a ON t (a); CREATE INDEX t_a2 ON t (a); INSERT INTO t SELECT generate_series(1, 1000)",
    .bad = (const char *const[]){"DROP INDEX t_a", "DROP INDEX IF EXISTS t_a, t_a2", NULL},
    .good = (const char *const[]){"DROP INDEX CONCURRENTLY t_a",
                                  "CREATE TABLE n (a int); CREATE INDEX n_a ON n (a); DROP INDEX n_a", NULL},
    .check = check,
};
