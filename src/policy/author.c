/* author.c: whether the one who approves is the one who wrote. Names are what people write, so nothing here proves that two are the
 * same; it refuses where they say so themselves. */
#include <strings.h>

#include "policy/policy.h"

static size_t local_len(const char *s) { return strcspn(s, "@"); }

/* "mara" is mara@x too; mara@x and mara@y are two. */
static bool is_same(const char *x, const char *y) {
    if (x[0] == '\0' || y[0] == '\0') return false;
    if (strcasecmp(x, y) == 0) return true;
    const bool both = strchr(x, '@') != NULL && strchr(y, '@') != NULL;
    return !both && local_len(x) == local_len(y) && strncasecmp(x, y, local_len(x)) == 0;
}

static bool is_one(struct pr_arena *a, const char *author, const char *person) {
    const size_t name = strcspn(author, "<");
    const char *address = author[name] == '<' ? author + name + 1 : "";
    return is_same(pr_trim(a, pr_dupn(a, author, name)), person) || is_same(pr_trim(a, pr_dupn(a, address, strcspn(address, ">"))), person);
}

bool pr_is_author(struct pr_arena *a, const char *author, const char *person) {
    if (author == NULL || person == NULL) return false;
    for (const char *p = author;; p += strcspn(p, ",;") + 1) {
        const size_t n = strcspn(p, ",;");
        if (is_one(a, pr_dupn(a, p, n), person)) return true;
        if (p[n] == '\0') return false;
    }
}
