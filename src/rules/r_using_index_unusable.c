#include "sql/nodes.h"

#include "rules/help.h"

static const char *safe(const struct pr_rule_ctx *c, const AlterTableStmt *at, const Constraint *con, const struct pr_idx *x) {
    const char *kind = con->contype == CONSTR_PRIMARY ? "PRIMARY KEY" : "UNIQUE";
    const char *index = pr_qualified(PR_A(c), at->relation->schemaname, x->name);
    struct pr_buf cols = {.a = PR_A(c)};
    if (x->has_expressions) return NULL;                    /* no constraint says what an expression says */
    for (size_t i = 0; i < x->n_cols; i++) pr_addf(&cols, "%s%s", i > 0 ? ", " : "", pr_id(c, x->cols[i]));
    const char *suffix = con->contype == CONSTR_PRIMARY ? "pkey" : "key";
    const char *name = con->conname != NULL ? con->conname : pr_object_name(c, x->name, NIL, suffix);
    const char *fresh = pr_sql_key(c, at->relation, pr_buf_text(&cols), name, kind);
    return x->valid ? fresh : pr_fmt(PR_A(c), "DROP INDEX CONCURRENTLY %s;\n%s", index, fresh);
}

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const char *state = c->fp->fails_sqlstate;
    if (cmd->subtype != AT_AddConstraint || !c->fp->certain_fail || !(pr_eq(state, "55000") || pr_eq(state, "42809"))) return;
    const Constraint *con = (const Constraint *)(const void *)cmd->def;
    const struct pr_rel *r = pr_rel_of(c, at->relation);
    const struct pr_idx *x = r != NULL && con->indexname != NULL ? pr_find_idx(r, con->indexname) : NULL;
    if (x == NULL) return;
    const char *why = !x->valid ? "it is INVALID, from a build that died" : !x->unique ? "it is not unique" : x->has_expressions ? "it is over an expression"
                      : x->is_partial ? "it is partial" : !x->default_order ? "a column is not in default order" : x->constraint != NULL ? "it belongs to a constraint already" : NULL;
    if (why == NULL) return;
    const struct pr_span word = pr_word_at(c, con->indexname, 0);
    pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = word.offset, .len = word.len, .safe_sql = x->constraint != NULL ? NULL : safe(c, at, con, x),
        .title = pr_fmt(PR_A(c), "index %s cannot become a constraint of %s: %s", pr_id(c, x->name), pr_rv_name(c, at->relation), why),
        .what = pr_fmt(PR_A(c), "It fails with %s on this database, whatever its rows are.", state)});
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_AddConstraint, on_cmd); }

PR_RULE(using_index_unusable) = {
    .id = "using-index-unusable", .family = PR_F_FAILURE, .level = PR_ERROR,
    .title = "this index cannot become a constraint",
    .why = "USING INDEX takes only a valid unique index on plain columns in default order, over all rows, that no constraint has yet: it fails with 55000 or 42809.",
    .safe_way = "Build such an index concurrently, see that it is valid, then ADD CONSTRAINT … USING INDEX.",
    .source = "https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT-USING-INDEX",
    .claim = {.fails = "42809"},
    .setup = "CREATE TABLE t (a int, b int); CREATE UNIQUE INDEX t_part ON t (a) WHERE a > 0; CREATE UNIQUE INDEX t_expr ON t ((a + 0)); CREATE UNIQUE INDEX t_desc ON t (a DESC); "
             "CREATE UNIQUE INDEX t_b ON t (b); INSERT INTO t SELECT i, i FROM generate_series(1, 1000) i; ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t ADD CONSTRAINT t_u UNIQUE USING INDEX t_part", "ALTER TABLE t ADD CONSTRAINT t_u UNIQUE USING INDEX t_expr",
                                 "ALTER TABLE t ADD CONSTRAINT t_u UNIQUE USING INDEX t_desc", NULL},
    .good = (const char *const[]){"ALTER TABLE t ADD CONSTRAINT t_u UNIQUE USING INDEX t_b", NULL},
    .needs_facts = true, .names_failure = true, .check = check,
};
