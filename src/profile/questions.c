/* questions.c: what the data ask of whoever plans to change them. Each question has an id that stays the same while its subject does,
 * so that a plan can keep the decision. */
#include "profile/cast.h"
#include "profile/json_tree.h"

static const char *const for_missing[] = {"fail", "skip", "default", "archive", NULL};
static const char *const for_text_numbers[] = {"convert", "fail", "skip", "default", "archive", NULL};
static const char *const for_losses[] = {"accept", "fail", "skip", "default", "archive", NULL};
static const char *const for_blanks[] = {"trim", "keep", "fail", NULL};
static const char *const for_split[] = {"first-part-only", "fail", "skip", "default", "archive", NULL};
static const char *const for_several[] = {"rest-in-second", "fail", "skip", "archive", NULL};

void pr_ask_question(struct pr_profile_run *p, struct pr_question q) {
    for (size_t i = 0, same = 1; i < p->n_questions; i++)   /* keys that are shown as the same pattern */
        if (pr_eq(p->questions[i].id, q.id)) {
            q.id = pr_fmt(p->a, "%s~%zu", q.id, ++same);
            i = (size_t)-1;
        }
    *PR_PUSH(p->a, p->questions, p->n_questions, p->cap_questions) = q;
}

/* "12 values lie", "1 value lies". */
static const char *verb(int64_t n, const char *one, const char *many) { return n == 1 ? one : many; }

static void ask_about(struct pr_profile_run *p, const struct pr_data_col *c, const char *kind, enum pr_counter counter, const struct pr_places *where,
                      const char *cond, const char *what_one, const char *what_many, const char *const *choices) {
    const int64_t n = c->counts[counter];
    if (n == 0) return;
    pr_ask_question(p, (struct pr_question){
        .id = pr_fmt(p->a, "%s:%s", kind, c->name), .kind = kind, .subject = c->name, .n = n, .of = c->counts[PR_C_VALUES], .choices = choices,
        .text = pr_fmt(p->a, "%s of %s %s", pr_plural(p->a, n, "value"), c->name, verb(n, what_one, what_many)), .places = where,
        .cond = pr_sql_about(p->a, cond, c->ident)});
}

/* Empty texts are a question where nulls stand beside them: two words for nothing. */
void pr_questions_of_columns(struct pr_profile_run *p) {
    for (size_t i = 0; i < p->n_cols; i++) {
        const struct pr_data_col *c = &p->cols[i];
        if (!c->wanted) continue;
        if (c->cls == PR_DATA_TEXT && c->rows > c->counts[PR_C_VALUES])
            ask_about(p, c, "empty-and-null", PR_C_EMPTY, &c->empty, "octet_length($::text) = 0", "is empty, beside others that are null", "are empty, beside others that are null", for_missing);
        if (c->cls == PR_DATA_TEXT)
            ask_about(p, c, "padded", PR_C_PADDED, &c->padded, "octet_length(btrim($::text, E' \\t\\r\\n\\f\\v')) <> octet_length($::text)",
                      "begins or ends with blanks", "begin or end with blanks", for_blanks);
        ask_about(p, c, "not-a-number", PR_C_NAN, &c->nan, "$ = 'NaN'", "is NaN", "are NaN", for_missing);
        if (c->cls == PR_DATA_NUMBER)
            ask_about(p, c, "infinite", PR_C_INFINITE, &c->infinite, "$ IN ('Infinity', '-Infinity')", "is infinite", "are infinite", for_missing);
        else if (c->cls == PR_DATA_TIME)
            ask_about(p, c, "infinite", PR_C_INFINITE, &c->infinite, "NOT isfinite($)", "is infinite", "are infinite", for_missing);
    }
}

/* --- JSON ---------------------------------------------------------------------------------------------------------- */

static bool is_shown_key(const char *key) {
    const size_t n = strlen(key);
    if (n == 0 || n > 63 || (key[0] >= '0' && key[0] <= '9')) return false;
    return strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-$") == n;
}

const char *pr_json_node_text(struct pr_arena *a, const struct pr_data_col *c, const struct pr_json_node *node) {
    struct pr_buf b = {.a = a};
    pr_add(&b, c->name);
    for (size_t i = 0; i < node->n_keys; i++)
        if (node->keys[i] == NULL) pr_add(&b, "[]");
        else pr_addf(&b, ".%s", is_shown_key(node->keys[i]) ? node->keys[i] : pr_profile_mask(a, node->keys[i]));
    return pr_buf_text(&b);
}

/* SQL of the node's place in the column, or NULL when an array lies on the way. */
static const char *place_sql(struct pr_profile_run *p, const struct pr_data_col *c, const struct pr_json_node *node) {
    for (size_t i = 0; i < node->n_keys; i++)
        if (node->keys[i] == NULL) return NULL;
    return pr_fmt(p->a, "(%s::%s #> %s::text[])", c->ident, c->cls == PR_DATA_JSON ? "json" : "jsonb", pr_json_path_literal(p->a, node->keys, node->n_keys));
}

