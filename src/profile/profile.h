/* profile.h: what the data of a relation look like, counted by the server: nulls, distinct values, extremes, lengths, patterns, keys
 * of JSON, values that a cast or a split would fail on. Reads only. What leaves it holds no row data but extremes of numbers and
 * dates and the keys by which rows are found (see pr_profile_mask): texts are patterns of letter classes. */
#ifndef PR_PROFILE_PROFILE_H
#define PR_PROFILE_PROFILE_H

#include "catalog/catalog.h"

/* A column, or what stands in it under some keys of a JSON document. */
struct pr_profile_spot { const char *column; const char *const *keys; size_t n_keys; };
struct pr_profile_cast { struct pr_profile_spot spot; const char *type; /* SQL of one type name, checked by pr_type_check */ };
struct pr_profile_split { struct pr_profile_spot spot; const char *by; };

struct pr_profile_ask {
    const struct pr_rel *rel;      /* from facts of now */
    const char *const *columns; size_t n_columns;          /* that exist; none = all */
    const struct pr_profile_cast *casts; size_t n_casts;
    const struct pr_profile_split *splits; size_t n_splits;
    bool whole;                    /* every row, not a sample */
    int64_t rows;                  /* to aim at with a sample; a relation with fewer is read whole */
    bool bernoulli;                /* single rows instead of whole pages */
    int64_t seed;
    int64_t timeout_ms;            /* for all of it */
    const struct pr_talk *talk;
};

/* The words for pr_profile_split.by, NULL-terminated: "first-space", "comma" … */
extern const char *const pr_profile_separators[];

/* Reads and counts. Statements are short and each part of a whole reading is a transaction of its own, so that nothing is held
 * back; a lock that does not come within 2 s is an error. Out of time, the document says what was not read (read.complete).
 * out     document without its head ("relation", "read", "columns", "casts", "splits", "questions" …), owned by the caller.
 * Errors  DB (42846: there is no such cast), TIMEOUT (before anything was read), INTERRUPTED, CONNECT, DB_SHAPE. */
PR_NODISCARD enum pr_code pr_profile(struct pr_pg *pg, const struct pr_profile_ask *ask, struct pr_arena *a, json_t **out,
                                     struct pr_err *e);

/* The pattern of a text: a run of letters is A+, a+ or Aa+ as its case is ("A", "a" when it is one letter), n digits are 9{n}, white
 * space one blank, ASCII punctuation stands for itself; other letters are "x+", other signs "*". Of at most 64 characters, then "…". */
const char *pr_profile_mask(struct pr_arena *a, const char *text);

#endif
