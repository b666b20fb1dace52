#include "sql/nodes.h"

#include "rules/help.h"

static void report(const struct pr_rule_ctx *c, const RangeVar *rv, const char *column, const char *what, bool subscriber_first) {
    const struct pr_rel *r = pr_rel_of(c, rv);
    if (r == NULL || !r->published || pr_is_new(c, rv)) return;
    const char *t = pr_rv_name(c, rv), *col = pr_id(c, column);
    const struct pr_span at = pr_word_at(c, column, 0);
    pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "%s is published: %s %s does not reach its subscribers", t, what, col),
        .what = subscriber_first ? "DDL is not replicated. From the first row that is written with the new shape a subscriber stops with \"missing replicated column\" until its own table "
                                   "has it; until then the slot keeps WAL on this server."
                                 : "DDL is not replicated. The subscriber keeps its column, which stays null, or stops where it is NOT NULL; until it goes on the slot keeps WAL on this server.",
        .safe_way = subscriber_first ? "The same change on every subscriber first, then here." : "Here first, then on every subscriber.",
        .safe_sql = pr_fmt(PR_A(c), "-- %s:\n%s;", subscriber_first ? "on every subscriber first, then here" : "here first, then on every subscriber", c->stmt->text)});
}

static void check(const struct pr_rule_ctx *c) {
    if (IsA(c->node, RenameStmt)) {
        const RenameStmt *rs = c->node;
        if (rs->renameType == OBJECT_COLUMN && rs->relation != NULL && rs->relationType == OBJECT_TABLE) report(c, rs->relation, rs->subname, "renaming", true);
        return;
    }
    const AlterTableStmt *at = pr_alter_table(c);
    ListCell *lc;
    if (at == NULL) return;
    foreach (lc, at->cmds) {
        const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
        if (cmd->subtype == AT_AddColumn) {
            const char *name = ((const ColumnDef *)(const void *)cmd->def)->colname;
            const struct pr_rel *r = pr_rel_of(c, at->relation);
            if (r == NULL || pr_find_col(r, name) == NULL) report(c, at->relation, name, "adding", true);
        } else if (cmd->subtype == AT_DropColumn) {
            report(c, at->relation, cmd->name, "dropping", false);
        } else if (cmd->subtype == AT_AlterColumnType) {
            report(c, at->relation, cmd->name, "the new type of", true);
        }
    }
}

PR_RULE(add_column_in_publication) = {
    .id = "add-column-in-publication", .family = PR_F_REPLICATION, .level = PR_WARNING,
    .title = "a published table changes its columns, and its subscribers do not",
    .why = "DDL is not replicated: a subscriber stops at the first row of the new shape, and the slot keeps WAL until its table is changed too.",
    .safe_way = "What adds or widens: on the subscribers first, then here. What drops: here first, then on the subscribers.",
    .source = "https://www.postgresql.org/docs/current/logical-replication-restrictions.html",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .query = "SELECT count(*) FROM pg_publication_tables WHERE tablename = 't'", .answer = "1"},
    .setup = "CREATE TABLE t (id int PRIMARY KEY, a varchar(10)); INSERT INTO t VALUES (1, 'a'); CREATE TABLE u (id int); CREATE PUBLICATION p FOR TABLE t",
    .bad = (const char *const[]){"ALTER TABLE t ADD COLUMN b int", "ALTER TABLE t DROP COLUMN a", "ALTER TABLE t RENAME a TO b", "ALTER TABLE t ALTER a TYPE varchar(20)", NULL},
    .good = (const char *const[]){"ALTER TABLE u ADD COLUMN b int", "ALTER TABLE t ALTER a SET DEFAULT 'x'", NULL},
    .needs_facts = true, .check = check,
};
