/* expect_list.h: expectations while they are collected. Private to sql/. */
#ifndef PR_SQL_EXPECT_LIST_H
#define PR_SQL_EXPECT_LIST_H

#include "sql/expect.h"

struct pr_expect_list {
    struct pr_arena *a;
    struct pr_expect *items;
    size_t n, cap;
    int stmt;                  /* statement that is looked at */
};

/* Adds one for the statement at hand; those before it that it undoes or replaces go. */
void pr_expect_add(struct pr_expect_list *l, struct pr_expect x);

/* Older expectations follow a rename: of the relation (or index) itself, of a column, or of another named part. */
void pr_expect_rename_relation(struct pr_expect_list *l, const char *schema, const char *from, const char *to_schema, const char *to);
void pr_expect_rename_object(struct pr_expect_list *l, const char *schema, const char *relation, const char *from, const char *to,
                             bool column);

/* A rollback: what statements from `stmt` on did is undone. */
void pr_expect_forget_since(struct pr_expect_list *l, int stmt);

#endif
