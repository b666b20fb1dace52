/* orphans_refs.c: which references there are: declared ones from the catalog, others by names. */
#include <ctype.h>

#include "catalog/orphans_impl.h"
#include "sql_files.gen.h"

/* --- declared ----------------------------------------------------------------------------------------------------- */

static const char *const *names_from(struct pr_arena *a, const json_t *list, size_t *n) {
    *n = json_array_size(list);
    const char **out = PR_NEW_ARRAY(a, const char *, *n);
    for (size_t i = 0; i < *n; i++) out[i] = pr_dup(a, json_string_value(json_array_get(list, i)));
    return out;
}

static struct pr_ref ref_from(struct pr_arena *a, const json_t *o) {
    struct pr_ref r = {
        .basis = PR_REF_DECLARED, .confidence = 100, .constraint = pr_dup(a, pr_get_str(o, "constraint")), .def = pr_dup(a, pr_get_str(o, "def")),
        .schema = pr_dup(a, pr_get_str(o, "schema")), .table = pr_dup(a, pr_get_str(o, "table")),
        .ref_schema = pr_dup(a, pr_get_str(o, "ref_schema")), .ref_table = pr_dup(a, pr_get_str(o, "ref_table")),
        .validated = pr_get_bool(o, "validated"), .enforced = pr_get_bool(o, "enforced"), .match_full = pr_get_bool(o, "match_full"),
        .period = pr_get_bool(o, "period"), .triggers_off = pr_get_bool(o, "triggers_off"),
    };
    size_t n_ref = 0;
    r.cols = names_from(a, pr_get(o, "cols"), &r.n_cols);
    r.ref_cols = names_from(a, pr_get(o, "ref_cols"), &n_ref);
    PR_ASSERT(n_ref == r.n_cols);
    return r;
}

enum pr_code pr_refs_declared(struct pr_pg *pg, const struct pr_want *tables, size_t n, struct pr_arena *a, struct pr_ref **out, size_t *n_out, struct pr_err *e) {
    static const struct pr_pg_stmt q = {.name = "orphans foreign keys", .sql = pr_sql_orphans_keys, .n_params = 1, .shape = PR_ONE_ROW, .n_cols = 1, .timeout_ms = 60000};
    json_t *wanted PR_CLEANUP(pr_json_freep) = json_array(), *list PR_CLEANUP(pr_json_freep) = NULL;
    for (size_t i = 0; i < n; i++) {
        json_t *o = pr_push_object(wanted);
        pr_set_str(o, "schema", tables[i].schema);
        pr_set_str(o, "name", tables[i].name);
    }
    const char *param = pr_json_text(a, wanted, false);
    const char *why = NULL;
    struct pr_pg_rows rows;
    PR_TRY(e, pr_orphan_ask(pg, &q, &param, a, &rows, &why, e));       /* its search_path makes the definitions qualified */
    if (why != NULL) return e->code;
    PR_TRY(e, pr_json_parse(q.name, PR_CELL(&rows, 0, 0), strlen(PR_CELL(&rows, 0, 0)), &list, e));
    struct pr_ref *refs = PR_NEW_ARRAY(a, struct pr_ref, json_array_size(list) + 1);
    for (size_t i = 0; i < json_array_size(list); i++) refs[i] = ref_from(a, json_array_get(list, i));
    *n_out = json_array_size(list);
    *out = refs;
    return PR_OK;
}

/* --- words of names ----------------------------------------------------------------------------------------------- */

#define MAX_WORDS 12
struct words { const char *items[MAX_WORDS]; size_t n; };

/* Cut at everything that is no letter or digit, and where lower case meets upper. */
static void cut(struct pr_arena *a, const char *name, struct words *out) {
    struct pr_buf b = {.a = a};
    *out = (struct words){0};
    for (const char *s = name;; s++) {
        const unsigned char c = (unsigned char)*s, before = s > name ? (unsigned char)s[-1] : 0;
        const bool wordly = isalnum(c) || c >= 0x80, hump = isupper(c) && (islower(before) || isdigit(before));
        if ((!wordly || hump) && b.len > 0 && out->n < MAX_WORDS) {
            out->items[out->n++] = pr_buf_text(&b);
            b = (struct pr_buf){.a = a};
        }
        if (c == '\0') return;
        const char low = c < 0x80 ? (char)tolower(c) : (char)c;
        if (wordly) pr_addn(&b, &low, 1);
    }
}

