#include "sql/nodes.h"

#include "rules/help.h"

static void check(const struct pr_rule_ctx *c) {
    const IndexStmt *is = c->node;
    if (!IsA(c->node, IndexStmt) || !is->concurrent || !is->if_not_exists || is->idxname == NULL) return;
    const struct pr_rel *r = pr_rel_of(c, is->relation);
    const struct pr_idx *idx = r != NULL ? pr_find_idx(r, is->idxname) : NULL;
    const char *name = pr_qualified(PR_A(c), is->relation->schemaname, is->idxname);
    const struct pr_span at = pr_word_at(c, "if", 0);
    IndexStmt plain = *is;
    plain.if_not_exists = false;
    const char *create = pr_sql_of(c, &plain);
    const char *sql = pr_fmt(PR_A(c), "DROP INDEX CONCURRENTLY IF EXISTS %s;\n%s", name, create != NULL ? create : "");
    if (idx != NULL && !idx->valid) {
        pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = at.offset, .len = at.len, .safe_sql = sql,
            .title = pr_fmt(PR_A(c), "%s is there and INVALID: IF NOT EXISTS takes it for done", name),
            .what = pr_fmt(PR_A(c), "A build that died left it. No query uses it%s; this statement succeeds and changes nothing.",
                           idx->ready ? ", every write still maintains it" : "")});
    } else if (idx == NULL && pr_is_foreign_runner(c)) {
        pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at.offset, .len = at.len, .safe_sql = sql,
            .title = pr_fmt(PR_A(c), "IF NOT EXISTS hides an invalid %s after a build that died", name)});
    }
}

PR_RULE(cic_if_not_exists) = {
    .id = "cic-if-not-exists", .family = PR_F_FAILURE, .level = PR_WARNING,
    .title = "CREATE INDEX CONCURRENTLY IF NOT EXISTS takes an invalid index for done",
    .why = "A concurrent build that is cancelled leaves an INVALID index; a second run with IF NOT EXISTS succeeds over it, and no query ever uses the index. "
           "pgrail apply looks at pg_index before and after, so for it both forms are fine; other runners do not look.",
    .safe_way = "DROP INDEX CONCURRENTLY IF EXISTS first, then CREATE INDEX CONCURRENTLY.",
    .source = "https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY",
    .claim = {.query = "SELECT indisvalid FROM pg_index WHERE indexrelid = 't_a'::regclass", .answer = "f"},
    .setup = "CREATE TABLE t (a int); CREATE INDEX t_a ON t (a); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 't_a'::regclass",
    .bad = (const char *const[]){"CREATE INDEX CONCURRENTLY IF NOT EXISTS t_a ON t (a)", NULL},
    .good = (const char *const[]){"CREATE INDEX CONCURRENTLY t_b ON t (a)", "CREATE INDEX IF NOT EXISTS t_b ON t (a)", NULL},
    .own_tx = true, .runner = "psql", .check = check,
};
