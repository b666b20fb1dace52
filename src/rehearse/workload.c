/* workload.c: the life of pgbench beside a rehearsal. Its rate is fixed: without, its clients would wait for the work and ask less, and
 * the stall would hide. */
#include <poll.h>
#include <time.h>

#include "rehearse/inside.h"

#define TURN_MS 20
#define WARM_US 1000000
#define CONNECT_US 30000000
#define STOP_US 10000000
#define AFTER_US 500000                         /* whoever asks for what is gone finds out after the work */
#define AFTER_MOST_US 5000000
#define CATCH_UP_LEAST_US 10000000
#define CATCH_UP_MOST_US 60000000
#define FOR_EVER "1000000"                      /* seconds: it is told when its time is up */
#define APP "pgrail/workload"

static int64_t now_us(void) {
    struct timespec t = {0};
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void nap(void) { (void)poll(NULL, 0, TURN_MS); }

static const char *log_path(const struct pr_foreground *f) { return pr_fmt(f->a, "%s/latency.%" PRId64, f->folder.path, f->pid); }

/* ---- what it says */

/* The first complaint, without the details behind it: those may hold rows. */
static const char *complaint(const struct pr_foreground *f, int64_t *aborted) {
    const char *text = NULL, **lines = NULL, *found = NULL;
    size_t len = 0;
    struct pr_err ignored = {0};
    *aborted = 0;
    if (pr_read_text(f->a, f->said, PR_CAP_FILE, &text, &len, &ignored) != PR_OK) return NULL;
    const size_t n = pr_split(f->a, text, '\n', &lines);
    for (size_t i = 0; i < n; i++) {
        const bool gave_up = strstr(lines[i], "aborted") != NULL && strstr(lines[i], "client ") != NULL;
        *aborted += gave_up ? 1 : 0;
        if (found == NULL && (gave_up || strstr(lines[i], "error:") != NULL || strstr(lines[i], "fatal:") != NULL)) found = lines[i];
    }
    if (found == NULL) return NULL;
    static const char *const heads[] = {"pgbench: ", "error: ", "fatal: "};
    for (size_t i = 0; i < PR_COUNT(heads); i++)
        if (pr_starts(found, heads[i])) found += strlen(heads[i]);
    return pr_looks_secret(found) ? "its complaint holds a password and is not shown" : pr_printable(f->a, found, 400);
}

static enum pr_code failed(const struct pr_foreground *f, const char *said, struct pr_err *e) {
    (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "workload: pgbench: %s", said != NULL ? said : "it ended without a word");
    return pr_hint(e, "mend the script: what it names must be on the copy of %s, before up", f->r->dump != NULL ? "the dump" : f->r->staging->name);
}

/* Before the work nothing may go wrong with it. */
static enum pr_code goes_well(struct pr_foreground *f, struct pr_err *e) {
    int status = 0;
    int64_t aborted = 0;
    if (pr_interrupted(f->r->talk)) return PR_FAIL(e, PR_ERR_INTERRUPTED, "the rehearsal was interrupted; its copy is dropped");
    const bool ended = pr_child_ended(f->pid, &status);
    if (ended) f->pid = 0;
    const char *said = complaint(f, &aborted);
    return ended || aborted > 0 ? failed(f, said, e) : PR_OK;
}

/* ---- start */

static enum pr_code write_scripts(const struct pr_foreground *f, struct pr_err *e) {
    for (size_t i = 0; i < f->r->workload->n; i++) {
        const struct pr_workload_script *s = &f->r->workload->scripts[i];
        PR_TRY(e, pr_write_text(pr_fmt(f->a, "%s/%s", f->folder.path, s->name), s->text, s->len, 0600, true, e));
    }
    return PR_OK;
}

/* What was judged is what runs: the files may change meanwhile, the copies in our own folder do not; and by the extended protocol the value
 * of a variable is never SQL. */
static enum pr_code launch(struct pr_foreground *f, struct pr_err *e) {
    const struct pr_workload *w = f->r->workload;
    struct pr_pg_elsewhere where = {0};
    pr_pg_for_program(f->watch, APP, f->a, &where);
    const char *const head[] = {w->program, "-n", "-j", "1", "-M", "extended", "-T", FOR_EVER, "-l", "--log-prefix=latency", "-c", pr_fmt(f->a, "%" PRId64, w->clients),
                                "-R", pr_fmt(f->a, "%" PRId64, w->rate)};
    const char **argv = PR_NEW_ARRAY(f->a, const char *, PR_COUNT(head) + 2 * w->n + 2);
    size_t n = 0, n_env = 0;
    for (; n < PR_COUNT(head); n++) argv[n] = head[n];
    for (size_t i = 0; i < w->n; i++) {
        argv[n++] = "-f";
        argv[n++] = pr_fmt(f->a, "%s@%" PRId64, w->scripts[i].name, w->scripts[i].weight);
    }
    argv[n++] = where.conninfo;
    while (where.env[n_env] != NULL) n_env++;
    const char **env = PR_NEW_ARRAY(f->a, const char *, n_env + 3);
    for (size_t i = 0; i < n_env; i++) env[i] = where.env[i];
    env[n_env++] = "LC_ALL=C";                  /* its words are looked at */
    env[n_env] = "PGCLIENTENCODING=UTF8";
    f->said = pr_fmt(f->a, "%s/said", f->folder.path);
    return pr_proc_start(&(struct pr_proc){.argv = argv, .env = env, .cwd = f->folder.path}, f->said, f->a, &f->pid, e);
}

struct crowd { int64_t there, resting; };       /* resting: between two transactions, for longer than a backlog would let it */

static enum pr_code look(struct pr_foreground *f, struct crowd *out, struct pr_err *e) {
    static const struct pr_pg_stmt q = {
        .name = "workload: its sessions", .shape = PR_ONE_ROW, .n_cols = 2, .timeout_ms = 10000,
        .sql = "SELECT count(*), count(*) FILTER (WHERE state = 'idle' AND pg_catalog.clock_timestamp() - state_change > interval '50 ms')"
               " FROM pg_catalog.pg_stat_activity WHERE datname = pg_catalog.current_database() AND application_name = '" APP "'"};
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 20);
    struct pr_pg_rows r = {0};
    PR_TRY(e, pr_pg_query(f->watch, &q, NULL, a, &r, e));
    PR_TRY(e, pr_parse_i64(PR_CELL(&r, 0, 0), 0, INT64_MAX, &out->there, e));
    return pr_parse_i64(PR_CELL(&r, 0, 1), 0, INT64_MAX, &out->resting, e);
}

