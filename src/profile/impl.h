/* impl.h: what the files of profile/ share. A reading goes through the relation in parts: the one part of a sample or of a relation
 * that has no key, else ranges of a key or of blocks. Each part is a transaction, in which every facility counts what it wants.
 * Errors  as pr_profile. */
#ifndef PR_PROFILE_IMPL_H
#define PR_PROFILE_IMPL_H

#include <locale.h>

#include "profile/profile.h"

#define PR_MOST_KEYS 5                          /* of rows that are named for a question */
#define PR_BIG_VALUE 65536                      /* bytes; a value over that is not looked into */
#define PR_NUMBER_FORM "^\\s*[-+]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][-+]?[0-9]{1,2})?\\s*$"     /* text that reads as a number */

locale_t pr_mask_open(void);                    /* for pr_mask_in; may be none */
void pr_mask_closep(locale_t *utf8);            /* for PR_CLEANUP */
const char *pr_mask_in(locale_t utf8, struct pr_arena *a, const char *text);   /* pr_profile_mask, for many texts */

enum pr_data_class { PR_DATA_TEXT, PR_DATA_NUMBER, PR_DATA_TIME, PR_DATA_CLOCK, PR_DATA_BOOL, PR_DATA_ENUM, PR_DATA_JSON, PR_DATA_JSONB,
                     PR_DATA_BYTEA, PR_DATA_ARRAY, PR_DATA_OTHER, PR_DATA_COUNT };
const char *pr_data_class_name(enum pr_data_class c);       /* "text", "number" … */

/* What is counted by one aggregate statement; SUM adds over the parts, MIN and MAX do what they say. */
enum pr_counter { PR_C_VALUES, PR_C_EMPTY, PR_C_PADDED, PR_C_NUMERIC, PR_C_BIG, PR_C_ZERO, PR_C_NEGATIVE, PR_C_FRACTION, PR_C_NAN,
                  PR_C_INFINITE, PR_C_FUTURE, PR_C_TRUE, PR_C_SUM_LENGTH, PR_C_MEASURED, PR_C_MIN_LENGTH, PR_C_MAX_LENGTH, PR_C_COUNT };

/* Texts with how often they were seen, bounded: what comes when it is full is counted as other. */
struct pr_tally_item { const char *text; int64_t n; };
struct pr_tally { struct pr_map map; struct pr_tally_item *items[4096]; size_t n, most; int64_t seen, other; };
struct pr_tally *pr_tally_new(struct pr_arena *a, size_t most);                /* at most 4096 */
void pr_tally_add(struct pr_tally *t, const char *text, int64_t n);            /* text is copied */
void pr_tally_sort(struct pr_tally *t);         /* often first, then by text; nothing may be added any more */

/* Parts in which something was seen, the first few: where to look for rows that show it. */
struct pr_places { size_t part[PR_MOST_KEYS]; size_t n; };
void pr_places_add(struct pr_places *p, size_t part);

struct pr_data_col {
    const char *name, *ident;      /* ident: t."name" */
    const char *type, *base;       /* as declared; bare of domains and modifiers */
    const char *bare;              /* pg_type.typname of a built-in type, else "" */
    enum pr_data_class cls;
    bool readable, groupable, wanted;
    int64_t rows, counts[PR_C_COUNT];
    const char *min, *max;
    struct pr_places padded, nan, infinite, future, empty;
    struct pr_tally *patterns;     /* text; of an enum its labels */
    int64_t different, once, top;  /* values, values seen once, rows of the most frequent one */
    enum { PR_DISTINCT_UNKNOWN, PR_DISTINCT_EXACT, PR_DISTINCT_UNIQUE, PR_DISTINCT_SAMPLE } distinct;
    struct pr_json_tree *json;
};

struct pr_data_part { const char *lo, *hi; };   /* SQL conditions, NULL = none */

enum pr_data_way { PR_WAY_SAMPLE, PR_WAY_KEY, PR_WAY_BLOCKS, PR_WAY_ONE };

struct pr_profile_run {
    struct pr_pg *pg;
    const struct pr_profile_ask *ask;
    struct pr_arena *a;
    int version;
    const char *table, *own_path;  /* quoted; the session's search_path */
    bool no_encoding;              /* SQL_ASCII: texts need not be UTF-8 */
    enum pr_data_way way;
    const char *why_one;           /* no key: why the whole is one statement */
    const char *percent;           /* of the sample */
    int64_t aimed, part_rows;
    const struct pr_col **key; size_t n_key;   /* by which parts are cut */
    const char *key_list;          /* t."a", t."b" */
    const char *row_name;          /* SQL text that names a row for people, or NULL */
    const char *row_form;          /* "id", "a, b", "ctid", or NULL */
    struct pr_data_col *cols; size_t n_cols;
    bool whole_select, row_security;           /* SELECT on the whole relation; rows may be hidden from the role */
    struct pr_data_part *parts; size_t n_parts, cap_parts;
    const char *last_key;          /* upper end of the last part, as a list of literals */
    int64_t block, part_blocks;    /* where the next part begins */
    bool at_end;
    int64_t rows, deadline_us, started_us, elapsed_us;
    bool cut;                      /* out of time */
    const char *cut_at;            /* what was not done any more, in words */
    struct pr_cast_count *casts;
    struct pr_split_count *splits;
    const char **notes; size_t n_notes, cap_notes;
    struct pr_question *questions; size_t n_questions, cap_questions;
};
/* Facts of the reading that a person must know; printf-like. */
PR_FORMAT(2, 3) void pr_profile_note(struct pr_profile_run *p, const char *fmt, ...);