/* English plurals as tables have them: invoice(s), box(es), status(es), compan(y/ies), person/people. */
static bool is_plural(const char *many, const char *one) {
    static const char *const odd[][2] = {{"people", "person"}, {"children", "child"}, {"men", "man"}, {"women", "woman"}, {"mice", "mouse"}, {"indices", "index"},
                                         {"matrices", "matrix"}, {"vertices", "vertex"}, {"criteria", "criterion"}, {"analyses", "analysis"}, {"feet", "foot"}};
    const size_t m = strlen(many), n = strlen(one);
    for (size_t i = 0; i < PR_COUNT(odd); i++)
        if (pr_eq(many, odd[i][0]) && pr_eq(one, odd[i][1])) return true;
    if (n > 1 && one[n - 1] == 'y' && m == n + 2 && strncmp(many, one, n - 1) == 0) return pr_eq(many + n - 1, "ies");
    return strncmp(many, one, n) == 0 && (pr_eq(many + n, "s") || pr_eq(many + n, "es"));
}

static bool same_word(const char *a, const char *b) { return pr_eq(a, b) || is_plural(a, b) || is_plural(b, a); }

static bool same_words(const struct words *a, size_t from_a, const struct words *b, size_t from_b, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!same_word(a->items[from_a + i], b->items[from_b + i])) return false;
    return true;
}

static bool is_one_of(const char *word, const char *const *list, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (pr_eq(word, list[i])) return true;
    return false;
}

/* --- inferred ----------------------------------------------------------------------------------------------------- */

enum nearness { N_NONE, N_SELF, N_PART, N_PREFIXED, N_EXACT };

/* Words of a table without what whole schemas put in front (tbl_invoices, t_invoices). */
static void table_words(struct pr_arena *a, const char *name, struct words *out) {
    static const char *const marks[] = {"tbl", "tb", "t", "tab", "table"};
    cut(a, name, out);
    if (out->n < 2 || !is_one_of(out->items[0], marks, PR_COUNT(marks))) return;
    for (size_t i = 1; i < out->n; i++) out->items[i - 1] = out->items[i];
    out->n--;
}

/* Column words without those that say which key it is; 0 left: the column says nothing about a table. */
static bool drop_key_words(struct words *c, const struct words *key, const char *table_word, bool primary) {
    static const char *const marks[] = {"fk", "ref", "id", "key"};
    const size_t at = c->n - (key->n < c->n ? key->n : c->n);
    if (c->n > key->n && same_words(c, at, key, 0, key->n)) {
        c->n = at;                                          /* invoice_id → id, invoice_number → number */
        return true;
    }
    if (!primary) return false;                             /* invoice_id is never a name for invoices.number */
    if (c->n > 1 && is_one_of(c->items[c->n - 1], marks, PR_COUNT(marks))) {
        c->n--;
        return true;
    }
    if (c->n > 1 && is_one_of(c->items[0], marks, PR_COUNT(marks))) {
        for (size_t i = 1; i < c->n; i++) c->items[i - 1] = c->items[i];
        c->n--;
        return true;
    }
    const char *last = c->n > 0 ? c->items[c->n - 1] : "";
    const size_t len = strlen(last);
    return len > 5 && pr_ends(last, "id") && table_word != NULL && strncmp(last, table_word, len - 2) == 0;     /* invoiceid */
}

static enum nearness compare_words(const struct words *c, const struct words *t) {
    if (c->n == 0 || t->n == 0) return N_NONE;
    if (c->n == t->n && same_words(c, 0, t, 0, c->n)) return N_EXACT;
    if (c->n > t->n && same_words(c, c->n - t->n, t, 0, t->n)) return N_PREFIXED;    /* billing_customer → customers */
    if (c->n < t->n && same_words(c, 0, t, t->n - c->n, c->n)) return N_PART;        /* invoice → billing_invoices */
    return N_NONE;
}