static enum pr_code await_sessions(struct pr_foreground *f, struct pr_err *e) {
    const int64_t until = pr_mono_us() + CONNECT_US;
    struct crowd c = {0};
    while (c.there < f->r->workload->clients) {
        PR_TRY(e, goes_well(f, e));
        PR_TRY(e, look(f, &c, e));
        if (pr_mono_us() > until) return PR_FAIL(e, PR_ERR_TIMEOUT, "workload: pgbench has %" PRId64 " of its %" PRId64 " sessions after %d s", c.there, f->r->workload->clients, CONNECT_US / 1000000);
        if (c.there < f->r->workload->clients) nap();
    }
    return PR_OK;
}

static enum pr_code wait_for(struct pr_foreground *f, int64_t how_long_us, struct pr_err *e) {
    const int64_t until = pr_mono_us() + how_long_us;
    do {
        PR_TRY(e, goes_well(f, e));
        nap();
    } while (pr_mono_us() < until);
    return goes_well(f, e);
}

static enum pr_code be_alone(struct pr_foreground *f, struct pr_err *e) {
    const int64_t alone_us = f->r->workload->alone_ms * 1000;
    int64_t from = 0, to = 0;
    PR_TRY(e, wait_for(f, alone_us / 4 < WARM_US ? alone_us / 4 : WARM_US, e));     /* the first ones find nothing in memory */
    f->alone_from_us = now_us();
    const int64_t start = pr_mono_us();
    PR_TRY(e, pr_wal_position(f->watch, f->a, &from, e));
    PR_TRY(e, wait_for(f, alone_us, e));
    PR_TRY(e, pr_wal_position(f->watch, f->a, &to, e));
    f->wal_a_second = pr_scale(to - from, 1000000, pr_mono_us() - start);
    f->alone_to_us = now_us();
    return PR_OK;
}

