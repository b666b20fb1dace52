/* help.h: what the rules share: names and facts of what a statement is about, places, and SQL with the real names. Included
 * after "sql/nodes.h", by the files of rules/ alone. All texts are in an arena that lives until the statement is judged. */
#ifndef PR_RULES_HELP_H
#define PR_RULES_HELP_H

#include "rules/rules.h"

/* Where a name stands in the statement: its nth occurrence (0 = first) as an identifier, outside strings and comments; an
 * absent one gives len 0, which pr_report takes as the whole statement. */
struct pr_span { size_t offset, len; };
struct pr_span pr_word_at(const struct pr_rule_ctx *c, const char *word, int nth);

/* Facts. A relation that facts do not have is NULL; everything else follows from that. */
const struct pr_rel *pr_rel_of(const struct pr_rule_ctx *c, const RangeVar *rv);
bool pr_is_new(const struct pr_rule_ctx *c, const RangeVar *rv);            /* created earlier in this run */
bool pr_is_empty(const struct pr_rel *r);                   /* certainly without rows; NULL is not */
const struct pr_effect *pr_effect_on(const struct pr_footprint *fp, const char *schema, const char *name);
/* What a statement does to a relation and to all that is below it, as one effect: the work on a partitioned table is that on
 * its partitions. NULL when it does nothing to it. */
const struct pr_effect *pr_work_on(const struct pr_rule_ctx *c, const RangeVar *rv);
/* The same for one subcommand of several, as if it stood alone: its share of the work. NULL when another of them
 * rewrites the table anyway. */
const struct pr_effect *pr_work_of(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd);
/* Does ALTER COLUMN … TYPE say the type and collation that the column has? Not known: no. */
bool pr_type_stays(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd);
/* Was the constraint added NOT VALID by this statement, or earlier in the transaction that is open? */
bool pr_added_not_valid_here(const struct pr_rule_ctx *c, const RangeVar *rv, const char *name);
/* The CHECK that would have proven a column NOT NULL and that the same statement drops; NULL when there is none. */
const char *pr_dropped_proof(const struct pr_rule_ctx *c, const AlterTableStmt *at, const char *column);
/* What keeps the server from changing a column's type: views, rules, triggers, policies …; "" when nothing does. */
const char *pr_type_blockers(const struct pr_rule_ctx *c, const struct pr_rel *r, const char *column);
/* Of two that are locked together the one whose work is more; either may be NULL or nobody's. */
const struct pr_effect *pr_heavier(const struct pr_effect *a, const struct pr_effect *b);
/* The value of a SET of a timeout in milliseconds: '2s', 500, '1 min'; -1 = not a plain value. set is a VariableSetStmt. */
int64_t pr_timeout_ms(const void *set);
bool pr_is_foreign_runner(const struct pr_rule_ctx *c);     /* meant for another runner than ours */
bool pr_in_tx(const struct pr_rule_ctx *c);                 /* this statement runs in a transaction with others */

/* In a body: a name that facts do not have may be made within the body or by an EXECUTE in it, be a table of a trigger's
 * transition, or stand in a branch that asks for it first. */
bool pr_body_may_know(const struct pr_rule_ctx *c, const char *schema, const char *name);

/* PL/pgSQL refuses the statement wherever it runs (2D000, 42601, 0A000), whatever the catalog says. */
bool pr_body_refuses(const struct pr_rule_ctx *c);

/* Subcommands. */
const AlterTableStmt *pr_alter_table(const struct pr_rule_ctx *c);          /* NULL when it is another statement */
typedef void pr_cmd_fn(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd);
void pr_each_cmd(const struct pr_rule_ctx *c, AlterTableType subtype, pr_cmd_fn *fn);
const Constraint *pr_added(const AlterTableCmd *cmd, ConstrType type);      /* ADD CONSTRAINT of that type, or NULL */
const Constraint *pr_column_constraint(const ColumnDef *col, ConstrType type);

/* The statements of the script about the relation of that bare name, in their order: which rules that look round need. Those about
 * every relation (ANALYZE, GRANT ON ALL TABLES) are under PR_ABOUT_ALL. The script is read once, however often is asked. */
