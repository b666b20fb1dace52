/* judged.h: judging a text in a unit test, with facts built from SQL by the footprint's own world. */
#ifndef TESTS_RULES_JUDGED_H
#define TESTS_RULES_JUDGED_H

#include "rules/rules.h"

static struct pr_side side_of(const char *sql, struct pr_tx *tx) {
    return (struct pr_side){.path = "m/0001_x.up.sql", .text = sql, .len = strlen(sql), .first_line = 1, .tx = tx};
}

struct ask { const char *sql; const struct pr_facts *facts; enum pr_tx_mode tx; bool is_down; const char *runner; const struct pr_config *config; int version; bool lean; size_t group_bytes; };

/* Findings live in a; the script's tree is freed here. Aborts when the text cannot be judged at all. */
static PR_UNUSED struct pr_judged judged(struct pr_arena *a, struct ask q) {
    struct pr_tx tx = {.known = true, .mode = q.tx};
    const struct pr_side side = side_of(q.sql, &tx);
    const struct pr_judge j = {.side = &side, .facts = q.facts, .is_down = q.is_down, .runner = q.runner, .config = q.config, .version_num = q.version, .lean = q.lean, .group_bytes = q.group_bytes};
    struct pr_judged d = {0};
    struct pr_err e = {0};
    if (pr_judge_side(&j, a, &d, &e) != PR_OK) PR_BUG(e.msg);
    pr_judged_done(&d);
    return d;
}

static PR_UNUSED const struct pr_finding *found(const struct pr_judged *d, const char *rule) {
    for (size_t i = 0; i < d->findings.n; i++)
        if (pr_eq(d->findings.items[i].rule, rule)) return &d->findings.items[i];
    return NULL;
}

/* The facts after `setup` ran on an empty database, every table with that many rows (200 bytes each). */
static PR_UNUSED struct pr_facts *facts_of(struct pr_arena *a, const char *setup, int version, int64_t rows) {
    static const char *const path[] = {"public"};
    struct pr_facts *nothing = PR_NEW(a, struct pr_facts);
    *nothing = (struct pr_facts){.version_num = version, .whole = true, .time_zone = "UTC", .search_path = path, .n_search_path = 1};
    struct pr_facts *f = PR_NEW(a, struct pr_facts);
    *f = *pr_world_whole(judged(a, (struct ask){.sql = setup, .facts = nothing, .tx = PR_TX_EACH, .version = version}).after);
    for (size_t i = 0; i < f->n_rels; i++) {
        struct pr_rel *r = &f->rels[i];
        r->rows = rows;
        r->rows_trusted = true;
        r->is_new = false;                                   /* the setup was another run */
        r->table_bytes = r->total_bytes = rows * 200;
        r->pages = r->table_bytes / 8192;
    }
    return f;
}

#endif
