/* parity.c: is the copy like production. What changes the answer is marked; the rest is listed. */
#include "rehearse/inside.h"
#include "sql_files.gen.h"

#define PATIENCE_MS 20000
#define DELTA_SHOWN 6

struct both { struct pr_pg_rows production, staging; };

static enum pr_code ask_both(const struct pr_rehearsed *all, struct pr_pg *copy, const struct pr_pg_stmt *q, struct pr_arena *a,
                             struct both *out, struct pr_err *e) {
    PR_TRY(e, pr_pg_query(all->target, q, NULL, a, &out->production, e));
    return pr_pg_query(copy, q, NULL, a, &out->staging, e);
}

static void add_item(struct pr_parity *p, struct pr_arena *a, const char *what, const char *production, const char *staging,
                     bool matters, const char *mend) {
    const bool same = pr_eq(production, staging);
    *PR_PUSH(a, p->items, p->n_items, p->cap) = (struct pr_parity_item){
        .what = what, .production = production, .staging = staging, .same = same, .matters = matters && !same, .mend = mend};
}

static const char *value_of(const struct pr_pg_rows *rows, const char *name) {
    for (int i = 0; i < rows->n_rows; i++)
        if (pr_eq(PR_CELL(rows, i, 0), name)) return PR_CELL(rows, i, 1);
    return NULL;
}

static enum pr_code compare_settings(struct pr_rehearsed *all, struct pr_pg *copy, struct pr_arena *a, struct pr_err *e) {
    static const struct pr_pg_stmt settings = {
        .name = "settings", .sql = pr_sql_rehearse_settings, .shape = PR_ROWS, .n_cols = 2, .timeout_ms = PATIENCE_MS};
    struct both b = {0};
    PR_TRY(e, ask_both(all, copy, &settings, a, &b, e));
    for (int i = 0; i < b.production.n_rows; i++) {
        const char *name = PR_CELL(&b.production, i, 0), *there = PR_CELL(&b.production, i, 1);
        const char *here = value_of(&b.staging, name);
        const bool unsafe = pr_eq(name, "fsync") && pr_eq(there, "on");
        const bool less_wal = pr_eq(name, "wal_level") && pr_eq(here, "minimal");
        add_item(&all->parity, a, pr_fmt(a, "setting %s", name), there, here, unsafe || less_wal,
                 pr_fmt(a, "ALTER SYSTEM SET %s = %s; on the staging server, and restart it", name, pr_quote_literal(a, there)));
    }
    return PR_OK;
}

static const char *joined(const struct pr_pg_rows *rows, struct pr_arena *a) {
    struct pr_buf b = {.a = a};
    for (int i = 0; i < rows->n_rows; i++)
        pr_addf(&b, "%s%s %s", i > 0 ? ", " : "", PR_CELL(rows, i, 0), PR_CELL(rows, i, 1));
    return rows->n_rows > 0 ? pr_buf_text(&b) : "none";
}

static enum pr_code compare_database(struct pr_rehearsed *all, struct pr_pg *copy, struct pr_arena *a, struct pr_err *e) {
    static const struct pr_pg_stmt extensions = {
        .name = "extensions", .sql = pr_sql_rehearse_extensions, .shape = PR_ROWS, .n_cols = 2, .timeout_ms = PATIENCE_MS};
    static const struct pr_pg_stmt database = {
        .name = "database", .sql = pr_sql_rehearse_database, .shape = PR_ONE_ROW, .n_cols = 5, .timeout_ms = PATIENCE_MS};
    struct both x = {0}, d = {0};
    PR_TRY(e, ask_both(all, copy, &extensions, a, &x, e));
    PR_TRY(e, ask_both(all, copy, &database, a, &d, e));
    struct pr_parity *p = &all->parity;
    add_item(p, a, "extensions", joined(&x.production, a), joined(&x.staging, a), false,
             "ALTER EXTENSION … UPDATE on staging, to production's versions");
    add_item(p, a, "encoding", PR_CELL(&d.production, 0, 0), PR_CELL(&d.staging, 0, 0), true, "make staging from a copy of production");
    add_item(p, a, "collation", PR_CELL(&d.production, 0, 1), PR_CELL(&d.staging, 0, 1), false, "make staging from a copy of production");
    add_item(p, a, "collation version", PR_CELL(&d.production, 0, 2), PR_CELL(&d.staging, 0, 2), false,
             "use the same C library or ICU on both servers");
    for (int i = 0; i < 2; i++) {
        const struct pr_pg_rows *rows = i == 0 ? &d.production : &d.staging;
        const char *size = pr_human_bytes(a, (int64_t)strtoll(PR_CELL(rows, 0, 3), NULL, 10));
        if (i == 0) add_item(p, a, "database size", size, size, false, NULL);
        else p->items[p->n_items - 1].staging = size;
    }
    p->items[p->n_items - 1].same = pr_eq(p->items[p->n_items - 1].production, p->items[p->n_items - 1].staging);
    return PR_OK;
}

