#include <ctype.h>

#include "catalog/catalog.h"

/* The nearest real name to a wrong one. A person or a model that guesses a column seldom misspells it: it takes another word for
 * the same thing (total_amount for gross_total_cents), or another order. So names are cut into words, at underscores and at
 * camelCase, and words are compared: the same word, the same stem, a synonym, the beginning of the other, a misspelling.
 *
 *   score = 1000 × (70 % how much of the wrong name is found again + 30 % how much of the real name that explains)
 *
 * Words that say nothing ("id", "at", "is") weigh little. When nothing matches by words, trigrams of the letters and then edit
 * distance decide, and never score above a full match by words. */

#define MAX_WORDS 12
#define WORD_LEN 32
struct word { char text[WORD_LEN]; int group, weight; };
struct words { struct word items[MAX_WORDS]; int n; };

/* Words for the same thing, a group a line. Measured in names of real schemas and in what models guess; singular. */
static const char *const synonyms[] = {
    "amount cent total sum price value cost money",
    "create created creation insert inserted add added register new",
    "update updated modify modified modification change changed edit touch",
    "delete remove archive drop",
    "user customer account client member person buyer owner",
    "quantity qty count number_of pieces",
    "number no nr num code ref reference",
    "description desc text detail note comment remark body",
    "address addr street",
    "telephone tel phone mobile cell",
    "birthday dob birth born birthdate",
    "name title label",
    "email mail",
    "vat tax",
    "item line position entry row",
    "invoice bill",
    "order purchase",
    "payment pay paid settle",
    "status state stage phase",
    "type kind category class",
    "country nation",
    "city town",
    "zip postcode postal",
    "product article sku good",
    "company organisation organization org firm tenant",
    "supplier vendor",
    "employee staff worker",
    "picture image photo img avatar",
    "url link uri href",
    "password passwd pwd secret hash",
    "start begin from since",
    "end finish until till stop",
    "date day on time at timestamp ts when datetime",
    "enabled active",
    "parent up master",
    "message msg",
    "config settings options preferences",
    "due expire expiry deadline",
    "issue send sent publish",
    "currency iso_currency curr",
    "latitude lat",
    "longitude lon lng long",
    "weight mass",
    "percent pct rate ratio",
};

/* Words that narrow or only give a form; they must not carry a match alone. */
static const char *const light[] = {"id", "at", "is", "on", "has", "the", "of", "to", "by", "in", "for", "fk", "pk", "key"};

/* "amount" without more means the whole amount: a real name that only adds one of these words says the same … */
static const char *const whole_words[] = {"gross", "grand", "total", "overall", "full", "final", "complete", "all"};
/* … and one that adds one of these means a part of it or another thing. */
static const char *const part_words[] = {"net", "vat", "tax", "sub", "partial", "discount", "shipping", "fee", "open", "unit",
                                         "email", "old", "previous", "last", "min", "max", "average", "avg"};

static bool in_list(const char *word, const char *const *list, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(word, list[i]) == 0) return true;
    return false;
}

/* The stem of English plurals and past forms, as far as names need it: invoices → invoice, cities → city, issued → issue. */
static void stem(char *w) {
    const size_t n = strlen(w);
    if (n > 4 && strcmp(w + n - 3, "ies") == 0) {
        w[n - 3] = 'y';
        w[n - 2] = '\0';
    } else if (n > 3 && w[n - 1] == 's' && w[n - 2] != 's' && w[n - 2] != 'u' && w[n - 2] != 'i') {
        w[n - 1] = '\0';
    } else if (n > 5 && strcmp(w + n - 2, "ed") == 0) {
        w[n - 1] = '\0';                                    /* created → create, issued → issue */
    }
}

static int group_of(const char *word) {
    const size_t len = strlen(word);
    for (size_t g = 0; g < PR_COUNT(synonyms); g++)
        for (const char *at = strstr(synonyms[g], word); at != NULL; at = strstr(at + 1, word))
            if ((at == synonyms[g] || at[-1] == ' ') && (at[len] == '\0' || at[len] == ' ')) return (int)g;
    return -1;
}

static void end_word(struct words *out, char *word, size_t *len) {
    if (*len == 0 || out->n == MAX_WORDS) {
        *len = 0;
        return;
    }
    word[*len] = '\0';
    *len = 0;
    struct word *w = &out->items[out->n++];
    w->weight = in_list(word, light, PR_COUNT(light)) ? 3 : 10;
    w->group = group_of(word);
    char stemmed[WORD_LEN];
    memcpy(stemmed, word, WORD_LEN);
    stem(stemmed);
    if (w->group < 0) w->group = group_of(stemmed);
    const size_t n = strlen(stemmed);
    if (w->group < 0 && n > 4 && stemmed[n - 1] == 'e') {   /* started → starte → start */
        stemmed[n - 1] = '\0';
        w->group = group_of(stemmed);
        if (w->group < 0) stemmed[n - 1] = 'e';
    }
    memcpy(w->text, stemmed, WORD_LEN);
}

