/* tree.h: a project in a temporary folder, for the tests beside it. */
#ifndef PR_TEST_TREE_H
#define PR_TEST_TREE_H

#include "base/base.h"

#include <ftw.h>
#include <setjmp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct tree { struct pr_arena *a; const char *dir; struct pr_err e; };

static inline int tree_open(void **state) {
    struct tree *t = calloc(1, sizeof *t);
    t->a = pr_arena_new((size_t)256 << 20);
    char *dir = mkdtemp(pr_dup(t->a, "/tmp/pgrail-project-XXXXXX"));
    char whole[4096];
    t->dir = dir != NULL && realpath(dir, whole) != NULL ? pr_dup(t->a, whole) : NULL;
    *state = t;
    return t->dir == NULL;
}

static inline int tree_remove(const char *path, const struct stat *st, int kind, struct FTW *w) { return remove(path); }

static inline int tree_close(void **state) {
    struct tree *t = *state;
    (void)nftw(t->dir, tree_remove, 16, FTW_DEPTH | FTW_PHYS);
    pr_arena_free(t->a);
    free(t);
    return 0;
}

static inline void tree_bytes(struct tree *t, const char *name, const char *bytes, size_t n) {
    const char *path = pr_fmt(t->a, "%s/%s", t->dir, name);
    const char *slash = strrchr(path, '/');
    assert_int_equal(pr_mkdirs(pr_dupn(t->a, path, (size_t)(slash - path)), 0755, &t->e), PR_OK);
    assert_int_equal(pr_write_text(path, bytes, n, 0644, false, &t->e), PR_OK);
}

static inline void tree_file(struct tree *t, const char *name, const char *text) { tree_bytes(t, name, text, strlen(text)); }

static inline const char *tree_path(struct tree *t, const char *name) { return pr_fmt(t->a, "%s/%s", t->dir, name); }

static inline const char *tree_read(struct tree *t, const char *name) {
    const char *text = NULL;
    size_t n = 0;
    assert_int_equal(pr_read_text(t->a, tree_path(t, name), PR_CAP_FILE, &text, &n, &t->e), PR_OK);
    return text;
}

#endif
