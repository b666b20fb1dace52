/* grid.h: aligned tables for renderers: rows of cells, widths worked out when all are known, untrusted text made printable. */
#ifndef PR_OPS_GRID_H
#define PR_OPS_GRID_H

#include "ops/ops.h"

struct pr_grid {
    const struct pr_render *r;
    size_t n_cols;                 /* at most 64 */
    const char **cells;            /* row-major */
    size_t n_cells, cap;
    size_t max_chars;              /* of a cell; 0 = 60 */
    int indent;
    uint64_t right;                /* bit i: column i is a number */
};

/* Adds a cell, made printable; NULL shows as nothing. A row is full after n_cols cells. */
void pr_grid_add(struct pr_grid *g, const char *text);

/* Writes all rows; with heads (n_cols of them, may be NULL) above them. Columns stand two blanks apart; the last is not
 * padded. */
void pr_grid_print(const struct pr_grid *g, const char *const *heads);

#endif
