/* expect_tree.h: what expect.c and expect_alter.c share. After sql/nodes.h. Private to sql/. */
#ifndef PR_SQL_EXPECT_TREE_H
#define PR_SQL_EXPECT_TREE_H

#include "sql/expect_list.h"

struct pr_expect pr_expect_on(const RangeVar *v, enum pr_expect_kind kind, bool there);
void pr_expect_type(struct pr_arena *a, const TypeName *t, struct pr_expect *x);       /* x->type, x->typmod */
bool pr_expect_is_serial(const TypeName *t);
void pr_expect_index_columns(struct pr_expect_list *l, const List *elements, struct pr_expect *x);

/* A column that is added with the table or by ALTER TABLE, with its constraints; a constraint of the table. new_table: what is
 * there from the start is validated whatever it says. */
void pr_expect_column(struct pr_expect_list *l, const RangeVar *of, const ColumnDef *d);
void pr_expect_constraint(struct pr_expect_list *l, const RangeVar *of, const Constraint *k, bool new_table);

/* All commands of an ALTER TABLE (INDEX, VIEW, SEQUENCE), in order. */
void pr_expect_alter_table(struct pr_expect_list *l, const AlterTableStmt *s);

#endif
