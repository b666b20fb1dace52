/* run.c: one start of a backfill from beginning to end: the gates, the job in the journal, the workers, what is left, the record. */
#include "backfill/drive.h"

#include "apply/gates.h"
#include "backfill/verify.h"
#include "ledger/ledger.h"
#include "project/backfills.h"

#define BEAT_US 5000000
#define RECORD_LOOKS 20                         /* at the history, a tenth of a second apart, for a row that another pgrail is about to write */
#define ROUNDS 3                                /* of sweeps over what came back, before a person is asked */
#define VACUUM_ROWS 240000                      /* by key, rows leave their page: a vacuum in between makes room (measured) */
#define STRETCH 100000                          /* rows of one count */

static void drive_done(struct pr_bf_drive *d) {
    pr_gates_freep(&d->gates);
    pr_pg_close(d->pg);
    pr_bf_board_freep(&d->board);
    json_decref(d->doc);
}

static const char *again(const struct pr_bf_drive *d) {
    return pr_fmt(d->a, "pgrail backfill %s --env %s", d->ask->file->path, d->ask->environment->name);
}

/* ---- settings: the file's, those of the journal when the job is there already, and on top what was asked for this time */

static bool by_key_alone(const struct pr_bf_cut *cut) {
    for (size_t i = 0; i < cut->n_walks; i++)
        if (cut->walks[i].way == PR_BF_STRIDED) return false;
    return cut->kind == PR_BF_UPDATE;
}

struct pr_bf_tuning pr_bf_tuning_of(const struct pr_bf_file *f, const struct pr_bf_cut *cut) {
    struct pr_bf_tuning t = f->tuning;
    if (t.vacuum_rows == PR_BF_AS_IS) t.vacuum_rows = by_key_alone(cut) ? VACUUM_ROWS : 0;
    return t;
}

int64_t pr_bf_est_rows(const struct pr_bf_cut *cut) {
    int64_t rows = 0;
    for (size_t i = 0; i < cut->n_walks; i++) rows = pr_sat_add(rows, cut->walks[i].est_rows > 0 ? cut->walks[i].est_rows : 0);
    return rows;
}

/* ---- the job */

static enum pr_code new_job(struct pr_bf_drive *d, struct pr_err *e) {
    const struct pr_bf_file *f = d->ask->file;
    d->job = (struct pr_bf_job){.name = f->id, .sha256 = f->sha256, .statement = d->cut.statement, .target = d->cut.target,
                                .tuning = pr_bf_tuning_of(f, &d->cut), .rows_total = pr_bf_est_rows(&d->cut)};
    pr_bf_wish_apply(&d->ask->wish, &d->job.tuning);
    return pr_bf_journal_open(d->pg, &d->job, &d->cut, d->a, e);
}

static enum pr_code other_bytes(struct pr_bf_drive *d, const struct pr_bf_job *job, struct pr_err *e) {
    (void)PR_FAIL(e, PR_ERR_REFUSED, "a backfill %s of other bytes is %s since %s: the file changed after it began", job->name, pr_bf_state_name(job->state), job->changed_at);
    return pr_hint(e, "bring the file back to SHA-256 %.16s…, or give that job up: pgrail backfill-ctl abandon %s --env %s", job->sha256, job->name,
                   d->ask->environment->name);
}

/* The history comes last: a pgrail that died in front of it has left it out, one that lives is about to write it. */
static enum pr_code is_recorded(struct pr_bf_drive *d, bool *out, struct pr_err *e) {
    const struct pr_migration *m = d->ask->migration;
    for (int look = 0; look < RECORD_LOOKS; look++) {
        struct pr_history_row *rows = NULL;
        size_t n = 0;
        if (look > 0) pr_bf_nap(100);
        PR_TRY(e, pr_history_read(d->pg, d->a, &rows, &n, e));
        const struct pr_history_row *row = pr_history_applied(rows, n, m->version);
        *out = row != NULL && pr_eq(row->sha256, m->sha256);
        if (*out) return PR_OK;
    }
    return PR_OK;
}