/* A statement of ours, built at run time, in what is left of the time. */
PR_NODISCARD enum pr_code pr_profile_ask_rows(struct pr_profile_run *p, const char *what, const char *sql, int n_cols,
                                              struct pr_arena *a, struct pr_pg_rows *out, struct pr_err *e);
bool pr_profile_out_of_time(const struct pr_profile_run *p, const struct pr_err *e);       /* what failed, failed for want of time */
void pr_profile_show(struct pr_profile_run *p, const char *phase);                          /* progress */

/* part.c: how the relation is read. */
PR_NODISCARD enum pr_code pr_parts_choose(struct pr_profile_run *p, struct pr_err *e);
PR_NODISCARD enum pr_code pr_parts_begin(struct pr_profile_run *p, struct pr_err *e);       /* a transaction with its limits */
PR_NODISCARD enum pr_code pr_parts_end(struct pr_profile_run *p, struct pr_err *e);
void pr_parts_abort(struct pr_profile_run *p);
PR_NODISCARD enum pr_code pr_parts_next(struct pr_profile_run *p, bool *more, struct pr_err *e);   /* adds a part, in its transaction */
const char *pr_part_from(const struct pr_profile_run *p, size_t part, struct pr_arena *a); /* "FROM … AS t … WHERE …" */
const char *pr_part_from_if(const struct pr_profile_run *p, size_t part, const char *cond, struct pr_arena *a);
const char *pr_all_from(const struct pr_profile_run *p, struct pr_arena *a);               /* all that is read: the sample, or the relation */
/* Names of the first rows for which cond holds, in the parts of places: a JSON array, empty when rows have no names. */
PR_NODISCARD enum pr_code pr_parts_keys(struct pr_profile_run *p, const struct pr_places *places, const char *cond, json_t *out,
                                        struct pr_err *e);

/* columns.c, patterns.c, distinct.c, json.c, cast.c, split.c: what is counted. */
PR_NODISCARD enum pr_code pr_columns_read(struct pr_profile_run *p, struct pr_err *e);      /* p->cols */
PR_NODISCARD enum pr_code pr_columns_count(struct pr_profile_run *p, size_t part, struct pr_err *e);
PR_NODISCARD enum pr_code pr_patterns_count(struct pr_profile_run *p, size_t part, struct pr_err *e);
PR_NODISCARD enum pr_code pr_distinct_count(struct pr_profile_run *p, struct pr_err *e);
PR_NODISCARD enum pr_code pr_json_count(struct pr_profile_run *p, size_t part, struct pr_err *e);
PR_NODISCARD enum pr_code pr_casts_prepare(struct pr_profile_run *p, struct pr_err *e);
PR_NODISCARD enum pr_code pr_casts_count(struct pr_profile_run *p, size_t part, struct pr_err *e);
PR_NODISCARD enum pr_code pr_splits_count(struct pr_profile_run *p, size_t part, struct pr_err *e);

const char *pr_sql_about(struct pr_arena *a, const char *sql, const char *x);              /* sql with x for each $, but not for $' */
struct pr_data_col *pr_profile_col(const struct pr_profile_run *p, const char *name);      /* NULL when it has none */
const char *pr_spot_sql(const struct pr_profile_run *p, const struct pr_profile_spot *s, const char *column);  /* over the column, as SQL */
const char *pr_spot_text(struct pr_arena *a, const struct pr_profile_spot *s);             /* "vat_data.rate" */
const char *pr_json_path_literal(struct pr_arena *a, const char *const *keys, size_t n);   /* '{a,"b c"}' quoted as SQL */

/* Questions, and the document. */
struct pr_question {
    const char *id, *kind, *subject, *text;
    int64_t n, of;
    const char *const *choices;    /* NULL-terminated */
    const struct pr_places *places;            /* with cond: where its rows are to be found; or keys */
    const char *cond;
    json_t *keys;                  /* stolen; NULL = look for them */
};
void pr_ask_question(struct pr_profile_run *p, struct pr_question q);
void pr_questions_of_columns(struct pr_profile_run *p);
void pr_questions_of_json(struct pr_profile_run *p, struct pr_data_col *c);
void pr_questions_of_casts(struct pr_profile_run *p);
void pr_questions_of_splits(struct pr_profile_run *p);
PR_NODISCARD enum pr_code pr_questions_keys(struct pr_profile_run *p, struct pr_err *e);
json_t *pr_profile_doc(struct pr_profile_run *p);

#endif
