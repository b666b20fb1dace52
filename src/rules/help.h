/* help.h: what the rules share: names and facts of what a statement is about, places, and SQL with the real names. Included
 * after "sql/nodes.h", by the files of rules/ alone. All texts are in the arena of c->out. */
#ifndef PR_RULES_HELP_H
#define PR_RULES_HELP_H

#include "rules/rules.h"

#define PR_A(c) ((c)->out->a)

/* Where a name stands in the statement: its nth occurrence (0 = first) as an identifier, outside strings and comments; an
 * absent one gives len 0, which pr_report takes as the whole statement. */
struct pr_span { size_t offset, len; };
struct pr_span pr_word_at(const struct pr_rule_ctx *c, const char *word, int nth);

/* Facts. A relation that facts do not have is NULL; everything else follows from that. */
const struct pr_rel *pr_rel_of(const struct pr_rule_ctx *c, const RangeVar *rv);
bool pr_is_new(const struct pr_rule_ctx *c, const RangeVar *rv);            /* created earlier in this run */
bool pr_is_empty(const struct pr_rel *r);                   /* certainly without rows; NULL is not */
const struct pr_effect *pr_effect_on(const struct pr_footprint *fp, const char *schema, const char *name);
bool pr_is_foreign_runner(const struct pr_rule_ctx *c);     /* meant for another runner than ours */
bool pr_in_tx(const struct pr_rule_ctx *c);                 /* this statement runs in a transaction with others */

/* Subcommands. */
const AlterTableStmt *pr_alter_table(const struct pr_rule_ctx *c);          /* NULL when it is another statement */
typedef void pr_cmd_fn(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd);
void pr_each_cmd(const struct pr_rule_ctx *c, AlterTableType subtype, pr_cmd_fn *fn);
const Constraint *pr_added(const AlterTableCmd *cmd, ConstrType type);      /* ADD CONSTRAINT of that type, or NULL */
const Constraint *pr_column_constraint(const ColumnDef *col, ConstrType type);

/* Names for people and for SQL. */
const char *pr_rv_name(const struct pr_rule_ctx *c, const RangeVar *rv);    /* quoted and qualified as written */
const char *pr_id(const struct pr_rule_ctx *c, const char *name);           /* quoted where it must be */
const char *pr_list_names(const struct pr_rule_ctx *c, const List *strings, const char *sep);
const char *pr_type_text(const struct pr_rule_ctx *c, const TypeName *type);
/* A name of a constraint or index, cut as the server cuts: "t_a_b_fkey". cols may be NIL. Not quoted. */
const char *pr_object_name(const struct pr_rule_ctx *c, const char *table, const List *cols, const char *suffix);
const char *pr_dotted(const struct pr_rule_ctx *c, const List *names, const char **schema, const char **name);

/* A node as SQL with a semicolon; NULL when it cannot be printed. */
const char *pr_sql_of(const struct pr_rule_ctx *c, const void *node);
/* ALTER TABLE of the same relation with this subcommand alone. */
const char *pr_sql_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd);
/* ADD CONSTRAINT … NOT VALID, then VALIDATE: the same constraint, named. */
const char *pr_sql_not_valid(const struct pr_rule_ctx *c, const AlterTableStmt *at, const Constraint *con, const char *name);
/* The way to NOT NULL without a long lock, for the server's version. */
const char *pr_sql_not_null(const struct pr_rule_ctx *c, const RangeVar *rv, const char *column);

/* Reports the blocking work of an effect at a place: level and numbers from pr_blocking_level. Nothing when nobody is hurt. */
void pr_report_block(const struct pr_rule_ctx *c, const struct pr_effect *f, struct pr_span at, const char *title,
                     const char *safe_sql);

#endif
