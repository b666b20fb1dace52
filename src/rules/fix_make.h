/* fix_make.h: fixes as rules make them. Included after "sql/nodes.h", by the files of rules/ alone. Each returns a fix in the arena
 * of c->out, or NULL when the form of the statement allows none; one with why_not set says that there is none and why. */
#ifndef PR_RULES_FIX_MAKE_H
#define PR_RULES_FIX_MAKE_H

#include "rules/fix.h"
#include "rules/help.h"

/* CONCURRENTLY behind the first of these words: the statement then runs alone. The caller may add undo and word to step 0. */
struct pr_fix *pr_fix_concurrently(const struct pr_rule_ctx *c, const char *keyword, const char *title);
struct pr_fix *pr_fix_refused(const struct pr_rule_ctx *c, const char *why_not);
void pr_fix_edit(const struct pr_rule_ctx *c, struct pr_fix *fix, size_t from, size_t to, const char *text);

/* CONCURRENTLY where the kind of statement and the facts allow it. */
const struct pr_fix *pr_fix_index(const struct pr_rule_ctx *c, const IndexStmt *is);
/* As pr_fix_index. */
const struct pr_fix *pr_fix_drop_index(const struct pr_rule_ctx *c, const DropStmt *ds);
/* As pr_fix_index. */
const struct pr_fix *pr_fix_reindex(const struct pr_rule_ctx *c, const ReindexStmt *rs);
/* As pr_fix_index; it may stay in a transaction. */
const struct pr_fix *pr_fix_refresh(const struct pr_rule_ctx *c, const RefreshMatViewStmt *rs);

/* NOT VALID now, VALIDATE later. name: as the server will name it. */
const struct pr_fix *pr_fix_not_valid(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd, const char *name);
/* NOT NULL by way of a constraint: an 18 has its own, others take a CHECK that is dropped again. */
const struct pr_fix *pr_fix_not_null(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd);
/* The index first, concurrently; then the constraint takes it over. */
const struct pr_fix *pr_fix_using_index(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd, const char *name);
/* jsonb for json; NULL where the word stands elsewhere. */
const struct pr_fix *pr_fix_jsonb(const struct pr_rule_ctx *c, const ColumnDef *col);

/* Bytes [*from, *to) of the nth command of an ALTER TABLE in the script's text; false when they cannot be told. */
bool pr_cmd_span(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd, size_t *from, size_t *to);

#endif
