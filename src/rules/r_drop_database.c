#include "sql/nodes.h"

#include "rules/help.h"

static void check(const struct pr_rule_ctx *c) {
    const DropdbStmt *ds = pr_as(DropdbStmt, (const Node *)c->node);
    if (ds == NULL) return;
    const struct pr_span at = pr_word_at(c, ds->dbname, 0);
    pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "DROP DATABASE %s: all of its data goes, and no rollback brings it back", pr_id(c, ds->dbname)),
        .safe_sql = pr_fmt(PR_A(c), "ALTER DATABASE %s ALLOW_CONNECTIONS false;  -- and when nobody has missed it, by a person: DROP DATABASE", pr_id(c, ds->dbname))});
}

PR_RULE(drop_database) = {
    .id = "drop-database", .family = PR_F_LOSS, .level = PR_ERROR,
    .title = "dropping a database loses all of its data",
    .why = "Only a backup brings it back: it is done outside a transaction and cannot be rolled back.",
    .safe_way = "No migration should do that: forbid connections to it, wait until nobody has missed it, and let a person drop it.",
    .source = "https://www.postgresql.org/docs/current/sql-dropdatabase.html",
    .claim = {.query = "SELECT count(*) FROM pg_database WHERE datname = 'pgrail_proof_db'", .answer = "0"},
    .setup = "CREATE DATABASE pgrail_proof_db",
    .bad = (const char *const[]){"DROP DATABASE pgrail_proof_db", NULL},
    .good = (const char *const[]){"ALTER DATABASE pgrail_proof_db ALLOW_CONNECTIONS false", NULL},
    .own_tx = true, .check = check,
};
