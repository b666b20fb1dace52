#include "ops/grid.h"

#define MOST_COLS 64

/* Characters, not bytes: all but UTF-8's continuation bytes. */
static size_t chars(const char *s) {
    size_t n = 0;
    for (; *s != '\0'; s++)
        if (((unsigned char)*s & 0xc0) != 0x80) n++;
    return n;
}

void pr_grid_add(struct pr_grid *g, const char *text) {
    PR_ASSERT(g->n_cols > 0 && g->n_cols <= MOST_COLS);
    const char *shown = text != NULL ? pr_printable(g->r->a, text, g->max_chars > 0 ? g->max_chars : 60) : "";
    *PR_PUSH(g->r->a, g->cells, g->n_cells, g->cap) = shown;
}

/* mark: the colour of the row, or 0. */
static void row(const struct pr_grid *g, const char *const *cells, const size_t *widths, char mark) {
    struct pr_buf *out = g->r->out;
    pr_addf(out, "%*s", g->indent, "");
    if (mark != '\0') pr_addf(out, "\001%c", mark);
    size_t used = g->n_cols;                                /* no blanks at the end of a line */
    while (used > 0 && cells[used - 1][0] == '\0') used--;
    for (size_t i = 0; i < used; i++) {
        const int pad = (int)(widths[i] - chars(cells[i]));
        const bool right = (g->right >> i & 1) != 0, last = i + 1 == used;
        if (right) pr_addf(out, "%*s%s", pad, "", cells[i]);
        else pr_addf(out, "%s%*s", cells[i], last ? 0 : pad, "");
        if (!last) pr_add(out, "  ");
    }
    pr_add(out, mark != '\0' ? "\002\n" : "\n");
}

void pr_grid_print(const struct pr_grid *g, const char *const *heads) {
    PR_ASSERT(g->n_cols > 0 && g->n_cols <= MOST_COLS && g->n_cells % g->n_cols == 0);
    size_t widths[MOST_COLS] = {0};
    for (size_t i = 0; i < g->n_cells; i++) {
        const size_t n = chars(g->cells[i]);
        if (n > widths[i % g->n_cols]) widths[i % g->n_cols] = n;
    }
    for (size_t i = 0; heads != NULL && i < g->n_cols; i++)
        if (chars(heads[i]) > widths[i]) widths[i] = chars(heads[i]);
    if (heads != NULL) row(g, heads, widths, 'h');
    for (size_t i = 0; i + g->n_cols <= g->n_cells; i += g->n_cols) row(g, g->cells + i, widths, '\0');
}
