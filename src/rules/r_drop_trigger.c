#include "sql/nodes.h"

#include "rules/help.h"

static const struct pr_trg *find_trigger(const struct pr_rel *r, const char *name) {
    for (size_t i = 0; r != NULL && i < r->n_trgs; i++)
        if (pr_eq(r->trgs[i].name, name)) return &r->trgs[i];
    return NULL;
}

static void report(const struct pr_rule_ctx *c, const List *names) {
    const int n = list_length(names);
    if (n < 2) return;
    const char *trigger = strVal(list_nth(names, n - 1)), *table = strVal(list_nth(names, n - 2)), *schema = n > 2 ? strVal(list_nth(names, n - 3)) : NULL;
    const struct pr_rel *r = pr_rel_named(c, schema, table);
    const struct pr_trg *t = find_trigger(r, trigger);
    if (pr_world_created(c->before, schema, table) || (r != NULL && (t == NULL || r->kind == 'v'))) return;
    const char *shown = pr_qualified(PR_A(c), schema, table);
    const char *function = t != NULL && t->function != NULL ? pr_fmt(PR_A(c), " What %s() did for each write, nobody does any more.", t->function) : "";
    const struct pr_span at = pr_word_at(c, trigger, 0);
    pr_report(c, &(struct pr_hit){.level = pr_short_lock_level(c), .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "DROP TRIGGER stops all reads and writes of %s for a moment", shown),
        .what = pr_fmt(PR_A(c), "ACCESS EXCLUSIVE on %s: short, but it waits behind every long query, and whoever comes after waits behind it.%s", shown, function),
        .safe_sql = pr_fmt(PR_A(c), "ALTER TABLE %s DISABLE TRIGGER %s;  -- lets readers pass; and can be taken back\n-- in a later migration:\n%s;", shown, pr_id(c, trigger), c->stmt->text)});
}

static void check(const struct pr_rule_ctx *c) {
    const DropStmt *ds = pr_as(DropStmt, (const Node *)c->node);
    ListCell *lc;
    if (ds == NULL || ds->removeType != OBJECT_TRIGGER) return;
    foreach (lc, ds->objects) report(c, lfirst(lc));
}

PR_RULE(drop_trigger) = {
    .id = "drop-trigger", .family = PR_F_BLOCKING, .level = PR_WARNING,
    .title = "DROP TRIGGER stops all reads and writes of its table for a moment",
    .why = "ACCESS EXCLUSIVE on the table waits behind every long query, and whoever comes after waits behind it. What the trigger kept in step is not kept in step from then on.",
    .safe_way = "DISABLE TRIGGER first, which lets readers pass and can be taken back; drop it when nothing has missed it.",
    .source = "https://www.postgresql.org/docs/current/sql-droptrigger.html",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE},
    .setup = "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 1000); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$; "
             "CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
    .bad = (const char *const[]){"DROP TRIGGER tr ON t", "DROP TRIGGER IF EXISTS tr ON t", NULL},
    .good = (const char *const[]){"ALTER TABLE t DISABLE TRIGGER tr", "DROP TRIGGER IF EXISTS nobodys ON t", NULL},
    .check = check,
};