static const char *typeof_sql(struct pr_profile_run *p, const struct pr_data_col *c, const struct pr_json_node *node, const char *type) {
    const char *place = place_sql(p, c, node);
    return place == NULL ? NULL : pr_fmt(p->a, "%s_typeof(%s) = '%s'", c->cls == PR_DATA_JSON ? "json" : "jsonb", place, type);
}

/* A key that at least half of the objects have, and some lack. */
static void ask_missing(struct pr_profile_run *p, const struct pr_data_col *c, const struct pr_json_node *node) {
    if (node->parent == NULL || node->keys[node->n_keys - 1] == NULL) return;
    const int64_t objects = node->parent->types[PR_J_OBJECT], lacks = objects - node->total;
    if (lacks <= 0 || node->total < lacks) return;
    const char *name = pr_json_node_text(p->a, c, node), *place = place_sql(p, c, node), *object = typeof_sql(p, c, node->parent, "object");
    pr_ask_question(p, (struct pr_question){
        .id = pr_fmt(p->a, "missing-key:%s", name), .kind = "missing-key", .subject = name, .n = lacks, .of = objects, .choices = for_missing,
        .text = pr_fmt(p->a, "%s %s no key %s", pr_plural(p->a, lacks, "object"), verb(lacks, "has", "have"), name), .places = &node->lacks,
        .cond = place != NULL && object != NULL ? pr_fmt(p->a, "%s AND %s IS NULL", object, place) : NULL});
}

static const char *type_word(enum pr_json_type t, int64_t n) {
    static const char *const one[PR_J_COUNT] = {"an object", "an array", "text", "a number", "a boolean", "null"};
    static const char *const many[PR_J_COUNT] = {"objects", "arrays", "text", "numbers", "booleans", "null"};
    return n == 1 ? one[t] : many[t];
}

static void ask_types(struct pr_profile_run *p, const struct pr_data_col *c, const struct pr_json_node *node) {
    int main_type = 0;
    for (int t = 1; t < PR_J_COUNT; t++)
        if (node->types[t] + (t == PR_J_NUMBER) > node->types[main_type]) main_type = t;
    const char *name = pr_json_node_text(p->a, c, node);
    for (int t = 0; t < PR_J_COUNT; t++) {
        const int64_t n = node->types[t];
        if (t == main_type || n == 0) continue;
        const bool readable = t == PR_J_STRING && main_type == PR_J_NUMBER;
        const char *numeric = readable && n > 1 ? pr_fmt(p->a, " (%s of them %s as numbers)", node->numeric == n ? "all" : pr_human_count(p->a, node->numeric),
                                                node->numeric == 1 ? "reads" : "read") : "";
        pr_ask_question(p, (struct pr_question){
            .id = pr_fmt(p->a, "mixed-type:%s:%s", name, pr_json_type_name((enum pr_json_type)t)), .kind = "mixed-type", .subject = name, .n = n,
            .of = node->total, .choices = readable ? for_text_numbers : for_missing, .places = &node->seen[t],
            .text = pr_fmt(p->a, "%s of %s %s %s%s, where most are %s", pr_plural(p->a, n, "value"), name, verb(n, "is", "are"),
                           type_word((enum pr_json_type)t, n), numeric, type_word((enum pr_json_type)main_type, 2)),
            .cond = typeof_sql(p, c, node, pr_json_type_name((enum pr_json_type)t))});
    }
}

void pr_questions_of_json(struct pr_profile_run *p, struct pr_data_col *c) {
    for (size_t i = 0; i < c->json->n; i++) {
        const struct pr_json_node *node = c->json->nodes[i];
        if (node->in_map) continue;
        ask_missing(p, c, node);
        ask_types(p, c, node);
    }
}

/* --- casts and splits ---------------------------------------------------------------------------------------------- */

const char *pr_state_why(const char *state) {
    static const struct { const char *state, *why; } known[] = {
        {"22P02", "not written as one"}, {"22003", "out of range"}, {"22007", "not a date or time"}, {"22008", "a date or time out of range"},
        {"22001", "too long"}, {"23514", "against the domain's check"}, {"22P03", "not written as one"}, {"22023", "not taken by the type"},
        {"22018", "not written as one"}, {"22009", "a time zone that does not exist"}, {"22032", "not JSON"}, {"22P05", "text that the type cannot hold"}};
    for (size_t i = 0; i < PR_COUNT(known); i++)
        if (pr_eq(known[i].state, state)) return known[i].why;
    return "refused by the server";
}

