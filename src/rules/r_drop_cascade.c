#include "sql/nodes.h"

#include "rules/help.h"

static const char *lost(const struct pr_rule_ctx *c) {
    struct pr_buf b = {.a = PR_A(c)};
    for (size_t i = 0; i < c->fp->n_lost; i++)
        if (!c->fp->lost[i].silent) pr_addf(&b, "%s%s", b.len > 0 ? ", " : "", c->fp->lost[i].what);
    return pr_buf_text(&b);
}

static void report(const struct pr_rule_ctx *c) {
    const char *list = lost(c);
    if (list[0] == '\0' && c->facts != NULL && !c->fp->guessed && !c->fp->unjudged) return;    /* nothing depends on it */
    const char *what = list[0] != '\0' ? pr_fmt(PR_A(c), "With it go: %s.", list)
                                       : "What depends on it goes with it: views, foreign keys, columns of its type. Nothing is known of it here.";
    const struct pr_span at = pr_word_at(c, "cascade", 0);
    pr_report(c, &(struct pr_hit){.level = list[0] != '\0' ? PR_ERROR : PR_WARNING, .offset = at.offset, .len = at.len, .what = what,
        .title = "CASCADE drops whatever depends on it, without asking"});
}

static bool all_new(const struct pr_rule_ctx *c) {
    for (size_t i = 0; i < c->fp->n; i++)
        if (!c->fp->effects[i].own) return false;
    return c->fp->n > 0;
}

static void check(const struct pr_rule_ctx *c) {
    if (IsA(c->node, DropStmt)) {
        const DropStmt *ds = c->node;
        if (ds->behavior == DROP_CASCADE && !all_new(c)) report(c);
        return;
    }
    const AlterTableStmt *at = pr_alter_table(c);
    ListCell *lc;
    if (at == NULL || pr_is_new(c, at->relation)) return;
    foreach (lc, at->cmds) {
        const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
        if (cmd->behavior == DROP_CASCADE && (cmd->subtype == AT_DropColumn || cmd->subtype == AT_DropConstraint)) {
            report(c);
            return;
        }
    }
}

PR_RULE(drop_cascade) = {
    .id = "drop-cascade", .family = PR_F_LOSS, .level = PR_ERROR,
    .title = "CASCADE drops whatever depends on it, without asking",
    .why = "Views, foreign keys, and columns of a dropped type go with it, also those that were added after this was written.",
    .safe_way = "Name what should go in statements of its own and drop without CASCADE: then a dependant that nobody thought of stops the migration.",
    .source = "https://www.postgresql.org/docs/current/ddl-depend.html",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .query = "SELECT to_regclass('v') IS NULL", .answer = "t"},
    .setup = "CREATE TABLE t (a int, b int); CREATE VIEW v AS SELECT a FROM t",
    .bad = (const char *const[]){"DROP TABLE t CASCADE", "ALTER TABLE t DROP COLUMN a CASCADE", NULL},
    .good = (const char *const[]){"DROP VIEW v; DROP TABLE t", "ALTER TABLE t DROP COLUMN b", NULL},
    .check = check,
};
