/* lsp_io.c: bytes in, messages out: the framing, and the loop on two file descriptors. */
#include <errno.h>
#include <unistd.h>

#include "face/lsp_impl.h"

struct pr_lsp *pr_lsp_new(const struct pr_lsp_start *start) {
    struct pr_lsp *s = calloc(1, sizeof *s);
    PR_ASSERT(s != NULL);
    s->start = start;
    return s;
}

void pr_lsp_free(struct pr_lsp *s) {
    if (s == NULL) return;
    while (s->docs != NULL) pr_lsp_close(s, s->docs);
    pr_arena_free(s->a);
    free(s->root);
    free(s->bytes);
    free(s);
}

int pr_lsp_status(const struct pr_lsp *s) { return s->shut ? 0 : 1; }

void pr_lsp_send(struct pr_lsp_turn *t, json_t *message) {
    const char *text = pr_json_text(t->a, message, false);
    pr_addf(t->out, "Content-Length: %zu\r\n\r\n", strlen(text));
    pr_add(t->out, text);
    json_decref(message);
}

void pr_lsp_notify(struct pr_lsp_turn *t, const char *method, json_t *params_stolen) {
    json_t *m = json_object();
    pr_set_str(m, "jsonrpc", "2.0");
    pr_set_str(m, "method", method);
    pr_set(m, "params", params_stolen);
    pr_lsp_send(t, m);
}

void pr_lsp_refuse(struct pr_lsp_turn *t, const json_t *id, int code, const char *message) {
    json_t *m = json_object();
    pr_set_str(m, "jsonrpc", "2.0");
    pr_set(m, "id", id != NULL ? json_deep_copy(id) : json_null());
    json_t *e = pr_set_object(m, "error");
    pr_set_int(e, "code", code);
    pr_set_str(e, "message", message);
    pr_lsp_send(t, m);
}

static void keep(struct pr_lsp *s, const char *bytes, size_t n) {
    if (s->len + n > s->room) {
        s->room = (s->len + n) * 2;
        s->bytes = realloc(s->bytes, s->room);
        PR_ASSERT(s->bytes != NULL);
    }
    memcpy(s->bytes + s->len, bytes, n);
    s->len += n;
}

static void drop(struct pr_lsp *s, size_t n) {
    memmove(s->bytes, s->bytes + n, s->len - n);
    s->len -= n;
}

static void refuse(struct pr_lsp *s, struct pr_buf *out, int code, const char *message) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 20);
    struct pr_lsp_turn t = {.s = s, .a = a, .out = out};
    pr_lsp_refuse(&t, NULL, code, message);
}

/* The length that a header names; -1 when it names none, or one that is no length. */
static int64_t length_of(const char *header, size_t n) {
    static const char name[] = "content-length:";
    for (size_t at = 0; at < n;) {
        const char *nl = memchr(header + at, '\n', n - at);
        const size_t end = nl != NULL ? (size_t)(nl - header) : n;
        if (end - at >= sizeof name - 1 && strncasecmp(header + at, name, sizeof name - 1) == 0) {
            char digits[24] = "";
            size_t len = 0;
            for (size_t i = at + sizeof name - 1; i < end && len + 1 < sizeof digits; i++)
                if (header[i] != ' ' && header[i] != '\t' && header[i] != '\r') digits[len++] = header[i];
            struct pr_err ignored = {0};
            int64_t value = -1;
            return pr_parse_i64(digits, 0, INT64_MAX / 2, &value, &ignored) == PR_OK ? value : -1;
        }
        at = end + 1;
    }
    return -1;
}

/* One message of what has come; false when more is needed or nothing more can come. */
static bool take_one(struct pr_lsp *s, struct pr_buf *out) {
    if (s->skip > 0) {
        const size_t n = s->skip < s->len ? s->skip : s->len;
        drop(s, n);
        s->skip -= n;
        return s->skip == 0 && s->len > 0;
    }
    const char *end = s->len > 0 ? memmem(s->bytes, s->len < PR_CAP_LSP_HEADER ? s->len : PR_CAP_LSP_HEADER, "\r\n\r\n", 4) : NULL;
    if (end == NULL) {
        if (s->len < PR_CAP_LSP_HEADER) return false;
        refuse(s, out, -32700, "no end of a header in 8192 bytes");
        s->over = true;
        return false;
    }
    const size_t header = (size_t)(end - s->bytes) + 4;
    const int64_t length = length_of(s->bytes, header);
    if (length < 0) {                                       /* no message can be told from the next any more */
        refuse(s, out, -32700, "a header without a Content-Length");
        s->over = true;
        return false;
    }
    if ((uint64_t)length > PR_CAP_LSP_MESSAGE) {
        refuse(s, out, -32600, "the message is longer than pgrail takes");
        drop(s, header);
        s->skip = (size_t)length;
        return s->len > 0;
    }
    if (s->len - header < (size_t)length) return false;
    pr_lsp_take(s, s->bytes + header, (size_t)length, out);
    drop(s, header + (size_t)length);
    return !s->over;
}

bool pr_lsp_feed(struct pr_lsp *s, const char *bytes, size_t n, struct pr_buf *out) {
    if (s->over) return false;
    keep(s, bytes, n);
    while (take_one(s, out)) {}
    return !s->over;
}

static bool write_all(int fd, const char *text, size_t n) {
    for (size_t put = 0; put < n;) {
        const ssize_t w = write(fd, text + put, n - put);
        if (w < 0 && errno == EINTR) continue;
        if (w < 0) return false;
        put += (size_t)w;
    }
    return true;
}

static void freep(struct pr_lsp **s) { pr_lsp_free(*s); }

int pr_lsp_main(const struct pr_lsp_start *start, int in, int out) {
    struct pr_lsp *s PR_CLEANUP(freep) = pr_lsp_new(start);
    char *chunk = malloc(65536);
    PR_ASSERT(chunk != NULL);
    for (bool more = true; more;) {
        const ssize_t n = read(in, chunk, 65536);
        if (n < 0 && errno == EINTR) break;                 /* Ctrl-C, SIGTERM */
        if (n <= 0) break;
        struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
        struct pr_buf answer = {.a = a, .cap = (size_t)256 << 20};
        more = pr_lsp_feed(s, chunk, (size_t)n, &answer);
        if (!write_all(out, pr_buf_text(&answer), answer.len)) break;
    }
    free(chunk);
    return pr_lsp_status(s);
}