static void ask_losses(struct pr_profile_run *p, const struct pr_cast_count *k, const char *subject) {
    for (size_t i = 0; i < k->n_losses; i++) {
        const struct pr_cast_loss *l = &k->losses[i];
        if (l->n == 0) continue;
        char kind[64];
        (void)snprintf(kind, sizeof kind, "%s", l->kind);
        for (char *s = kind; *s != '\0'; s++)
            if (*s == ' ') *s = '-';
        pr_ask_question(p, (struct pr_question){
            .id = pr_fmt(p->a, "cast-loses:%s:%s:%s", subject, k->cast->type, kind), .kind = "cast-loses", .subject = subject, .n = l->n, .of = k->rows - k->nulls,
            .choices = for_losses, .text = pr_fmt(p->a, "%s of %s would lose something as %s: %s", pr_plural(p->a, l->n, "value"), subject, k->cast->type, l->kind),
            .keys = l->keys != NULL ? json_incref(l->keys) : json_array()});
    }
}

void pr_questions_of_casts(struct pr_profile_run *p) {
    for (size_t i = 0; i < p->ask->n_casts; i++) {
        const struct pr_cast_count *k = &p->casts[i];
        if (k->cast == NULL) continue;
        const char *subject = pr_spot_text(p->a, &k->cast->spot);
        for (size_t f = 0; f < k->n_failures; f++)
            pr_ask_question(p, (struct pr_question){
                .id = pr_fmt(p->a, "cast-fails:%s:%s:%s", subject, k->cast->type, k->failures[f].sqlstate), .kind = "cast-fails", .subject = subject,
                .n = k->failures[f].n, .of = k->rows - k->nulls, .choices = for_missing, .keys = json_incref(k->failures[f].keys),
                .text = pr_fmt(p->a, "%s of %s cannot become %s: %s (%s)", pr_plural(p->a, k->failures[f].n, "value"), subject, k->cast->type,
                               pr_state_why(k->failures[f].sqlstate), k->failures[f].sqlstate)});
        ask_losses(p, k, subject);
        if (k->nulls > 0 && k->cast->spot.n_keys > 0)
            pr_ask_question(p, (struct pr_question){
                .id = pr_fmt(p->a, "cast-null:%s:%s", subject, k->cast->type), .kind = "cast-null", .subject = subject, .n = k->nulls, .of = k->rows,
                .choices = for_missing, .text = pr_fmt(p->a, "%s %s nothing at %s: the column would be null", pr_plural(p->a, k->nulls, "row"), verb(k->nulls, "has", "have"), subject),
                .keys = json_array()});
    }
}

void pr_questions_of_splits(struct pr_profile_run *p) {
    for (size_t i = 0; i < p->ask->n_splits && p->splits != NULL; i++) {
        const struct pr_split_count *k = &p->splits[i];
        if (k->split == NULL) continue;
        const char *subject = pr_spot_text(p->a, &k->split->spot), *by = k->split->by;
        const struct { const char *kind, *what; int64_t n; const struct pr_places *where; const char *one, *many; const char *const *choices; } all[] = {
            {"split-none", "none", k->none, &k->none_in, "has nothing to split at", "have nothing to split at", for_split},
            {"split-several", "several", k->several, &k->several_in, "has more than one place to split at", "have more than one place to split at", for_several},
            {"split-empty-part", "hollow", k->hollow, &k->hollow_in, "has an empty part", "have an empty part", for_missing},
            {"split-empty", "empty", k->empty, &k->empty_in, "is empty", "are empty", for_missing}};
        for (size_t q = 0; q < PR_COUNT(all); q++)
            if (all[q].n > 0)
                pr_ask_question(p, (struct pr_question){
                    .id = pr_fmt(p->a, "%s:%s:%s", all[q].kind, subject, by), .kind = all[q].kind, .subject = subject, .n = all[q].n, .of = k->rows - k->nulls,
                    .choices = all[q].choices, .places = all[q].where, .cond = pr_split_cond(p, k, all[q].what),
                    .text = pr_fmt(p->a, "%s of %s %s (%s)", pr_plural(p->a, all[q].n, "value"), subject, verb(all[q].n, all[q].one, all[q].many), by)});
    }
}

enum pr_code pr_questions_keys(struct pr_profile_run *p, struct pr_err *e) {
    for (size_t i = 0; i < p->n_questions; i++) {
        struct pr_question *q = &p->questions[i];
        if (q->keys != NULL) continue;
        q->keys = json_array();
        if (q->cond == NULL || q->places == NULL || p->cut) continue;
        pr_profile_show(p, "rows to show");
        PR_TRY(e, pr_parts_begin(p, e));
        const enum pr_code code = pr_parts_keys(p, q->places, q->cond, q->keys, e);
        if (code != PR_OK) {
            pr_parts_abort(p);
            return code;
        }
        PR_TRY(e, pr_parts_end(p, e));
    }
    return PR_OK;
}