enum pr_code pr_foreground_start(struct pr_foreground *f, const struct pr_rig *rig, const struct pr_copy *copy, const struct pr_session *s,
                                 struct pr_err *e) {
    const struct pr_workload *w = rig->r->workload;
    f->r = rig->r;
    f->a = rig->a;
    f->watch = rig->watch;
    PR_TRY(e, pr_copy_settle(rig, copy, s, e));
    (void)pr_cluster_sweep();                   /* what a killed rehearsal left */
    PR_TRY(e, pr_private_open("workload", f->a, &f->folder, e));
    PR_TRY(e, write_scripts(f, e));
    pr_say(f->r->talk, PR_LINE_STEP, "workload: %s at %" PRId64 "/s by %s, %s; alone for %s", w->title, w->rate, w->version, pr_plural(f->a, w->clients, "client"),
           pr_human_us(f->a, w->alone_ms * 1000));
    PR_TRY(e, launch(f, e));
    PR_TRY(e, await_sessions(f, e));
    return be_alone(f, e);
}

void pr_foreground_begin(struct pr_foreground *f) {
    if (f->pid != 0 && f->work_from_us == 0) f->work_from_us = now_us();
}

int64_t pr_foreground_wal(const struct pr_foreground *f, int64_t since_mono_us) {
    if (f == NULL || f->wal_a_second <= 0) return 0;
    const int64_t until = f->stopped_mono_us != 0 ? f->stopped_mono_us : pr_mono_us();
    return until > since_mono_us ? pr_scale(f->wal_a_second, until - since_mono_us, 1000000) : 0;
}

/* ---- end */

static bool sleeps(const struct pr_workload *w) {
    for (size_t i = 0; i < w->n; i++)
        if (strstr(w->scripts[i].text, "\\sleep") != NULL) return true;
    return false;
}

/* What was due while the work ran and could not begin is felt as well: stopped at once, the longest waits would be left out. pgbench writes
 * its log by the page, so that at a low rate a client that rests says the same sooner. */
static enum pr_code catch_up(struct pr_foreground *f, struct pr_err *e) {
    const int64_t took = f->work_to_us - (f->work_from_us != 0 ? f->work_from_us : f->work_to_us), start = pr_mono_us();
    const int64_t patience = took > CATCH_UP_MOST_US ? CATCH_UP_MOST_US : took < CATCH_UP_LEAST_US ? CATCH_UP_LEAST_US : took;
    const int64_t ten = 10000000 / f->r->workload->rate, after = ten < AFTER_US ? AFTER_US : ten > AFTER_MOST_US ? AFTER_MOST_US : ten;
    const bool may_rest = !sleeps(f->r->workload);
    const char *log = log_path(f);
    while (pr_mono_us() - start < patience) {
        int status = 0;
        struct crowd c = {0};
        if (pr_interrupted(f->r->talk)) return PR_FAIL(e, PR_ERR_INTERRUPTED, "the rehearsal was interrupted; its copy is dropped");
        if (pr_child_ended(f->pid, &status)) {
            f->pid = 0;
            return PR_OK;
        }
        PR_TRY(e, look(f, &c, e));
        if (c.there > 0 && pr_mono_us() - start < after) {
            nap();
            continue;
        }
        if (c.there == 0 || (may_rest && c.resting > 0) || pr_foreground_last_due(log) >= f->work_to_us) return PR_OK;
        nap();
    }
    return PR_OK;
}

