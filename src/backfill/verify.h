/* verify.h: is a backfill whole? What its cut offers, asked chunk by chunk along the key, so that nothing is read for long. */
#ifndef PR_BACKFILL_VERIFY_H
#define PR_BACKFILL_VERIFY_H

#include "backfill/backfill.h"

struct pr_bf_proving {
    struct pr_pg *pg;              /* a session of its own, without an open transaction */
    int64_t chunk;                 /* rows of one query; > 0 */
    int64_t first;                 /* keys that are told of rows that are wrong, of each kind and walk */
    int timeout_ms;                /* of one query, and of one verify query of the header */
    /* Called before each chunk: the place to wait and to stop (its error ends the proof). May be NULL. */
    enum pr_code (*pause)(void *ctx, int64_t rows_done, struct pr_err *e);
    void *ctx;
};

/* Rows that are left and rows without their new values, old against new in count, sum and row, and the header's own queries.
 * What expressions cannot be computed for (rows that were set aside) makes the proof fail with the server's error.
 *
 * out     a new document (schema "pgrail.backfill-proof/1"): {ok, rows, left, wrong, wrong_rows: [{table, key: [text]}],
 *         compare: [{was, is, derived, was_count, is_count, was_sum, is_sum, differ, rows}], verify: [{line, ok, said}]}; null where
 *         nothing can be said. ok: no row lacks its new values (no row is left, where those cannot be computed), no pair differs,
 *         every query of the header is content. Rows may be left all the same, when their new value is null.
 * Errors  DB, TIMEOUT, CONNECT, INTERRUPTED, and what pause gives. */
PR_NODISCARD enum pr_code pr_bf_prove(const struct pr_bf_proving *how, const struct pr_bf_file *f, const struct pr_bf_cut *c, struct pr_arena *a,
                                      json_t **out, struct pr_err *e);

/* Only the rows that the condition still holds for; -1 when it does not tell which are done. first is not looked at.
 * Errors  DB, TIMEOUT, CONNECT, INTERRUPTED, and what pause gives. */
PR_NODISCARD enum pr_code pr_bf_count_left(const struct pr_bf_proving *how, const struct pr_bf_cut *c, struct pr_arena *a, int64_t *out, struct pr_err *e);

#endif
