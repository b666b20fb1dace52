/* fix_plan.c: which fixes of a migration are taken: all that can be, when what comes out is judged better than what was there. */
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rules/fix_impl.h"

enum { TRIES = 40 };               /* of fixes one by one, when not all of them together are better */

/* --- judging again -------------------------------------------------------------------------------------------------- */

struct score { int levels[PR_LEVEL_COUNT]; size_t unjudged; int *errors, *all; /* by rule; the last one: none of them */ };

static void count(struct score *s, const struct pr_judged *d) {
    s->unjudged += d->script.n_unjudged;
    for (size_t i = 0; i < d->findings.n; i++) {
        const struct pr_finding *f = &d->findings.items[i];
        size_t rule = 0;
        /* Whether rows are in the way is not ours to mend: they would have been in the way of the old statement too. */
        if (pr_eq(f->rule, "predicted-failure") && f->level != PR_ERROR) continue;
        while (rule < pr_n_rules && !pr_eq(pr_rules[rule]->id, f->rule)) rule++;
        s->levels[f->level]++;
        s->all[rule]++;
        if (f->level == PR_ERROR) s->errors[rule]++;
    }
}

static int taken_of(const struct pr_fix_work *w, const char *rule) {
    int n = 0;
    for (size_t i = 0; i < w->n; i++) n += !w->takes[i].off && pr_eq(w->takes[i].finding->rule, rule);
    return n;
}

/* Fewer of the worst level at which they differ, of no rule more errors, and what is taken is gone. */
static bool is_better(const struct pr_fix_work *w, const struct score *now, const struct score *before) {
    if (now->unjudged > before->unjudged) return false;
    for (size_t i = 0; i <= pr_n_rules; i++) {
        const int taken = i < pr_n_rules ? taken_of(w, pr_rules[i]->id) : 0;
        if (now->errors[i] > before->errors[i] || (taken > 0 && now->all[i] > before->all[i] - taken)) return false;
    }
    for (int l = PR_ERROR; l >= PR_NOTE; l--)
        if (now->levels[l] != before->levels[l]) return now->levels[l] < before->levels[l];
    return false;
}

static enum pr_code judge(const struct pr_fix_job *job, const struct pr_migration *m, bool is_down, const struct pr_facts *facts, struct pr_arena *a,
                          struct pr_judged *out, struct pr_err *e) {
    const struct pr_judge j = {.migration = m, .side = pr_fix_side(m, is_down), .is_down = is_down, .facts = facts, .version_num = job->version_num,
                               .config = job->config, .runner = job->runner};
    return pr_judge_side(&j, a, out, e);
}

/* A migration and, where it has become several, those behind it: each judged on what the one before left. */
static enum pr_code judge_folder(const struct pr_fix_job *job, const struct pr_folder *f, struct pr_arena *a, struct score *s, struct pr_err *e) {
    const struct pr_facts *facts = job->facts;
    for (size_t i = 0; i < f->n; i++) {
        struct pr_judged up PR_CLEANUP(pr_judged_done) = {0}, down PR_CLEANUP(pr_judged_done) = {0};
        const struct pr_migration *m = &f->migrations[i];
        if (m->up.path == NULL) continue;
        PR_TRY(e, judge(job, m, false, facts, a, &up, e));
        count(s, &up);
        facts = pr_world_whole(up.after);
        if (m->down.path == NULL) continue;
        PR_TRY(e, judge(job, m, true, facts, a, &down, e));
        count(s, &down);
    }
    return PR_OK;
}

/* A file that stands alone, with its down script: read as pgrail runs it. */
static enum pr_code lone_folder(const struct pr_fix_work *w, const struct pr_fix_plan *plan, struct pr_folder **out, struct pr_err *e) {
    (void)e;
    struct pr_folder *f = PR_NEW(w->a, struct pr_folder);
    f->migrations = PR_NEW(w->a, struct pr_migration);
    f->n = 1;
    *f->migrations = *w->job->migration;
    struct pr_side *const sides[] = {&f->migrations->up, &f->migrations->down};
    for (size_t s = 0; s < 2; s++) {
        const char *path = sides[s]->path;
        if (path == NULL) continue;
        const char *whole = path[0] == '/' ? path : pr_fmt(w->a, "%s/%s", w->job->root, path);
        for (size_t i = 0; i < plan->n; i++) {
            if (!pr_eq(plan->files[i].path, whole)) continue;
            sides[s]->text = plan->files[i].after;
            sides[s]->len = plan->files[i].after_len;
            sides[s]->tx = PR_NEW(w->a, struct pr_tx);
            sides[s]->tx->rule = PR_TX_RULE_PGRAIL;
        }
    }
    *out = f;
    return PR_OK;
}