static enum nearness nearness(struct pr_arena *a, const struct pr_rel *child, const char *column, const struct pr_rel *parent, const char *key, bool primary) {
    static const char *const selves[] = {"parent", "root", "previous", "prev", "next", "original", "predecessor", "successor", "ancestor", "manager", "supervisor"};
    struct words c, t, k;
    cut(a, column, &c);
    table_words(a, parent->name, &t);
    cut(a, key, &k);
    if (t.n == 0 || c.n == 0) return N_NONE;
    /* A key that bears its table's name (invoices.invoice_no) is called the same elsewhere. */
    if (k.n > t.n && same_words(&k, 0, &t, 0, t.n)) {
        if (c.n == k.n && same_words(&c, 0, &k, 0, k.n)) return N_EXACT;
        if (c.n > k.n && same_words(&c, c.n - k.n, &k, 0, k.n)) return N_PREFIXED;
        return N_NONE;
    }
    if (!drop_key_words(&c, &k, t.items[t.n - 1], primary)) return N_NONE;
    if (c.n > 0 && strlen(c.items[c.n - 1]) > 5 && pr_ends(c.items[c.n - 1], "id") && strncmp(c.items[c.n - 1], t.items[t.n - 1], strlen(c.items[c.n - 1]) - 2) == 0)
        c.items[c.n - 1] = pr_dupn(a, c.items[c.n - 1], strlen(c.items[c.n - 1]) - 2);
    if (child == parent && c.n == 1 && is_one_of(c.items[0], selves, PR_COUNT(selves))) return N_SELF;
    return compare_words(&c, &t);
}

/* Types that one index compares: 0 = as they are named. */
static int type_group(const char *type) {
    if (is_one_of(type, (const char *const[]){"smallint", "integer", "bigint"}, 3)) return 1;
    if (pr_eq(type, "text") || pr_starts(type, "character varying")) return 2;
    return 0;
}

static const char *base_of(const struct pr_col *c) { return c->base_type != NULL ? c->base_type : c->type; }

/* 2 the same, 1 comparable, 0 neither. */
static int types_agree(const struct pr_col *a, const struct pr_col *b) {
    if (pr_eq(base_of(a), base_of(b))) return 2;
    return type_group(base_of(a)) != 0 && type_group(base_of(a)) == type_group(base_of(b)) ? 1 : 0;
}

struct guess {
    const struct pr_facts *f;
    struct pr_arena *a;
    struct pr_ref *list; size_t n, cap;
};

static bool is_table(const struct pr_rel *r) { return (r->kind == 'r' || r->kind == 'p') && r->persistence != 't' && r->partition_of == NULL; }

static bool is_lookup(const struct pr_idx *x) {
    return x->unique && x->valid && !x->is_partial && !x->has_expressions && pr_eq(x->method, "btree") && x->n_cols > 0 && x->n_cols <= 4;
}

static bool is_declared(const struct pr_rel *child, const char *column) {
    for (size_t i = 0; i < child->n_cons; i++)
        if (child->cons[i].type == 'f' && !child->cons[i].inbound && pr_mentions(child->cons[i].cols, child->cons[i].n_cols, column)) return true;
    return false;
}

/* owner_id beside owner_type: the row says itself which table it means. */
static bool is_polymorphic(struct pr_arena *a, const struct pr_rel *child, const char *column) {
    struct words c, other;
    cut(a, column, &c);
    for (size_t i = 0; i < child->n_cols && c.n > 1; i++) {
        cut(a, child->cols[i].name, &other);
        if (other.n == c.n && same_words(&c, 0, &other, 0, c.n - 1) && is_one_of(other.items[other.n - 1], (const char *const[]){"type", "class", "kind"}, 3)) return true;
    }
    return false;
}

static void reason(struct guess *g, struct pr_ref *r, const char *text) {
    const char **why = PR_NEW_ARRAY(g->a, const char *, r->n_why + 1);
    for (size_t i = 0; i < r->n_why; i++) why[i] = r->why[i];
    why[r->n_why++] = text;
    r->why = why;
}

static int points_of(enum nearness n) {
    switch (n) {
    case N_EXACT: return 60;
    case N_PREFIXED: return 50;
    case N_PART: return 45;
    case N_SELF: return 45;
    case N_NONE: break;
    }
    return 0;
}

static const char *words_of(struct guess *g, enum nearness n, const char *column, const struct pr_rel *parent, const char *key) {
    const char *to = pr_fmt(g->a, "%s.%s", parent->name, key);
    switch (n) {
    case N_EXACT: return pr_fmt(g->a, "%s is the name for %s", column, to);
    case N_PREFIXED: return pr_fmt(g->a, "%s ends in the name for %s", column, to);
    case N_PART: return pr_fmt(g->a, "%s is a part of the name for %s", column, to);
    case N_SELF: return pr_fmt(g->a, "%s means another row of the same table", column);
    case N_NONE: break;
    }
    return "";
}

