#include "sql/nodes.h"

#include "rules/help.h"

/* Switched on by this script, so that the facts do not have it. */
static bool enabled_here(const struct pr_rule_ctx *c, const RangeVar *rv, bool on) {
    for (int i = 0; i <= c->stmt->index; i++) {
        const AlterTableStmt *at = pr_as(AlterTableStmt, (const Node *)c->script->stmts[i].node);
        ListCell *lc;
        if (at == NULL || at->relation == NULL || !pr_eq(at->relation->relname, rv->relname)) continue;
        foreach (lc, at->cmds) {
            const AlterTableType kind = lfirst_node(AlterTableCmd, lc)->subtype;
            on = kind == AT_EnableRowSecurity || (on && kind != AT_DisableRowSecurity);
        }
    }
    return on;
}

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const struct pr_rel *r = pr_rel_of(c, at->relation);
    (void)cmd;
    if (pr_has_policy(c, at->relation) || !enabled_here(c, at->relation, r != NULL && r->row_security)) return;
    const char *t = pr_rv_name(c, at->relation);
    const struct pr_span word = pr_word_at(c, at->relation->relname, 0);
    pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = word.offset, .len = word.len,
        .title = pr_fmt(PR_A(c), "row level security on %s is forced without a policy: its owner sees no rows either", t),
        .safe_sql = pr_fmt(PR_A(c), "CREATE POLICY %s ON %s TO app_role USING (true) WITH CHECK (true);  -- or what the application may see\n%s;",
                           pr_id(c, pr_object_name(c, at->relation->relname, NIL, "app")), t, c->stmt->text)});
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_ForceRowSecurity, on_cmd); }

PR_RULE(rls_force) = {
    .id = "rls-force", .family = PR_F_ACCESS, .level = PR_ERROR, .needs_facts = true,
    .title = "row level security forced on the owner without a policy: the owner sees no rows either",
    .why = "Until then a table without a policy still showed its rows to its owner, which an application often is. There is no error: SELECT gives 0 rows, UPDATE and DELETE "
           "change none, INSERT fails with 42501, for every role but superusers and those with BYPASSRLS.",
    .safe_way = "CREATE POLICY for the roles that use the table first, in the same transaction.",
    .source = "https://www.postgresql.org/docs/current/ddl-rowsecurity.html",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .query = "SELECT seen_by_owner()", .answer = "0"},
    .setup = "DO $$ BEGIN CREATE ROLE pgrail_proof_reader; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$; CREATE TABLE t (a int); "
             "INSERT INTO t VALUES (1), (2); CREATE FUNCTION seen_by_owner() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM public.t'; "
             "ALTER TABLE t OWNER TO pgrail_proof_reader; ALTER FUNCTION seen_by_owner() OWNER TO pgrail_proof_reader; ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE TABLE u (a int)",
    .bad = (const char *const[]){"ALTER TABLE t FORCE ROW LEVEL SECURITY", "ALTER TABLE t DISABLE ROW LEVEL SECURITY; ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY", NULL},
    .good = (const char *const[]){"ALTER TABLE u FORCE ROW LEVEL SECURITY", "CREATE POLICY p ON t USING (true); ALTER TABLE t FORCE ROW LEVEL SECURITY",
                                  "ALTER TABLE t NO FORCE ROW LEVEL SECURITY", "ALTER TABLE t DISABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY", NULL},
    .check = check,
};
