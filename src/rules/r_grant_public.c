#include "sql/nodes.h"

#include "rules/help.h"

static void check(const struct pr_rule_ctx *c) {
    const GrantStmt *gs = c->node;
    if (!IsA(c->node, GrantStmt) || !gs->is_grant) return;
    if (gs->objtype != OBJECT_TABLE && gs->objtype != OBJECT_SEQUENCE && gs->objtype != OBJECT_SCHEMA && gs->objtype != OBJECT_DATABASE) return;
    ListCell *lc;
    foreach (lc, gs->grantees) {
        const RoleSpec *role = lfirst_node(RoleSpec, lc);
        if (role->roletype != ROLESPEC_PUBLIC) continue;
        const struct pr_span at = pr_word_at(c, "public", 0);
        pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at.offset, .len = at.len});
        return;
    }
}

PR_RULE(grant_public) = {
    .id = "grant-public", .family = PR_F_ACCESS, .level = PR_WARNING,
    .title = "GRANT … TO PUBLIC gives it to every role, also those to come",
    .why = "PUBLIC is not a group that you can leave: every login of the cluster that may connect to this database has it, reporting and monitoring roles included.",
    .safe_way = "GRANT to the roles that need it.",
    .source = "https://www.postgresql.org/docs/current/ddl-priv.html",
    .claim = {.query = "SELECT has_table_privilege('pgrail_proof_other', 't', 'SELECT')", .answer = "t"},
    .setup = "DO $$ BEGIN CREATE ROLE pgrail_proof_other; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$; CREATE TABLE t (a int)",
    .bad = (const char *const[]){"GRANT SELECT ON t TO PUBLIC", "GRANT SELECT, INSERT ON t TO pgrail_proof_other, PUBLIC", NULL},
    .good = (const char *const[]){"GRANT SELECT ON t TO pgrail_proof_other", "REVOKE SELECT ON t FROM PUBLIC", NULL},
    .check = check,
};