/* There and back at once would never come to an end. */
static enum pr_code check_other_way(struct pr_bf_drive *d, struct pr_err *e) {
    struct pr_bf_job other = {0};
    bool found = false;
    PR_TRY(e, pr_bf_journal_find(d->pg, pr_backfill_other(d->a, d->ask->file->id), d->a, &other, &found, e));
    if (!found || pr_bf_state_ended(other.state)) return PR_OK;
    (void)PR_FAIL(e, PR_ERR_REFUSED, "the backfill %s, which goes the other way, is %s", other.name, pr_bf_state_name(other.state));
    return pr_hint(e, "let it come to its end, or stop it and give it up: pgrail backfill-ctl abandon %s --env %s", other.name, d->ask->environment->name);
}

static enum pr_code find_job(struct pr_bf_drive *d, bool *is_new, struct pr_err *e) {
    struct pr_bf_job job = {0};
    bool found = false, there = false, recorded = false;
    *is_new = true;
    PR_TRY(e, pr_bf_journal_there(d->pg, d->a, &there, e));
    if (!there) return PR_OK;
    PR_TRY(e, check_other_way(d, e));
    PR_TRY(e, pr_bf_journal_find(d->pg, d->ask->file->id, d->a, &job, &found, e));
    const bool same = found && pr_eq(job.sha256, d->ask->file->sha256);
    const bool done = found && job.state == PR_BF_DONE && same;
    bool undone = false;
    if (done) PR_TRY(e, pr_bf_journal_undone(d->pg, &job, d->a, &undone, e));
    if (undone) return PR_OK;
    if (done) PR_TRY(e, is_recorded(d, &recorded, e));
    *is_new = !found || (pr_bf_state_ended(job.state) && !done);
    if (done && recorded) {
        (void)PR_FAIL(e, PR_ERR_REFUSED, "the backfill %s is done since %s", job.name, job.changed_at);
        return pr_hint(e, "pgrail status --env %s; to fill what came since, write a new file", d->ask->environment->name);
    }
    if (*is_new) return PR_OK;
    if (!same) return other_bytes(d, &job, e);
    d->job = job;
    return PR_OK;
}

static enum pr_code begin_job(struct pr_bf_drive *d, bool is_new, struct pr_err *e) {
    if (is_new) PR_TRY(e, new_job(d, e));
    if (d->job.state == PR_BF_DONE) {
        pr_say(d->ask->talk, PR_LINE_STEP, "backfill %s, job %" PRId64 ": every row is done and looked at; its line in the history was missing", d->job.name, d->job.id);
        return PR_OK;
    }
    const struct pr_bf_tuning was = d->job.tuning;
    pr_bf_wish_apply(&d->ask->wish, &d->job.tuning);
    const char *words = pr_bf_tuning_words(d->a, &d->job.tuning);
    if (!is_new && !pr_eq(words, pr_bf_tuning_words(d->a, &was))) PR_TRY(e, pr_bf_journal_tune(d->pg, d->job.id, &d->job.tuning, words, e));
    const bool under_way = d->job.state == PR_BF_RUNNING || d->job.state == PR_BF_PAUSED || d->job.state == PR_BF_CHECKING;
    pr_say(d->ask->talk, PR_LINE_STEP, "backfill %s, job %" PRId64 ": %s", d->job.name, d->job.id,
           is_new ? "begins" : under_way ? "taking part in it" : "going on where it stopped");
    pr_say(d->ask->talk, PR_LINE_FACT, "%s", words);
    PR_TRY(e, pr_bf_journal_step(d->pg, &d->job, under_way ? PR_BF_EV_JOIN : PR_BF_EV_START, NULL, e));
    if (d->job.state == PR_BF_PAUSED) pr_say(d->ask->talk, PR_LINE_WARN, "it is paused; to go on: pgrail backfill-ctl resume %s --env %s", d->job.name, d->ask->environment->name);
    return PR_OK;
}

/* ---- after the last range */

