#include "sql/nodes.h"

#include "rules/help.h"

static bool has_like(const struct pr_rel *part, const struct pr_idx *want) {
    for (size_t i = 0; i < part->n_idxs; i++) {
        const struct pr_idx *x = &part->idxs[i];
        bool same = x->n_cols == want->n_cols && x->unique == want->unique && x->valid && pr_eq(x->method, want->method);
        for (size_t k = 0; same && k < want->n_cols; k++) same = pr_eq(x->cols[k], want->cols[k]);
        if (same) return true;
    }
    return false;
}

/* The parent's index on the partition: its definition with the names changed, where it has only columns. */
static const char *build_of(const struct pr_rule_ctx *c, const struct pr_idx *want, const char *part, const char *bare) {
    if (want->has_expressions || want->is_partial || want->n_cols == 0) return NULL;
    struct pr_buf cols = {.a = PR_A(c)};
    for (size_t i = 0; i < want->n_cols; i++) pr_addf(&cols, "%s%s", i > 0 ? ", " : "", pr_id(c, want->cols[i]));
    const char *name = pr_id(c, pr_object_name(c, bare, NIL, pr_fmt(PR_A(c), "%s_idx", want->cols[0])));
    return pr_fmt(PR_A(c), "CREATE %sINDEX CONCURRENTLY %s ON %s USING %s (%s);\n", want->unique ? "UNIQUE " : "", name, part, want->method != NULL ? want->method : "btree", pr_buf_text(&cols));
}

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const PartitionCmd *pc = (const PartitionCmd *)(const void *)cmd->def;
    const struct pr_effect *f = pr_effect_on(c->fp, pc->name->schemaname, pc->name->relname);
    const struct pr_rel *parent = pr_rel_of(c, at->relation), *child = pr_rel_of(c, pc->name);
    if (f == NULL || f->index_builds == 0 || parent == NULL || child == NULL) return;
    const char *part = pr_rv_name(c, pc->name);
    struct pr_buf sql = {.a = PR_A(c)};
    size_t n = 0, cap = 0;
    const char **names = NULL;
    for (size_t i = 0; i < parent->n_idxs; i++) {
        if (has_like(child, &parent->idxs[i])) continue;
        *PR_PUSH(PR_A(c), names, n, cap) = parent->idxs[i].name;
        const char *one = build_of(c, &parent->idxs[i], part, pc->name->relname);
        if (one != NULL) pr_add(&sql, one);
    }
    if (n == 0) return;
    pr_addf(&sql, "-- a key of the parent needs its constraint too: ALTER TABLE … ADD … USING INDEX\n%s", pr_sql_cmd(c, at, cmd));
    pr_report_block(c, f, pr_word_at(c, pc->name->relname, 0),
                    pr_fmt(PR_A(c), "ATTACH PARTITION builds on %s what it lacks of the parent's indexes: %s", part, pr_some(c, names, n)), pr_buf_text(&sql));
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_AttachPartition, on_cmd); }

PR_RULE(attach_missing_index) = {
    .id = "attach-missing-index", .family = PR_F_BLOCKING, .level = PR_WARNING,
    .title = "ATTACH PARTITION builds the parent's indexes while nobody can use the table",
    .why = "Every index and key of the parent that the new partition lacks is built during ATTACH, under ACCESS EXCLUSIVE on it.",
    .safe_way = "Build the matching indexes CONCURRENTLY first: ATTACH then takes them as they are.",
    .source = "https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-ATTACH-PARTITION",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .builds = true},
    .setup = "CREATE TABLE p (a int NOT NULL, b int) PARTITION BY RANGE (a); CREATE INDEX p_b ON p (b); CREATE TABLE t (a int NOT NULL, b int); CREATE TABLE u (a int NOT NULL, b int); "
             "CREATE INDEX u_b ON u (b); INSERT INTO t SELECT i, i FROM generate_series(1, 900) i; INSERT INTO u SELECT i, i FROM generate_series(1, 900) i; ANALYZE t, u",
    .bad = (const char *const[]){"ALTER TABLE p ATTACH PARTITION t FOR VALUES FROM (0) TO (1000)", NULL},
    .good = (const char *const[]){"ALTER TABLE p ATTACH PARTITION u FOR VALUES FROM (0) TO (1000)", NULL},
    .needs_facts = true, .check = check,
};
