#include "sql/nodes.h"

#include "rules/help.h"

/* What the change does to who sees which rows; level is that of the harm. */
static void report(const struct pr_rule_ctx *c, enum pr_level level, const char *schema, const char *table, const char *policy, const char *what) {
    const struct pr_span at = pr_word_at(c, policy, 0);
    pr_report(c, &(struct pr_hit){.level = level, .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "%s %s on %s changes who sees which rows", c->stmt->tag, pr_id(c, policy), pr_qualified(PR_A(c), schema, table)),
        .what = pr_fmt(PR_A(c), "%s ACCESS EXCLUSIVE is taken for it: short, but behind every long query.", what)});
}

static bool is_mine(const struct pr_rule_ctx *c, const char *schema, const char *table) { return !pr_world_created(c->before, schema, table); }

/* Row security is off and stays off: the policy does nothing yet. */
static bool is_idle(const struct pr_rel *r) { return r != NULL && !r->row_security; }

static void on_drop(const struct pr_rule_ctx *c, const List *names) {
    const int n = list_length(names);
    if (n < 2) return;
    const char *policy = strVal(list_nth(names, n - 1)), *table = strVal(list_nth(names, n - 2)), *schema = n > 2 ? strVal(list_nth(names, n - 3)) : NULL;
    const struct pr_rel *r = pr_rel_named(c, schema, table);
    if (!is_mine(c, schema, table) || is_idle(r)) return;
    const bool last = r != NULL && r->n_pols == 1 && pr_eq(r->pols[0].name, policy);
    report(c, last ? PR_ERROR : PR_WARNING, schema, table, policy,
           last ? "It is the only policy: without one everybody but the owner sees no rows, and there is no error." : "Rows that only it let through are not seen any more; rows that it held back are.");
}

static void check(const struct pr_rule_ctx *c) {
    const Node *n = c->node;
    if (IsA(n, CreatePolicyStmt)) {
        const CreatePolicyStmt *cp = pr_cast(CreatePolicyStmt, n);
        if (!is_mine(c, cp->table->schemaname, cp->table->relname) || is_idle(pr_rel_of(c, cp->table))) return;
        report(c, PR_WARNING, cp->table->schemaname, cp->table->relname, cp->policy_name,
               cp->permissive ? "Permissive policies are joined by OR: it lets rows through that the others hold back." : "A restrictive policy holds rows back from everybody whom it names.");
    } else if (IsA(n, AlterPolicyStmt)) {
        const AlterPolicyStmt *ap = pr_cast(AlterPolicyStmt, n);
        if (is_mine(c, ap->table->schemaname, ap->table->relname) && !is_idle(pr_rel_of(c, ap->table)))
            report(c, PR_WARNING, ap->table->schemaname, ap->table->relname, ap->policy_name, "The old condition or roles are replaced, not added to.");
    } else if (IsA(n, DropStmt) && pr_cast(DropStmt, n)->removeType == OBJECT_POLICY) {
        ListCell *lc;
        foreach (lc, pr_cast(DropStmt, n)->objects) on_drop(c, lfirst(lc));
    }
}

PR_RULE(policy_change) = {
    .id = "policy-change", .family = PR_F_ACCESS, .level = PR_WARNING,
    .title = "a change of row level security: other rows are seen by other people",
    .why = "Rows appear or vanish for a role without any error, and tests that connect as the owner do not see it. ACCESS EXCLUSIVE is taken on the table.",
    .safe_way = "Create the new policy and drop the old one in one transaction, and try both as the application's role on a copy.",
    .source = "https://www.postgresql.org/docs/current/ddl-rowsecurity.html",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE},
    .setup = "CREATE TABLE t (a int); CREATE TABLE idle (a int); INSERT INTO t SELECT generate_series(1, 1000); CREATE POLICY p ON t USING (a > 3); ALTER TABLE t ENABLE ROW LEVEL SECURITY",
    .bad = (const char *const[]){"DROP POLICY p ON t", "ALTER POLICY p ON t USING (true)", "CREATE POLICY q ON t USING (a > 5)", NULL},
    .good = (const char *const[]){"CREATE POLICY q ON idle USING (true)", "CREATE TABLE n (a int); CREATE POLICY q ON n USING (true)", NULL},
    .check = check,
};
