/* expect.h: what must be true after a script, taken from its trees: the half of the second oracle that needs no server. The
 * other half, catalog/effect.c, holds it against the live catalog. Neutral: no PostgreSQL headers.
 * Source  rehearse.md 6.1 B; kinds that are not here (owner, grants, storage options) are seen by the schema delta alone. */
#ifndef PR_SQL_EXPECT_H
#define PR_SQL_EXPECT_H

#include "sql/sql.h"

enum pr_expect_kind {
    PR_EXPECT_RELATION,        /* relation is there / gone; relkinds */
    PR_EXPECT_INDEX,           /* object on relation: valid, ready, live and as asked / gone without siblings */
    PR_EXPECT_REINDEXED,       /* relation (an index or a table): its indexes are valid, no _ccnew, _ccold */
    PR_EXPECT_COLUMN,          /* object: there, of type / gone */
    PR_EXPECT_NOT_NULL,        /* object: not null, proven / nullable */
    PR_EXPECT_DEFAULT,         /* object: has a default / has none */
    PR_EXPECT_CONSTRAINT,      /* object of contype over columns / gone */
    PR_EXPECT_VALIDATED,       /* object is validated / is not */
    PR_EXPECT_TRIGGER,         /* object, calling type / gone */
    PR_EXPECT_TRIGGER_STATE,   /* object (NULL = all of the table): state is letter */
    PR_EXPECT_POPULATED,       /* materialized view: populated / not */
    PR_EXPECT_ENUM_VALUE,      /* type relation has label object / has not */
    PR_EXPECT_ENUM,            /* type relation has exactly the labels columns */
    PR_EXPECT_TYPE,            /* type relation is there / gone */
    PR_EXPECT_COMMENT,         /* relation, or its column object: comment is type (NULL = none) */
    PR_EXPECT_ROW_SECURITY,    /* on / off */
    PR_EXPECT_FORCE_ROW_SECURITY,
    PR_EXPECT_POLICY,          /* object: there / gone */
    PR_EXPECT_FUNCTION,        /* relation with n_args arguments and body type / gone */
    PR_EXPECT_PARTITION,       /* relation is attached to object (a qualified name) / is not */
    PR_EXPECT_SCHEMA,          /* schema relation is there / gone */
    PR_EXPECT_EXTENSION,       /* extension relation is there / gone */
    PR_EXPECT_KIND_COUNT
};

struct pr_expect {
    int stmt;
    enum pr_expect_kind kind;
    bool there;                /* true: as the first half of the comment above says; false: the second */
    const char *schema, *relation;     /* schema NULL = search_path decides */
    const char *object;        /* NULL = the server chose the name */
    const char *const *columns; size_t n_columns;  /* index keys and constraint columns; "" = an expression */
    const char *type;          /* type name for to_regtype, function body, comment, trigger's function */
    const char *typmod;        /* "12,2", "" = none, NULL = not compared */
    const char *relkinds;      /* letters of pg_class.relkind that do */
    const char *ref_schema, *ref;      /* table that a foreign key points to */
    char letter;               /* contype, tgenabled, attgenerated or attidentity */
    bool unique, partial, only;
    bool identity;             /* letter is attidentity, not attgenerated */
    int validated;             /* constraints: 1 yes, 0 no, -1 not compared */
    int n_args;                /* functions; -1 = not compared */
    const char *method;        /* access method of an index */
};

/* Expectations of every statement, in order; what a later statement undoes, replaces or renames is left out or follows it. In a. */
size_t pr_script_expect(const struct pr_script *s, struct pr_arena *a, struct pr_expect **out);

#endif
