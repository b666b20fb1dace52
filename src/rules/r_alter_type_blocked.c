#include "sql/nodes.h"

#include "rules/help.h"

/* Views, triggers and materialized views can be made again from what the catalog holds of them; anything else cannot. */
static bool make_again(const struct pr_rule_ctx *c, const struct pr_dep *d, struct pr_buf *drop, struct pr_buf *create) {
    const struct pr_rel *v = d->schema != NULL ? pr_find_rel(c->facts, d->schema, d->name) : NULL;
    if (v == NULL || v->view_def == NULL || v->kind != 'v') return false;
    const char *name = pr_qualified(PR_A(c), d->schema, d->name);
    pr_addf(drop, "DROP VIEW %s;\n", name);
    pr_addf(create, "\nCREATE VIEW %s AS%s%s", name, v->view_def[0] == ' ' || v->view_def[0] == '\n' ? "" : " ", v->view_def);
    return true;
}

/* Drop, change, create again in one transaction; NULL when something of it cannot be written. */
static const char *safe(const struct pr_rule_ctx *c, const AlterTableStmt *at, const struct pr_rel *r, const char *column) {
    struct pr_buf drop = {.a = PR_A(c)}, create = {.a = PR_A(c)};
    const char *t = pr_rv_name(c, at->relation);
    for (size_t i = 0; i < r->n_deps; i++) {
        const struct pr_dep *d = &r->deps[i];
        if (pr_eq(d->kind, "statistics") || pr_eq(d->kind, "sequence") || !pr_mentions(d->mentions, d->n_mentions, column)) continue;
        if (!make_again(c, d, &drop, &create)) return NULL;
    }
    for (size_t i = 0; i < r->n_trgs; i++) {
        const struct pr_trg *g = &r->trgs[i];
        if (!pr_mentions(g->mentions, g->n_mentions, column)) continue;
        if (g->def == NULL) return NULL;
        pr_addf(&drop, "DROP TRIGGER %s ON %s;\n", pr_id(c, g->name), t);
        pr_addf(&create, "\n%s;", g->def);
    }
    for (size_t i = 0; i < r->n_pols; i++)
        if (pr_mentions(r->pols[i].mentions, r->pols[i].n_mentions, column)) return NULL;
    if (drop.len == 0) return NULL;
    return pr_fmt(PR_A(c), "BEGIN;\n%s%s;%s\nCOMMIT;", pr_buf_text(&drop), c->stmt->text, pr_buf_text(&create));
}

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const char *state = c->fp->fails_sqlstate;
    const struct pr_rel *r = pr_rel_of(c, at->relation);
    if (!c->fp->certain_fail || r == NULL || !(pr_eq(state, "0A000") || pr_eq(state, "42601"))) return;
    const char *list = pr_type_blockers(c, r, cmd->name);
    if (list[0] == '\0') return;
    const char *t = pr_rv_name(c, at->relation), *col = pr_id(c, cmd->name);
    const struct pr_span word = pr_word_at(c, cmd->name, 0);
    pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = word.offset, .len = word.len, .safe_sql = safe(c, at, r, cmd->name),
        .title = pr_fmt(PR_A(c), "the type of %s.%s cannot change: %s", t, col, list),
        .what = pr_fmt(PR_A(c), "It fails with %s on this database, whatever its rows are, and passes where these objects are not there: on the databases of tests.", state)});
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_AlterColumnType, on_cmd); }

PR_RULE(alter_type_blocked) = {
    .id = "alter-type-blocked", .family = PR_F_FAILURE, .level = PR_ERROR,
    .title = "the type of this column cannot change: something else uses it",
    .why = "A view, rule, generated column, trigger with a column list or WHEN, policy, publication with a filter or column list, or a function with a body of SQL that names "
           "the column stops the statement.",
    .safe_way = "In one transaction: drop what uses the column, change the type, create it again (with its grants, and the indexes of a materialized view).",
    .source = "measured on 13 to 18; src/backend/commands/tablecmds.c, RememberAllDependentForRebuilding",
    .claim = {.fails = "0A000"},
    .setup = "CREATE TABLE t (a int, b int, c int); CREATE VIEW v AS SELECT a FROM t; CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; "
             "CREATE TRIGGER on_b BEFORE UPDATE OF b ON t FOR EACH ROW EXECUTE FUNCTION f(); INSERT INTO t VALUES (1, 1, 1)",
    .bad = (const char *const[]){"ALTER TABLE t ALTER COLUMN a TYPE bigint", "ALTER TABLE t ALTER b TYPE bigint", NULL},
    .good = (const char *const[]){"ALTER TABLE t ALTER COLUMN c TYPE bigint", "DROP VIEW v; ALTER TABLE t ALTER COLUMN a TYPE bigint", NULL},
    .needs_facts = true, .names_failure = true, .check = check,
};