/* One unique index of the other side: each of its columns must be found in the child, one of them by the other table's name. The
 * columns beside it (tenant_id) have the same name on both sides. */
static void try_index(struct guess *g, const struct pr_rel *child, const struct pr_col *col, const struct pr_rel *parent, const struct pr_idx *x) {
    const char **cols = PR_NEW_ARRAY(g->a, const char *, x->n_cols);
    enum nearness best = N_NONE;
    int same = 2;
    size_t at = 0;
    for (size_t i = 0; i < x->n_cols; i++) {
        const struct pr_col *there = pr_find_col(parent, x->cols[i]);
        if (there == NULL) return;
        const enum nearness n = best == N_NONE ? nearness(g->a, child, col->name, parent, there->name, x->primary) : N_NONE;
        const struct pr_col *here = n != N_NONE ? col : pr_find_col(child, there->name);
        if (here == NULL || (n == N_NONE && (here == col || pr_eq(there->name, "id"))) || types_agree(here, there) == 0) return;
        if (types_agree(here, there) < same) same = types_agree(here, there);
        if (n != N_NONE) best = n, at = i;
        cols[i] = here->name;
    }
    if (best == N_NONE || (child == parent && pr_eq(cols[at], x->cols[at]))) return;
    struct pr_ref r = {.basis = PR_REF_INFERRED, .schema = child->schema, .table = child->name, .ref_schema = parent->schema, .ref_table = parent->name,
                       .cols = cols, .ref_cols = x->cols, .n_cols = x->n_cols, .enforced = false, .confidence = points_of(best) + (same == 2 ? 10 : 5)};
    reason(g, &r, words_of(g, best, cols[at], parent, x->cols[at]));
    reason(g, &r, same == 2 ? "the types are the same" : "the types can be compared");
    if (child->schema != NULL && !pr_eq(child->schema, parent->schema)) r.confidence -= 10, reason(g, &r, "it lies in another schema");
    if (is_polymorphic(g->a, child, cols[at])) r.confidence -= 30, reason(g, &r, "a column beside it says which table is meant");
    *PR_PUSH(g->a, g->list, g->n, g->cap) = r;
}

/* Of the references that one column may be, the likeliest; of equals the one with the primary key, which comes first. */
static void keep_best(struct guess *g, size_t from) {
    size_t best = from;
    for (size_t i = from; i < g->n; i++) {
        const struct pr_ref *x = &g->list[i], *y = &g->list[best];
        if (x->confidence > y->confidence || (x->confidence == y->confidence && x->n_cols > y->n_cols)) best = i;
    }
    if (g->n == from) return;
    g->list[from] = g->list[best];
    g->n = from + 1;
}

static void try_column(struct guess *g, const struct pr_rel *child, const struct pr_col *col) {
    const size_t from = g->n;
    for (size_t i = 0; i < g->f->n_rels; i++) {
        const struct pr_rel *parent = &g->f->rels[i];
        if (!is_table(parent)) continue;
        for (int primary = 1; primary >= 0; primary--)
            for (size_t k = 0; k < parent->n_idxs; k++)
                if (is_lookup(&parent->idxs[k]) && parent->idxs[k].primary == (primary == 1)) try_index(g, child, col, parent, &parent->idxs[k]);
    }
    keep_best(g, from);
}

static int by_confidence(const void *a, const void *b) {
    const struct pr_ref *x = a, *y = b;
    if (x->confidence != y->confidence) return y->confidence - x->confidence;
    const int schema = strcmp(x->schema, y->schema), table = schema != 0 ? schema : strcmp(x->table, y->table);
    return table != 0 ? table : strcmp(x->cols[0], y->cols[0]);
}

static bool is_asked(const struct pr_rel *r, const struct pr_want *tables, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (pr_eq(tables[i].schema, r->schema) && pr_eq(tables[i].name, r->name)) return true;
    return n == 0;
}

