/* side.c: one side of a migration: its text, digest and transaction mode; the header comment; versions. */
#include <ctype.h>

#include "crypt/crypt.h"
#include "project/folder.h"

size_t pr_digits(const char *s) { return strspn(s, "0123456789"); }

/* The number at *s without its leading zeros; *s moves behind it. */
static const char *number(const char **s, size_t *len) {
    const char *from = *s + strspn(*s, "0");
    *len = pr_digits(from);
    *s = from + *len;
    return from;
}

int pr_version_compare(const char *a, const char *b) {
    while (*a != '\0' || *b != '\0') {
        if (!isdigit((unsigned char)*a) || !isdigit((unsigned char)*b)) {
            if (*a == '\0' || *b == '\0') break;
            if (*a != *b && !(strchr("._-", *a) != NULL && strchr("._-", *b) != NULL)) return *a < *b ? -1 : 1;
            a++;
            b++;
            continue;
        }
        size_t la = 0, lb = 0;
        const char *x = number(&a, &la), *y = number(&b, &lb);
        if (la != lb) return la < lb ? -1 : 1;
        const int c = memcmp(x, y, la);
        if (c != 0) return c < 0 ? -1 : 1;
    }
    /* "1" and "1.0" are one version; "1" comes before "1.1". */
    const char *rest = *a != '\0' ? a : b;
    if (strspn(rest, "._-0") == strlen(rest)) return 0;
    return *a != '\0' ? 1 : -1;
}

/* Past one comment at text[i], or i itself. Block comments nest, as PostgreSQL's do. */
static size_t past_comment(const char *text, size_t len, size_t i) {
    if (i + 1 < len && text[i] == '-' && text[i + 1] == '-') {
        while (i < len && text[i] != '\n') i++;
        return i;
    }
    if (i + 1 >= len || text[i] != '/' || text[i + 1] != '*') return i;
    int depth = 0;
    while (i < len) {
        const bool open = i + 1 < len && text[i] == '/' && text[i + 1] == '*';
        const bool shut = i + 1 < len && text[i] == '*' && text[i + 1] == '/';
        depth += open ? 1 : shut ? -1 : 0;
        i += open || shut ? 2 : 1;
        if (shut && depth == 0) break;
    }
    return i;
}

bool pr_has_sql(const char *text, size_t len) {
    const bool bom = len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0;
    for (size_t i = bom ? 3 : 0; i < len;) {
        const size_t next = past_comment(text, len, i);
        if (next == i && !isspace((unsigned char)text[i]) && text[i] != ';') return true;
        i = next == i ? i + 1 : next;
    }
    return false;
}

const char *pr_tx_mode_name(enum pr_tx_mode m) {
    static const char *const names[] = {
        [PR_TX_ONE] = "one transaction", [PR_TX_EACH] = "no transaction", [PR_TX_OWN] = "its own transactions"};
    PR_ASSERT((size_t)m < PR_COUNT(names));
    return names[m];
}

enum pr_tx_mode pr_tx_mode_of(enum pr_tx_rule rule, const struct pr_script *s) {
    if (rule == PR_TX_RULE_WRAPPED) return PR_TX_ONE;
    size_t outside = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (s->stmts[i].unjudged != PR_JUDGED) continue;
        const enum pr_tx_word word = pr_stmt_tx_word(&s->stmts[i]);
        if (word == PR_TX_BEGIN || word == PR_TX_COMMIT || word == PR_TX_ROLLBACK) return PR_TX_OWN;
        outside += pr_stmt_outside_tx(&s->stmts[i]);
    }
    switch (rule) {
    case PR_TX_RULE_PGRAIL: return outside > 0 ? PR_TX_EACH : PR_TX_ONE;
    case PR_TX_RULE_WRAPPED: return PR_TX_ONE;
    case PR_TX_RULE_ALONE: return PR_TX_EACH;
    case PR_TX_RULE_QUERY: return outside > 0 && s->n == 1 ? PR_TX_EACH : PR_TX_ONE;
    case PR_TX_RULE_FLYWAY: return outside > 0 && outside == s->n ? PR_TX_EACH : PR_TX_ONE;
    }
    PR_BUG("unknown transaction rule");
}

enum pr_tx_mode pr_side_tx_as(const struct pr_side *s, const struct pr_script *read) {
    if (s->tx == NULL) return PR_TX_ONE;
    if (!s->tx->known) s->tx->mode = pr_tx_mode_of(s->tx->rule, read);
    s->tx->known = true;
    return s->tx->mode;
}