/* Cuts at everything that is no letter or digit, where lower case meets upper (camelCase), and before a word after capitals. */
static void cut(const char *name, struct words *out) {
    char word[WORD_LEN] = {0};
    size_t len = 0;
    *out = (struct words){0};
    for (const char *s = name; *s != '\0'; s++) {
        const unsigned char ch = (unsigned char)*s, before = s > name ? (unsigned char)s[-1] : 0, next = (unsigned char)s[1];
        const bool wordly = isalnum(ch) || ch >= 0x80;
        const bool hump = isupper(ch) && (islower(before) || isdigit(before) || (isupper(before) && islower(next)));
        if (!wordly || hump) end_word(out, word, &len);
        if (wordly && len < WORD_LEN - 1) word[len++] = (char)tolower(ch);
    }
    end_word(out, word, &len);
}

/* How well two words agree, in per cent. */
static int agree(const struct word *a, const struct word *b) {
    if (strcmp(a->text, b->text) == 0) return 100;
    if (a->group >= 0 && a->group == b->group) return 80;
    const size_t la = strlen(a->text), lb = strlen(b->text), shorter = la < lb ? la : lb, longer = la < lb ? lb : la;
    if (shorter >= 3 && strncmp(a->text, b->text, shorter) == 0) return 70;
    const int distance = longer >= 4 ? pr_distance(a->text, b->text) : 9;
    if (distance == 1 || (distance == 2 && longer >= 7)) return 75;
    return 0;
}

/* Pairs words, best first, each once; context (the relation's own name: "invoice" in invoice_number) may stand for words of the
 * wrong name that are left. */
static int match_words(const struct words *wrong, const struct words *real, const struct words *context) {
    bool used_wrong[MAX_WORDS] = {false}, used_real[MAX_WORDS] = {false};
    int found = 0, explained = 0, whole = 0, extra = 0, solid = 0;
    for (;;) {
        int best = 0, bi = -1, bj = -1;
        for (int i = 0; i < wrong->n; i++)
            for (int j = 0; j < real->n; j++) {
                const int got = used_wrong[i] || used_real[j] ? 0 : agree(&wrong->items[i], &real->items[j]);
                if (got > best) best = got, bi = i, bj = j;
            }
        if (bi < 0) break;
        used_wrong[bi] = used_real[bj] = true;
        found += best * wrong->items[bi].weight;
        explained += best * real->items[bj].weight;
        if (wrong->items[bi].weight == 10) solid++;
    }
    for (int i = 0; i < wrong->n; i++) {
        whole += 100 * wrong->items[i].weight;
        for (int k = 0; k < context->n && !used_wrong[i]; k++) {
            if (agree(&wrong->items[i], &context->items[k]) < 75) continue;
            used_wrong[i] = true;
            found += 70 * wrong->items[i].weight;
        }
    }
    for (int j = 0; j < real->n; j++) {
        const char *text = real->items[j].text;
        const int share = used_real[j] ? 100 : in_list(text, whole_words, PR_COUNT(whole_words)) ? 40
                        : in_list(text, part_words, PR_COUNT(part_words)) ? 140 : 100;
        extra += share * real->items[j].weight;
    }
    if (whole == 0 || extra == 0 || explained == 0) return 0;
    const int score = (700 * found) / whole + (300 * explained) / extra;
    /* of several words, less than half found again, or only such as say nothing: another name altogether */
    return wrong->n == 1 || (solid > 0 && found * 2 >= whole) ? score : score / 2;
}

/* Letters and digits alone, lower case: for spelling. */
static void squeeze(const char *name, char *out, size_t room) {
    size_t n = 0;
    for (; *name != '\0' && n + 1 < room; name++)
        if (isalnum((unsigned char)*name) || (unsigned char)*name >= 0x80) out[n++] = (char)tolower((unsigned char)*name);
    out[n] = '\0';
}

/* Trigrams in common, in per mille of all, as pg_trgm counts them (two blanks in front, one behind). */
static int trigrams(const char *a, const char *b) {
    char x[70], y[70];
    (void)snprintf(x, sizeof x, "  %.64s ", a);
    (void)snprintf(y, sizeof y, "  %.64s ", b);
    const int nx = (int)strlen(x) - 2, ny = (int)strlen(y) - 2;
    bool used[70] = {false};
    int common = 0;
    for (int i = 0; i < nx; i++)
        for (int j = 0; j < ny; j++)
            if (!used[j] && strncmp(x + i, y + j, 3) == 0) {
                used[j] = true;
                common++;
                break;
            }
    return 1000 * common / (nx + ny - common);
}