#define CHUNK 20000                             /* rows of one look */
#define FIRST 5                                 /* keys that are told of what is wrong */
#define LOOK_TIMEOUT_MS 600000

static enum pr_code may_go_on(void *ctx, int64_t rows_done, struct pr_err *e) {
    struct pr_bf_drive *d = ctx;
    (void)rows_done;
    PR_TRY(e, pr_bf_wait_while_held(d, e));
    if (d->looker.id == 0 || !d->looker.tx_pooled || pr_mono_us() - d->looker_us < BEAT_US) return PR_OK;
    d->looker_us = pr_mono_us();
    return pr_bf_worker_beat(d->pg, &d->looker, e);
}

static struct pr_bf_proving proving(struct pr_bf_drive *d, int64_t chunk) {
    return (struct pr_bf_proving){.pg = d->pg, .chunk = chunk, .first = FIRST, .timeout_ms = LOOK_TIMEOUT_MS, .pause = may_go_on, .ctx = d};
}

/* Why the job is no longer ours to go on with. */
static enum pr_code ended_otherwise(struct pr_bf_drive *d, struct pr_err *e) {
    if (d->job.state == PR_BF_FAILED) return PR_FAIL(e, PR_ERR_DB, "the backfill failed in another pgrail");
    (void)PR_FAIL(e, PR_ERR_INTERRUPTED, d->signalled ? "interrupted; every batch is whole, and the journal says how far it is" : "stopped; every batch is whole, and the journal says how far it is");
    return pr_hint(e, "to go on: %s", again(d));
}

/* Who looks is at the job like a worker, so that others can tell whether it lives. */
static enum pr_code begin_looking(struct pr_bf_drive *d, struct pr_err *e) {
    if (d->looker.id != 0) return PR_OK;
    d->looker = (struct pr_bf_worker){.job = d->job.id, .tx_pooled = d->ident.tx_pooled, .version_num = d->ident.version_num};
    d->looker_us = pr_mono_us();
    return pr_bf_worker_enter(d->pg, &d->looker, e);
}

static enum pr_code end_looking(struct pr_bf_drive *d, struct pr_err *e) {
    if (d->looker.id == 0) return PR_OK;
    PR_TRY(e, pr_bf_worker_leave(d->pg, &d->looker, e));
    d->looker.id = 0;
    return PR_OK;
}

/* Until all is walked. looks: it is ours to look at the result, for we were the first to say so. */
static enum pr_code drive_round(struct pr_bf_drive *d, bool *looks, struct pr_err *e) {
    bool walked = false;
    *looks = false;
    PR_TRY(e, pr_bf_drive(d, &walked, e));
    if (!walked && (d->job.state == PR_BF_CHECKING || d->job.state == PR_BF_DONE)) return PR_OK;
    if (!walked) return ended_otherwise(d, e);
    struct pr_err ignored = {0};
    PR_TRY(e, begin_looking(d, e));                                             /* before the state says so: a look without somebody who looks is taken over */
    const enum pr_code code = pr_bf_journal_step(d->pg, &d->job, PR_BF_EV_WALKED, NULL, e);
    *looks = code == PR_OK;
    if (*looks) return PR_OK;
    const enum pr_code left = end_looking(d, code == PR_ERR_BUSY ? e : &ignored);
    return code == PR_ERR_BUSY ? left : code;                                   /* another was the first, or a person paused it: the state says */
}

/* Somebody else looks at the result: waits for what comes of it, and takes their place when they die. */
static enum pr_code await_other(struct pr_bf_drive *d, struct pr_err *e) {
    bool said = false;
    d->waits = true;
    while (d->job.state == PR_BF_CHECKING) {
        struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)4 << 20);
        struct pr_bf_job now = {0};
        PR_TRY(e, pr_bf_journal_progress(d->pg, d->job.id, &d->progress, e));
        if (d->progress.workers_alive == 0) break;
        if (!said) pr_say(d->ask->talk, PR_LINE_STEP, "all is walked; another pgrail looks at the result");
        said = true;
        if (pr_interrupted(d->ask->talk)) return PR_FAIL(e, PR_ERR_INTERRUPTED, "interrupted while another pgrail looks at the result");
        pr_bf_nap(200);
        PR_TRY(e, pr_bf_journal_read(d->pg, d->job.id, a, &now, e));
        d->job.state = now.state;
    }
    d->waits = false;
    return PR_OK;
}

