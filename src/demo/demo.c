#include "demo/demo.h"

#include <unistd.h>

#include "demo/stage.h"

#define SCENE_TIMEOUT_MS (10 * 60 * 1000)
#define ACT(...) ((const char *const[]){__VA_ARGS__, NULL})

/* One command of the way, and how it must end. "@key" stands for the approver's key. */
struct scene {
    const char *title;             /* NULL = goes on with the scene before */
    const char *says;
    const char *const *words;      /* after "pgrail" */
    int expected;                  /* exit status */
    bool types_yes;                /* the seam asks, and the demo answers on the pty */
};

static const struct scene scenes[] = {
    {.title = "1. Facts before words", .words = ACT("ground", "invoice_items"), .expected = 0,
     .says = "Nothing is written about a table that was not read first: columns, keys, indexes, sizes, as they are now."},
    {.title = "2. A column that does not exist", .words = ACT("check", "wrong/0249_total_amount.up.sql"), .expected = 3,
     .says = "An index on total_amount, which sounds right and is not there. The check names the real column, and refuses what nobody grounded."},
    {.title = "3. The wrong index", .words = ACT("ground", "wrong/0247_index_unpaid_items_wrong.up.sql"), .expected = 0,
     .says = "CREATE INDEX without CONCURRENTLY. First it is grounded, then judged on the real sizes."},
    {.words = ACT("check", "wrong/0247_index_unpaid_items_wrong.up.sql"), .expected = 1,
     .says = "The check says who would wait and for how long."},
    {.words = ACT("rehearse", "wrong/0247_index_unpaid_items_wrong.up.sql", "--force"), .expected = 1,
     .says = "Forced through a rehearsal all the same, on a clone of staging: see how long writers are stopped."},
    {.title = "4. The right index", .words = ACT("ground", "0247"), .expected = 0,
     .says = "The same index, built CONCURRENTLY. Grounding is noted in the file's header and in the ledger."},
    {.words = ACT("check", "0247"), .expected = 0, .says = "Nothing to complain about."},
    {.words = ACT("rehearse", "0247"), .expected = 0, .says = "Up, down and up again on a clone, with every lock watched."},
    {.title = "5. A person approves these bytes", .words = ACT("approve", "0247", "--key", "@key"), .expected = 0,
     .says = "The signature covers the bytes, the database and the rehearsal. The demo's key is a throwaway one."},
    {.title = "6. The seam", .words = ACT("apply", "0247"), .expected = 0, .types_yes = true,
     .says = "Production asks a person at a terminal. The demo answers YES on a pty of its own: there is no flag that would."},
    {.words = ACT("verify", "0247"), .expected = 0, .says = "Proof from the catalogue, not from the exit status of the statement."},
    {.words = ACT("status"), .expected = 0, .says = "What is applied and what is not."},
    {.title = "7. And back", .words = ACT("approve", "0247", "--down", "--key", "@key"), .expected = 0,
     .says = "A rollback goes the same way: it too is approved, and it too is asked at the seam."},
    {.words = ACT("rollback", "0247"), .expected = 0, .types_yes = true, .says = "The demo answers YES again."},
    {.words = ACT("status"), .expected = 0, .says = "As before the demo, and the history knows both steps."},
};

/* Output of a child comes in pieces; it is shown in whole lines. A bar that is redrawn leaves its last picture. */
struct sink { const struct pr_talk *talk; char line[8192]; size_t n; };

static void show_line(struct sink *s) {
    s->line[s->n] = '\0';
    const char *last = s->line;
    for (const char *p = s->line; *p != '\0'; p++)
        if (*p == '\r' && p[1] != '\0' && p[1] != '\r') last = p + 1;
    char *end = strchr(s->line + (last - s->line), '\r');
    if (end != NULL) *end = '\0';
    if (pr_starts(last, "\033[K")) last += 3;
    pr_say(s->talk, PR_LINE_PLAIN, "   %s", last);
    s->n = 0;
}

static void take(void *ctx, const char *bytes, size_t n) {
    struct sink *s = ctx;
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == '\n') show_line(s);
        else if (s->n + 1 < sizeof s->line) s->line[s->n++] = bytes[i];
    }
}

static const char *typed(const struct scene *sc, struct pr_arena *a) {
    struct pr_buf b = {.a = a};
    pr_add(&b, "pgrail");
    for (size_t i = 0; sc->words[i] != NULL; i++) pr_addf(&b, " %s", pr_eq(sc->words[i], "@key") ? "keys/mara" : sc->words[i]);
    return pr_buf_text(&b);
}

