/* document.c: what was counted, as the document of the operation. */
#include "profile/cast.h"
#include "profile/json_tree.h"

#define PATTERNS_SHOWN 10
#define LABELS_SHOWN 100
#define PATHS_SHOWN 300
#define MOST_NAMED_KEYS 50                      /* an object with more different keys holds data in its keys */

static void put_tally(json_t *o, const char *list, const char *key, const struct pr_tally *t, size_t most) {
    json_t *array = pr_set_array(o, list);
    for (size_t i = 0; i < t->n && i < most; i++) {
        json_t *item = pr_push_object(array);
        pr_set_str(item, key, t->items[i]->text);
        pr_set_int(item, "n", t->items[i]->n);
    }
}

/* --- JSON ---------------------------------------------------------------------------------------------------------- */

/* Whether the key is one of many of its object, and rare: it is data then. */
static bool is_data(const struct pr_json_node *node) {
    const struct pr_json_node *up = node->parent;
    return up != NULL && up->n_children > MOST_NAMED_KEYS && node->total < up->types[PR_J_OBJECT] / 20 + 1;
}

/* Children are counted before anything is shown: which objects are maps decides what is a name and what is data. */
void pr_json_settle(struct pr_json_tree *t) {
    for (size_t i = 0; i < t->n; i++)
        if (t->nodes[i]->parent != NULL && t->nodes[i]->keys[t->nodes[i]->n_keys - 1] != NULL) t->nodes[i]->parent->n_children++;
    for (size_t i = 0; i < t->n; i++)
        for (const struct pr_json_node *node = t->nodes[i]; node != NULL; node = node->parent)
            if (is_data(node)) t->nodes[i]->in_map = true;
}

struct shown { const char *text; const struct pr_json_node *node; };

static int by_path(const void *x, const void *y) { return strcmp(((const struct shown *)x)->text, ((const struct shown *)y)->text); }

static void put_key_patterns(struct pr_profile_run *p, json_t *o, const struct pr_json_tree *t, const struct pr_json_node *map) {
    struct pr_tally *tally = pr_tally_new(p->a, 1000);
    for (size_t i = 0; i < t->n; i++)
        if (t->nodes[i]->parent == map && is_data(t->nodes[i]) && t->nodes[i]->keys[t->nodes[i]->n_keys - 1] != NULL)
            pr_tally_add(tally, pr_profile_mask(p->a, t->nodes[i]->keys[t->nodes[i]->n_keys - 1]), 1);
    pr_tally_sort(tally);
    pr_set_int(o, "different_keys", tally->seen);
    put_tally(o, "key_patterns", "pattern", tally, 5);
}

static void put_node(struct pr_profile_run *p, json_t *list, const struct pr_json_tree *t, const struct shown *s) {
    const struct pr_json_node *node = s->node;
    json_t *o = pr_push_object(list), *types = NULL;
    pr_set_str(o, "path", s->text);
    pr_set_int(o, "depth", (int64_t)node->n_keys);
    pr_set_int(o, "n", node->total);
    const bool key = node->parent != NULL && node->keys[node->n_keys - 1] != NULL;
    pr_set(o, "lacking", key ? json_integer(node->parent->types[PR_J_OBJECT] - node->total) : json_null());
    types = pr_set_object(o, "types");
    for (int i = 0; i < PR_J_COUNT; i++)
        if (node->types[i] > 0) pr_set_int(types, pr_json_type_name((enum pr_json_type)i), node->types[i]);
    if (node->types[PR_J_STRING] > 0) {
        pr_set_int(o, "numeric_text", node->numeric);
        pr_set_int(o, "empty_text", node->empty);
        pr_set_int(o, "max_length", node->max_length);
    }
    if (node->min != NULL) {
        pr_set_str(o, "min", node->min);
        pr_set_str(o, "max", node->max);
    }
    if (node->n_children > MOST_NAMED_KEYS) put_key_patterns(p, o, t, node);
}

static json_t *json_doc(struct pr_profile_run *p, struct pr_data_col *c) {
    struct pr_json_tree *t = c->json;
    json_t *o = json_object();
    struct shown *all = PR_NEW_ARRAY(p->a, struct shown, t->n + 1);
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++)
        if (!t->nodes[i]->in_map) all[n++] = (struct shown){.text = pr_json_node_text(p->a, c, t->nodes[i]), .node = t->nodes[i]};
    qsort(all, n, sizeof all[0], by_path);
    pr_set_str(o, "not_walked", t->broken[0] != '\0' ? t->broken : NULL);
    json_t *paths = pr_set_array(o, "paths");
    for (size_t i = 0; i < n && i < PATHS_SHOWN; i++) put_node(p, paths, t, &all[i]);
    pr_set_bool(o, "more", t->over || n > PATHS_SHOWN);
    return o;
}

/* --- columns ------------------------------------------------------------------------------------------------------- */