/* Its own clock says so at the end of a run as well: it ends what is under way and writes the rest of its log. */
static void stop(struct pr_foreground *f) {
    const int64_t until = pr_mono_us() + STOP_US;
    int status = 0;
    bool ended = f->pid == 0;
    if (!ended) pr_child_alarm(f->pid);
    while (!ended && pr_mono_us() < until) {
        ended = pr_child_ended(f->pid, &status);
        if (!ended) nap();
    }
    if (!ended) pr_child_kill(f->pid);
    while (!ended) {
        ended = pr_child_ended(f->pid, &status);
        if (!ended) nap();
    }
    f->pid = 0;
    f->stopped_mono_us = pr_mono_us();
    f->end_us = now_us();
}

static const char *beside_what(const struct pr_foreground *f) { return f->r->fill != NULL ? "the backfill" : "up"; }

static const char *sentence(const struct pr_foreground *f) {
    const struct pr_workload *w = f->r->workload;
    struct pr_buf b = {.a = f->a};
    pr_addf(&b, "%s at %" PRId64 "/s: 99th percentile %s alone, ", w->title, w->rate, f->alone.n > 0 ? pr_human_us(f->a, f->alone.p99_us) : "not known");
    if (f->beside.n > 0) pr_addf(&b, "%s beside %s, longest %s", pr_human_us(f->a, f->beside.p99_us), beside_what(f), pr_human_us(f->a, f->beside.max_us));
    else pr_addf(&b, "none was due in the %s of %s", pr_human_us(f->a, f->work_to_us - f->work_from_us), beside_what(f));
    if (f->beside.failed > 0) pr_addf(&b, ", %s failed", pr_human_count(f->a, f->beside.failed));
    if (f->aborted > 0) pr_addf(&b, "; %s of %" PRId64 " gave up", pr_plural(f->a, f->aborted, "client"), w->clients);
    return pr_buf_text(&b);
}

static void tell_felt(const struct pr_foreground *f, const char *what, const struct pr_felt *x) {
    if (x->n == 0) return;
    pr_say(f->r->talk, PR_LINE_FACT, "%s: %s, 50th percentile %s, 95th %s, 99th %s, longest %s", what, pr_plural(f->a, x->n, "transaction"), pr_human_us(f->a, x->p50_us),
           pr_human_us(f->a, x->p95_us), pr_human_us(f->a, x->p99_us), pr_human_us(f->a, x->max_us));
}

static void tell(const struct pr_foreground *f) {
    const bool bad = f->aborted > 0 || f->beside.failed > 0 || f->undone_us > 0 || f->late_alone_us > 0 || f->beside.p99_us > f->r->config->max_block_ms * 1000;
    tell_felt(f, "workload alone", &f->alone);
    tell_felt(f, pr_fmt(f->a, "workload beside %s", beside_what(f)), &f->beside);
    pr_say(f->r->talk, bad ? PR_LINE_WARN : PR_LINE_GOOD, "%s", f->sentence);
    if (f->failure != NULL) pr_say(f->r->talk, PR_LINE_BAD, "pgbench: %s", f->failure);
}

enum pr_code pr_foreground_end(struct pr_foreground *f, struct pr_err *e) {
    if (f->folder.path == NULL || f->over || f->stopped_mono_us != 0) return PR_OK;
    const char *log = log_path(f);
    f->work_to_us = now_us();
    if (f->work_from_us == 0) f->work_from_us = f->work_to_us;      /* it never came to the work */
    const enum pr_code code = catch_up(f, e);
    stop(f);
    PR_TRY(e, code);
    f->failure = complaint(f, &f->aborted);
    PR_TRY(e, pr_foreground_read(f, log, e));
    f->over = true;
    f->sentence = sentence(f);
    tell(f);
    return PR_OK;
}

void pr_foreground_done(struct pr_foreground *f) {
    int status = 0;
    if (f->pid != 0) {
        pr_child_kill(f->pid);
        while (!pr_child_ended(f->pid, &status)) nap();
        f->pid = 0;
    }
    pr_private_close(&f->folder);
}