size_t pr_refs_inferred(const struct pr_facts *f, const struct pr_want *tables, size_t n, struct pr_arena *a, struct pr_ref **out) {
    struct guess g = {.f = f, .a = a};
    for (size_t i = 0; i < f->n_rels; i++) {
        const struct pr_rel *child = &f->rels[i];
        if (!is_table(child) || !is_asked(child, tables, n)) continue;
        for (size_t k = 0; k < child->n_cols; k++)
            if (!is_declared(child, child->cols[k].name)) try_column(&g, child, &child->cols[k]);
    }
    if (g.n > 1) qsort(g.list, g.n, sizeof *g.list, by_confidence);
    *out = g.list;
    return g.n;
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static const struct pr_rel *rel_of(const struct pr_facts *f, const struct pr_ref *r) { return pr_find_rel(f, r->schema, r->table); }

struct sampled { int64_t keys, gone; };

static enum pr_code sample(struct pr_pg *pg, const struct pr_ref *r, int timeout_ms, struct pr_arena *a, struct sampled *out, const char **why, struct pr_err *e) {
    json_t *doc PR_CLEANUP(pr_json_freep) = NULL;
    PR_TRY(e, pr_orphan_resolve(pg, r, timeout_ms, a, &doc, why, e));
    if (*why != NULL) return PR_OK;
    const json_t *leaves = pr_get(doc, "leaves");
    const json_t *biggest = NULL;
    for (size_t i = 0; i < json_array_size(leaves); i++) {
        const json_t *leaf = json_array_get(leaves, i);
        if (!pr_get_bool(leaf, "foreign") && (biggest == NULL || pr_get_int(leaf, "blocks") > pr_get_int(biggest, "blocks"))) biggest = leaf;
    }
    if (biggest == NULL) return PR_OK;
    const struct pr_resolved resolved = {.ref = r, .doc = doc};
    const struct pr_stretch st = {.leaf = biggest, .sample = true};
    const struct pr_pg_stmt q = {.name = "orphans sample", .sql = pr_orphan_count_sql(a, &resolved, &st), .shape = PR_ONE_ROW, .n_cols = PR_ORPHAN_COUNTED, .timeout_ms = timeout_ms};
    struct pr_pg_rows rows;
    json_t *gone PR_CLEANUP(pr_json_freep) = NULL;
    PR_TRY(e, pr_orphan_ask(pg, &q, NULL, a, &rows, why, e));
    if (*why != NULL) return PR_OK;
    PR_TRY(e, pr_parse_i64(PR_CELL(&rows, 0, 1), 0, INT64_MAX, &out->keys, e));
    if (PR_CELL(&rows, 0, 5) != NULL) PR_TRY(e, pr_json_parse(q.name, PR_CELL(&rows, 0, 5), strlen(PR_CELL(&rows, 0, 5)), &gone, e));
    out->gone = (int64_t)json_array_size(gone);
    return PR_OK;
}

/* What is found again speaks for it. Numbers are found in any table that counts up, so a full match alone is worth half of the name. */
static bool weigh(struct guess *g, struct pr_ref *r, const struct sampled *s) {
    if (s->keys == 0) {
        reason(g, r, "there is no value to compare");
        return true;
    }
    const int64_t found = s->keys - s->gone;
    reason(g, r, pr_fmt(g->a, "%s of %s are there", pr_human_count(g->a, found), pr_plural(g->a, s->keys, "sampled value")));
    if (found * 2 < s->keys && r->confidence < 65) return false;
    r->confidence += found * 1000 >= s->keys * 995 ? 30 : found * 10 >= s->keys * 9 ? 20 : found * 2 >= s->keys ? 5 : -30;
    if (r->confidence > 99) r->confidence = 99;
    return true;
}

enum pr_code pr_refs_weigh(struct pr_pg *pg, const struct pr_facts *f, struct pr_ref *refs, size_t *n, int64_t until_us, struct pr_arena *a, struct pr_err *e) {
    struct guess g = {.f = f, .a = a};
    size_t kept = 0;
    for (size_t i = 0; i < *n; i++) {
        struct sampled s = {0};
        const char *why = NULL;
        const int left = pr_orphan_left_ms(until_us);
        if (left > 0 && rel_of(f, &refs[i]) != NULL) PR_TRY(e, sample(pg, &refs[i], left, a, &s, &why, e));
        else why = "the time was up";
        bool stays = true;
        if (why != NULL) reason(&g, &refs[i], pr_fmt(a, "its values were not compared: %s", why));
        else stays = weigh(&g, &refs[i], &s);
        if (stays) refs[kept++] = refs[i];
    }
    if (kept > 1) qsort(refs, kept, sizeof *refs, by_confidence);
    *n = kept;
    return PR_OK;
}
