/* check_since.c: which files changed since a revision, asked of git: committed since the branch left it, staged, in the working
 * tree, and new ones that nobody has added yet. */
#include <unistd.h>

#include "ops/check.h"
#include "proc/proc.h"

enum { GIT_MS = 60000, GIT_BYTES = 64 << 20 };

struct since { struct pr_check *k; const char *top; size_t cap; };

/* git in the project's folder, without what a repository's own configuration could make it run. */
static enum pr_code git(const struct since *s, const char *const *args, struct pr_proc_done *out, struct pr_err *e) {
    const char *argv[24] = {"git", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "-C", s->top != NULL ? s->top : s->k->root};
    size_t n = 7;
    for (; *args != NULL; args++) {
        PR_ASSERT(n + 1 < PR_COUNT(argv));
        argv[n++] = *args;
    }
    static const char *const env[] = {"LC_ALL=C", "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0", NULL};
    const struct pr_proc p = {.argv = argv, .env = env, .timeout_ms = GIT_MS, .max_output = GIT_BYTES, .interrupted = s->k->c->talk->interrupted};
    return pr_proc_run(&p, s->k->c->a, out, e);
}
#define GIT(s, out, e, ...) git((s), (const char *const[]){__VA_ARGS__, NULL}, (out), (e))

/* The first line of what git said, without its "fatal: ". */
static const char *said(const struct since *s, const struct pr_proc_done *d) {
    const char *text = pr_starts(d->err, "fatal: ") ? d->err + strlen("fatal: ") : d->err;
    return pr_printable(s->k->c->a, pr_dupn(s->k->c->a, text, strcspn(text, "\n")), 300);
}

static const char *line_of(const struct since *s, const char *out) { return pr_dupn(s->k->c->a, out, strcspn(out, "\n")); }

static enum pr_code find_repository(struct since *s, struct pr_err *e) {
    struct pr_proc_done d = {0};
    if (pr_proc_find("git", s->k->c->a) == NULL) {
        (void)PR_FAIL(e, PR_ERR_PROC, "--since asks git what changed, and there is no git in PATH");
        return pr_hint(e, "apt-get install git, or name the files: pgrail check FILE…");
    }
    PR_TRY(e, GIT(s, &d, e, "rev-parse", "--show-toplevel"));
    if (d.status == 0) {
        s->top = line_of(s, d.out);
        return PR_OK;
    }
    if (strstr(d.err, "dubious ownership") != NULL) {
        (void)PR_FAIL(e, PR_ERR_PROC, "--since: git refuses the repository: it belongs to somebody else");
        return pr_hint(e, "git config --global --add safe.directory %s", s->k->root);
    }
    if (strstr(d.err, "not a git repository") == NULL) return PR_FAIL(e, PR_ERR_PROC, "--since: git: %s", said(s, &d));
    (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "--since: %s is in no git repository", s->k->root);
    return pr_hint(e, "name the files: pgrail check FILE…");
}

static bool is_shallow(const struct since *s) {
    struct pr_proc_done d = {0};
    struct pr_err ignored = {0};
    return GIT(s, &d, &ignored, "rev-parse", "--is-shallow-repository") == PR_OK && pr_starts(d.out, "true");
}

/* The nearest branch or tag; a clone of CI often has none of them. */
static enum pr_code unknown_revision(const struct since *s, const char *rev, struct pr_err *e) {
    struct pr_arena *a = s->k->c->a;
    struct pr_proc_done d = {0};
    const char **names = NULL, *shown = pr_printable(a, rev, 100);
    struct pr_err ignored = {0};
    size_t n = 0;
    if (GIT(s, &d, &ignored, "for-each-ref", "--count=1000", "--format=%(refname:short)") == PR_OK) n = pr_split(a, d.out, '\n', &names);
    (void)PR_FAIL(e, PR_ERR_USAGE, "--since: there is no revision \"%s\"", shown);
    const char *near = n > 0 ? pr_nearest(rev, names, n) : NULL;
    if (near != NULL && near[0] != '\0') return pr_hint(e, "did you mean %s?", near);
    if (is_shallow(s)) return pr_hint(e, "this clone is shallow: git fetch --unshallow");
    return pr_hint(e, "git fetch brings what the remote has; git branch -a lists what is here");
}

/* Where this branch left the revision: what others have done to it since is not ours to be judged. */
static enum pr_code find_base(const struct since *s, const char *rev, const char **out, struct pr_err *e) {
    struct pr_proc_done d = {0};
    struct pr_arena *a = s->k->c->a;
    if (rev[0] == '-' || rev[0] == '\0') return unknown_revision(s, rev, e);        /* it would be an option of git's */
    PR_TRY(e, GIT(s, &d, e, "rev-parse", "--verify", "--quiet", pr_fmt(a, "%s^{commit}", rev)));
    if (d.status != 0) return unknown_revision(s, rev, e);
    const char *commit = line_of(s, d.out);
    PR_TRY(e, GIT(s, &d, e, "merge-base", commit, "HEAD"));
    if (d.status == 0) {
        *out = line_of(s, d.out);
        return PR_OK;
    }
    (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "--since: %s and the present branch have no common commit", pr_printable(a, rev, 100));
    return is_shallow(s) ? pr_hint(e, "this clone is shallow: git fetch --unshallow") : pr_hint(e, "name a revision that this branch comes from");
}

/* Paths of a list that git ends with NULs cannot pass as text: one a line, and a name with a line end in it is no migration. */
static void take_paths(struct since *s, const char *out) {
    struct pr_check *k = s->k;
    for (const char *p = out; *p != '\0';) {
        const size_t n = strcspn(p, "\n");
        if (n > 0) *PR_PUSH(k->c->a, k->changed, k->n_changed, s->cap) = pr_fmt(k->c->a, "%s/%.*s", s->top, (int)n, p);
        p += n + (p[n] == '\n' ? 1 : 0);
    }
}

enum pr_code pr_check_since(struct pr_check *k, const char *rev, struct pr_err *e) {
    struct since s = {.k = k};
    struct pr_proc_done d = {0};
    const char *base = NULL;
    PR_TRY(e, find_repository(&s, e));
    PR_TRY(e, find_base(&s, rev, &base, e));
    PR_TRY(e, GIT(&s, &d, e, "diff", "--name-only", "--no-renames", "--no-ext-diff", "--no-textconv", base, "--"));
    if (d.status != 0) return PR_FAIL(e, PR_ERR_PROC, "--since: git diff: %s", said(&s, &d));
    take_paths(&s, d.out);
    PR_TRY(e, GIT(&s, &d, e, "ls-files", "--others", "--exclude-standard", "--full-name"));
    if (d.status != 0) return PR_FAIL(e, PR_ERR_PROC, "--since: git ls-files: %s", said(&s, &d));
    take_paths(&s, d.out);
    if (k->n_changed > 1) qsort(k->changed, k->n_changed, sizeof *k->changed, pr_by_text);
    k->since = rev;
    pr_set_str(k->doc, "since", rev);
    return PR_OK;
}

bool pr_check_changed(const struct pr_check *k, const char *shown) {
    if (k->since == NULL) return true;
    if (shown == NULL || k->n_changed == 0) return false;
    char whole[4096];
    const char *path = shown[0] == '/' ? shown : pr_fmt(k->c->a, "%s/%s", k->root, shown);
    if (realpath(path, whole) != NULL) path = whole;                  /* git names files by where they really are */
    return bsearch(&path, k->changed, k->n_changed, sizeof *k->changed, pr_by_text) != NULL;
}
