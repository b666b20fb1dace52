#include "sql/nodes.h"

#include "rules/help.h"

static void check(const struct pr_rule_ctx *c) {
    const VariableSetStmt *vs = pr_as(VariableSetStmt, (const Node *)c->node);
    if (vs == NULL || vs->kind != VAR_SET_VALUE) return;
    const bool is_role = pr_eq(vs->name, "role");
    if (!is_role && !pr_eq(vs->name, "session_authorization")) return;
    const char *to = pr_sets_role(c->stmt);
    if (to == NULL) return;
    const struct pr_span at = pr_word_at(c, is_role ? "role" : "authorization", 0);
    pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "from here on the migration runs as %s", to),
        .what = pr_fmt(PR_A(c), "What follows is done, owned and allowed as %s, not as the role that was approved to run it%s.", to,
                       vs->is_local ? ", until the end of the transaction" : ", until the end of the session: also what comes after this file"),
        .safe_sql = vs->is_local || !is_role ? NULL : pr_fmt(PR_A(c), "SET LOCAL ROLE %s;  -- ends with the transaction", pr_id(c, to))});
}

PR_RULE(set_role) = {
    .id = "set-role", .family = PR_F_ACCESS, .level = PR_WARNING,
    .title = "the migration goes on as another role",
    .why = "What follows is done, owned and allowed as that role. Without LOCAL it stays so in the session, for whatever comes next.",
    .safe_way = "Connect as the role that owns the objects; where that cannot be, SET LOCAL ROLE in the transaction that needs it.",
    .source = "https://www.postgresql.org/docs/current/sql-set-role.html",
    .claim = {.query = "SELECT current_user", .answer = "pgrail_proof_reader"},
    .setup = "DO $$ BEGIN CREATE ROLE pgrail_proof_reader; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$",
    .bad = (const char *const[]){"SET ROLE pgrail_proof_reader", "SET LOCAL ROLE pgrail_proof_reader", "SET SESSION AUTHORIZATION pgrail_proof_reader", NULL},
    .good = (const char *const[]){"RESET ROLE", "SET ROLE NONE", "SET search_path = public", NULL},
    .check = check,
};
