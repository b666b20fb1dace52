#include "sql/nodes.h"

#include "rules/help.h"

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    (void)cmd;
    if (pr_has_policy(c, at->relation)) return;
    const char *t = pr_rv_name(c, at->relation);
    const struct pr_span word = pr_word_at(c, at->relation->relname, 0);
    pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = word.offset, .len = word.len,
        .title = pr_fmt(PR_A(c), "row level security on %s without a policy: everybody but its owner sees no rows", t),
        .what = "There is no error: SELECT gives 0 rows, UPDATE and DELETE change none, INSERT fails with 42501, for every role but the owner and superusers.",
        .safe_sql = pr_fmt(PR_A(c), "CREATE POLICY %s ON %s TO app_role USING (true) WITH CHECK (true);  -- or what the application may see\n%s;",
                           pr_id(c, pr_object_name(c, at->relation->relname, NIL, "app")), t, c->stmt->text)});
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_EnableRowSecurity, on_cmd); }

PR_RULE(rls_enable) = {
    .id = "rls-enable", .family = PR_F_ACCESS, .level = PR_ERROR,
    .title = "row level security without a policy: everybody but the owner sees no rows",
    .why = "Without a policy the default is to deny, and there is no error: SELECT gives 0 rows. Tests that connect as the owner do not see it.",
    .safe_way = "CREATE POLICY for the application's role first, in the same transaction.",
    .source = "https://www.postgresql.org/docs/current/ddl-rowsecurity.html",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .query = "SELECT seen()", .answer = "0"},
    .setup = "DO $$ BEGIN CREATE ROLE pgrail_proof_reader; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$; CREATE TABLE t (a int); "
             "INSERT INTO t VALUES (1), (2); GRANT SELECT ON t TO pgrail_proof_reader; CREATE FUNCTION seen() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS "
             "'SELECT count(*) FROM public.t'; ALTER FUNCTION seen() OWNER TO pgrail_proof_reader",
    .bad = (const char *const[]){"ALTER TABLE t ENABLE ROW LEVEL SECURITY", NULL},
    .good = (const char *const[]){"CREATE POLICY p ON t USING (true); ALTER TABLE t ENABLE ROW LEVEL SECURITY", "ALTER TABLE t DISABLE ROW LEVEL SECURITY", NULL},
    .check = check,
};