static int spelling(const char *wrong, const char *real) {
    char a[65], b[65];
    squeeze(wrong, a, sizeof a);
    squeeze(real, b, sizeof b);
    if (a[0] == '\0' || b[0] == '\0') return 0;
    if (strcmp(a, b) == 0) return 990;                      /* only case and underscores differ */
    const int longer = (int)(strlen(a) > strlen(b) ? strlen(a) : strlen(b)), distance = pr_distance(a, b);
    const int near = distance <= 2 && distance * 3 <= longer ? 950 - 300 * distance / longer * 2 : 0;
    const int letters = trigrams(a, b) * 7 / 10;
    return near > letters ? near : letters;
}

/* Less than this is no help: it would send somebody the wrong way. */
#define LEAST 300

static int nearness(const char *wrong, const struct words *wrong_words, const char *real, const struct words *context) {
    struct words real_words;
    cut(real, &real_words);
    const int words = match_words(wrong_words, &real_words, context), letters = spelling(wrong, real);
    const int score = words > letters ? words : letters;
    return score > 1000 ? 1000 : score;
}

static int by_score(const void *a, const void *b) {
    const struct pr_near *x = a, *y = b;
    return (x->score < y->score) - (x->score > y->score);
}

/* Sorts (the order of equals is that in which they came) and cuts off. */
static size_t best(struct pr_near *all, size_t n, size_t max, struct pr_near **out) {
    for (size_t i = 1; i < n; i++)
        for (size_t k = i; k > 0 && by_score(&all[k - 1], &all[k]) > 0; k--) {
            const struct pr_near swap = all[k];
            all[k] = all[k - 1];
            all[k - 1] = swap;
        }
    *out = all;
    return n < max ? n : max;
}

static const char *describe(struct pr_arena *a, const struct pr_col *c) {
    return pr_fmt(a, "%s%s%s", c->type, c->not_null ? ", not null" : "", c->generated != '\0' ? ", generated" : "");
}

size_t pr_near_columns(const struct pr_rel *r, const char *wrong, size_t max, struct pr_arena *a, struct pr_near **out) {
    struct words words, context;
    cut(wrong, &words);
    cut(r->name, &context);
    struct pr_near *all = PR_NEW_ARRAY(a, struct pr_near, r->n_cols);
    size_t n = 0;
    for (size_t i = 0; i < r->n_cols; i++) {
        const int score = nearness(wrong, &words, r->cols[i].name, &context);
        if (score >= LEAST) all[n++] = (struct pr_near){.name = r->cols[i].name, .detail = describe(a, &r->cols[i]), .score = score};
    }
    return best(all, n, max, out);
}

/* full is "schema.name"; its dot is at `dot`. */
static const char *relation_detail(const struct pr_facts *f, const char *full, const char *dot, struct pr_arena *a) {
    const struct pr_rel *r = dot != NULL ? pr_find_rel(f, pr_dupn(a, full, (size_t)(dot - full)), dot + 1) : NULL;
    if (r == NULL) return "";
    if (r->kind == 'v') return "view";
    return pr_fmt(a, "%s, about %s rows", r->kind == 'm' ? "materialized view" : r->kind == 'S' ? "sequence" : "table",
                  pr_human_count(a, r->rows));
}

size_t pr_near_relations(const struct pr_facts *f, const char *wrong, size_t max, struct pr_arena *a, struct pr_near **out) {
    const char *dot = strrchr(wrong, '.'), *bare = dot != NULL ? dot + 1 : wrong;
    const struct words none = {0};
    struct words words;
    cut(bare, &words);
    struct pr_near *all = PR_NEW_ARRAY(a, struct pr_near, f->n_all_relations);
    size_t n = 0;
    for (size_t i = 0; i < f->n_all_relations; i++) {
        const char *full = f->all_relations[i], *at = strchr(full, '.'), *name = at != NULL ? at + 1 : full;
        if (pr_ends(name, "_seq") && !pr_ends(bare, "seq")) continue;      /* a column's sequence is never meant */
        int score = pr_eq(bare, name) ? 1000 : nearness(bare, &words, name, &none);
        /* the schema that was named, or one of the search path, before the others */
        for (size_t k = 0; k < f->n_search_path && at != NULL; k++)
            if (strncmp(f->search_path[k], full, (size_t)(at - full)) == 0 && f->search_path[k][at - full] == '\0') score += 1;
        if (score >= LEAST)
            all[n++] = (struct pr_near){.name = full, .detail = relation_detail(f, full, at, a), .score = score > 1000 ? 1000 : score};
    }
    return best(all, n, max, out);
}
