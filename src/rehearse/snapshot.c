/* snapshot.c: the relations of the copy, as one session sees them. */
#include "rehearse/inside.h"
#include "sql_files.gen.h"

static int64_t number(const char *cell) { return cell != NULL ? (int64_t)strtoll(cell, NULL, 10) : 0; }

enum pr_code pr_places_read(struct pr_pg *pg, struct pr_arena *a, struct pr_places *out, struct pr_err *e) {
    static const struct pr_pg_stmt relations = {
        .name = "relations of the copy", .sql = pr_sql_rehearse_relations, .shape = PR_ROWS, .n_cols = 7, .timeout_ms = 60000};
    struct pr_pg_rows rows = {0};
    PR_TRY(e, pr_pg_query(pg, &relations, NULL, a, &rows, e));
    struct pr_place *items = PR_NEW_ARRAY(a, struct pr_place, (size_t)rows.n_rows);
    for (int i = 0; i < rows.n_rows; i++)
        items[i] = (struct pr_place){.oid = number(PR_CELL(&rows, i, 0)), .schema = PR_CELL(&rows, i, 1),
                                     .name = PR_CELL(&rows, i, 2), .kind = PR_CELL(&rows, i, 3)[0],
                                     .filenode = number(PR_CELL(&rows, i, 4)), .owner_oid = number(PR_CELL(&rows, i, 5)),
                                     .bytes = number(PR_CELL(&rows, i, 6))};
    *out = (struct pr_places){.items = items, .n = (size_t)rows.n_rows};
    return PR_OK;
}

static int by_oid(const void *key, const void *item) {
    const int64_t oid = *(const int64_t *)key, other = ((const struct pr_place *)item)->oid;
    return oid < other ? -1 : oid > other;
}

const struct pr_place *pr_place_find(const struct pr_places *p, int64_t oid) {
    return p->n > 0 ? bsearch(&oid, p->items, p->n, sizeof *p->items, by_oid) : NULL;
}

const struct pr_place *pr_place_table(const struct pr_places *p, const struct pr_place *of) {
    for (int depth = 0; of != NULL && of->owner_oid != 0 && depth < 3; depth++) {     /* index of TOAST of table */
        const struct pr_place *owner = pr_place_find(p, of->owner_oid);
        if (owner == NULL) return of;
        of = owner;
    }
    return of;
}

const struct pr_place *pr_place_named(const struct pr_places *p, const char *schema, const char *name) {
    for (size_t i = 0; i < p->n; i++)
        if (pr_eq(p->items[i].name, name) && pr_eq(p->items[i].schema, schema)) return &p->items[i];
    return NULL;
}

int64_t pr_place_total(const struct pr_places *p, int64_t table_oid) {
    int64_t sum = 0;
    for (size_t i = 0; i < p->n; i++) {
        const struct pr_place *table = pr_place_table(p, &p->items[i]);
        if (table != NULL && table->oid == table_oid) sum = pr_sat_add(sum, p->items[i].bytes);
    }
    return sum;
}

int64_t pr_place_indexes(const struct pr_places *p, int64_t table_oid) {
    int64_t sum = 0;
    for (size_t i = 0; i < p->n; i++)
        if (p->items[i].kind == 'i' && p->items[i].owner_oid == table_oid) sum = pr_sat_add(sum, p->items[i].bytes);
    return sum;
}