/* Until all is walked and it is ours to look, or another's look has come to its end. */
static enum pr_code walk(struct pr_bf_drive *d, struct pr_err *e) {
    bool looks = false;
    while (!looks && d->job.state != PR_BF_DONE) {
        if (d->job.state == PR_BF_RUNNING || d->job.state == PR_BF_PAUSED) PR_TRY(e, drive_round(d, &looks, e));
        else if (d->job.state != PR_BF_CHECKING) return ended_otherwise(d, e);
        if (looks || d->job.state != PR_BF_CHECKING) continue;
        PR_TRY(e, await_other(d, e));
        looks = d->job.state == PR_BF_CHECKING;
    }
    return looks ? begin_looking(d, e) : PR_OK;
}

/* Everything, and what came back meanwhile once more. The job is then ours to prove, or done by another. */
static enum pr_code walk_all(struct pr_bf_drive *d, int64_t *left, struct pr_err *e) {
    for (int round = 0;; round++) {
        PR_TRY(e, walk(d, e));
        if (d->job.state == PR_BF_DONE) return PR_OK;
        const struct pr_bf_proving how = proving(d, STRETCH);           /* not before: the session may have been another then */
        PR_TRY(e, pr_bf_journal_progress(d->pg, d->job.id, &d->progress, e));
        PR_TRY(e, pr_bf_count_left(&how, &d->cut, d->a, left, e));
        if (*left <= d->progress.rejects || round == ROUNDS) return PR_OK;
        pr_say(d->ask->talk, PR_LINE_WARN, "%s came back or came new while it ran: once more over those", pr_plural(d->a, *left - d->progress.rejects, "row"));
        PR_TRY(e, end_looking(d, e));
        PR_TRY(e, pr_bf_journal_again(d->pg, d->job.id, &d->cut, d->a, e));
        PR_TRY(e, pr_bf_journal_step(d->pg, &d->job, PR_BF_EV_LEFT_OVER, pr_fmt(d->a, "%" PRId64 " rows", *left), e));
    }
}

/* ---- old against new */

/* The first line of the header that does not hold; 0 = all do. What was derived from the SET clause may differ where the application
 * has written since: that is told, and no failure. */
static int line_that_fails(const struct pr_bf_drive *d, const json_t *proof) {
    const struct pr_bf_file *f = d->ask->file;
    size_t i = 0;
    json_t *o = NULL;
    json_array_foreach(pr_get(proof, "verify"), i, o)
        if (!pr_get_bool(o, "ok")) return (int)pr_get_int(o, "line");
    json_array_foreach(pr_get(proof, "compare"), i, o)
        if (!pr_get_bool(o, "derived") && pr_get_int(o, "differ") > 0 && i < f->n_compare) return f->compare[i].line;
    return 0;
}

static enum pr_code unproven(struct pr_bf_drive *d, const char *what, const char *why, const char *mend, struct pr_err *e) {
    PR_TRY(e, pr_bf_journal_step(d->pg, &d->job, PR_BF_EV_UNPROVEN, what, e));
    (void)PR_FAIL(e, PR_ERR_UNPROVEN, "%s%s", what, why);
    return pr_hint(e, "%s, then: %s", mend, again(d));
}

