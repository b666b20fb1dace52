#include "sql/nodes.h"

#include "rules/help.h"

struct holders { const struct pr_rule_ctx *c; const char **items; size_t n, cap; struct pr_buf drop, create; };

static void add(struct holders *h, const char *kind, const char *schema, const char *name) {
    *PR_PUSH(PR_A(h->c), h->items, h->n, h->cap) = pr_fmt(PR_A(h->c), "%s %s", kind, pr_qualified(PR_A(h->c), schema, name));
}

/* A view can be dropped and created again without the column; its definition is at hand where its facts are. */
static void add_view(struct holders *h, const struct pr_dep *d) {
    const char *kind = pr_eq(d->kind, "view") ? "VIEW" : "MATERIALIZED VIEW", *v = pr_qualified(PR_A(h->c), d->schema, d->name);
    pr_addf(&h->drop, "DROP %s %s;\n", kind, v);
    pr_addf(&h->create, "\nCREATE %s %s AS …;  -- as it was, without the column", kind, v);
}

static void collect(struct holders *h, const struct pr_rel *r, const char *col) {
    for (size_t i = 0; i < r->n_deps; i++) {
        const struct pr_dep *d = &r->deps[i];
        if (!pr_mentions(d->mentions, d->n_mentions, col) || pr_eq(d->kind, "sequence") || pr_eq(d->kind, "statistics")) continue;
        add(h, d->kind, d->schema, d->name);
        if (pr_eq(d->kind, "view") || pr_eq(d->kind, "materialized view")) add_view(h, d);
    }
    for (size_t i = 0; i < r->n_trgs; i++)
        if (pr_mentions(r->trgs[i].mentions, r->trgs[i].n_mentions, col)) {
            add(h, "trigger", NULL, r->trgs[i].name);
            pr_addf(&h->drop, "DROP TRIGGER %s ON %s;\n", pr_id(h->c, r->trgs[i].name), pr_id(h->c, r->name));
        }
    for (size_t i = 0; i < r->n_pols; i++)
        if (pr_mentions(r->pols[i].mentions, r->pols[i].n_mentions, col)) {
            add(h, "policy", NULL, r->pols[i].name);
            pr_addf(&h->drop, "DROP POLICY %s ON %s;\n", pr_id(h->c, r->pols[i].name), pr_id(h->c, r->name));
        }
    for (size_t i = 0; i < r->n_cons; i++)
        if (r->cons[i].inbound && pr_mentions(r->cons[i].cols, r->cons[i].n_cols, col)) {
            add(h, "foreign key", r->cons[i].ref_schema, pr_fmt(PR_A(h->c), "%s.%s", r->cons[i].ref_table, r->cons[i].name));
            pr_addf(&h->drop, "ALTER TABLE %s DROP CONSTRAINT %s;\n", pr_qualified(PR_A(h->c), r->cons[i].ref_schema, r->cons[i].ref_table), pr_id(h->c, r->cons[i].name));
        }
}

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const struct pr_rel *r = pr_rel_of(c, at->relation);
    if (r == NULL || cmd->behavior == DROP_CASCADE || !pr_eq(c->fp->fails_sqlstate, "2BP01") || !c->fp->certain_fail) return;
    struct holders h = {.c = c, .drop = {.a = PR_A(c)}, .create = {.a = PR_A(c)}};
    collect(&h, r, cmd->name);
    if (h.n == 0) return;
    const struct pr_span word = pr_word_at(c, cmd->name, 0);
    pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = word.offset, .len = word.len,
        .title = pr_fmt(PR_A(c), "DROP COLUMN %s will fail with 2BP01: used by %s", pr_id(c, cmd->name), pr_some(c, h.items, h.n)),
        .what = "The migration stops here. CASCADE would drop all of these without a word, and whoever reads them fails then.",
        .safe_sql = h.drop.len > 0 ? pr_fmt(PR_A(c), "%s%s%s", pr_buf_text(&h.drop), pr_sql_cmd(c, at, cmd), pr_buf_text(&h.create)) : NULL});
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_DropColumn, on_cmd); }

PR_RULE(drop_column_dependents) = {
    .id = "drop-column-dependents", .family = PR_F_FAILURE, .level = PR_ERROR,
    .title = "a column that views or others use cannot be dropped",
    .why = "Views, materialized views, rules, generated columns, policies, triggers on that column, BEGIN ATOMIC functions and publications hold it fast: the statement fails with 2BP01.",
    .safe_way = "In one transaction drop what uses it by name, drop the column, and create it again without the column.",
    .source = "https://www.postgresql.org/docs/current/ddl-depend.html",
    .claim = {.fails = "2BP01"},
    .setup = "CREATE TABLE t (a int, b int); CREATE VIEW v AS SELECT b FROM t; INSERT INTO t VALUES (1, 1)",
    .bad = (const char *const[]){"ALTER TABLE t DROP COLUMN b", "ALTER TABLE t DROP COLUMN a, DROP COLUMN b", NULL},
    .good = (const char *const[]){"DROP VIEW v; ALTER TABLE t DROP COLUMN b", "ALTER TABLE t DROP COLUMN a", NULL},
    .needs_facts = true, .names_failure = true, .check = check,
};
