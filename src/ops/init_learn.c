/* init_learn.c: which conventions the live schema follows. Nine of ten, of five and more, make one: below that it is a habit of
 * some, and is shown as a comment with its share. */
#include "ops/init.h"
#include "rules/rules.h"

enum { ENOUGH = 5, MOST_NAMES = 12 };

struct learning { const struct pr_facts *f; struct pr_arena *a; struct pr_learned *list; size_t n, cap; };
struct share { int64_t follow, of; };

/* A table that somebody designed: not a partition, and not ours. */
static bool counts(const struct pr_rel *r) {
    return (r->kind == 'r' || r->kind == 'p') && r->partition_of == NULL && !pr_eq(r->schema, "pgrail");
}

static void learn(struct learning *l, const char *key, const char *value, struct share s, const char *what) {
    if (s.of == 0 || s.follow == 0 || value == NULL) return;
    *PR_PUSH(l->a, l->list, l->n, l->cap) = (struct pr_learned){
        .key = key, .value = value, .on = s.of >= ENOUGH && s.follow * 10 >= s.of * 9,
        .words = pr_fmt(l->a, "%" PRId64 " of %" PRId64 " %s", s.follow, s.of, what)};
}

/* --- types --------------------------------------------------------------------------------------------------------- */

static const struct pr_con *single_key(const struct pr_rel *r) {
    for (size_t i = 0; i < r->n_cons; i++)
        if (r->cons[i].type == 'p' && r->cons[i].n_cols == 1) return &r->cons[i];
    return NULL;
}

static bool refers(const struct pr_rel *r, const char *column) {
    for (size_t i = 0; i < r->n_cons; i++)
        if (r->cons[i].type == 'f' && !r->cons[i].inbound && pr_mentions(r->cons[i].cols, r->cons[i].n_cols, column)) return true;
    return false;
}

static void learn_key_type(struct learning *l) {
    static const char *const types[] = {"bigint", "integer", "uuid", "smallint"};
    struct share s[PR_COUNT(types)] = {{0}};
    size_t best = 0;
    int64_t of = 0;
    for (size_t i = 0; i < l->f->n_rels; i++) {
        const struct pr_rel *r = &l->f->rels[i];
        const struct pr_con *key = counts(r) ? single_key(r) : NULL;
        const struct pr_col *col = key != NULL && !refers(r, key->cols[0]) ? pr_find_col(r, key->cols[0]) : NULL;
        for (size_t t = 0; col != NULL && t < PR_COUNT(types); t++) {
            if (!pr_eq(col->type, types[t])) continue;
            s[t].follow++;
            of++;
            if (s[t].follow > s[best].follow) best = t;
        }
    }
    if (best + 1 == PR_COUNT(types)) return;               /* smallint is no type to propose */
    s[best].of = of;
    learn(l, "key_type", types[best], s[best], pr_fmt(l->a, "keys are %s", types[best]));
}

static void learn_timestamp_type(struct learning *l) {
    struct share with = {0};
    for (size_t i = 0; i < l->f->n_rels; i++)
        for (size_t k = 0; counts(&l->f->rels[i]) && k < l->f->rels[i].n_cols; k++) {
            const char *type = l->f->rels[i].cols[k].type;
            if (!pr_starts(type, "timestamp") || pr_ends(type, "[]")) continue;
            with.of++;
            with.follow += pr_ends(type, "with time zone");
        }
    const bool is_with = with.follow * 2 >= with.of;
    if (!is_with) with.follow = with.of - with.follow;
    learn(l, "timestamp_type", is_with ? "timestamptz" : "timestamp", with, is_with ? "points in time are timestamptz" : "points in time are timestamp");
}

static bool is_snake_case(const char *s) {
    return ((*s >= 'a' && *s <= 'z') || *s == '_') && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(s);
}

static void learn_names(struct learning *l) {
    struct share s = {0};
    for (size_t i = 0; i < l->f->n_rels; i++) {
        const struct pr_rel *r = &l->f->rels[i];
        if (!counts(r)) continue;
        s.of += 1 + (int64_t)r->n_cols;
        s.follow += is_snake_case(r->name);
        for (size_t k = 0; k < r->n_cols; k++) s.follow += is_snake_case(r->cols[k].name);
    }
    learn(l, "names", "snake_case", s, "names are snake_case");
}

/* --- columns that every table has ------------------------------------------------------------------------------------ */

/* Of a table that joins two others nothing is expected: all its columns are its key. */
static bool has_more_than_keys(const struct pr_rel *r) {
    for (size_t i = 0; i < r->n_cons; i++)
        if (r->cons[i].type == 'p' && r->cons[i].n_cols == r->n_cols) return false;
    return true;
}

static int64_t tables_with(const struct learning *l, const char *column) {
    int64_t n = 0;
    for (size_t i = 0; i < l->f->n_rels; i++) {
        const struct pr_rel *r = &l->f->rels[i];
        const struct pr_con *key = single_key(r);
        const bool is_key = key != NULL && pr_eq(key->cols[0], column);
        n += counts(r) && has_more_than_keys(r) && !is_key && pr_find_col(r, column) != NULL;
    }
    return n;
}