static enum pr_code folder_of(const struct pr_fix_work *w, const struct pr_fix_plan *plan, struct pr_folder **out, struct pr_err *e) {
    if (w->job->folder == NULL) return lone_folder(w, plan, out, e);
    const struct pr_migration *m = w->job->migration;
    const struct pr_side *const sides[] = {&m->up, &m->down};
    struct pr_change *changes = PR_NEW_ARRAY(w->a, struct pr_change, plan->n + 2);
    size_t n = 0;
    for (size_t i = 0; i < plan->n; i++) changes[n++] = (struct pr_change){.path = plan->files[i].path, .text = plan->files[i].after, .len = plan->files[i].after_len};
    for (size_t s = 0; s < 2; s++) {                        /* a side that did not change belongs to it all the same */
        if (sides[s]->path == NULL) continue;
        struct pr_change *c = &changes[n];
        PR_TRY(e, pr_fix_text(w, sides[s]->path, &c->path, &c->text, &c->len, e));
        n++;
    }
    return pr_folder_with(w->job->folder, changes, n, w->a, out, e);
}

/* --- choosing ------------------------------------------------------------------------------------------------------- */

static void note(const struct pr_fix_work *w, struct pr_fix_plan *plan, const struct pr_take *t) {
    if (t->off && t->finding->level == PR_NOTE) return;     /* nobody waits to hear why what hurts nobody was left */
    struct pr_fix_note **list = t->off ? &plan->left : &plan->taken;
    size_t *n = t->off ? &plan->n_left : &plan->n_taken, *cap = t->off ? &plan->cap_left : &plan->cap_taken;
    (void)pr_grow(w->a, list, *n, cap, sizeof **list);
    (*list)[(*n)++] = (struct pr_fix_note){.rule = t->finding->rule, .path = t->finding->path, .line = t->finding->line,
                                           .text = t->off ? t->why : t->fix->title, .assumes = t->off ? NULL : t->fix->assumes};
}

static void collect(struct pr_fix_work *w, bool is_down) {
    const struct pr_findings *found = &w->sides[is_down].findings;
    for (size_t i = 0; i < found->n; i++) {
        const struct pr_finding *f = &found->items[i];
        if (f->fix == NULL || (w->job->rule != NULL && (!pr_eq(w->job->rule, f->rule) || w->job->line != f->line))) continue;
        *PR_PUSH(w->a, w->takes, w->n, w->cap) = (struct pr_take){.finding = f, .fix = f->fix, .is_down = is_down, .off = f->fix->why_not != NULL, .why = f->fix->why_not};
    }
}

/* Builds until nothing more is refused: each round turns at least one off. */
static enum pr_code build(struct pr_fix_work *w, struct pr_fix_plan *plan, struct pr_err *e) {
    bool again = true;
    while (again) {
        *plan = (struct pr_fix_plan){0};
        PR_TRY(e, pr_fix_build(w, plan, &again, e));
    }
    return PR_OK;
}

static enum pr_code try(struct pr_fix_work *w, const struct score *before, struct pr_fix_plan *plan, bool *better, struct pr_err *e) {
    *better = false;
    PR_TRY(e, build(w, plan, e));
    if (plan->n == 0) return PR_OK;
    struct pr_folder *f = NULL;
    PR_TRY(e, folder_of(w, plan, &f, e));
    struct score now = {.errors = PR_NEW_ARRAY(w->a, int, pr_n_rules + 1), .all = PR_NEW_ARRAY(w->a, int, pr_n_rules + 1)};
    PR_TRY(e, judge_folder(w->job, f, w->a, &now, e));
    *better = is_better(w, &now, before);
    return PR_OK;
}

static enum pr_code one_by_one(struct pr_fix_work *w, const struct score *before, struct pr_fix_plan *plan, struct pr_err *e) {
    const char *why = w->job->facts != NULL ? "judged again, what comes out is no better" : "judged again without facts, what comes out is no better";
    if (w->n == 0) return PR_OK;
    struct pr_take *wanted = PR_NEW_ARRAY(w->a, struct pr_take, w->n + 1);
    memcpy(wanted, w->takes, w->n * sizeof *wanted);
    for (size_t i = 0; i < w->n; i++)
        if (!w->takes[i].off) w->takes[i] = (struct pr_take){.finding = wanted[i].finding, .fix = wanted[i].fix, .is_down = wanted[i].is_down, .off = true, .why = why};
    *plan = (struct pr_fix_plan){0};
    int tries = 0;
    for (size_t i = 0; i < w->n && tries < TRIES; i++) {
        if (wanted[i].off) continue;
        struct pr_take *kept = PR_NEW_ARRAY(w->a, struct pr_take, w->n);
        struct pr_fix_plan p = {0};
        bool better = false;
        memcpy(kept, w->takes, w->n * sizeof *kept);
        w->takes[i] = wanted[i];
        tries++;
        PR_TRY(e, try(w, before, &p, &better, e));
        if (better) *plan = p;
        else memcpy(w->takes, kept, w->n * sizeof *kept);
    }
    return PR_OK;
}

