/* catalog.h: reads facts, prints them as JSON and back, fingerprints them, and finds the nearest real name. */
#ifndef PR_CATALOG_CATALOG_H
#define PR_CATALOG_CATALOG_H

#include "catalog/facts.h"
#include "pg/pg.h"
#include "sql/sql.h"

/* A relation asked for by name; schema NULL = through the search_path of the session. */
struct pr_want { const char *schema, *name; };

/* Reads facts of the wanted relations and of what they drag in: partitions and parents, foreign-key partners both ways,
 * the types and functions that they use; an index stands for its table, a view brings what it reads, a type, trigger function,
 * statistics or schema those that use it. A name that the search_path does not lead to is looked for in every schema. n_wants 0 = every user
 * relation. One REPEATABLE READ READ ONLY transaction of its own: not to be called inside one. Sizes and view definitions need
 * ACCESS SHARE on the relations: behind an ACCESS EXCLUSIVE it gives up after 5 s (DB, 55P03). A name that does not exist is no
 * error: it is absent from out->rels. environment is left NULL: the caller knows it.
 * out     in a. Errors DB, DB_SHAPE, TIMEOUT, CONNECT. */
PR_NODISCARD enum pr_code pr_facts_read(struct pr_pg *pg, const struct pr_want *wants, size_t n_wants, struct pr_arena *a,
                                        struct pr_facts **out, struct pr_err *e);

/* The same within the caller's open transaction, as it sees the schema now: what it has changed itself is in. Leaves no setting
 * behind (a savepoint, rolled back), and no lock but ROW EXCLUSIVE on sequences, which the server keeps for whoever reads their
 * value. Errors as pr_facts_read. */
PR_NODISCARD enum pr_code pr_facts_read_inside(struct pr_pg *pg, const struct pr_want *wants, size_t n_wants, struct pr_arena *a,
                                               struct pr_facts **out, struct pr_err *e);

/* The relations that a script touches (targets, referenced and read; not those it creates itself first), for pr_facts_read. A
 * type, function, statistics or schema that it alters or drops is a name as well: it stands for the relations that use it.
 * Never none: for a script that touches nothing that exists it is one name that no relation has. */
size_t pr_facts_wants(const struct pr_script *s, struct pr_arena *a, struct pr_want **out);

/* Exact count(*) of one relation, bounded in time. Errors DB, TIMEOUT. */
PR_NODISCARD enum pr_code pr_facts_count(struct pr_pg *pg, const char *schema, const char *name, int timeout_ms,
                                         int64_t *out, struct pr_err *e);

/* Document (schema "pgrail.facts/1", docs/schema/facts.json) and back. Errors BAD_INPUT: not such a document, with the
 * path of what is wrong. */
json_t *pr_facts_json(const struct pr_facts *f);
PR_NODISCARD enum pr_code pr_facts_from_json(const json_t *j, struct pr_arena *a, struct pr_facts **out, struct pr_err *e);
/* From a file written by `ground --save`. Errors NO_FILE, BAD_INPUT. */
PR_NODISCARD enum pr_code pr_facts_load(const char *path, struct pr_arena *a, struct pr_facts **out, struct pr_err *e);

/* Recomputes fingerprints of rels and whole from the shape, and the index (also done by read and from_json). */
void pr_facts_fingerprint(struct pr_facts *f, struct pr_arena *a);

/* The shape of one relation as lines, one object each, names only: what the fingerprint is made of, and what a schema delta
 * is the difference of. Sorted. */
size_t pr_rel_lines(const struct pr_rel *r, struct pr_arena *a, const char ***out);

/* Lines of a whole database: every relation, type, function, extension, for up-down-up and drift. Errors DB, TIMEOUT. */
struct pr_lines { const char **text; size_t n; const char *fingerprint; };
PR_NODISCARD enum pr_code pr_schema_lines(struct pr_pg *pg, struct pr_arena *a, struct pr_lines *out, struct pr_err *e);
/* The same within the caller's open transaction, as it sees the schema now: what it has changed itself is in. Errors DB, TIMEOUT. */
PR_NODISCARD enum pr_code pr_schema_lines_inside(struct pr_pg *pg, struct pr_arena *a, struct pr_lines *out, struct pr_err *e);
/* before → after: lines gone ("- …") and come ("+ …"), sorted. */
size_t pr_lines_delta(const struct pr_lines *before, const struct pr_lines *after, struct pr_arena *a, const char ***out);

/* The word for a relkind: "table", "partitioned table", "view" …; "relation" for one that we do not know. */
const char *pr_rel_kind_name(char relkind);

/* Makes the finders quick, whatever the size. The arrays must not change any more. */
void pr_facts_index(struct pr_facts *f, struct pr_arena *a);

/* Finders; NULL when absent. schema NULL goes through facts->search_path. */
const struct pr_rel *pr_find_rel(const struct pr_facts *f, const char *schema, const char *name);
const struct pr_rel *pr_find_index_rel(const struct pr_facts *f, const char *schema, const char *index,
                                       const struct pr_idx **idx);         /* table that has this index */
const struct pr_col *pr_find_col(const struct pr_rel *r, const char *name);
const struct pr_con *pr_find_con(const struct pr_rel *r, const char *name);
const struct pr_idx *pr_find_idx(const struct pr_rel *r, const char *name);
const struct pr_typ *pr_find_type(const struct pr_facts *f, const char *schema, const char *name);
bool pr_is_listed(const struct pr_facts *f, const char *schema, const char *name);     /* in all_relations; schema NULL = in any */
bool pr_mentions(const char *const *mentions, size_t n, const char *column);

/* The nearest real names to a wrong one, best first, at most max: word parts (split at _ and camelCase, with synonyms such as
 * amount~cents~total) first, then trigrams, then edit distance. Each with what helps to choose: "integer, not null".
 * Errors none. */
struct pr_near { const char *name, *detail; int score; /* 0..1000 */ };
size_t pr_near_columns(const struct pr_rel *r, const char *wrong, size_t max, struct pr_arena *a, struct pr_near **out);
size_t pr_near_relations(const struct pr_facts *f, const char *wrong, size_t max, struct pr_arena *a, struct pr_near **out);

/* Invalid indexes of the database (not temporary): found before a run they are left alone; after it, ours are cleaned.
 * Errors DB. */
struct pr_invalid { const char *schema, *table, *index; bool ready, live, building; };
PR_NODISCARD enum pr_code pr_invalid_indexes(struct pr_pg *pg, struct pr_arena *a, struct pr_invalid **out, size_t *n,
                                             struct pr_err *e);

#endif