static void put_lengths(json_t *o, const struct pr_data_col *c) {
    static const char *const units[PR_DATA_COUNT] = {[PR_DATA_TEXT] = "characters", [PR_DATA_ARRAY] = "elements", [PR_DATA_BYTEA] = "bytes",
                                                     [PR_DATA_JSON] = "bytes stored", [PR_DATA_JSONB] = "bytes stored", [PR_DATA_OTHER] = "bytes stored"};
    if (units[c->cls] == NULL || c->counts[PR_C_MEASURED] == 0) return;
    json_t *length = pr_set_object(o, "length");
    pr_set_str(length, "unit", units[c->cls]);
    pr_set_int(length, "min", c->counts[PR_C_MIN_LENGTH]);
    pr_set_int(length, "max", c->counts[PR_C_MAX_LENGTH]);
    pr_set_int(length, "sum", c->counts[PR_C_SUM_LENGTH]);
    pr_set_int(length, "of", c->counts[PR_C_MEASURED]);
}

static void put_distinct(json_t *o, const struct pr_data_col *c) {
    static const char *const how[] = {[PR_DISTINCT_UNKNOWN] = NULL, [PR_DISTINCT_EXACT] = "counted", [PR_DISTINCT_UNIQUE] = "unique index",
                                      [PR_DISTINCT_SAMPLE] = "estimate"};
    if (how[c->distinct] == NULL) return;
    json_t *d = pr_set_object(o, "distinct");
    pr_set_str(d, "how", how[c->distinct]);
    if (c->distinct == PR_DISTINCT_UNIQUE) return;
    pr_set_int(d, "n", c->different);
    pr_set_int(d, "once", c->once);
    pr_set_int(d, "most_frequent", c->top);
}

static void put_counts(json_t *o, const struct pr_data_col *c) {
    static const struct { const char *key; enum pr_counter counter; } keys[] = {
        {"empty", PR_C_EMPTY}, {"padded", PR_C_PADDED}, {"numeric_text", PR_C_NUMERIC}, {"too_big", PR_C_BIG}, {"zero", PR_C_ZERO},
        {"negative", PR_C_NEGATIVE}, {"fraction", PR_C_FRACTION}, {"nan", PR_C_NAN}, {"infinite", PR_C_INFINITE}, {"future", PR_C_FUTURE}};
    for (size_t i = 0; i < PR_COUNT(keys); i++)
        if (c->counts[keys[i].counter] > 0) pr_set_int(o, keys[i].key, c->counts[keys[i].counter]);
    if (c->cls != PR_DATA_BOOL) return;
    pr_set_int(o, "true", c->counts[PR_C_TRUE]);
    pr_set_int(o, "false", c->counts[PR_C_VALUES] - c->counts[PR_C_TRUE]);
}

static void put_column(struct pr_profile_run *p, json_t *list, struct pr_data_col *c) {
    json_t *o = pr_push_object(list);
    pr_set_str(o, "name", c->name);
    pr_set_str(o, "type", c->type);
    pr_set_str(o, "class", pr_data_class_name(c->cls));
    pr_set_bool(o, "readable", c->readable);
    if (!c->readable) return;
    pr_set_int(o, "rows", c->rows);
    pr_set_int(o, "nulls", c->rows - c->counts[PR_C_VALUES]);
    put_distinct(o, c);
    put_counts(o, c);
    if (c->min != NULL) {
        pr_set_str(o, "min", c->min);
        pr_set_str(o, "max", c->max);
    }
    put_lengths(o, c);
    if (c->patterns != NULL) {
        pr_tally_sort(c->patterns);
        if (c->cls == PR_DATA_ENUM) put_tally(o, "labels", "label", c->patterns, LABELS_SHOWN);
        else put_tally(o, "patterns", "pattern", c->patterns, PATTERNS_SHOWN);
        pr_set_int(o, "patterns_of", c->patterns->seen);
        pr_set_int(o, "patterns_different", (int64_t)c->patterns->n);
        pr_set_bool(o, "patterns_more", c->patterns->other > 0);
    }
    if (c->json != NULL) pr_set(o, "json", json_doc(p, c));
}

/* --- casts, splits, questions -------------------------------------------------------------------------------------- */

static json_t *casts_doc(struct pr_profile_run *p) {
    json_t *list = json_array();
    for (size_t i = 0; i < p->ask->n_casts; i++) {
        const struct pr_cast_count *k = &p->casts[i];
        json_t *o = pr_push_object(list);
        pr_set_str(o, "value", pr_spot_text(p->a, &p->ask->casts[i].spot));
        pr_set_str(o, "type", p->ask->casts[i].type);
        pr_set_int(o, "rows", k->rows);
        pr_set_int(o, "nulls", k->nulls);
        pr_set_int(o, "fine", k->fine);
        pr_set_int(o, "failing", k->rows - k->nulls - k->fine);
        json_t *failures = pr_set_array(o, "failures"), *losses = NULL;
        for (size_t f = 0; f < k->n_failures; f++) {
            json_t *item = pr_push_object(failures);
            pr_set_str(item, "sqlstate", k->failures[f].sqlstate);
            pr_set_str(item, "why", pr_state_why(k->failures[f].sqlstate));
            pr_set_int(item, "n", k->failures[f].n);
            pr_set(item, "keys", json_incref(k->failures[f].keys));
        }
        losses = pr_set_array(o, "losses");
        for (size_t l = 0; l < k->n_losses; l++) {
            if (k->losses[l].n == 0) continue;
            json_t *item = pr_push_object(losses);
            pr_set_str(item, "kind", k->losses[l].kind);
            pr_set_int(item, "n", k->losses[l].n);
            pr_set(item, "keys", k->losses[l].keys != NULL ? json_incref(k->losses[l].keys) : json_array());
        }
    }
    return list;
}