/* The values of rows that were set aside cannot be computed: then nothing can be compared. */
static enum pr_code compare_values(struct pr_bf_drive *d, struct pr_err *e) {
    if (d->progress.rejects > 0) {
        pr_say(d->ask->talk, PR_LINE_FACT, "old and new are not compared: the values of rows that were set aside cannot be computed");
        return PR_OK;
    }
    json_t *proof = NULL;
    const struct pr_bf_proving how = proving(d, CHUNK);
    PR_TRY(e, pr_bf_prove(&how, d->ask->file, &d->cut, d->a, &proof, e));
    pr_set(d->doc, "proof", proof);
    const int line = line_that_fails(d, proof);
    if (line > 0) return unproven(d, pr_fmt(d->a, "line %d of the header does not hold", line), "", "look at those rows (--json names the first), mend them or the line", e);
    if (json_is_null(json_object_get(proof, "wrong"))) {
        const bool gave = d->cut.kind == PR_BF_UPDATE && d->cut.walks[0].n_compare == 0;
        if (gave) pr_say(d->ask->talk, PR_LINE_FACT, "old and new are not compared: what the statement gave cannot be computed again");
        return PR_OK;
    }
    const int64_t wrong = pr_get_int(proof, "wrong");
    if (wrong > 0) pr_say(d->ask->talk, PR_LINE_WARN, "%s do not have the value that the statement gives now: the application has written since, or there is a fault", pr_plural(d->a, wrong, "row"));
    else pr_say(d->ask->talk, PR_LINE_GOOD, "old and new agree in %s", pr_plural(d->a, pr_get_int(proof, "rows"), "row"));
    return PR_OK;
}

static enum pr_code prove(struct pr_bf_drive *d, int64_t left, struct pr_err *e) {
    if (left > d->progress.rejects) {
        const char *what = pr_fmt(d->a, "%s still match the condition after %d rounds", pr_plural(d->a, left - d->progress.rejects, "row"), ROUNDS + 1);
        return unproven(d, what, ": the application writes them so, or the statement does not take them out",
                        "let a trigger or the application write the new form first", e);
    }
    if (left < 0) pr_say(d->ask->talk, PR_LINE_FACT, "every row was visited once; the condition does not tell which are done");
    else pr_say(d->ask->talk, PR_LINE_GOOD, left == 0 ? "no row is left that the condition holds for" : "none is left but those that were set aside");
    if (d->cut.keeper != NULL)
        pr_say(d->ask->talk, PR_LINE_GOOD, "%s went and arrived in %s: counted in each transaction", pr_plural(d->a, d->progress.changed, "row"), d->cut.keeper);
    PR_TRY(e, compare_values(d, e));
    const enum pr_code code = pr_bf_journal_step(d->pg, &d->job, PR_BF_EV_PROVEN, NULL, e);
    return code == PR_ERR_BUSY && d->job.state == PR_BF_DONE ? PR_OK : code;
}

/* ---- the document */

static void describe(struct pr_bf_drive *d) {
    json_t *walks = pr_set_array(d->doc, "walks");
    pr_set_str(d->doc, "statement", d->cut.statement);
    for (size_t i = 0; i < d->cut.n_walks; i++) {
        const struct pr_bf_walk *w = &d->cut.walks[i];
        json_t *o = pr_push_object(walks);
        pr_set_str(o, "table", w->full);
        pr_set_str(o, "way", pr_bf_way_name(w->way));
        pr_set_str(o, "why", w->why_way);
        pr_set_int(o, "rows", w->est_rows);
        json_t *keys = pr_set_array(o, "key");
        for (size_t k = 0; k < w->n_keys; k++) pr_push_str(keys, w->keys[k].name);
        pr_say(d->ask->talk, PR_LINE_FACT, "%s, about %s rows: %s, %s", w->full, pr_human_count(d->a, w->est_rows), pr_bf_way_name(w->way), w->why_way);
    }
    for (size_t i = 0; i < d->cut.n_notes; i++) pr_say(d->ask->talk, PR_LINE_WARN, "%s", d->cut.notes[i]);
}