/* A name goes into pgrail.conf as it is: one that could be anything else there is not proposed. */
static bool is_word(const char *s) {
    return s[0] != '\0' && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == strlen(s);
}

/* What nearly all have, the first tables have: looking through their columns finds it. */
static void learn_columns(struct learning *l) {
    struct pr_buf names = {.a = l->a}, words = {.a = l->a};
    int64_t tables = 0, looked = 0;
    for (size_t i = 0; i < l->f->n_rels; i++) tables += counts(&l->f->rels[i]) && has_more_than_keys(&l->f->rels[i]);
    const char *found[MOST_NAMES] = {0};
    size_t n = 0;
    for (size_t i = 0; i < l->f->n_rels && tables >= ENOUGH && looked * 10 <= tables; i++) {
        const struct pr_rel *r = &l->f->rels[i];
        if (!counts(r) || !has_more_than_keys(r)) continue;
        looked++;
        for (size_t k = 0; k < r->n_cols && n < MOST_NAMES; k++) {
            const char *name = r->cols[k].name;
            const int64_t have = pr_mentions(found, n, name) || !is_word(name) ? 0 : tables_with(l, name);
            if (have * 10 < tables * 9) continue;
            found[n++] = name;
            pr_addf(&names, "%s%s", n > 1 ? ", " : "", name);
            pr_addf(&words, "%s%s %" PRId64, n > 1 ? ", " : "", name, have);
        }
    }
    if (n == 0) return;
    *PR_PUSH(l->a, l->list, l->n, l->cap) = (struct pr_learned){.key = "columns", .value = pr_buf_text(&names), .on = true,
        .words = pr_fmt(l->a, "of %s have: %s", pr_plural(l->a, tables, "table"), pr_buf_text(&words))};
}

/* --- names of indexes and constraints -------------------------------------------------------------------------------- */

struct named_list { struct pr_named *items; size_t n, cap; };

static const char *joined(struct pr_arena *a, const char *const *cols, size_t n) {
    struct pr_buf b = {.a = a};
    for (size_t i = 0; i < n; i++) {
        if (cols[i][0] == '(') return NULL;
        pr_addf(&b, "%s%s", i > 0 ? "_" : "", cols[i]);
    }
    return pr_buf_text(&b);
}

static struct named_list all_indexes(const struct learning *l) {
    struct named_list all = {0};
    for (size_t i = 0; i < l->f->n_rels; i++) {
        const struct pr_rel *r = &l->f->rels[i];
        for (size_t k = 0; counts(r) && k < r->n_idxs; k++)
            if (r->idxs[k].constraint == NULL && !r->idxs[k].primary)
                *PR_PUSH(l->a, all.items, all.n, all.cap) = (struct pr_named){
                    .name = r->idxs[k].name, .table = r->name, .columns = joined(l->a, r->idxs[k].cols, r->idxs[k].n_cols)};
    }
    return all;
}

static struct named_list all_constraints(const struct learning *l, char type) {
    struct named_list all = {0};
    for (size_t i = 0; i < l->f->n_rels; i++) {
        const struct pr_rel *r = &l->f->rels[i];
        for (size_t k = 0; counts(r) && k < r->n_cons; k++)
            if (r->cons[k].type == type && !r->cons[k].inbound)
                *PR_PUSH(l->a, all.items, all.n, all.cap) = (struct pr_named){
                    .name = r->cons[k].name, .table = r->name, .ref_table = r->cons[k].ref_table,
                    .columns = type == 'c' ? NULL : joined(l->a, r->cons[k].cols, r->cons[k].n_cols)};
    }
    return all;
}

/* Forms from close to loose: the first that nine of ten have, else the closest of those that most have. */
static void learn_form(struct learning *l, const char *key, struct named_list all, const char *const *forms, const char *what) {
    struct share best = {.of = (int64_t)all.n};
    const char *form = NULL;
    for (; *forms != NULL && best.follow * 10 < best.of * 9; forms++) {
        int64_t follow = 0;
        for (size_t i = 0; i < all.n; i++) follow += pr_name_fits(*forms, &all.items[i], l->a);
        if (follow <= best.follow) continue;
        best.follow = follow;
        form = *forms;
    }
    learn(l, key, form, best, pr_fmt(l->a, "%s are named so", what));
}

