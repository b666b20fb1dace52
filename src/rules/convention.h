/* convention.h: what the rules of conventions share: what a statement makes anew, and whether a name has a form. Included after
 * "sql/nodes.h", by the files of rules/ alone. Down scripts make nothing anew: they give back what was there. */
#ifndef PR_RULES_CONVENTION_H
#define PR_RULES_CONVENTION_H

#include "rules/help.h"

/* What the project asks for; nothing when it has no [conventions]. Never NULL. */
const struct pr_conventions *pr_asked(const struct pr_rule_ctx *c);

/* Every column that CREATE TABLE or ADD COLUMN makes; not those of temporary tables. table: NULL with ADD COLUMN. */
typedef void pr_new_column_fn(const struct pr_rule_ctx *c, const RangeVar *rv, const CreateStmt *table, const ColumnDef *col);
void pr_each_new_column(const struct pr_rule_ctx *c, pr_new_column_fn *fn);

/* A CREATE TABLE that lists its own columns: no partition, no LIKE, no INHERITS, no OF, not temporary; else NULL. */
const CreateStmt *pr_new_table(const struct pr_rule_ctx *c);

/* Every UNIQUE, CHECK and FOREIGN KEY constraint that it makes, of columns and of tables. col: NULL when it is the table's. */
typedef void pr_new_constraint_fn(const struct pr_rule_ctx *c, const RangeVar *rv, const ColumnDef *col, const Constraint *con);
void pr_each_new_constraint(const struct pr_rule_ctx *c, pr_new_constraint_fn *fn);

/* The last part of the type's name as the grammar has it ("int8", "timestamptz", "bool"); "" for arrays. */
const char *pr_type_word(const ColumnDef *col);

/* The names of a list of strings or of index columns, joined with _; NULL when an expression is among them. */
const char *pr_joined(const struct pr_rule_ctx *c, const List *names);

/* Reports when the name does not fit; name NULL: the server chooses as in usual, and that is judged. */
struct pr_form { const char *pattern, *name, *usual, *table, *columns, *ref_table, *what; };
void pr_report_form(const struct pr_rule_ctx *c, const struct pr_form *f);

#endif