static json_t *splits_doc(struct pr_profile_run *p) {
    json_t *list = json_array();
    for (size_t i = 0; i < p->ask->n_splits && p->splits != NULL; i++) {
        const struct pr_split_count *k = &p->splits[i];
        json_t *o = pr_push_object(list);
        pr_set_str(o, "value", pr_spot_text(p->a, &p->ask->splits[i].spot));
        pr_set_str(o, "by", p->ask->splits[i].by);
        pr_set_int(o, "rows", k->rows);
        pr_set_int(o, "nulls", k->nulls);
        pr_set_int(o, "empty", k->empty);
        pr_set_int(o, "none", k->none);
        pr_set_int(o, "one", k->one);
        pr_set_int(o, "several", k->several);
        pr_set_int(o, "empty_part", k->hollow);
        pr_set_int(o, "longest_first", k->max_left);
        pr_set_int(o, "longest_second", k->max_right);
    }
    return list;
}

static void put_questions(struct pr_profile_run *p, json_t *doc) {
    json_t *list = pr_set_array(doc, "questions");
    for (size_t i = 0; i < p->n_questions; i++) {
        const struct pr_question *q = &p->questions[i];
        json_t *o = pr_push_object(list);
        pr_set_str(o, "id", q->id);
        pr_set_str(o, "kind", q->kind);
        pr_set_str(o, "about", q->subject);
        pr_set_str(o, "text", q->text);
        pr_set_int(o, "n", q->n);
        pr_set_int(o, "of", q->of);
        json_t *choices = pr_set_array(o, "choices");
        for (size_t k = 0; q->choices[k] != NULL; k++) pr_push_str(choices, q->choices[k]);
        pr_set(o, "keys", q->keys != NULL ? json_incref(q->keys) : json_array());
    }
}

static void put_read(struct pr_profile_run *p, json_t *doc) {
    static const char *const by[] = {[PR_WAY_SAMPLE] = "sample", [PR_WAY_KEY] = "key ranges", [PR_WAY_BLOCKS] = "block ranges", [PR_WAY_ONE] = "one statement"};
    const bool sample = p->way == PR_WAY_SAMPLE;
    json_t *o = pr_set_object(doc, "read");
    pr_set_bool(o, "whole", !sample);
    pr_set_str(o, "by", by[p->way]);
    pr_set_str(o, "why", p->why_one);
    pr_set_str(o, "method", sample ? (p->ask->bernoulli ? "bernoulli" : "system") : NULL);
    pr_set_str(o, "percent", p->percent);
    pr_set(o, "seed", sample ? json_integer(p->ask->seed) : json_null());
    pr_set(o, "aimed", sample ? json_integer(p->aimed) : json_null());
    pr_set_int(o, "rows", p->rows);
    pr_set_int(o, "estimated_rows", p->ask->rel->rows);
    pr_set_bool(o, "estimate_trusted", p->ask->rel->rows_trusted);
    pr_set_int(o, "parts", (int64_t)p->n_parts);
    pr_set_bool(o, "complete", !p->cut);
    pr_set_str(o, "stopped_at", p->cut ? p->cut_at : NULL);
    pr_set_int(o, "elapsed_us", p->elapsed_us);
}

json_t *pr_profile_doc(struct pr_profile_run *p) {
    const struct pr_rel *r = p->ask->rel;
    json_t *doc = json_object(), *rel = pr_set_object(doc, "relation");
    pr_set_str(rel, "schema", r->schema);
    pr_set_str(rel, "name", r->name);
    pr_set_str(rel, "kind", pr_rel_kind_name(r->kind));
    put_read(p, doc);
    pr_set_str(doc, "rows_named_by", p->row_form);
    json_t *columns = pr_set_array(doc, "columns"), *notes = NULL;
    for (size_t i = 0; i < p->n_cols; i++) {
        struct pr_data_col *c = &p->cols[i];
        if (c->wanted || (!c->readable && p->ask->n_columns == 0)) put_column(p, columns, c);
    }
    pr_set(doc, "casts", casts_doc(p));
    pr_set(doc, "splits", splits_doc(p));
    put_questions(p, doc);
    notes = pr_set_array(doc, "notes");
    for (size_t i = 0; i < p->n_notes; i++) pr_push_str(notes, p->notes[i]);
    return doc;
}