enum pr_about_kind { PR_ABOUT_ALTERS /* ALTER TABLE */, PR_ABOUT_INDEXES /* CREATE INDEX */, PR_ABOUT_POLICIES, PR_ABOUT_GRANTS, PR_ABOUT_VACUUMS /* and ANALYZE */,
                     PR_ABOUT_NOT_VALID /* ADD CONSTRAINT … NOT VALID, by its name and the relation's: ask pr_added_not_valid_here */, PR_ABOUT_KINDS };
#define PR_ABOUT_ALL ""
struct pr_about { int at; const struct pr_about *next; };  /* at: index of the statement in the script */
struct pr_defined;
struct pr_abouts {
    struct pr_map by_name[PR_ABOUT_KINDS];
    bool filed;
    const struct pr_stmt *long_timeout;    /* of lock-timeout-ineffective: a SET whose first waiting statement is looked for */
    const struct pr_stmt *defined_by;      /* that pr_constraints_of was asked about last, with this node */
    const void *defined_node;
    struct pr_defined *defined; size_t n_defined;
};
const struct pr_about *pr_about(const struct pr_rule_ctx *c, enum pr_about_kind kind, const char *name);
const struct pr_about *pr_about_in(const struct pr_rule_ctx *c, enum pr_about_kind kind, const char *relation, const char *name);
/* The statement, and its tree: NULL where a script is passed through and it is not the one at hand (see pr_about_stays). */
const struct pr_stmt *pr_about_stmt(const struct pr_rule_ctx *c, const struct pr_about *p);
const void *pr_about_node(const struct pr_rule_ctx *c, const struct pr_about *p);
const struct pr_about *pr_about_later(const struct pr_rule_ctx *c, enum pr_about_kind kind, const char *name);     /* behind this statement */

/* Does another index of the table serve wherever this one does? */
bool pr_index_is_covered(const struct pr_rel *r, const struct pr_idx *x);
/* CREATE INDEX further down the script that begins with the same column or has the same name; NULL when there is none. */
const IndexStmt *pr_index_built_later(const struct pr_rule_ctx *c, const struct pr_rel *r, const struct pr_idx *x);
/* Every constraint that a statement defines, in the order of the text: in CREATE TABLE, ADD CONSTRAINT and ADD COLUMN. Returns their
 * number; col: the column that it stands at, create: the CREATE TABLE, or NULL. */
struct pr_defined { const RangeVar *table; const Constraint *con; const ColumnDef *col; const CreateStmt *create; };
size_t pr_constraints_of(const struct pr_rule_ctx *c, struct pr_defined **out);
/* The foreign keys among them. */
typedef void pr_fk_fn(const struct pr_rule_ctx *c, const struct pr_defined *fk);
void pr_each_fk(const struct pr_rule_ctx *c, pr_fk_fn *fn);
size_t pr_fk_columns(const struct pr_rule_ctx *c, const struct pr_defined *fk, const char ***out);       /* that refer */
size_t pr_fk_targets(const struct pr_rule_ctx *c, const struct pr_defined *fk, const char ***out);       /* referred to; 0 = not known */

/* Names for people and for SQL. */
const char *pr_rv_name(const struct pr_rule_ctx *c, const RangeVar *rv);    /* quoted and qualified as written */
const char *pr_id(const struct pr_rule_ctx *c, const char *name);           /* quoted where it must be */
const char *pr_list_names(const struct pr_rule_ctx *c, const List *strings, const char *sep);
const char *pr_type_text(const struct pr_rule_ctx *c, const TypeName *type);
/* Types (help_types.c). The internal name without modifiers: "int8" for bigint, int8 and bigserial. */
const char *pr_type_name(const TypeName *t);
const char *pr_type_name_of_text(const struct pr_rule_ctx *c, const char *format_type);     /* "" for arrays and what is no type */
bool pr_is_serial(const TypeName *t);
int pr_int_bytes(const char *type_name);                    /* 2, 4, 8; 0 = no integer */
bool pr_type_is(const struct pr_rule_ctx *c, const TypeName *t, const char *format_type);   /* the same, modifiers included */
/* A name of a constraint or index, cut as the server cuts: "t_a_b_fkey". cols may be NIL. Not quoted. */
const char *pr_object_name(const struct pr_rule_ctx *c, const char *table, const List *cols, const char *suffix);
const char *pr_dotted(const struct pr_rule_ctx *c, const List *names, const char **schema, const char **name);

