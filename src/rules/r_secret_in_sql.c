#include "sql/nodes.h"

#include "rules/help.h"

static const char *place_of(const Node *n) {
    switch ((int)nodeTag(n)) {
    case T_CreateRoleStmt: case T_AlterRoleStmt: return "a role's password";
    case T_CreateUserMappingStmt: case T_AlterUserMappingStmt: return "the password of a user mapping";
    case T_CreateForeignServerStmt: case T_AlterForeignServerStmt: return "a server's password";
    case T_CreateSubscriptionStmt: case T_AlterSubscriptionStmt: return "a subscription's password";
    default: return "a password";
    }
}

static const char *mend_of(const Node *n) {
    switch ((int)nodeTag(n)) {
    case T_CreateRoleStmt: case T_AlterRoleStmt: return "In psql, by a person: \\password ROLE, which sends only the hash; or a secrets manager that sets it after the migration.";
    case T_CreateSubscriptionStmt: case T_AlterSubscriptionStmt: return "Name a service or passfile in the connection string, and keep the password in the server's own ~/.pgpass.";
    default: return NULL;
    }
}

static void check(const struct pr_rule_ctx *c) {
    if (!pr_stmt_has_secret(c->stmt)) return;
    pr_report(c, &(struct pr_hit){.level = PR_ERROR, .safe_way = mend_of(c->node),
        .title = pr_fmt(PR_A(c), "%s stands in the text of this migration", place_of(c->node))});
}

PR_RULE(secret_in_sql) = {
    .id = "secret-in-sql", .family = PR_F_ACCESS, .level = PR_ERROR,
    .title = "a password in the text of a migration",
    .why = "It is in the repository and in everybody's copy of it, in the server's log when statements are logged, and in the history of migrations, for as long as those are kept.",
    .safe_way = "Set it outside migrations, from a secrets manager; what was committed is known: change it.",
    .source = "https://www.postgresql.org/docs/current/sql-createrole.html",
    .claim = {.query = "SELECT rolpassword IS NOT NULL FROM pg_authid WHERE rolname = 'pgrail_proof_login'", .answer = "t"},
    .setup = "CREATE TABLE t (a text)",
    .bad = (const char *const[]){"CREATE ROLE pgrail_proof_login LOGIN PASSWORD 'canary-1234'", "CREATE ROLE pgrail_proof_login LOGIN; ALTER ROLE pgrail_proof_login PASSWORD 'canary-1234'", NULL},
    .good = (const char *const[]){"CREATE ROLE pgrail_proof_login LOGIN PASSWORD NULL", "INSERT INTO t VALUES ('the password: none')", NULL},
    .check = check,
};