static void done(struct pr_fix_work *w) {
    pr_judged_done(&w->sides[0]);
    pr_judged_done(&w->sides[1]);
}

enum pr_code pr_fix_migration(const struct pr_fix_job *job, struct pr_arena *a, struct pr_fix_plan *out, struct pr_err *e) {
    struct pr_fix_work w PR_CLEANUP(done) = {.job = job, .a = a, .runs_each = pr_folder_runs_each(job->folder, job->runner)};
    struct score before = {.errors = PR_NEW_ARRAY(a, int, pr_n_rules + 1), .all = PR_NEW_ARRAY(a, int, pr_n_rules + 1)};
    struct pr_fix_plan plan = {0};
    bool better = false;
    if (job->migration->up.path == NULL) {
        *out = plan;
        return PR_OK;
    }
    PR_TRY(e, judge(job, job->migration, false, job->facts, a, &w.sides[0], e));
    count(&before, &w.sides[0]);
    if (job->migration->down.path != NULL) {
        PR_TRY(e, judge(job, job->migration, true, pr_world_whole(w.sides[0].after), a, &w.sides[1], e));
        count(&before, &w.sides[1]);
    }
    collect(&w, false);
    if (job->migration->down.path != NULL) collect(&w, true);
    PR_TRY(e, try(&w, &before, &plan, &better, e));
    if (!better) PR_TRY(e, one_by_one(&w, &before, &plan, e));
    for (size_t i = 0; i < w.n; i++) note(&w, &plan, &w.takes[i]);
    plan.after = pr_world_whole(w.sides[0].after);
    *out = plan;
    return PR_OK;
}

/* --- writing -------------------------------------------------------------------------------------------------------- */

static enum pr_code is_as_read(const struct pr_fix_file *f, mode_t *mode, struct pr_err *e) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    const char *text = NULL;
    size_t len = 0;
    struct stat st;
    PR_TRY(e, pr_read_text(a, f->path, PR_CAP_FILE, &text, &len, e));
    if (stat(f->path, &st) != 0) return PR_FAIL(e, PR_ERR_NO_FILE, "%s: %s", f->path, strerror(errno));
    if (len != f->before_len || memcmp(text, f->before, len) != 0) {
        (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "%s: changed since it was read, and is not overwritten", f->path);
        return pr_hint(e, "run the same command again");
    }
    *mode = st.st_mode & 0777u;
    return PR_OK;
}

/* A link stays a link: the file behind it is written. */
static enum pr_code replace(const struct pr_fix_file *f, struct pr_err *e) {
    char whole[PATH_MAX];
    mode_t mode = 0644;
    PR_TRY(e, is_as_read(f, &mode, e));
    if (realpath(f->path, whole) == NULL) return PR_FAIL(e, PR_ERR_NO_FILE, "%s: %s", f->path, strerror(errno));
    return pr_write_text(whole, f->after, f->after_len, mode, false, e);
}

static enum pr_code create(const struct pr_fix_file *f, struct pr_err *e) {
    char dir[PATH_MAX];
    const size_t n = (size_t)(strrchr(f->path, '/') - f->path);
    if (n >= sizeof dir) return PR_FAIL(e, PR_ERR_BAD_INPUT, "%.200s…: path too long", f->path);
    memcpy(dir, f->path, n);
    dir[n] = '\0';
    PR_TRY(e, pr_mkdirs(dir, 0755, e));
    return pr_write_text(f->path, f->after, f->after_len, 0644, true, e);
}

enum pr_code pr_fix_write(const struct pr_fix_plan *plan, struct pr_err *e) {
    mode_t mode = 0;
    for (size_t i = 0; i < plan->n; i++)
        if (plan->files[i].before != NULL) PR_TRY(e, is_as_read(&plan->files[i], &mode, e));
    size_t made = 0;
    enum pr_code code = PR_OK;
    for (; made < plan->n && code == PR_OK; made++)
        if (plan->files[made].before == NULL) code = create(&plan->files[made], e);
    const bool all_made = code == PR_OK;
    size_t replaced = 0;
    for (; replaced < plan->n && code == PR_OK; replaced++)
        if (plan->files[replaced].before != NULL) code = replace(&plan->files[replaced], e);
    if (code == PR_OK) return PR_OK;
    struct pr_err ignored = {0};
    for (size_t i = 0; i < (all_made ? plan->n : made - 1); i++)            /* the one that failed is not ours to take back */
        if (plan->files[i].before == NULL) (void)unlink(plan->files[i].path);
    for (size_t i = 0; i + 1 < replaced; i++)
        if (plan->files[i].before != NULL) (void)!pr_write_text(plan->files[i].path, plan->files[i].before, plan->files[i].before_len, 0644, false, &ignored);
    return code;
}
