/* store.h: the only module that includes SQLite. One file of local state; statements are SQL text with text parameters.
 * Durable when a call returns (WAL, synchronous FULL). Source https://www.sqlite.org/c3ref/intro.html */
#ifndef PR_STORE_STORE_H
#define PR_STORE_STORE_H

#include "base/base.h"

struct pr_store;

/* Opens or creates the file (0600, parents 0700) and brings its schema up to `schema`: an array of n scripts, each of which
 * lifts the file by one version (PRAGMA user_version). Errors STORE: not a database, newer than this program, no space,
 * locked for longer than 5 s. */
PR_NODISCARD enum pr_code pr_store_open(const char *path, const char *const *schema, int n, struct pr_store **out,
                                        struct pr_err *e);
void pr_store_close(struct pr_store *s);
void pr_store_closep(struct pr_store **s);

struct pr_store_rows { int n_rows, n_cols; const char **cells; };
/* Runs one statement; params are bound as text (NULL = null). out may be NULL. Errors STORE. */
PR_NODISCARD enum pr_code pr_store_run(struct pr_store *s, const char *sql, const char *const *params, int n_params,
                                       struct pr_arena *a, struct pr_store_rows *out, struct pr_err *e);
int64_t pr_store_last_id(struct pr_store *s);

#endif