/* A node as SQL with a semicolon; NULL when it cannot be printed. */
const char *pr_sql_of(const struct pr_rule_ctx *c, const void *node);
/* ALTER TABLE of the same relation with this subcommand alone. */
const char *pr_sql_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd);
/* ADD COLUMN as it stands, without its constraints of these types (two, may be the same). */
const char *pr_sql_column_without(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd, ConstrType one, ConstrType two);
/* ADD CONSTRAINT … NOT VALID, then VALIDATE: the same constraint, named. */
const char *pr_sql_not_valid(const struct pr_rule_ctx *c, const AlterTableStmt *at, const Constraint *con, const char *name);
/* A foreign key of a partitioned table before 18: NOT VALID and VALIDATE partition by partition, then on the table itself. NULL
 * when its partitions are not known, or too many. */
const char *pr_sql_fk_by_partition(const struct pr_rule_ctx *c, const AlterTableStmt *at, const Constraint *con);
/* An index of a partitioned table, which takes no CONCURRENTLY: ON ONLY the table, one build for each partition, attached. */
const char *pr_sql_index_by_partition(const struct pr_rule_ctx *c, const IndexStmt *is);
/* A unique index built CONCURRENTLY, then the key over it: kind is "PRIMARY KEY" or "UNIQUE". */
const char *pr_sql_key(const struct pr_rule_ctx *c, const RangeVar *rv, const char *columns, const char *name, const char *kind);
/* A serial or identity column step by step; the key that its definition names included. */
const char *pr_sql_numbered(const struct pr_rule_ctx *c, const RangeVar *rv, const ColumnDef *col, bool identity);
/* The way to NOT NULL without a long lock, for the server's version. */
const char *pr_sql_not_null(const struct pr_rule_ctx *c, const RangeVar *rv, const char *column);

/* Reports the blocking work of an effect at a place: level and numbers from pr_blocking_level. Nothing when nobody is hurt. */
void pr_report_block(const struct pr_rule_ctx *c, const struct pr_effect *f, struct pr_span at, const char *title,
                     const char *safe_sql);
/* The same with a fix; NULL = none. */
void pr_report_block_fix(const struct pr_rule_ctx *c, const struct pr_effect *f, struct pr_span at, const char *title,
                         const char *safe_sql, const struct pr_fix *fix);

/* --- help_tell.c --- */
/* Of a lock that is let go at once: with pgrail, which gives up and tries again, a note; with a runner that waits a warning. */
enum pr_level pr_short_lock_level(const struct pr_rule_ctx *c);
bool pr_said_before(const struct pr_rule_ctx *c);           /* this rule has found something on this side already */
bool pr_text_names(const char *text, const char *word);     /* as an identifier, outside strings and comments */
const struct pr_rel *pr_rel_named(const struct pr_rule_ctx *c, const char *schema, const char *name);
const DefElem *pr_option(const List *options, const char *name);        /* NULL = not given */
bool pr_option_is_on(const DefElem *option);                /* (x), (x = true), x */
const char *pr_option_text(const DefElem *option);          /* a string or word; NULL otherwise */
bool pr_has_policy(const struct pr_rule_ctx *c, const RangeVar *rv);        /* by the facts, or one that the script makes */
/* An existing relation, with rows as far as is known, that the effect holds ACCESS EXCLUSIVE on. */
bool pr_stops_all(const struct pr_rule_ctx *c, const struct pr_effect *f);
/* "a, b and 7 more". */
const char *pr_some(const struct pr_rule_ctx *c, const char *const *items, size_t n);

/* The role that a SET ROLE or SET SESSION AUTHORIZATION names; NULL for any other statement, for NONE and for DEFAULT. */
const char *pr_sets_role(const struct pr_stmt *s);

#endif
