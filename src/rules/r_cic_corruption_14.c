#include "sql/nodes.h"

#include "rules/help.h"

enum { FIXED_IN = 140004 };

static void check(const struct pr_rule_ctx *c) {
    const bool builds = IsA(c->node, IndexStmt) || IsA(c->node, ReindexStmt);
    if (!builds || !pr_stmt_concurrent(c->stmt) || c->version_num < 140000 || c->version_num >= FIXED_IN) return;
    const struct pr_span at = pr_word_at(c, "concurrently", 0);
    pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "%s CONCURRENTLY on PostgreSQL 14.%d can leave out rows without a word", c->stmt->tag, c->version_num % 10000)});
}

PR_RULE(cic_corruption_14) = {
    .id = "cic-corruption-14", .family = PR_F_LOSS, .level = PR_ERROR, .pg_from = 14, .pg_to = 14, .version_to = FIXED_IN - 1,
    .title = "concurrent index builds of 14.0 to 14.3 can leave out rows without a word",
    .why = "A heap page that is pruned during the build can lose rows for the new index: queries through it do not find them, and a unique one takes duplicates. Mended in 14.4.",
    .safe_way = "Update the server to the newest 14 first, and REINDEX what was built before; pg_amcheck --heapallindexed finds the damage.",
    .source = "https://www.postgresql.org/docs/release/14.4/",
    .claim = {.query = "SELECT indisvalid FROM pg_index WHERE indexrelid = 't_a'::regclass", .answer = "t"},
    .setup = "CREATE TABLE t (a int, b int); CREATE INDEX t_a ON t (a); INSERT INTO t SELECT i, i FROM generate_series(1, 1000) i; ANALYZE t",
    .bad = (const char *const[]){"CREATE INDEX CONCURRENTLY t_b ON t (b)", "REINDEX INDEX CONCURRENTLY t_a", NULL},
    .good = (const char *const[]){"CREATE INDEX t_b ON t (b)", "DROP INDEX CONCURRENTLY t_a", NULL},
    .own_tx = true, .needs_facts = true, .check = check,
};
