/* Any bytes as a script: parse, everything that can be asked of a statement, and the whole judge, without facts and on an empty database.
 * Nothing may crash, and what is said of places must lie within the text. */
#include "rules/rules.h"
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

/* What stands in bodies: places lead back into the text, and names and columns can be asked for. */
static void look_into(const struct pr_script *s, struct pr_arena *a) {
    struct pr_script flat PR_CLEANUP(pr_script_done) = {0};
    pr_script_flat(s, NULL, 0, a, &flat);
    for (size_t i = 0; i < flat.n; i++) {
        const struct pr_stmt *stmt = &flat.stmts[i];
        struct pr_name *names = NULL;
        struct pr_column_name *columns = NULL;
        PR_ASSERT(stmt->index == (int)i && stmt->top >= 0 && (size_t)stmt->top < s->n);
        PR_ASSERT(memcmp(flat.text + stmt->offset, stmt->text, stmt->len) == 0);
        PR_ASSERT(pr_script_place(&flat, stmt->offset) <= s->len && pr_script_place(&flat, stmt->offset + stmt->len) <= s->len);
        PR_ASSERT((stmt->node == NULL) == (stmt->problem != NULL) && stmt->line >= 1 && stmt->end_line >= stmt->line);
        const size_t n = pr_stmt_names(stmt, a, &names);
        for (size_t k = 0; k < n; k++) PR_ASSERT(pr_script_place(&flat, names[k].offset) <= s->len);
        const size_t m = pr_stmt_columns(stmt, a, &columns);
        for (size_t k = 0; k < m; k++) PR_ASSERT(pr_script_place(&flat, columns[k].offset) <= s->len);
        (void)pr_stmt_outside_tx(stmt);
        (void)pr_stmt_tx_word(stmt);
    }
}

static void judge(const char *text, size_t size, const struct pr_facts *facts, enum pr_tx_mode tx, bool lean, struct pr_arena *a) {
    struct pr_tx mode = {.known = true, .mode = tx};
    const struct pr_side side = {.path = "m/0001_x.up.sql", .text = text, .len = size, .first_line = 1, .tx = &mode};
    struct pr_judged d PR_CLEANUP(pr_judged_done) = {0};
    struct pr_err e = {0};
    if (pr_judge_side(&(struct pr_judge){.side = &side, .facts = facts, .lean = lean, .group_bytes = lean ? 60 : 0}, a, &d, &e) != PR_OK) return;
    for (size_t i = 0; i < d.findings.n; i++) {
        const struct pr_finding *f = &d.findings.items[i];
        PR_ASSERT(f->rule != NULL && f->title != NULL && f->line >= 1 && f->col >= 1 && f->width >= 1 && f->offset <= size);
        json_decref(pr_finding_json(f, NULL));
    }
    for (size_t i = 0; i < d.run.n; i++) json_decref(pr_footprint_json(&d.run.stmts[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const path[] = {"public"};
    static const struct pr_facts nothing = {.version_num = 180000, .whole = true, .time_zone = "UTC", .search_path = path, .n_search_path = 1};
    struct pr_arena *a = pr_arena_new(PR_CAP_ARENA);
    struct pr_script s = {0};
    struct pr_err e = {0};
    if (pr_script_parse((const char *)data, size, a, &s, &e) == PR_OK) {
        struct pr_expect *expect = NULL;
        for (size_t i = 0; i < s.n; i++) look_at(&s, &s.stmts[i], a);
        look_into(&s, a);
        (void)pr_script_expect(&s, a, &expect);
        const char *text = pr_dupn(a, (const char *)data, size);
        judge(text, size, NULL, PR_TX_EACH, false, a);
        judge(text, size, NULL, PR_TX_ONE, true, a);
        judge(text, size, &nothing, PR_TX_ONE, false, a);
    }
    pr_script_done(&s);
    pr_arena_free(a);
    return 0;
}
