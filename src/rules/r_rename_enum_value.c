#include "sql/nodes.h"

#include "rules/help.h"

static void check(const struct pr_rule_ctx *c) {
    const AlterEnumStmt *ae = c->node;
    if (!IsA(c->node, AlterEnumStmt) || ae->oldVal == NULL) return;
    const char *name = NULL;
    const char *type = pr_dotted(c, ae->typeName, NULL, &name);
    const struct pr_span at = pr_word_at(c, name, 0);
    pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "renaming %s of %s breaks the application that still writes it", pr_quote_literal(PR_A(c), ae->oldVal), type),
        .what = pr_fmt(PR_A(c), "Whoever still says %s, in a query or a parameter, fails with 22P02 from the moment of the commit; whoever reads gets a word that he does not know.",
                       pr_quote_literal(PR_A(c), ae->oldVal)),
        .safe_sql = pr_fmt(PR_A(c), "ALTER TYPE %s ADD VALUE %s;  -- then move the rows in batches, and let the old value be", type, pr_quote_literal(PR_A(c), ae->newVal))});
}

PR_RULE(rename_enum_value) = {
    .id = "rename-enum-value", .family = PR_F_COMPATIBILITY, .level = PR_WARNING,
    .title = "renaming an enum value breaks the application that still writes it",
    .why = "The application that runs now still says the old value and fails with 22P02; it takes no lock on any table, so nothing warns.",
    .safe_way = "ADD VALUE, write the new one, move the rows in batches, and let the old value be.",
    .source = "https://www.postgresql.org/docs/current/sql-altertype.html",
    .claim = {.query = "SELECT write_state()", .answer = "22P02"},
    .setup = "CREATE TYPE mood AS ENUM ('ok', 'bad'); CREATE TABLE t (m mood); CREATE FUNCTION write_state() RETURNS text LANGUAGE plpgsql AS $$ BEGIN "
             "EXECUTE $q$ INSERT INTO t VALUES ('ok') $q$; RETURN 'fine'; EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END $$",
    .bad = (const char *const[]){"ALTER TYPE mood RENAME VALUE 'ok' TO 'fine'", NULL},
    .good = (const char *const[]){"ALTER TYPE mood ADD VALUE 'fine'", NULL},
    .check = check,
};
