#include "sql/nodes.h"

#include "rules/help.h"
#include "rules/orphans.h"

/* What goes with the column without a NOTICE: several-column constraints, indexes that only mention it, statistics. */
static const char *silent_list(const struct pr_rule_ctx *c) {
    struct pr_buf b = {.a = PR_A(c)};
    for (size_t i = 0; i < c->fp->n_lost; i++) {
        const struct pr_loss *l = &c->fp->lost[i];
        if (l->silent) pr_addf(&b, "%s%s", b.len > 0 ? ", " : "", l->what);
    }
    return pr_buf_text(&b);
}

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    if (pr_is_new(c, at->relation)) return;
    const struct pr_rel *r = pr_rel_of(c, at->relation);
    if (r != NULL && cmd->missing_ok && pr_find_col(r, cmd->name) == NULL) return;
    const char *t = pr_rv_name(c, at->relation), *col = pr_id(c, cmd->name), *list = silent_list(c);
    const char *rows = r != NULL && r->rows_trusted ? pr_fmt(PR_A(c), " of about %s rows", pr_human_count(PR_A(c), r->rows)) : "";
    const char *what = pr_fmt(PR_A(c), "Its values%s are gone, and the application that runs now fails with 42703 wherever it names it.%s%s%s%s", rows,
                              list[0] != '\0' ? " With it go, without a NOTICE and without CASCADE: " : "", list, list[0] != '\0' ? "." : "",
                              pr_orphan_losses(PR_A(c), c->facts, r, cmd->name));
    const struct pr_span at_name = pr_word_at(c, cmd->name, 0);
    pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = at_name.offset, .len = at_name.len, .what = what,
        .title = pr_fmt(PR_A(c), "dropping %s.%s loses its data%s", t, col, list[0] != '\0' ? ", and more than it says" : "")});
}

static void check(const struct pr_rule_ctx *c) { pr_each_cmd(c, AT_DropColumn, on_cmd); }

PR_RULE(drop_column) = {
    .id = "drop-column", .family = PR_F_COMPATIBILITY, .level = PR_ERROR,
    .title = "dropping a column loses its data and breaks the application that still names it",
    .why = "The data is gone. Without a NOTICE and without CASCADE the server also drops every composite UNIQUE, FOREIGN KEY and CHECK, every index that "
           "only includes it or names it in its predicate, and extended statistics.",
    .safe_way = "First release an application that no longer reads or writes it, keep a copy of the values, then drop it; create again first what would go with it.",
    .source = "measured on 13 to 18; https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-DROP-COLUMN",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .query = "SELECT count(*) FROM pg_index WHERE indrelid = 't'::regclass", .answer = "0"},
    .setup = "CREATE TABLE t (a int, b int, c int, UNIQUE (a, b)); CREATE INDEX t_partial ON t (c) WHERE a > 0; INSERT INTO t SELECT i, i, i FROM generate_series(1, 1000) i; ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t DROP COLUMN a", "ALTER TABLE t DROP a, DROP COLUMN IF EXISTS b", NULL},
    .good = (const char *const[]){"CREATE TABLE n (a int, b int); ALTER TABLE n DROP COLUMN b", "ALTER TABLE t ALTER a DROP DEFAULT", NULL},
    .check = check,
};
