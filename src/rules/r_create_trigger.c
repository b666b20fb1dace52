#include "sql/nodes.h"

#include "rules/help.h"

static void check(const struct pr_rule_ctx *c) {
    const CreateTrigStmt *ct = pr_as(CreateTrigStmt, (const Node *)c->node);
    if (ct == NULL || pr_is_new(c, ct->relation)) return;
    const struct pr_rel *r = pr_rel_of(c, ct->relation);
    if (r != NULL && r->kind == 'v') return;
    const char *t = pr_rv_name(c, ct->relation);
    const struct pr_span at = pr_word_at(c, ct->trigname, 0);
    pr_report(c, &(struct pr_hit){.level = pr_short_lock_level(c), .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "CREATE TRIGGER makes the writers of %s wait, and from then on each of them runs it", t),
        .what = pr_fmt(PR_A(c), "SHARE ROW EXCLUSIVE: short, but it waits behind every open transaction that wrote %s, and whoever writes after that waits behind it. "
                       "%s then calls %s: what that costs or refuses hits the application at once.", t, ct->row ? "Each row that is written" : "Each statement that writes",
                       pr_dotted(c, ct->funcname, NULL, NULL))});
}

PR_RULE(create_trigger) = {
    .id = "create-trigger", .family = PR_F_BLOCKING, .level = PR_WARNING,
    .title = "CREATE TRIGGER makes writers wait, and from then on each of them runs it",
    .why = "SHARE ROW EXCLUSIVE waits behind every open transaction that wrote the table, and writers wait behind it. Afterwards the function runs for each of them.",
    .safe_way = "Under a short lock_timeout with another try (pgrail does that); create the function in a migration before it and call it once on a copy.",
    .source = "https://www.postgresql.org/docs/current/sql-createtrigger.html",
    .claim = {.lock = PR_SHARE_ROW_EXCLUSIVE},
    .setup = "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 1000); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
    .bad = (const char *const[]){"CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()", NULL},
    .good = (const char *const[]){"CREATE TABLE n (a int); CREATE TRIGGER tr BEFORE INSERT ON n FOR EACH ROW EXECUTE FUNCTION f()", "ALTER TABLE t DISABLE TRIGGER USER", NULL},
    .check = check,
};
