#include "sql/nodes.h"

#include "rules/help.h"

static const char *const powers[] = {"superuser", "isreplication", "bypassrls", "createrole"};
static const char *const strong_roles[] = {"pg_execute_server_program", "pg_read_server_files", "pg_write_server_files", "pg_write_all_data",
                                           "pg_read_all_data", "pg_signal_backend", "pg_maintain", "pg_create_subscription"};

static const char *power_of(const List *options) {
    static const char *const words[] = {"SUPERUSER", "REPLICATION", "BYPASSRLS", "CREATEROLE"};
    static_assert(PR_COUNT(words) == PR_COUNT(powers), "one word for each");
    for (size_t i = 0; i < PR_COUNT(powers); i++)
        if (pr_option_is_on(pr_option(options, powers[i]))) return words[i];
    return NULL;
}

static void report(const struct pr_rule_ctx *c, const char *title, const char *word) {
    const struct pr_span at = pr_word_at(c, word, 0);
    pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at.offset, .len = at.len, .title = title});
}

static void on_grant(const struct pr_rule_ctx *c, const GrantRoleStmt *g) {
    ListCell *lc;
    if (!g->is_grant) return;
    foreach (lc, g->granted_roles) {
        const char *name = lfirst_node(AccessPriv, lc)->priv_name;
        for (size_t i = 0; name != NULL && i < PR_COUNT(strong_roles); i++)
            if (pr_eq(name, strong_roles[i])) report(c, pr_fmt(PR_A(c), "GRANT %s gives power over the whole server or all of its data", name), name);
    }
}

static void check(const struct pr_rule_ctx *c) {
    const Node *n = c->node;
    if (IsA(n, AlterSystemStmt)) {
        const VariableSetStmt *vs = pr_cast(AlterSystemStmt, n)->setstmt;
        report(c, pr_fmt(PR_A(c), "ALTER SYSTEM changes %s for every database of the server", vs != NULL && vs->name != NULL ? vs->name : "every setting"), "system");
        return;
    }
    const CreateRoleStmt *cr = pr_as(CreateRoleStmt, n);
    const AlterRoleStmt *ar = pr_as(AlterRoleStmt, n);
    const char *power = cr != NULL ? power_of(cr->options) : ar != NULL ? power_of(ar->options) : NULL;
    const char *role = cr != NULL ? cr->role : ar != NULL && ar->role->rolename != NULL ? ar->role->rolename : "the current role";
    if (power != NULL) report(c, pr_fmt(PR_A(c), "%s becomes %s: a power over the whole server", role, power), cr != NULL ? cr->role : "role");
    if (IsA(n, GrantRoleStmt)) on_grant(c, pr_cast(GrantRoleStmt, n));
    if (IsA(n, LoadStmt)) report(c, "LOAD runs a library's code inside the server", "load");
}

PR_RULE(superuser_statement) = {
    .id = "superuser-statement", .family = PR_F_ACCESS, .level = PR_WARNING,
    .title = "a migration that reaches beyond its database: server settings, powerful roles, libraries",
    .why = "It needs a superuser to run, changes things for every database of the server, and no schema diff shows it afterwards.",
    .safe_way = "Leave servers and roles to the tool that sets up the server; give a migration's role no more than it needs for its own schema.",
    .source = "https://www.postgresql.org/docs/current/role-attributes.html",
    .claim = {.query = "SELECT rolsuper FROM pg_roles WHERE rolname = 'pgrail_proof_super'", .answer = "t"},
    .setup = "CREATE TABLE t (a int)",
    .bad = (const char *const[]){"CREATE ROLE pgrail_proof_super SUPERUSER", "CREATE ROLE pgrail_proof_super NOLOGIN; ALTER ROLE pgrail_proof_super SUPERUSER", NULL},
    .good = (const char *const[]){"CREATE ROLE pgrail_proof_super NOSUPERUSER", "ALTER TABLE t ADD COLUMN b int", NULL},
    .check = check,
};
