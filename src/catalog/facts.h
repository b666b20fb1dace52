/* facts.h: what pgrail knows of a live catalog, read-only to all but catalog/ and the footprint's world (which works on a
 * copy). All strings live in the arena of the facts. Amounts: rows are estimates unless said, sizes in bytes.
 * Source  PostgreSQL system catalogs, https://www.postgresql.org/docs/current/catalogs.html */
#ifndef PR_CATALOG_FACTS_H
#define PR_CATALOG_FACTS_H

#include "base/base.h"

/* Of a column, what a server alone tells, and seldom has anything to tell. */
struct pr_col_more {
    const char *comment;
    const char *const *enum_values; size_t n_enum_values;   /* when the type is an enum */
    int64_t seq_last, seq_max;     /* of the sequence that the column owns; 0 = none, or not to be seen */
};

struct pr_col {
    const char *name;
    const char *type;              /* format_type(): "character varying(20)" */
    const char *base_type;         /* of a domain: its base's format_type; else NULL */
    const char *type_schema;       /* "pg_catalog" for built-in ones */
    int typmod;
    int position;                  /* among live columns, 1-based */
    bool not_null, has_default, domain_constrained;
    bool not_null_valid;           /* false: an 18 NOT VALID not-null constraint; true for nullable columns too */
    bool all_null;                 /* in a world: added in this run without a value; see w_all_null */
    char identity;                 /* 'a', 'd' or 0 */
    char generated;                /* 's' stored, 'v' virtual or 0 */
    const char *default_sql;       /* pg_get_expr, also of generated columns; NULL = none */
    const char *collation;         /* NULL = default */
    const struct pr_col_more *more;    /* NULL: nothing of it */
};

struct pr_con {
    const char *name;
    char type;                     /* c p u f x n t as pg_constraint.contype */
    bool validated, enforced, deferrable;
    bool inbound;                  /* a foreign key of another table on this one: schema/table in ref_* is that other table;
                                    * cols are ours always, ref_cols theirs; index is ours that it leans on */
    const char *def;               /* pg_get_constraintdef */
    const char *const *cols; size_t n_cols;
    const char *ref_schema, *ref_table;                    /* foreign keys */
    const char *const *ref_cols; size_t n_ref_cols;
    const char *index;             /* index behind it, or NULL */
};

struct pr_idx {
    const char *name, *def;        /* pg_get_indexdef */
    const char *method;            /* btree */
    const char *const *cols; size_t n_cols;                /* key columns; an expression is "(expr)" */
    const char *const *mentions; size_t n_mentions;        /* every column that it depends on: keys, INCLUDE, expressions, predicate */
    bool unique, primary, valid, ready, live, has_expressions, is_partial, default_order;
    const char *constraint;        /* constraint that it belongs to, or NULL */
    int64_t bytes, scans;
};

struct pr_trg { const char *name, *def, *function; const char *const *mentions; size_t n_mentions; bool enabled; };
struct pr_pol { const char *name, *def; const char *const *mentions; size_t n_mentions; };

/* What depends on the relation, from pg_depend: views, materialized views, rules, functions with an SQL body, sequences
 * owned, extended statistics, publications. */
struct pr_dep {
    const char *kind;              /* "view", "materialized view", "rule", "function", "sequence", "statistics", "publication",
                                    * "generated column" (name: the column), "column" (of the row type; name: "table.column") */
    const char *schema, *name;     /* schema NULL: a publication */
    const char *const *mentions; size_t n_mentions;        /* columns of ours that it names; 0 = the relation as a whole */
};

/* Of a relation, what a server alone tells. */
struct pr_rel_more {
    const char *last_analyze;      /* ISO time or NULL */
    int64_t seq_scans, idx_scans, inserted, updated, deleted, live_rows, dead_rows;
    const char *comment;
};