static enum pr_code own_path(struct pr_arena *a, const char **out, struct pr_err *e) {
    char path[4096];
    const ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n <= 0) return PR_FAIL(e, PR_ERR_PROC, "the path of pgrail itself is not known: /proc/self/exe cannot be read");
    *out = pr_dupn(a, path, (size_t)n);
    return PR_OK;
}

static enum pr_code play(const struct scene *sc, const struct pr_stage *stage, const struct pr_talk *talk, const char *pgrail,
                         struct pr_arena *a, int *status, struct pr_err *e) {
    static const struct pr_pty_answer yes[] = {{.when = "Type YES to run this on production: ", .type = "YES\n"}};
    const char **argv = PR_NEW_ARRAY(a, const char *, 16);
    size_t n = 0;
    argv[n++] = pgrail;
    for (size_t i = 0; sc->words[i] != NULL && n < 15; i++) {
        const char *w = sc->words[i];
        argv[n++] = pr_eq(w, "@key") ? stage->key : pr_starts(w, "wrong/") ? pr_fmt(a, "%s/%s", stage->dir, w) : w;
    }
    struct sink s = {.talk = talk};
    const enum pr_code code = pr_pty_run(argv, stage->env, yes, sc->types_yes ? 1 : 0, take, &s, SCENE_TIMEOUT_MS, status, e);
    if (s.n > 0) show_line(&s);
    return code;
}

static void note(json_t *acts, const struct scene *sc, const char *command, int status, int64_t elapsed_us) {
    json_t *o = pr_push_object(acts);
    pr_set_str(o, "title", sc->title);
    pr_set_str(o, "says", sc->says);
    pr_set_str(o, "command", command);
    pr_set_int(o, "exit_status", status);
    pr_set_int(o, "expected", sc->expected);
    pr_set_int(o, "elapsed_us", elapsed_us);
}

static enum pr_code play_all(const struct pr_stage *stage, const struct pr_talk *talk, struct pr_arena *a, json_t *acts, bool *as_expected,
                             struct pr_err *e) {
    const char *pgrail = NULL;
    PR_TRY(e, own_path(a, &pgrail, e));
    *as_expected = true;
    for (size_t i = 0; i < PR_COUNT(scenes) && *as_expected; i++) {
        const struct scene *sc = &scenes[i];
        if (pr_interrupted(talk)) return PR_FAIL(e, PR_ERR_INTERRUPTED, "interrupted; the demo's servers are gone, its folder stays");
        if (sc->title != NULL) {
            pr_say(talk, PR_LINE_PLAIN, "%s", "");
            pr_say(talk, PR_LINE_STEP, "%s", sc->title);
        }
        const char *command = typed(sc, a);
        pr_say(talk, PR_LINE_FACT, "%s", sc->says);
        pr_say(talk, PR_LINE_CODE, "$ %s", command);
        const int64_t began = pr_mono_us();
        int status = 0;
        PR_TRY(e, play(sc, stage, talk, pgrail, a, &status, e));
        note(acts, sc, command, status, pr_mono_us() - began);
        *as_expected = status == sc->expected;
        if (!*as_expected) pr_say(talk, PR_LINE_BAD, "exit status %d, and the demo expected %d: please report this", status, sc->expected);
    }
    return PR_OK;
}

enum pr_code pr_demo_run(const struct pr_demo *d, struct pr_arena *a, json_t **doc, bool *as_expected, struct pr_err *e) {
    struct pr_stage stage PR_CLEANUP(pr_stage_close) = {0};
    const int64_t began = pr_mono_us();
    pr_say(d->talk, PR_LINE_STEP, "0. Two throwaway servers, production and staging, with %s", d->small ? "a small invoicing service" : "2,400,000 invoice lines");
    PR_TRY(e, pr_stage_open(d, a, &stage, e));
    json_t *j PR_CLEANUP(pr_json_freep) = json_object();
    pr_set_str(j, "schema", "pgrail.demo/1");
    pr_set_str(j, "folder", stage.dir);
    PR_TRY(e, play_all(&stage, d->talk, a, pr_set_array(j, "acts"), as_expected, e));
    pr_set_str(j, "pages", pr_fmt(a, "%s/.pgrail/rehearsals", stage.dir));
    pr_set_int(j, "elapsed_us", pr_mono_us() - began);
    pr_set_bool(j, "as_expected", *as_expected);
    *doc = json_incref(j);
    return PR_OK;
}
