#include "sql/nodes.h"

#include "rules/help.h"

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const ColumnDef *col = pr_as(ColumnDef, cmd->def);
    const struct pr_rel *r = pr_rel_of(c, at->relation);
    const struct pr_col *has = r != NULL && col != NULL && cmd->missing_ok && !pr_is_new(c, at->relation) ? pr_find_col(r, col->colname) : NULL;
    if (has == NULL) return;
    const char *wanted = col->typeName != NULL ? pr_world_type(c->before, col->typeName) : NULL;
    const bool differs = wanted != NULL && has->type != NULL && !pr_eq(wanted, has->type);
    const char *t = pr_rv_name(c, at->relation), *name = pr_id(c, col->colname);
    const struct pr_span word = pr_word_at(c, col->colname, 0);
    pr_report(c, &(struct pr_hit){.level = differs ? PR_ERROR : PR_NOTE, .offset = word.offset, .len = word.len,
        .title = differs ? pr_fmt(PR_A(c), "%s.%s is there already as %s: it will not become %s", t, name, has->type, wanted)
                         : pr_fmt(PR_A(c), "%s.%s is there already: nothing is done, and the lock is taken all the same", t, name),
        .what = differs ? "IF NOT EXISTS looks at the name alone: the statement does nothing and reports success." : NULL});
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_AddColumn, on_cmd); }

PR_RULE(add_column_if_not_exists_lock) = {
    .id = "add-column-if-not-exists-lock", .family = PR_F_BLOCKING, .level = PR_NOTE,
    .title = "ADD COLUMN IF NOT EXISTS of a column that is there: it locks, and does nothing",
    .why = "The server takes ACCESS EXCLUSIVE before it looks: a re-run that does nothing still waits behind long queries with everybody behind it. A column of that name with another type stays.",
    .safe_way = "Leave the statement out; pgrail knows from its history what has run and needs no re-runs.",
    .source = "measured on 13 to 18; https://www.postgresql.org/docs/current/sql-altertable.html",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .query = "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'a'", .answer = "integer"},
    .setup = "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 1000)",
    .bad = (const char *const[]){"ALTER TABLE t ADD COLUMN IF NOT EXISTS a int", "ALTER TABLE t ADD COLUMN IF NOT EXISTS a text", NULL},
    .good = (const char *const[]){"ALTER TABLE t ADD COLUMN IF NOT EXISTS b int", "CREATE TABLE n (a int); ALTER TABLE n ADD COLUMN IF NOT EXISTS a int", NULL},
    .needs_facts = true, .check = check,
};