static enum pr_code summarise(struct pr_bf_drive *d, const struct pr_bf_size *before, struct pr_err *e) {
    struct pr_bf_size after = {0};
    struct pr_bf_reject *rejects = NULL;
    size_t n = 0;
    PR_TRY(e, pr_bf_journal_progress(d->pg, d->job.id, &d->progress, e));
    PR_TRY(e, pr_bf_sizes(d->pg, &d->cut, &after, e));
    PR_TRY(e, pr_bf_journal_rejects(d->pg, d->job.id, 20, d->a, &rejects, &n, e));
    pr_set(d->doc, "progress", pr_bf_progress_json(&d->progress));
    pr_set_int(d->doc, "heap_bytes_before", before->heap);
    pr_set_int(d->doc, "heap_bytes_after", after.heap);
    pr_set_int(d->doc, "index_bytes_before", before->indexes);
    pr_set_int(d->doc, "index_bytes_after", after.indexes);
    pr_set_int(d->doc, "updates", after.updated - before->updated);
    pr_set_int(d->doc, "hot_updates", after.hot - before->hot);
    json_t *list = pr_set_array(d->doc, "rejects");
    for (size_t i = 0; i < n; i++) {
        json_t *o = pr_push_object(list);
        pr_set_str(o, "table", rejects[i].walk);
        pr_set_str(o, "key", rejects[i].key);
        pr_set_str(o, "sqlstate", rejects[i].sqlstate);
    }
    return PR_OK;
}

/* The journal says why before anybody is told; but a failure of the connection is the journal's own, and a later start finds it running. */
static enum pr_code note_failure(struct pr_bf_drive *d, struct pr_err *e) {
    const struct pr_err why = *e;
    const bool running = d->job.state == PR_BF_RUNNING || d->job.state == PR_BF_PAUSED || d->job.state == PR_BF_CHECKING;
    const bool stop = why.code == PR_ERR_INTERRUPTED;
    if (d->waits || !running || why.code == PR_ERR_CONNECT || why.code == PR_ERR_BUSY || d->pg == NULL || (stop && !pr_interrupted(d->ask->talk))) return why.code;
    if (stop && d->job.state != PR_BF_CHECKING) return why.code;
    if (pr_bf_journal_step(d->pg, &d->job, stop ? PR_BF_EV_STOP : PR_BF_EV_FAIL, why.msg, e) == PR_OK) *e = why;
    if (e->hint[0] == '\0') return pr_hint(e, "what is done stays; to try again where it failed: %s", again(d));
    return e->code;
}

static enum pr_code open_all(struct pr_bf_drive *d, struct pr_err *e) {
    const struct pr_environment *env = d->ask->environment;
    const struct pr_pg_ident *id = NULL;
    d->where = (struct pr_pg_where){.service = env->service, .env = env->env, .timeout_ms = 10000, .app = "pgrail/backfill"};
    if (pr_pg_open(&d->where, &d->pg, e) != PR_OK) return pr_prefix(e, "environment %s", env->name);
    PR_TRY(e, pr_pg_identity(d->pg, &id, e));
    d->ident = *id;
    d->ident.version = pr_dup(d->a, id->version);
    d->ident.database = pr_dup(d->a, id->database);
    d->ident.user = pr_dup(d->a, id->user);
    d->ident.address = pr_dup(d->a, id->address);
    d->ident.system_id = pr_dup(d->a, id->system_id);
    d->ident.backend_start = pr_dup(d->a, id->backend_start);
    pr_set_str(d->doc, "address", d->ident.address);
    pr_set_str(d->doc, "database", d->ident.database);
    pr_set_str(d->doc, "server", d->ident.version);
    if (!id->in_recovery) {
        /* A role's own timeouts are for its application; counting a big table takes its time. */
        PR_TRY(e, pr_bf_parent_session(d->pg, e));
        return pr_bf_board_new(&d->board, e);
    }
    (void)PR_FAIL(e, PR_ERR_REFUSED, "%s is a standby: nothing can be filled there", d->ident.address);
    return pr_hint(e, "name the primary in environment %s (target_session_attrs=read-write finds it)", env->name);
}

