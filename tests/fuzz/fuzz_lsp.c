/* fuzz_lsp.c: any bytes as what an editor says. A line of the input is the body of a message, framed here (so that the search is
 * not one for lengths); what begins with '!' is sent raw. Whatever it is: no crash, and what comes out is framed JSON-RPC. */
#include "face/lsp.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* Every answer is a frame of its own with an object in it. */
static void check_frames(struct pr_arena *a, const char *text, size_t len) {
    for (size_t at = 0; at < len;) {
        static const char head[] = "Content-Length: ";
        PR_ASSERT(len - at > sizeof head && memcmp(text + at, head, sizeof head - 1) == 0);
        const size_t digits = strspn(text + at + sizeof head - 1, "0123456789");
        struct pr_err e = {0};
        int64_t body = 0;
        PR_ASSERT(pr_parse_i64(pr_dupn(a, text + at + sizeof head - 1, digits), 0, (int64_t)len, &body, &e) == PR_OK);
        at += sizeof head - 1 + digits;
        PR_ASSERT(memcmp(text + at, "\r\n\r\n", 4) == 0 && len - at - 4 >= (size_t)body);
        json_t *m PR_CLEANUP(pr_json_freep) = NULL;
        PR_ASSERT(pr_json_parse("answer", text + at + 4, (size_t)body, &m, &e) == PR_OK && json_is_object(m));
        at += 4 + (size_t)body;
    }
}

static void freep(struct pr_lsp **s) { pr_lsp_free(*s); }

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
    static const char hello[] = "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"rootUri\":\"file:///nonexistent\",\"capabilities\":"
                                "{\"workspace\":{\"workspaceEdit\":{\"resourceOperations\":[\"create\"]}}}}}";
    if (n < 1 || n > 1 << 15) return -1;
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    const struct pr_lsp_start start = {.config_path = "/nonexistent/pgrail.conf", .runner = "pgrail", .version_num = bytes[0] == 'v' ? 180000 : 0};
    struct pr_lsp *s PR_CLEANUP(freep) = pr_lsp_new(&start);
    struct pr_buf out = {.a = a, .cap = (size_t)256 << 20};
    const char *first = pr_fmt(a, "Content-Length: %zu\r\n\r\n%s", sizeof hello - 1, hello);
    bool more = pr_lsp_feed(s, first, strlen(first), &out);
    for (size_t at = 1; more && at < n;) {
        const uint8_t *nl = memchr(bytes + at, '\n', n - at);
        const size_t len = nl != NULL ? (size_t)(nl - bytes) - at : n - at;
        const char *line = (const char *)bytes + at;
        if (len > 0 && line[0] == '!') {
            more = pr_lsp_feed(s, line + 1, len - 1, &out) && pr_lsp_feed(s, "\r\n", 2, &out);
        } else {
            const char *head = pr_fmt(a, "Content-Length: %zu\r\n\r\n", len);
            more = pr_lsp_feed(s, head, strlen(head), &out);
            for (size_t half = len / 2, i = 0; more && i < 2; i++) more = pr_lsp_feed(s, line + (i == 0 ? 0 : half), i == 0 ? half : len - half, &out);
        }
        at += len + 1;
    }
    PR_ASSERT(!out.over);
    check_frames(a, pr_buf_text(&out), out.len);
    return 0;
}
