#include "sql/nodes.h"

#include "rules/help.h"

static const char *strong_option(const List *options) {
    static const char *const names[] = {"fastupdate", "gin_pending_list_limit", "buffering", "pages_per_range", "autosummarize"};
    ListCell *lc;
    foreach (lc, options)
        for (size_t i = 0; i < PR_COUNT(names); i++)
            if (pr_eq(lfirst_node(DefElem, lc)->defname, names[i])) return names[i];
    return NULL;
}

static bool is_nobodys(const struct pr_rule_ctx *c) {
    for (size_t i = 0; i < c->fp->n; i++)
        if (!c->fp->effects[i].own && !c->fp->effects[i].created) return false;
    return c->fp->n > 0;
}

static void check(const struct pr_rule_ctx *c) {
    const AlterTableStmt *at = c->node;
    ListCell *lc;
    if (!IsA(c->node, AlterTableStmt) || at->objtype != OBJECT_INDEX || is_nobodys(c)) return;
    foreach (lc, at->cmds) {
        const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
        if (cmd->subtype != AT_SetRelOptions && cmd->subtype != AT_ResetRelOptions) continue;
        const char *option = strong_option((const List *)(const void *)cmd->def);
        if (option == NULL) continue;
        const struct pr_span word = pr_word_at(c, option, 0);
        pr_report(c, &(struct pr_hit){.level = pr_is_foreign_runner(c) ? PR_WARNING : PR_NOTE, .offset = word.offset, .len = word.len,
            .title = pr_fmt(PR_A(c), "%s of index %s stops every query on its table that is being planned", option, pr_rv_name(c, at->relation))});
        return;
    }
}

PR_RULE(alter_index_reloption) = {
    .id = "alter-index-reloption", .family = PR_F_BLOCKING, .level = PR_WARNING,
    .title = "this index option stops every query on the table that is being planned",
    .why = "ACCESS EXCLUSIVE on the index: short, but it waits behind every query that uses the index, and meanwhile every SELECT on the table waits, because planning opens all its "
           "indexes. fillfactor and deduplicate_items do not do that.",
    .safe_way = "With a short lock_timeout and another try, which is what pgrail apply does.",
    .source = "measured on 13 to 18; src/backend/access/common/reloptions.c",
    .claim = {.on = "t_gin", .lock = PR_ACCESS_EXCLUSIVE},
    .setup = "CREATE TABLE t (a int, j jsonb); CREATE INDEX t_gin ON t USING gin (j); CREATE INDEX t_a ON t (a); INSERT INTO t SELECT i, '{}' FROM generate_series(1, 1000) i; ANALYZE t",
    .bad = (const char *const[]){"ALTER INDEX t_gin SET (fastupdate = off)", "ALTER INDEX t_gin RESET (gin_pending_list_limit)", NULL},
    .good = (const char *const[]){"ALTER INDEX t_a SET (fillfactor = 80)", "CREATE TABLE n (j jsonb); CREATE INDEX n_j ON n USING gin (j); ALTER INDEX n_j SET (fastupdate = off)", NULL},
    .check = check,
};
