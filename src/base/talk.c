#include "base/base.h"

void pr_say(const struct pr_talk *t, enum pr_line kind, const char *fmt, ...) {
    if (t == NULL || t->line == NULL) return;
    va_list ap;
    va_start(ap, fmt);
    char *text = NULL;
    PR_ASSERT(vasprintf(&text, fmt, ap) >= 0);
    va_end(ap);
    t->line(t->ctx, kind, text);
    free(text);
}

void pr_say_code(const struct pr_talk *t, struct pr_arena *a, const char *sql, size_t max_lines) {
    for (size_t shown = 0; *sql != '\0' && (max_lines == 0 || shown < max_lines); shown++) {
        const size_t n = strcspn(sql, "\r\n");
        pr_say(t, PR_LINE_CODE, "%s", pr_printable(a, pr_dupn(a, sql, n), n + 1));
        sql += n;
        if (*sql == '\r' && sql[1] == '\n') sql++;
        if (*sql != '\0') sql++;
    }
    if (*sql != '\0') pr_say(t, PR_LINE_CODE, "…");
}

void pr_progress(const struct pr_talk *t, const struct pr_progress *p) {
    if (t != NULL && t->progress != NULL) t->progress(t->ctx, p);
}

bool pr_interrupted(const struct pr_talk *t) { return t != NULL && t->interrupted != NULL && *t->interrupted != 0; }

bool pr_interrupted_twice(const struct pr_talk *t) { return pr_interrupted(t) && *t->interrupted > 1; }
