/* lsp_docs.c: the documents that the editor has open, and places in them: lines and UTF-16 units there, bytes here. */
#include "face/lsp_impl.h"

/* --- paths and URIs ------------------------------------------------------------------------------------------------- */

static int hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char l = (char)(c | 32);
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

char *pr_lsp_path(const char *uri) {
    if (uri == NULL || strncasecmp(uri, "file://", 7) != 0) return NULL;
    const char *p = uri + 7;
    if (strncmp(p, "localhost/", 10) == 0) p += 9;
    if (*p != '/') return NULL;
    char *path = malloc(strlen(p) + 1), *to = path;
    PR_ASSERT(path != NULL);
    for (; *p != '\0'; p++) {
        const int high = *p == '%' ? hex(p[1]) : -1, low = high >= 0 ? hex(p[2]) : -1;
        *to++ = low >= 0 ? (char)(high * 16 + low) : *p;
        if (low >= 0) p += 2;
        if (to[-1] == '\0') {                               /* %00 would hide the rest */
            free(path);
            return NULL;
        }
    }
    *to = '\0';
    struct pr_err ignored = {0};
    if (pr_check_utf8("uri", path, strlen(path), &ignored) == PR_OK) return path;
    free(path);
    return NULL;
}

const char *pr_lsp_uri(struct pr_arena *a, const char *path) {
    struct pr_buf b = {.a = a};
    pr_add(&b, "file://");
    for (const char *p = path; *p != '\0'; p++) {
        const bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || strchr("/-._~", *p) != NULL;
        if (plain) pr_addn(&b, p, 1);
        else pr_addf(&b, "%%%02X", (unsigned char)*p);
    }
    return pr_buf_text(&b);
}

/* --- documents ------------------------------------------------------------------------------------------------------ */

struct pr_lsp_doc *pr_lsp_doc(const struct pr_lsp *s, const char *uri) {
    for (struct pr_lsp_doc *d = s->docs; d != NULL; d = d->next)
        if (pr_eq(d->uri, uri)) return d;
    return NULL;
}

void pr_lsp_set_text(struct pr_lsp_doc *d, const char *text, size_t n) {
    char *copy = malloc(n + 1);
    PR_ASSERT(copy != NULL);
    memcpy(copy, text, n);
    copy[n] = '\0';
    free(d->text);
    d->text = copy;
    d->len = n;
}

struct pr_lsp_doc *pr_lsp_open(struct pr_lsp *s, const char *uri, const char *text, int64_t version) {
    struct pr_lsp_doc *d = pr_lsp_doc(s, uri);
    if (d == NULL) {
        if (s->n_docs >= PR_CAP_LSP_DOCUMENTS) return NULL;
        d = calloc(1, sizeof *d);
        PR_ASSERT(d != NULL);
        d->uri = strdup(uri);
        d->path = pr_lsp_path(uri);
        d->next = s->docs;
        s->docs = d;
        s->n_docs++;
    }
    pr_lsp_set_text(d, text, strlen(text));
    d->version = version;
    return d;
}

void pr_lsp_close(struct pr_lsp *s, struct pr_lsp_doc *d) {
    for (struct pr_lsp_doc **at = &s->docs; *at != NULL; at = &(*at)->next) {
        if (*at != d) continue;
        *at = d->next;
        s->n_docs--;
        break;
    }
    free(d->uri);
    free(d->path);
    free(d->text);
    pr_arena_free(d->a);
    free(d);
}

/* --- places --------------------------------------------------------------------------------------------------------- */

static size_t line_end(const char *text, size_t len, size_t at) {
    while (at < len && text[at] != '\n' && text[at] != '\r') at++;
    return at;
}

static size_t next_line(const char *text, size_t len, size_t at) {
    at = line_end(text, len, at);
    if (at < len) at += text[at] == '\r' && at + 1 < len && text[at + 1] == '\n' ? 2 : 1;
    return at;
}

static size_t char_len(unsigned char c) { return c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4; }

/* Units of the negotiated encoding that a character takes: bytes, or words of UTF-16. */
static int64_t units(const struct pr_lsp *s, size_t bytes) { return s->utf8 ? (int64_t)bytes : bytes == 4 ? 2 : 1; }

size_t pr_lsp_offset(const struct pr_lsp *s, const char *text, size_t len, const json_t *position) {
    const int64_t line = pr_get_int(position, "line"), wanted = pr_get_int(position, "character");
    size_t at = 0;
    for (int64_t i = 0; i < line && at < len; i++) {
        const size_t next = next_line(text, len, at);
        if (next == len && i + 1 < line) return len;
        at = next;
    }
    const size_t end = line_end(text, len, at);
    for (int64_t col = 0; at < end && col < wanted;) {
        const size_t n = char_len((unsigned char)text[at]);
        col += units(s, n);
        if (col > wanted) break;                            /* inside of a character: its beginning */
        at += n;
    }
    return at < len ? at : len;
}

json_t *pr_lsp_position(const struct pr_lsp *s, const char *text, size_t len, size_t offset) {
    size_t at = 0;
    int64_t line = 0, col = 0;
    if (offset > len) offset = len;
    for (;;) {
        const size_t next = next_line(text, len, at);
        if (next > offset || next == at || (next == len && line_end(text, len, at) == len)) break;
        at = next;
        line++;
    }
    while (at < offset) {
        const size_t n = char_len((unsigned char)text[at]);
        if (at + n > offset) break;
        col += units(s, n);
        at += n;
    }
    json_t *p = json_object();
    pr_set_int(p, "line", line);
    pr_set_int(p, "character", col);
    return p;
}

json_t *pr_lsp_range(const struct pr_lsp *s, const char *text, size_t len, size_t from, size_t to) {
    json_t *r = json_object();
    pr_set(r, "start", pr_lsp_position(s, text, len, from));
    pr_set(r, "end", pr_lsp_position(s, text, len, to));
    return r;
}

bool pr_lsp_change(const struct pr_lsp *s, struct pr_lsp_doc *d, const json_t *change) {
    const char *text = pr_get_str(change, "text");
    const json_t *range = pr_get(change, "range");
    if (text == NULL) return false;
    const size_t n = strlen(text);
    if (range == NULL) {
        if (n > PR_CAP_LSP_MESSAGE) return false;
        pr_lsp_set_text(d, text, n);
        return true;
    }
    const size_t from = pr_lsp_offset(s, d->text, d->len, pr_get(range, "start")), to = pr_lsp_offset(s, d->text, d->len, pr_get(range, "end"));
    if (from > to || d->len - (to - from) + n > PR_CAP_LSP_MESSAGE) return false;
    const size_t len = d->len - (to - from) + n;
    char *copy = malloc(len + 1);
    PR_ASSERT(copy != NULL);
    memcpy(copy, d->text, from);
    memcpy(copy + from, text, n);
    memcpy(copy + from + n, d->text + to, d->len - to);
    copy[len] = '\0';
    free(d->text);
    d->text = copy;
    d->len = len;
    return true;
}