static void compare_versions(struct pr_rehearsed *all, struct pr_arena *a) {
    const int there = all->target_ident->version_num, here = all->staging_ident->version_num;
    add_item(&all->parity, a, "major version", pr_fmt(a, "%d", there / 10000), pr_fmt(a, "%d", here / 10000), true,
             pr_fmt(a, "rehearse on PostgreSQL %d, or give --dump FILE on a machine that has it", there / 10000));
    add_item(&all->parity, a, "version", all->target_ident->version, all->staging_ident->version, false, "install the same minor version");
}

static void compare_shape(struct pr_parity_rel *out, const struct pr_rel *there, const struct pr_rel *here, struct pr_arena *a) {
    out->same = pr_eq(there->fingerprint, here->fingerprint);
    if (out->same) return;
    struct pr_lines production = {0}, staging = {0};
    production.n = pr_rel_lines(there, a, &production.text);
    staging.n = pr_rel_lines(here, a, &staging.text);
    out->n_delta = pr_lines_delta(&production, &staging, a, &out->delta);
    if (out->n_delta > DELTA_SHOWN) out->n_delta = DELTA_SHOWN;
}

static void compare_relations(struct pr_rehearsed *all, struct pr_arena *a) {
    const struct pr_facts *production = all->target_facts;
    struct pr_parity *p = &all->parity;
    p->rels = PR_NEW_ARRAY(a, struct pr_parity_rel, production->n_rels);
    for (size_t i = 0; i < production->n_rels; i++) {
        const struct pr_rel *there = &production->rels[i];
        const struct pr_rel *here = pr_find_rel(all->facts, there->schema, there->name);
        struct pr_parity_rel *out = &p->rels[p->n_rels++];
        *out = (struct pr_parity_rel){.schema = there->schema, .name = there->name, .rows = there->rows, .bytes = there->total_bytes,
                                      .staging_rows = -1, .staging_bytes = -1, .missing = here == NULL};
        if (here == NULL) continue;
        out->staging_rows = here->rows;
        out->staging_bytes = here->total_bytes;
        compare_shape(out, there, here, a);
    }
}

static void tell(const struct pr_rehearsed *all, struct pr_arena *a) {
    const struct pr_parity *p = &all->parity;
    const struct pr_talk *t = all->r->talk;
    for (size_t i = 0; i < p->n_rels; i++) {
        const struct pr_parity_rel *rel = &p->rels[i];
        const struct pr_rel *there = pr_find_rel(all->target_facts, rel->schema, rel->name);
        if (rel->same && (there == NULL || strchr("rpm", there->kind) == NULL)) continue;   /* a view has no rows to tell of */
        if (rel->missing) {
            pr_say(t, PR_LINE_BAD, "%s.%s is not on staging", rel->schema, rel->name);
            continue;
        }
        pr_say(t, rel->same ? PR_LINE_FACT : PR_LINE_BAD, "%s.%s: %s rows, %s here; %s rows, %s in production; shape %s", rel->schema,
               rel->name, pr_human_count(a, rel->staging_rows), pr_human_bytes(a, rel->staging_bytes), pr_human_count(a, rel->rows),
               pr_human_bytes(a, rel->bytes), rel->same ? "the same" : "differs");
        for (size_t j = 0; j < rel->n_delta && j < 3; j++) pr_say(t, PR_LINE_PLAIN, "     %s", pr_printable(a, rel->delta[j], 160));
    }
    for (size_t i = 0; i < p->n_items; i++)
        if (!p->items[i].same)
            pr_say(t, p->items[i].matters ? PR_LINE_WARN : PR_LINE_FACT, "%s: %s in production, %s here", p->items[i].what,
                   p->items[i].production, p->items[i].staging != NULL ? p->items[i].staging : "not there");
}

enum pr_code pr_parity_read(struct pr_rehearsed *all, struct pr_pg *copy, struct pr_arena *a, struct pr_err *e) {
    if (all->target == NULL) {
        all->parity.why = all->target_why;
        pr_say(all->r->talk, PR_LINE_WARN, "production is not known: %s", all->target_why);
        return PR_OK;
    }
    compare_versions(all, a);
    PR_TRY(e, compare_database(all, copy, a, e));
    PR_TRY(e, compare_settings(all, copy, a, e));
    compare_relations(all, a);
    all->parity.known = true;
    tell(all, a);
    return PR_OK;
}
