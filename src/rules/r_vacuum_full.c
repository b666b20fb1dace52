#include "sql/nodes.h"

#include "rules/help.h"

static bool is_full(const VacuumStmt *vs) {
    ListCell *lc;
    foreach (lc, vs->options) {
        const DefElem *d = lfirst_node(DefElem, lc);
        const bool off = d->arg != NULL && ((IsA(d->arg, String) && (pr_eq_nocase(strVal(d->arg), "false") || pr_eq_nocase(strVal(d->arg), "off"))) ||
                                            (IsA(d->arg, Integer) && intVal(d->arg) == 0));
        if (pr_eq(d->defname, "full") && !off) return true;
    }
    return false;
}

static void report_on(const struct pr_rule_ctx *c, const RangeVar *rv, const char *what) {
    const struct pr_effect *f = pr_effect_on(c->fp, rv->schemaname, rv->relname);
    const char *title = pr_fmt(PR_A(c), "%s writes all of %s anew while nobody can use it", what, pr_rv_name(c, rv));
    pr_report_block(c, f, pr_word_at(c, rv->relname, 0), title, NULL);
}

static void report_all(const struct pr_rule_ctx *c, const char *what) {
    pr_report(c, &(struct pr_hit){.level = PR_ERROR,
        .title = pr_fmt(PR_A(c), "%s without a table writes one table after another anew while nobody can use it", what)});
}

static void check(const struct pr_rule_ctx *c) {
    if (IsA(c->node, VacuumStmt) && ((const VacuumStmt *)c->node)->is_vacuumcmd && is_full(c->node)) {
        const VacuumStmt *vs = c->node;
        if (vs->rels == NIL) report_all(c, "VACUUM FULL");
        ListCell *lc;
        foreach (lc, vs->rels) {
            const VacuumRelation *rel = lfirst_node(VacuumRelation, lc);
            if (rel->relation != NULL) report_on(c, rel->relation, "VACUUM FULL");
        }
    } else if (IsA(c->node, ClusterStmt)) {
        const ClusterStmt *cs = c->node;
        if (cs->relation == NULL) report_all(c, "CLUSTER");
        else report_on(c, cs->relation, "CLUSTER");
    }
}

PR_RULE(vacuum_full) = {
    .id = "vacuum-full", .family = PR_F_BLOCKING, .level = PR_ERROR,
    .title = "VACUUM FULL and CLUSTER write the whole table anew while nobody can use it",
    .why = "ACCESS EXCLUSIVE is held while table and indexes are copied: nobody can read or write, and it needs twice the disk.",
    .safe_way = "Plain VACUUM makes the space usable again. To give it back to the disk: pg_repack or pg_squeeze, which copy beside the running table.",
    .source = "https://www.postgresql.org/docs/current/sql-vacuum.html",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .rewrites = true},
    .setup = "CREATE TABLE t (a int); CREATE INDEX t_a ON t (a); INSERT INTO t SELECT generate_series(1, 1000); ANALYZE t",
    .bad = (const char *const[]){"VACUUM FULL t", "VACUUM (FULL, ANALYZE) t", "CLUSTER t USING t_a", NULL},
    .good = (const char *const[]){"VACUUM t", "VACUUM (ANALYZE) t", "ANALYZE t", NULL},
    .own_tx = true,
    .check = check,
};
