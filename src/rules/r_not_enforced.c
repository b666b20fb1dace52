#include "sql/nodes.h"

#include "rules/help.h"

static void report(const struct pr_rule_ctx *c, const RangeVar *rv, const Constraint *con) {
    if (!PR_IS_NOT_ENFORCED(con)) return;
    const struct pr_span at = pr_word_at(c, "enforced", 0);
    pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "%s of %s is never checked", con->conname != NULL ? pr_id(c, con->conname) : "a constraint", pr_rv_name(c, rv))});
}

static void check(const struct pr_rule_ctx *c) {
    struct pr_defined *list = NULL;
    const size_t n = pr_constraints_of(c, &list);
    for (size_t i = 0; i < n; i++) report(c, list[i].table, list[i].con);
}

PR_RULE(not_enforced) = {
    .id = "not-enforced", .family = PR_F_LOSS, .level = PR_WARNING, .pg_from = 18,
    .title = "a constraint that is NOT ENFORCED is never checked",
    .why = "It looks like a rule and is a comment: rows that break it are written at any time, and nothing tells. It cannot be validated either.",
    .safe_way = "NOT VALID instead: new rows are checked at once, old ones with VALIDATE.",
    .source = "https://www.postgresql.org/docs/18/sql-createtable.html",
    .claim = {.query = "SELECT write_state()", .answer = "fine"},
    .setup = "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 1000); ANALYZE t; CREATE FUNCTION write_state() RETURNS text LANGUAGE plpgsql AS $$ BEGIN "
             "EXECUTE format('INSERT INTO %s (a) VALUES (-1)', coalesce(to_regclass('n'), 't'::regclass)); RETURN 'fine'; EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END $$",
    .bad = (const char *const[]){"ALTER TABLE t ADD CONSTRAINT t_a CHECK (a > 0) NOT ENFORCED", "CREATE TABLE n (a int CHECK (a > 0) NOT ENFORCED)", "CREATE TABLE n (a int, CHECK (a > 0) NOT ENFORCED)", NULL},
    .good = (const char *const[]){"ALTER TABLE t ADD CONSTRAINT t_a CHECK (a > 0) NOT VALID", "CREATE TABLE n (a int CHECK (a > 0))", NULL},
    .check = check,
};
