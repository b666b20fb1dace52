/* nodes.h: the one door through which PostgreSQL's parse tree comes in. The first include of every file that needs it (sql/,
 * footprint/, rules/ and backfill/ alone): before base/base.h, which poisons names that PostgreSQL's headers still use.
 *
 * Grammars of PostgreSQL 15, 17 and 18 (PG_VERSION_NUM of the library, not of a server). What one of them lacks gets a
 * neutral form here, so that code elsewhere has no #if.
 *
 * Walk with foreach, lfirst_node, IsA, nodeTag, strVal; recursion with pr_tree_walk, never deeper than PR_CAP_SQL_DEPTH
 * (pr_script_parse does not hand out deeper trees). A node's location is in the text that the grammar saw: turn it into an
 * offset of the script with pr_stmt_at. */
#ifndef PR_SQL_NODES_H
#define PR_SQL_NODES_H

#include "sql/postgres_headers.h"

#include "base/base.h"

/* The node as a `type` when it is one, else NULL: const IndexStmt *x = pr_as(IndexStmt, c->node). n is evaluated twice. */
#define pr_as(type, n) ((const type *)(const void *)((n) != NULL && IsA((n), type) ? (n) : NULL))

/* The node as a `type`, which it must be (after a switch over its tag). */
#define pr_cast(type, n) ((const type *)pr_checked((n), T_##type))
static inline const void *pr_checked(const void *n, NodeTag tag) {
    PR_ASSERT(n != NULL && nodeTag(n) == tag);
    return n;
}

/* Calls walker(child, ctx) for each child of a raw node of any kind (constraints of columns too), in the order of the text where
 * PostgreSQL's struct keeps it; true stops the walk and is returned. NULL node is fine, and so are nodes without children. */
bool pr_tree_walk(const void *node, bool (*walker)(Node *, void *), void *ctx);

/* Grammar differences. PR_HAS_* say what the tree can express. */
#define PR_GRAMMAR_MAJOR (PG_VERSION_NUM / 10000)
#if PG_VERSION_NUM >= 180000
#define PR_CONSTRAINT_ENFORCED(c) ((c)->is_enforced)
#define PR_IS_NOT_ENFORCED(c) ((c)->contype == CONSTR_ATTR_NOT_ENFORCED || (((c)->contype == CONSTR_CHECK || (c)->contype == CONSTR_FOREIGN) && !(c)->is_enforced))
#define PR_CONSTRAINT_VIRTUAL(c) ((c)->generated_kind == ATTRIBUTE_GENERATED_VIRTUAL)
#define PR_IS_PERIOD_KEY(c) ((c)->fk_with_period)
#else
#define PR_CONSTRAINT_ENFORCED(c) true
#define PR_IS_NOT_ENFORCED(c) ((void)(c), false)
#define PR_CONSTRAINT_VIRTUAL(c) false
#define PR_IS_PERIOD_KEY(c) false
#endif

/* The parser learnt options with 16. */
#if PG_VERSION_NUM >= 160000
#define PR_RAW_PARSE(text) pg_query_raw_parse((text), PG_QUERY_PARSE_DEFAULT)
#else
#define PR_RAW_PARSE(text) pg_query_raw_parse(text)
#endif

/* RETURNING of an INSERT, UPDATE or DELETE: 18 put the list into a clause of its own. */
#if PG_VERSION_NUM >= 180000
#define PR_HAS_RETURNING(s) ((s)->returningClause != NULL)
#define PR_RETURNED(s) ((s)->returningClause != NULL ? (s)->returningClause->exprs : NIL)
#define PR_RETURNS_RENAMED(s) ((s)->returningClause != NULL && (s)->returningClause->options != NIL)      /* WITH (OLD AS …) */
#else
#define PR_HAS_RETURNING(s) ((s)->returningList != NIL)
#define PR_RETURNED(s) ((s)->returningList)
#define PR_RETURNS_RENAMED(s) ((void)(s), false)
#endif

/* AT_SetExpression came with 17. */
#if PG_VERSION_NUM >= 170000
#define PR_IS_SET_EXPRESSION(cmd) ((cmd)->subtype == AT_SetExpression)
#else
#define PR_IS_SET_EXPRESSION(cmd) false
#endif

#endif