enum pr_tx_mode pr_side_tx(const struct pr_side *s) {
    if (s->tx == NULL || s->tx->known) return s->tx == NULL ? PR_TX_ONE : s->tx->mode;
    struct pr_arena *scratch PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    struct pr_script script PR_CLEANUP(pr_script_done) = {0};
    struct pr_err ignored = {0};
    if (s->text != NULL && pr_script_parse(s->text, s->len, scratch, &script, &ignored) == PR_OK) return pr_side_tx_as(s, &script);
    s->tx->mode = s->tx->rule == PR_TX_RULE_ALONE ? PR_TX_EACH : PR_TX_ONE;
    s->tx->known = true;
    return s->tx->mode;
}

void pr_side_fill(struct pr_arena *a, struct pr_side *side, const char *shown, const char *text, size_t len, int first_line,
                  enum pr_tx_rule rule) {
    *side = (struct pr_side){.path = shown, .text = text, .len = len, .first_line = first_line, .tx = PR_NEW(a, struct pr_tx)};
    *side->tx = (struct pr_tx){.rule = rule, .known = rule == PR_TX_RULE_WRAPPED, .mode = PR_TX_ONE};
}

/* SHA-256 over parts, each with its length in front, so that no two lists of parts give the same bytes. */
static const char *digest_of_parts(struct pr_arena *a, const char *const *parts, const size_t *lens, size_t n) {
    struct pr_arena *scratch PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    const char **all = PR_NEW_ARRAY(scratch, const char *, 2 * n);
    size_t *sizes = PR_NEW_ARRAY(scratch, size_t, 2 * n);
    for (size_t i = 0; i < n; i++) {
        all[2 * i] = pr_fmt(scratch, "%zu:", lens[i]);
        sizes[2 * i] = strlen(all[2 * i]);
        all[2 * i + 1] = parts[i];
        sizes[2 * i + 1] = lens[i];
    }
    return pr_sha256_parts(a, all, sizes, 2 * n);
}

const char *pr_side_sha256(const struct pr_side *s, struct pr_arena *a) { return s->text != NULL ? pr_sha256(a, s->text, s->len) : NULL; }

void pr_migration_finish(struct pr_arena *a, struct pr_migration *m) {
    m->sha256 = digest_of_parts(a, (const char *const[]){m->up.text, m->down.text}, (const size_t[]){m->up.len, m->down.len}, 2);
    if (m->up.text == NULL) return;
    m->rationale = pr_header_value(a, m->up.text, m->up.len, "rationale");
    m->author = pr_header_value(a, m->up.text, m->up.len, "author");
    const char *grounding = pr_header_value(a, m->up.text, m->up.len, "grounding");
    m->grounding = grounding != NULL && !pr_starts(grounding, "none") ? grounding : NULL;
}

const char *pr_migration_body_sha256(const struct pr_migration *m, struct pr_arena *a) {
    size_t from = 0, to = 0;
    if (m->up.text != NULL && !pr_header_grounding(m->up.text, m->up.len, &from, &to)) from = to = 0;
    const char *tail = m->up.text != NULL ? m->up.text + to : NULL;
    const size_t tail_len = m->up.len - to;
    struct pr_arena *scratch PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    char *body = pr_alloc(scratch, m->up.len + 1);
    if (from > 0) memcpy(body, m->up.text, from);
    if (tail_len > 0) memcpy(body + from, tail, tail_len);
    return digest_of_parts(a, (const char *const[]){body, m->down.text}, (const size_t[]){from + tail_len, m->down.len}, 2);
}

enum pr_code pr_side_statements_sha256(const struct pr_side *s, struct pr_arena *a, const char **out, struct pr_err *e) {
    struct pr_script script PR_CLEANUP(pr_script_done) = {0};
    if (s->text != NULL) PR_TRY(e, pr_script_parse(s->text, s->len, a, &script, e));
    const char **parts = PR_NEW_ARRAY(a, const char *, script.n + 1);
    size_t *lens = PR_NEW_ARRAY(a, size_t, script.n + 1);
    parts[0] = pr_tx_mode_name(pr_side_tx_as(s, &script));
    lens[0] = strlen(parts[0]);
    for (size_t i = 0; i < script.n; i++) {
        parts[i + 1] = script.stmts[i].text;
        lens[i + 1] = strlen(parts[i + 1]);
    }
    *out = digest_of_parts(a, parts, lens, script.n + 1);
    return PR_OK;
}
