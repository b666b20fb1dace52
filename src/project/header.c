/* header.c: the comment at the top of an up script: rationale, author, grounding. The header is part of the bytes. */
#include <errno.h>
#include <sys/stat.h>

#include "project/config.h"
#include "project/folder.h"

/* One line of the header: "-- key: value", or any other comment or blank line. */
struct line { size_t from, end, next; const char *key; size_t key_len; const char *value; size_t value_len; bool more; };

static size_t blanks(const char *text, size_t from, size_t end) {
    while (from < end && (text[from] == ' ' || text[from] == '\t')) from++;
    return from;
}

/* The next line, when it still belongs to the header. */
static bool next_line(const char *text, size_t len, size_t at, struct line *out) {
    if (at >= len) return false;
    const char *nl = memchr(text + at, '\n', len - at);
    const size_t end = nl != NULL ? (size_t)(nl - text) : len;
    *out = (struct line){.from = at, .end = end > at && text[end - 1] == '\r' ? end - 1 : end, .next = nl != NULL ? end + 1 : len};
    if (at == 0 && len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) out->from = at = 3;
    const size_t i = blanks(text, at, out->end);
    if (i >= out->end) return true;
    if (i + 1 >= out->end || text[i] != '-' || text[i + 1] != '-') return false;
    const size_t word = blanks(text, i + 2, out->end);
    out->more = word >= i + 4;                                /* "--   …" goes on with the line above */
    const char *colon = memchr(text + word, ':', out->end - word);
    out->value = text + word;
    out->value_len = out->end - word;
    if (colon == NULL || out->more) return true;
    out->key = text + word;
    out->key_len = (size_t)(colon - out->key);
    const size_t value = blanks(text, (size_t)(colon - text) + 1, out->end);
    out->value = text + value;
    out->value_len = out->end - value;
    return true;
}

static bool has_key(const struct line *l, const char *key) {
    return l->key != NULL && l->key_len == strlen(key) && strncasecmp(l->key, key, l->key_len) == 0;
}

const char *pr_header_value(struct pr_arena *a, const char *text, size_t len, const char *key) {
    struct pr_buf b = {.a = a};
    struct line l;
    bool in = false;
    for (size_t at = 0; next_line(text, len, at, &l); at = l.next) {
        if (in && !l.more) break;
        if (!in && !has_key(&l, key)) continue;
        if (in) pr_add(&b, " ");
        in = true;
        pr_addn(&b, l.value, l.value_len);
    }
    const char *value = pr_trim(a, pr_buf_text(&b));
    return value[0] == '\0' ? NULL : value;
}

bool pr_header_grounding(const char *text, size_t len, size_t *from, size_t *to) {
    struct line l;
    size_t place = len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    for (size_t at = 0; next_line(text, len, at, &l); at = l.next) {
        if (has_key(&l, "grounding")) {
            *from = l.from;
            *to = l.next;
            return true;
        }
        const bool first_of_sqlx = at == 0 && l.value_len >= 14 && strncmp(l.value, "no-transaction", 14) == 0;
        if (has_key(&l, "rationale") || has_key(&l, "author") || (l.more && place == l.from) || first_of_sqlx) place = l.next;
    }
    *from = *to = place;
    return false;
}

enum pr_code pr_migration_note_grounding(const struct pr_migration *m, const char *root, const char *line, struct pr_err *e) {
    if (m->up.path == NULL) return PR_FAIL(e, PR_ERR_NO_FILE, "%s has no up script", m->id);
    if (strpbrk(line, "\r\n") != NULL) return PR_FAIL(e, PR_ERR_BAD_INPUT, "a grounding is one line");
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    const char *path = pr_absolute(a, root, m->up.path), *text = NULL;
    size_t len = 0, from = 0, to = 0;
    struct stat st;
    PR_TRY(e, pr_read_text(a, path, PR_CAP_FILE, &text, &len, e));
    if (stat(path, &st) != 0) return PR_FAIL(e, PR_ERR_NO_FILE, "%s: %s", path, strerror(errno));
    (void)pr_header_grounding(text, len, &from, &to);
    if (m->up.len > len || to > m->up.len || memcmp(text, m->up.text, to) != 0) {
        (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "%s: changed while it was being grounded", m->up.path);
        return pr_hint(e, "pgrail ground %s", m->id);
    }
    const char *start = pr_starts(line, "-- grounding:") ? "" : "-- grounding: ";
    const char *first_nl = memchr(text, '\n', len);
    const char *end = first_nl != NULL && first_nl > text && first_nl[-1] == '\r' ? "\r\n" : "\n";
    struct pr_buf b = {.a = a, .cap = PR_CAP_FILE + 4096};
    pr_addn(&b, text, from);
    if (from > 0 && text[from - 1] != '\n') pr_add(&b, end);
    pr_addf(&b, "%s%s%s", start, line, end);
    pr_addn(&b, text + to, len - to);
    PR_ASSERT(!b.over);
    return pr_write_text(path, pr_buf_text(&b), b.len, st.st_mode & 0777u, false, e);
}
