#include "sql/nodes.h"

#include "rules/help.h"

static void check(const struct pr_rule_ctx *c) {
    const CreateDomainStmt *cd = pr_as(CreateDomainStmt, (const Node *)c->node);
    if (cd == NULL) return;
    const char *kind = NULL, *name = NULL;
    ListCell *lc;
    foreach (lc, cd->constraints) {
        const Constraint *con = pr_as(Constraint, lfirst(lc));
        if (con != NULL && con->contype == CONSTR_CHECK) kind = "a CHECK";
        if (con != NULL && con->contype == CONSTR_NOTNULL && kind == NULL) kind = "NOT NULL";
    }
    if (kind == NULL) return;
    const char *shown = pr_dotted(c, cd->domainname, NULL, &name);
    const struct pr_span at = pr_word_at(c, name, 0);
    pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "domain %s has %s: each column that is added with it rewrites its table", shown, kind),
        .safe_sql = pr_fmt(PR_A(c), "CREATE DOMAIN %s AS %s;  -- and on each table: ADD CONSTRAINT … CHECK (…) NOT VALID, then VALIDATE CONSTRAINT", shown, pr_type_text(c, cd->typeName))});
}

PR_RULE(domain_constraint) = {
    .id = "domain-constraint", .family = PR_F_COMPATIBILITY, .level = PR_WARNING,
    .title = "a domain with a constraint: each column that is added with it rewrites its table",
    .why = "ADD COLUMN of such a domain writes the whole table anew under ACCESS EXCLUSIVE, even without a default; and to change its constraint later reads every table that uses it "
           "while their writers wait.",
    .safe_way = "A domain without constraints (or the plain type), and a CHECK on each table, which can be added NOT VALID and validated.",
    .source = "measured on 13 to 18; https://www.postgresql.org/docs/current/sql-createdomain.html",
    .claim = {.query = "SELECT rewritten()", .answer = "t"},
    .setup = "CREATE TABLE t (a int); CREATE FUNCTION rewritten() RETURNS boolean LANGUAGE plpgsql AS $$ DECLARE node oid := pg_relation_filenode('t'); "
             "BEGIN EXECUTE 'ALTER TABLE t ADD COLUMN added d'; RETURN node <> pg_relation_filenode('t'); END $$",
    .bad = (const char *const[]){"CREATE DOMAIN d AS int CHECK (VALUE > 0)", "CREATE DOMAIN d AS text NOT NULL", NULL},
    .good = (const char *const[]){"CREATE DOMAIN d AS int", "CREATE DOMAIN d AS int DEFAULT 0", NULL},
    .check = check,
};
