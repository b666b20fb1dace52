/* Any bytes as a script: parse, and everything that can be asked of a statement. Nothing may crash, and what is said of
 * places must lie within the text. */
#include "sql/expect.h"
#include "sql/sql.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const struct pr_script *s, const struct pr_stmt *stmt, struct pr_arena *a) {
    struct pr_name *names = NULL;
    struct pr_column_name *columns = NULL;
    struct pr_err e = {0};
    const char *text = NULL;
    PR_ASSERT(stmt->offset + stmt->len <= s->len && memcmp(s->text + stmt->offset, stmt->text, stmt->len) == 0);
    PR_ASSERT(stmt->line >= 1 && stmt->end_line >= stmt->line);
    PR_ASSERT((stmt->node == NULL) == (stmt->problem != NULL));
    const size_t n = pr_stmt_names(stmt, a, &names);
    for (size_t i = 0; i < n; i++) PR_ASSERT(names[i].name != NULL && names[i].offset <= s->len);
    const size_t m = pr_stmt_columns(stmt, a, &columns);
    for (size_t i = 0; i < m; i++) {
        PR_ASSERT(columns[i].column != NULL && columns[i].relation != NULL && columns[i].offset <= s->len);
    }
    (void)pr_stmt_outside_tx(stmt);
    (void)pr_stmt_tx_word(stmt);
    if (stmt->node != NULL) {
        PR_ASSERT(strcmp(stmt->tag, "?") != 0);
        if (pr_stmt_deparse(stmt, a, &text, &e) == PR_OK) PR_ASSERT(text != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct pr_arena *a = pr_arena_new(PR_CAP_ARENA);
    struct pr_script s = {0};
    struct pr_err e = {0};
    if (pr_script_parse((const char *)data, size, a, &s, &e) == PR_OK) {
        struct pr_expect *expect = NULL;
        for (size_t i = 0; i < s.n; i++) look_at(&s, &s.stmts[i], a);
        (void)pr_script_expect(&s, a, &expect);
    }
    pr_script_done(&s);
    pr_arena_free(a);
    return 0;
}
