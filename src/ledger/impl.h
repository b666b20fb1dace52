/* impl.h: between the files of src/ledger; nobody else includes it. */
#ifndef PR_LEDGER_IMPL_H
#define PR_LEDGER_IMPL_H

#include "ledger/ledger.h"

struct pr_ledger { struct pr_store *store; char *project; };

#define PR_STORE_CELL(r, row, col) ((r)->cells[(size_t)(row) * (size_t)(r)->n_cols + (size_t)(col)])

/* A number or a document of a cell; a ledger that was tampered with is an error, not a surprise. Errors STORE. */
PR_NODISCARD enum pr_code pr_cell_int(const struct pr_store_rows *r, int row, int col, int64_t *out, struct pr_err *e);
PR_NODISCARD enum pr_code pr_cell_json(const struct pr_store_rows *r, int row, int col, json_t **out, struct pr_err *e);
const char *pr_int_text(struct pr_arena *a, int64_t n);
const char *pr_now(struct pr_arena *a);

#endif