static void learn_forms(struct learning *l) {
    static const char *const indexes[] = {"{table}_{columns}_idx", "idx_{table}_{columns}", "{table}_{columns}_index", "ix_{table}_{columns}",
                                          "index_{table}_on_*", "{table}_*_idx", "idx_{table}_*", "ix_{table}_*", "*_idx", "idx_*", "ix_*", NULL};
    static const char *const uniques[] = {"{table}_{columns}_key", "uq_{table}_{columns}", "{table}_{columns}_unique", "uk_{table}_{columns}",
                                          "{table}_*_key", "uq_*", "uk_*", "*_key", "*_unique", NULL};
    static const char *const keys[] = {"{table}_{columns}_fkey", "fk_{table}_{columns}", "fk_{table}_{ref_table}", "{table}_{columns}_foreign",
                                       "{table}_{columns}_fk", "fk_rails_*", "{table}_*_fkey", "fk_*", "*_fkey", "*_fk", NULL};
    static const char *const checks[] = {"{table}_*_check", "ck_{table}_*", "chk_{table}_*", "{table}_*_chk", "ck_*", "chk_*", "*_check", NULL};
    learn_form(l, "index_name", all_indexes(l), indexes, "indexes");
    learn_form(l, "unique_name", all_constraints(l, 'u'), uniques, "unique constraints");
    learn_form(l, "foreign_key_name", all_constraints(l, 'f'), keys, "foreign keys");
    learn_form(l, "check_name", all_constraints(l, 'c'), checks, "checks");
}

/* --- habits ---------------------------------------------------------------------------------------------------------- */

static void learn_habits(struct learning *l) {
    struct share on_delete = {0}, booleans = {0};
    for (size_t i = 0; i < l->f->n_rels; i++) {
        const struct pr_rel *r = &l->f->rels[i];
        for (size_t k = 0; counts(r) && k < r->n_cons; k++) {
            if (r->cons[k].type != 'f' || r->cons[k].inbound) continue;
            on_delete.of++;
            on_delete.follow += strstr(r->cons[k].def, " ON DELETE ") != NULL;
        }
        for (size_t k = 0; counts(r) && k < r->n_cols; k++) {
            if (!pr_eq(r->cols[k].type, "boolean")) continue;
            booleans.of++;
            booleans.follow += r->cols[k].not_null && r->cols[k].has_default;
        }
    }
    learn(l, "foreign_key_on_delete", "yes", on_delete, "foreign keys say what happens ON DELETE");
    learn(l, "boolean_default", "yes", booleans, "booleans are NOT NULL with a default");
}

static bool plain(const struct pr_idx *x) {
    return x->valid && pr_eq(x->method, "btree") && !x->is_partial && !x->has_expressions && x->default_order && x->n_mentions == x->n_cols;
}

/* Another plain index begins with all its columns. */
static bool redundant(const struct pr_rel *r, size_t at) {
    const struct pr_idx *x = &r->idxs[at];
    for (size_t i = 0; i < r->n_idxs && plain(x) && !x->unique && !x->primary; i++) {
        const struct pr_idx *y = &r->idxs[i];
        if (i == at || !plain(y) || y->n_cols < x->n_cols) continue;
        size_t same = 0;
        while (same < x->n_cols && pr_eq(x->cols[same], y->cols[same])) same++;
        if (same == x->n_cols && (y->n_cols > x->n_cols || i < at)) return true;
    }
    return false;
}

static void learn_redundant(struct learning *l) {
    struct share s = {0};
    for (size_t i = 0; i < l->f->n_rels; i++)
        for (size_t k = 0; counts(&l->f->rels[i]) && k < l->f->rels[i].n_idxs; k++) {
            s.of++;
            s.follow += !redundant(&l->f->rels[i], k);
        }
    learn(l, "redundant_index", "yes", s, "indexes are needed beside the others");
}

static struct share with_gin(const struct learning *l, const char *type) {
    struct share s = {0};
    for (size_t i = 0; i < l->f->n_rels; i++) {
        const struct pr_rel *r = &l->f->rels[i];
        for (size_t k = 0; counts(r) && k < r->n_cols; k++) {
            if (!pr_eq(r->cols[k].type, type)) continue;
            bool has = false;
            for (size_t x = 0; x < r->n_idxs && !has; x++)
                has = pr_eq(r->idxs[x].method, "gin") && pr_mentions(r->idxs[x].mentions, r->idxs[x].n_mentions, r->cols[k].name);
            s.of++;
            s.follow += has;
        }
    }
    return s;
}

static void learn_gin(struct learning *l) {
    const struct share words = with_gin(l, "tsvector"), json = with_gin(l, "jsonb");
    const bool also_json = json.of >= ENOUGH && json.follow * 10 >= json.of * 9;
    const struct share both = {words.follow + json.follow, words.of + json.of};
    if (also_json) learn(l, "gin_index", "both", both, "tsvector and jsonb columns have a GIN index");
    else learn(l, "gin_index", "tsvector", words, "tsvector columns have a GIN index");
}

size_t pr_init_learn(const struct pr_facts *f, struct pr_arena *a, struct pr_learned **out) {
    struct learning l = {.f = f, .a = a};
    learn_key_type(&l);
    learn_timestamp_type(&l);
    learn_names(&l);
    learn_columns(&l);
    learn_forms(&l);
    learn_habits(&l);
    learn_redundant(&l);
    learn_gin(&l);
    *out = l.list;
    return l.n;
}