struct pr_rel {
    const char *schema, *name;
    char kind;                     /* relkind: r p v m i I S f c t */
    char persistence;              /* p u t */
    char replica_identity;         /* d n f i */
    bool rows_trusted;             /* false: never analyzed, over 20 % written since, or a size that moved by over 20 % */
    bool row_security, force_row_security;
    bool is_default_partition, detach_pending;
    bool is_new;                   /* made by an earlier migration of the same run: nobody uses it yet */
    bool shape_unknown;            /* made by a query that was only foretold: there, but its columns are not known */
    bool published;                /* in a publication, FOR ALL TABLES included */
    int dropped_cols;              /* they count towards 1600 */
    int64_t oid;                   /* of the server the facts were read from; never part of a fingerprint */
    const char *owner;
    int64_t rows;                  /* reltuples scaled to the present size, as the planner does; of its partitions together; a guess
                                    * from the size when never analyzed */
    int64_t pages, table_bytes, index_bytes, total_bytes, toast_bytes;
    const struct pr_rel_more *more;    /* NULL: nothing of it */
    const char *options;           /* reloptions, sorted, or NULL */
    const char *partition_of_schema, *partition_of;        /* parent, or NULL */
    const char *partition_bound, *partition_key;
    const char *const *partitions; size_t n_partitions;    /* "schema.name" of children (partitions or inheritance) */
    struct pr_col *cols; size_t n_cols;
    struct pr_con *cons; size_t n_cons;
    struct pr_idx *idxs; size_t n_idxs;
    struct pr_trg *trgs; size_t n_trgs;
    struct pr_pol *pols; size_t n_pols;
    struct pr_dep *deps; size_t n_deps;
    const char *view_def;          /* views and materialized views */
    const char *acl;               /* what differs from the owner's defaults, sorted: "app:SELECT, app:UPDATE(note)"; NULL = nothing */
    const char *managed_by;        /* "timescaledb", "citus", "pg_partman": an extension that does DDL on it by itself; NULL = none */
    const char *fingerprint;       /* SHA-256 hex of its shape: no OIDs, sizes, estimates or statistics */
};

/* A type that migrations touch: enums, domains and composite types. */
struct pr_typ {
    const char *schema, *name;
    char kind;                     /* e enum, d domain, c composite */
    const char *const *values; size_t n_values;            /* enum labels in order */
    const char *base_type;         /* domain */
    bool constrained;              /* domain with NOT NULL or CHECK */
    const char *const *used_by; size_t n_used_by;          /* "schema.table.column"; "schema.table" made OF it */
};

struct pr_fn { const char *schema, *name, *args; char volatility; /* i s v */ const char *language, *body; };

/* Who answers the finders of catalog.h instead of a look through the arrays: an index over them, or a world in which statements have
 * run since. Schema and name as they are; a schema that is NULL means any, but for rel. */
struct pr_finder {
    const void *ctx;
    const struct pr_rel *(*rel)(const void *ctx, const char *schema, const char *name);
    const struct pr_rel *(*table_of)(const void *ctx, const char *schema, const char *index);
    const struct pr_typ *(*type)(const void *ctx, const char *schema, const char *name);
    bool (*listed)(const void *ctx, const char *schema, const char *name);             /* in all_relations */
    bool (*listed_index)(const void *ctx, const char *schema, const char *name);       /* in all_indexes */
};

/* A role that most tables of a schema (kind r) or most sequences (S) are granted to: the application's, most likely. */
struct pr_grantee {
    const char *schema, *role;
    char kind;
    int64_t has, of;               /* relations that it has anything on, of so many */
    const char *privileges;        /* those that it has on most of them: "SELECT, INSERT" */
};

/* pg_default_acl: what new objects of `owner` are granted by themselves. */
struct pr_default_grant { const char *owner, *schema; /* NULL = in all */ char kind; const char *const *roles; size_t n_roles; };

struct pr_orphans;                  /* orphans.h */

struct pr_facts {
    int version_num;               /* 150018 */
    const char *database, *system_id, *environment;
    const char *taken_at;          /* ISO time */
    const char *time_zone;
    const char *const *search_path; size_t n_search_path;  /* resolved schemas, in order, pg_catalog left out */
    struct pr_rel *rels; size_t n_rels;                    /* asked for, and those they drag in (partners, partitions) */
    const char *const *all_relations; size_t n_all_relations;  /* "schema.name" of every user relation, for "did you mean" */
    struct pr_typ *types; size_t n_types;
    struct pr_fn *fns; size_t n_fns;                       /* user functions that defaults, triggers and checks may call */
    const char *const *all_indexes; size_t n_all_indexes;  /* "schema.name" of every user index; none in facts of older files */
    int64_t max_locks;             /* max_locks_per_transaction × (max_connections + max_prepared_transactions) */
    int standbys;                  /* physical ones that are connected */
    bool tx_pooled;                /* the facts came through a pooler that may hand the session to others after each transaction */
    const char *role;              /* that the facts were read as, and that migrations run as; NULL = not known */
    bool role_super;
    const char *const *role_of; size_t n_role_of;          /* roles whose rights it has, itself included */
    struct pr_grantee *grantees; size_t n_grantees;
    struct pr_default_grant *default_grants; size_t n_default_grants;
    bool publishes_all;            /* a publication FOR ALL TABLES publishes updates or deletes: new tables too */
    bool whole;                    /* every user relation was read: an absent name does not exist */
    const char *fingerprint;       /* of all rels, in name order */
    const struct pr_orphans *orphans; size_t n_orphans;    /* of references that a script touches, counted live (pr_facts_orphans); not in documents:
                                                            * rows come and go */
    const struct pr_finder *finder;                        /* NULL = none. In the facts of a world (pr_world_facts) the arrays are those
                                                            * that it began with: ask pr_find_* */
};

#endif
