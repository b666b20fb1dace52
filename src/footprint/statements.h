/* statements.h: one function for each statement that the engine knows, in the table of footprint.c by node type. Each predicts
 * the statement into x->out, then moves x->w on. node is a tree of that type, borrowed. */
#ifndef PR_FOOTPRINT_STATEMENTS_H
#define PR_FOOTPRINT_STATEMENTS_H

#include "footprint/fx.h"

typedef void fx_fn(struct fx *x, const void *node);

void fx_alter_table(struct fx *x, const void *node);                    /* ALTER TABLE, VIEW, SEQUENCE … */
void fx_rename(struct fx *x, const void *node);                         /* ALTER … RENAME */
void fx_set_schema(struct fx *x, const void *node);                     /* ALTER … SET SCHEMA */
void fx_owner(struct fx *x, const void *node);                          /* ALTER … OWNER TO, of what is no table */
void fx_create_table(struct fx *x, const void *node);                   /* CREATE TABLE */
void fx_create_table_as(struct fx *x, const void *node);                /* CREATE TABLE AS, CREATE MATERIALIZED VIEW */
void fx_create_index(struct fx *x, const void *node);                   /* CREATE INDEX */
void fx_drop(struct fx *x, const void *node);                           /* DROP of everything */
void fx_truncate(struct fx *x, const void *node);                       /* TRUNCATE */
void fx_view(struct fx *x, const void *node);                           /* CREATE VIEW */
void fx_refresh(struct fx *x, const void *node);                        /* REFRESH MATERIALIZED VIEW */
void fx_create_trigger(struct fx *x, const void *node);                 /* CREATE TRIGGER */
void fx_create_policy(struct fx *x, const void *node);                  /* CREATE POLICY */
void fx_alter_policy(struct fx *x, const void *node);                   /* ALTER POLICY */
void fx_create_rule(struct fx *x, const void *node);                    /* CREATE RULE */
void fx_comment(struct fx *x, const void *node);                        /* COMMENT */
void fx_create_stats(struct fx *x, const void *node);                   /* CREATE STATISTICS */
void fx_alter_stats(struct fx *x, const void *node);                    /* ALTER STATISTICS: no relation is locked */
void fx_create_publication(struct fx *x, const void *node);             /* CREATE PUBLICATION */
void fx_alter_publication(struct fx *x, const void *node);              /* ALTER PUBLICATION */
void fx_lock_table(struct fx *x, const void *node);                     /* LOCK */
void fx_cluster(struct fx *x, const void *node);                        /* CLUSTER */
void fx_vacuum(struct fx *x, const void *node);                         /* VACUUM, ANALYZE */
void fx_reindex(struct fx *x, const void *node);                        /* REINDEX */
void fx_grant(struct fx *x, const void *node);                          /* GRANT, REVOKE */
void fx_insert(struct fx *x, const void *node);                         /* INSERT */
void fx_update(struct fx *x, const void *node);                         /* UPDATE */
void fx_delete(struct fx *x, const void *node);                         /* DELETE */
void fx_merge(struct fx *x, const void *node);                          /* MERGE */
void fx_select(struct fx *x, const void *node);                         /* SELECT */
void fx_copy(struct fx *x, const void *node);                           /* COPY */
void fx_create_enum(struct fx *x, const void *node);                    /* CREATE TYPE AS ENUM */
void fx_alter_enum(struct fx *x, const void *node);                     /* ALTER TYPE … VALUE */
void fx_create_domain(struct fx *x, const void *node);                  /* CREATE DOMAIN */
void fx_alter_domain(struct fx *x, const void *node);                   /* ALTER DOMAIN */
void fx_create_composite(struct fx *x, const void *node);               /* CREATE TYPE AS (…) */
void fx_create_sequence(struct fx *x, const void *node);                /* CREATE SEQUENCE */
void fx_alter_sequence(struct fx *x, const void *node);                 /* ALTER SEQUENCE */
void fx_create_function(struct fx *x, const void *node);                /* CREATE FUNCTION */
void fx_transaction(struct fx *x, const void *node);                    /* BEGIN, COMMIT … */
void fx_set_variable(struct fx *x, const void *node);                   /* SET: search_path and TimeZone count */
void fx_nothing(struct fx *x, const void *node);                        /* touches no relation */
void fx_unknown(struct fx *x, const void *node);                        /* known not to be known */
void fx_set_constraints(struct fx *x, const void *node);                /* SET CONSTRAINTS */
void fx_explain(struct fx *x, const void *node);                        /* EXPLAIN */
void fx_prepare(struct fx *x, const void *node);                        /* PREPARE */
void fx_declare_cursor(struct fx *x, const void *node);                 /* DECLARE */
void fx_extension_contents(struct fx *x, const void *node);             /* ALTER EXTENSION … ADD, DROP */
void fx_sec_label(struct fx *x, const void *node);                      /* SECURITY LABEL */
/* A statement within another: of CREATE SCHEMA, of EXPLAIN ANALYZE. */
void fx_dispatch(struct fx *x, const Node *node);
void fx_depends(struct fx *x, const void *node);                        /* ALTER INDEX … DEPENDS ON */
void fx_create_schema(struct fx *x, const void *node);                  /* CREATE SCHEMA with what is in it */
void fx_drop_owned(struct fx *x, const void *node);                     /* DROP OWNED */
void fx_create_range(struct fx *x, const void *node);                   /* CREATE TYPE AS RANGE */
void fx_outside(struct fx *x, const void *node);                        /* no relation, and never in a transaction */
void fx_create_foreign_table(struct fx *x, const void *node);           /* CREATE FOREIGN TABLE */

/* A statement of a body (body.c), before and after it is predicted: what PL/pgSQL refuses whatever the catalog says; and a
 * failure that its block catches or its condition prevents. */
void fx_inside(struct fx *x);
void fx_inside_done(struct fx *x);

/* ALTER INDEX and ALTER TYPE … ATTRIBUTE come as AlterTableStmt. */
void fx_alter_index(struct fx *x, const AlterTableStmt *st);
/* The same for a composite type. */
void fx_alter_composite(struct fx *x, const AlterTableStmt *st);
/* CREATE TABLE … PARTITION OF: the parent's side; child is new. */
void fx_partition_of(struct fx *x, const RangeVar *parent_name, struct w_rel *child, const PartitionBoundSpec *b);

/* partition_proof.c: do the valid CHECKs of r prove that all of its rows are inside of the bound of a partition of parent, or all
 * outside? False when that is not sure. */
bool fx_proven_inside(struct fx *x, const struct w_rel *parent, const struct w_rel *r, const PartitionBoundSpec *b);
bool fx_proven_outside(struct fx *x, const struct w_rel *parent, const struct w_rel *r, const PartitionBoundSpec *b);

#endif
