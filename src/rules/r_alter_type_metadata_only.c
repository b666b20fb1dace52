#include "sql/nodes.h"

#include "rules/help.h"

/* Indexes that are built anew although the table stays: over an expression or with a predicate that names the column. */
static const char *rebuilt(const struct pr_rule_ctx *c, const struct pr_rel *r, const char *column) {
    struct pr_buf b = {.a = PR_A(c)};
    for (size_t i = 0; r != NULL && i < r->n_idxs; i++) {
        const struct pr_idx *x = &r->idxs[i];
        if ((x->has_expressions || x->is_partial) && pr_mentions(x->mentions, x->n_mentions, column)) pr_addf(&b, "%s%s", b.len > 0 ? ", " : "", pr_id(c, x->name));
    }
    return pr_buf_text(&b);
}

static const char *safe(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd, const struct pr_rel *r) {
    struct pr_buf drop = {.a = PR_A(c)}, build = {.a = PR_A(c)};
    for (size_t i = 0; i < r->n_idxs; i++) {
        const struct pr_idx *x = &r->idxs[i];
        if (!(x->has_expressions || x->is_partial) || !pr_mentions(x->mentions, x->n_mentions, cmd->name)) continue;
        if (x->constraint != NULL || x->def == NULL || r->kind == 'p') return NULL;
        const char *rest = strstr(x->def, "INDEX ");
        if (rest == NULL) return NULL;
        pr_addf(&drop, "DROP INDEX CONCURRENTLY %s;\n", pr_qualified(PR_A(c), at->relation->schemaname, x->name));
        pr_addf(&build, "\n%.*sINDEX CONCURRENTLY %s;", (int)(rest - x->def), x->def, rest + strlen("INDEX "));
    }
    const char *alter = pr_sql_cmd(c, at, cmd);
    return alter != NULL && drop.len > 0 ? pr_fmt(PR_A(c), "%s%s%s", pr_buf_text(&drop), alter, pr_buf_text(&build)) : NULL;
}

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const struct pr_effect *f = pr_work_of(c, at, cmd);
    const ColumnDef *def = (const ColumnDef *)(const void *)cmd->def;
    if (f == NULL || f->rewrite || f->index_builds == 0 || def->collClause != NULL || pr_type_stays(c, at, cmd)) return;
    const struct pr_rel *r = pr_rel_of(c, at->relation);
    const char *t = pr_rv_name(c, at->relation), *col = pr_id(c, cmd->name), *list = rebuilt(c, r, cmd->name);
    const char *title = pr_fmt(PR_A(c), "changing %s to %s leaves %s as it is, but builds %s anew under an exclusive lock", col, pr_type_text(c, def->typeName), t,
                               list[0] != '\0' ? list : "indexes");
    pr_report_block(c, f, pr_word_at(c, cmd->name, 0), title, r != NULL ? safe(c, at, cmd, r) : NULL);
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_AlterColumnType, on_cmd); }

PR_RULE(alter_type_metadata_only) = {
    .id = "alter-type-metadata-only", .family = PR_F_BLOCKING, .level = PR_ERROR,
    .title = "a change of type that leaves the table as it is builds indexes anew under an exclusive lock",
    .why = "A wider varchar, varchar to text, a wider numeric of the same scale are only metadata, and plain indexes stay; but an index over an expression or with a "
           "predicate that names the column is built anew, and nobody can read or write the table meanwhile.",
    .safe_way = "Drop such an index concurrently, change the type, and build it again concurrently.",
    .source = "measured on 13 to 18; src/backend/commands/tablecmds.c, RememberIndexForRebuilding",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .builds = true},
    .setup = "CREATE TABLE t (v varchar(10), w varchar(10), k int); CREATE INDEX t_lower ON t (lower(v)); CREATE INDEX t_k ON t (k) WHERE v IS NOT NULL; CREATE INDEX t_w ON t (w); "
             "INSERT INTO t SELECT i::text, i::text, i FROM generate_series(1, 1000) i; ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t ALTER COLUMN v TYPE varchar(20)", "ALTER TABLE t ALTER v TYPE text", NULL},
    .good = (const char *const[]){"ALTER TABLE t ALTER COLUMN w TYPE varchar(20)", "ALTER TABLE t ALTER w TYPE text", "ALTER TABLE t ALTER k TYPE bigint", NULL},
    .needs_facts = true, .check = check,
};
