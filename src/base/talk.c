#include "base/base.h"

void pr_say(const struct pr_talk *t, enum pr_line kind, const char *fmt, ...) {
    if (t == NULL || t->line == NULL) return;
    char text[4096];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    t->line(t->ctx, kind, text);
}

void pr_progress(const struct pr_talk *t, const struct pr_progress *p) {
    if (t != NULL && t->progress != NULL) t->progress(t->ctx, p);
}

bool pr_interrupted(const struct pr_talk *t) { return t != NULL && t->interrupted != NULL && *t->interrupted != 0; }