/* The same way as any change of an environment; what is new is how it runs. */
static enum pr_code gate(struct pr_bf_drive *d, struct pr_err *e) {
    const struct pr_backfill *ask = d->ask;
    struct pr_bf_tuning t = d->job.id == 0 ? pr_bf_tuning_of(ask->file, &d->cut) : d->job.tuning;
    pr_bf_wish_apply(&ask->wish, &t);
    const struct pr_apply *as = &(struct pr_apply){.config = ask->config, .environment = ask->environment, .migration = ask->migration, .command = ask->command,
                                                   .manner = pr_bf_tuning_words(d->a, &t), .talk = ask->talk};
    struct pr_apply *kept = PR_NEW(d->a, struct pr_apply);
    *kept = *as;
    return pr_gates_pass(kept, d->a, d->doc, &d->gates, e);
}

static enum pr_code close_gates(struct pr_bf_drive *d, enum pr_code code, struct pr_err *e) {
    struct pr_err why = *e, of_ledger = {0};
    if (code == PR_OK) return pr_gates_done(d->gates, d->pg, pr_fmt(d->a, "backfill job %" PRId64 " of %s", d->job.id, d->ask->file->sha256), e);
    if (code != PR_ERR_CONNECT && pr_gates_stopped(d->gates, why.msg, &of_ledger) != PR_OK) pr_say(d->ask->talk, PR_LINE_WARN, "%s", pr_printable(d->a, of_ledger.msg, 300));
    return code;
}

static enum pr_code work(struct pr_bf_drive *d, int64_t *left, struct pr_err *e) {
    struct pr_err ignored = {0};
    bool recorded = false;
    enum pr_code code = walk_all(d, left, e);
    if (code == PR_OK && d->job.state != PR_BF_DONE) code = prove(d, *left, e);
    else if (code == PR_OK) code = is_recorded(d, &recorded, e);        /* by whom has proven it; if they died in front of that, by us */
    if (d->pg != NULL && end_looking(d, &ignored) != PR_OK) d->looker.id = 0;   /* its session tells as well */
    return code == PR_OK ? PR_OK : note_failure(d, e);
}

static enum pr_code whole_way(struct pr_bf_drive *d, struct pr_err *e) {
    bool is_new = false;
    int64_t left = -1;
    struct pr_bf_size before = {0};
    PR_TRY(e, open_all(d, e));
    PR_TRY(e, pr_bf_cut_live(d->ask->file, d->pg, d->a, &d->cut, NULL, e));
    describe(d);
    PR_TRY(e, find_job(d, &is_new, e));
    PR_TRY(e, gate(d, e));
    PR_TRY(e, pr_history_ensure(d->pg, e));
    PR_TRY(e, pr_bf_journal_ensure(d->pg, e));
    PR_TRY(e, pr_bf_sizes(d->pg, &d->cut, &before, e));
    PR_TRY(e, begin_job(d, is_new, e));
    const enum pr_code code = close_gates(d, work(d, &left, e), e);
    pr_set_int(d->doc, "job", d->job.id);
    pr_set_str(d->doc, "state", pr_bf_state_name(d->job.state));
    pr_set(d->doc, "settings", pr_bf_tuning_json(&d->job.tuning));
    if (left >= 0) pr_set_int(d->doc, "left", left);
    struct pr_err of_summary = {0};
    if (d->pg != NULL && summarise(d, &before, &of_summary) != PR_OK && code == PR_OK) *e = of_summary;
    return code == PR_OK ? of_summary.code : code;
}

enum pr_code pr_backfill_run(const struct pr_backfill *ask, struct pr_arena *a, json_t **doc, struct pr_err *e) {
    struct pr_bf_drive d PR_CLEANUP(drive_done) = {.ask = ask, .a = a, .started_us = pr_mono_us(), .doc = json_object()};
    *doc = NULL;
    pr_set_str(d.doc, "schema", "pgrail.backfill/1");
    pr_set_str(d.doc, "backfill", ask->file->id);
    pr_set_str(d.doc, "sha256", ask->file->sha256);
    pr_set_str(d.doc, "environment", ask->environment->name);
    pr_set_bool(d.doc, "protected", ask->environment->is_protected);
    const enum pr_code code = whole_way(&d, e);
    pr_set_int(d.doc, "elapsed_us", pr_mono_us() - d.started_us);
    *doc = json_incref(d.doc);
    return code;
}
