#include "sql/nodes.h"

#include "project/backfills.h"
#include "rules/help.h"

enum { DEFAULT_MAX_INLINE_ROWS = 50000 };

static void check(const struct pr_rule_ctx *c) {
    const RangeVar *rv = IsA(c->node, UpdateStmt) ? ((const UpdateStmt *)c->node)->relation
                         : IsA(c->node, DeleteStmt) ? ((const DeleteStmt *)c->node)->relation
                         : IsA(c->node, InsertStmt) ? ((const InsertStmt *)c->node)->relation : NULL;
    if (rv == NULL || !c->fp->dml || pr_is_new(c, rv)) return;
    if (c->migration != NULL && c->migration->up.path != NULL && pr_is_backfill(c->migration->up.path)) return;             /* it runs in pieces */
    const struct pr_rel *r = pr_rel_of(c, rv);
    const int64_t cap = c->config != NULL ? c->config->max_inline_rows : DEFAULT_MAX_INLINE_ROWS;
    const bool bounded = !IsA(c->node, InsertStmt) && r != NULL;        /* old statistics are better than none here */
    const int64_t rows = c->fp->dml_rows >= 0 ? c->fp->dml_rows : bounded ? r->rows : -1;
    if (rows <= cap) return;
    const bool sure = c->fp->dml_rows >= 0;
    const struct pr_span at = pr_word_at(c, rv->relname, 0);
    pr_report(c, &(struct pr_hit){.level = sure ? PR_ERROR : PR_WARNING, .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "%s writes %s%s rows of %s in one statement", c->stmt->tag, sure ? "about " : "up to ", pr_human_count(PR_A(c), rows), pr_rv_name(c, rv)),
        .what = pr_fmt(PR_A(c), "More than max_inline_rows (%s). Each row stays locked until commit, the old versions stay as bloat, replicas lag behind one burst of WAL, "
                       "and an abort at the end loses all of it.", pr_human_count(PR_A(c), cap))});
}

PR_RULE(big_dml) = {
    .id = "big-dml", .family = PR_F_MIXING, .level = PR_ERROR,
    .title = "more rows are written in one statement than max_inline_rows allows",
    .why = "Each row stays locked until commit, the old versions stay as bloat, replicas lag behind one burst of WAL, and an abort at the end loses all of it.",
    .safe_way = "A backfill: batches by primary key, throttled, restartable, verified (pgrail backfill). pgrail check --fix moves the statement into NNNN_name.backfill.sql.",
    .source = "https://www.postgresql.org/docs/current/routine-vacuuming.html",
    .claim = {.lock = PR_ROW_EXCLUSIVE, .scans = true},
    .setup = "CREATE TABLE t (a int, b int); INSERT INTO t SELECT i, 0 FROM generate_series(1, 60000) i; ANALYZE t",
    .bad = (const char *const[]){"UPDATE t SET b = 1", "UPDATE t SET b = a WHERE a > 0", "DELETE FROM t WHERE b = 0", NULL},
    .good = (const char *const[]){"INSERT INTO t VALUES (1, 2)", "SELECT a FROM t", NULL},
    .needs_facts = true, .check = check,
};
