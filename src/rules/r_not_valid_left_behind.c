#include "sql/nodes.h"

#include "rules/help.h"

/* Once in a script: with its first ALTER TABLE of the table. */
static bool said_before(const struct pr_rule_ctx *c, const RangeVar *rv) {
    return pr_about(c, PR_ABOUT_ALTERS, rv->relname)->at != c->stmt->index;          /* which is one of them */
}

/* Validated, dropped or renamed somewhere in this script. */
static bool is_seen_to(const struct pr_rule_ctx *c, const RangeVar *rv, const char *con) {
    for (const struct pr_about *p = pr_about(c, PR_ABOUT_ALTERS, rv->relname); p != NULL; p = p->next) {
        const AlterTableStmt *at = pr_about_node(c, p);
        ListCell *lc;
        foreach (lc, at->cmds) {
            const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
            if ((cmd->subtype == AT_ValidateConstraint || cmd->subtype == AT_DropConstraint) && pr_eq(cmd->name, con)) return true;
            if (cmd->subtype == AT_SetNotNull) return true;                     /* set-not-null says the same */
        }
    }
    return false;
}

static void check(const struct pr_rule_ctx *c) {
    const AlterTableStmt *at = pr_alter_table(c);
    const struct pr_rel *r = at != NULL ? pr_rel_of(c, at->relation) : NULL;
    if (r == NULL || pr_is_new(c, at->relation) || pr_is_empty(r)) return;
    const char *t = pr_rv_name(c, at->relation);
    for (size_t i = 0; i < r->n_cons; i++) {
        const struct pr_con *con = &r->cons[i];
        if (con->validated || !con->enforced || con->inbound || con->def == NULL) continue;
        if (said_before(c, at->relation)) return;
        if (is_seen_to(c, at->relation, con->name)) continue;
        const struct pr_span word = pr_word_at(c, at->relation->relname, 0);
        pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = word.offset, .len = word.len,
            .title = pr_fmt(PR_A(c), "%s of %s was added NOT VALID and never validated", pr_id(c, con->name), t),
            .what = "Rows from before it may break it, and nobody has looked. The planner cannot use it, and SET NOT NULL cannot take it as proof.",
            .safe_sql = pr_fmt(PR_A(c), "ALTER TABLE %s VALIDATE CONSTRAINT %s;", t, pr_id(c, con->name))});
        return;
    }
}

PR_RULE(not_valid_left_behind) = {
    .id = "not-valid-left-behind", .family = PR_F_CONVENTION, .level = PR_WARNING,
    .title = "a constraint that was added NOT VALID and never validated",
    .why = "Rows from before it may break it. The planner cannot use it, and SET NOT NULL cannot take it as proof.",
    .safe_way = "VALIDATE CONSTRAINT in a transaction of its own; it lets readers and writers pass.",
    .source = "https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .query = "SELECT convalidated FROM pg_constraint WHERE conname = 'late'", .answer = "f"},
    .setup = "CREATE TABLE t (a int, b int); INSERT INTO t SELECT i, i FROM generate_series(1, 1000) i; ALTER TABLE t ADD CONSTRAINT late CHECK (a IS NOT NULL) NOT VALID; ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t ADD COLUMN c int", "ALTER TABLE t ADD COLUMN c int; ALTER TABLE t ADD COLUMN d int", NULL},
    .good = (const char *const[]){"ALTER TABLE t VALIDATE CONSTRAINT late", "ALTER TABLE t ADD COLUMN c int; ALTER TABLE t VALIDATE CONSTRAINT late", NULL},
    .needs_facts = true, .check = check,
};
