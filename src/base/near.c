#include "base/base.h"

#define LONGEST 64

static int least(int a, int b, int c) {
    const int ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Optimal string alignment: insert, delete, replace and swap of neighbours cost one each. */
int pr_distance(const char *a, const char *b) {
    const size_t la = strnlen(a, LONGEST), lb = strnlen(b, LONGEST);
    int d[LONGEST + 1][LONGEST + 1];
    for (size_t i = 0; i <= la; i++) d[i][0] = (int)i;
    for (size_t j = 0; j <= lb; j++) d[0][j] = (int)j;
    for (size_t i = 1; i <= la; i++)
        for (size_t j = 1; j <= lb; j++) {
            d[i][j] = least(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < d[i][j])
                d[i][j] = d[i - 2][j - 2] + 1;
        }
    return d[la][lb];
}

const char *pr_nearest(const char *wrong, const char *const *names, size_t n) {
    const int third = (int)(strnlen(wrong, LONGEST) / 3);
    int best = (third > 2 ? third : 2) + 1;
    const char *near = NULL;
    for (size_t i = 0; i < n; i++) {
        const int d = pr_distance(wrong, names[i]);
        if (d < best) best = d, near = names[i];
    }
    return near;
}
