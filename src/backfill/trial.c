/* trial.c: a backfill on a disposable copy: the same cut, journal and workers, so that what it costs there is what it costs. */
#include "backfill/drive.h"

#include "backfill/verify.h"
#include "ledger/ledger.h"

#define STRETCH 100000                          /* rows of one count */
#define LOOK_MS 600000

static void trial_done(struct pr_bf_drive *d) {
    pr_pg_close(d->pg);
    pr_bf_board_freep(&d->board);
}

static enum pr_code open_copy(struct pr_bf_drive *d, struct pr_err *e) {
    const struct pr_pg_ident *id = NULL;
    PR_TRY(e, pr_pg_open(&d->where, &d->pg, e));
    PR_TRY(e, pr_pg_identity(d->pg, &id, e));
    d->ident = *id;
    d->ident.system_id = pr_dup(d->a, id->system_id);
    d->ident.backend_start = pr_dup(d->a, id->backend_start);
    PR_TRY(e, pr_bf_parent_session(d->pg, e));
    return pr_bf_board_new(&d->board, e);
}

/* The copy may have come with an unended job of its original: nobody will go on with it here. */
static enum pr_code clear_the_way(struct pr_bf_drive *d, struct pr_err *e) {
    struct pr_bf_job job = {0};
    bool found = false;
    PR_TRY(e, pr_bf_journal_find(d->pg, d->ask->file->id, d->a, &job, &found, e));
    if (!found || pr_bf_state_ended(job.state)) return PR_OK;
    if (job.state == PR_BF_RUNNING || job.state == PR_BF_PAUSED || job.state == PR_BF_CHECKING) PR_TRY(e, pr_bf_journal_step(d->pg, &job, PR_BF_EV_STOP, "a copy", e));
    return pr_bf_journal_step(d->pg, &job, PR_BF_EV_ABANDON, "a copy", e);
}

static enum pr_code begin(struct pr_bf_drive *d, int64_t share, struct pr_err *e) {
    const struct pr_bf_file *f = d->ask->file;
    const int64_t rows = pr_bf_est_rows(&d->cut);
    PR_TRY(e, pr_history_ensure(d->pg, e));
    PR_TRY(e, pr_bf_journal_ensure(d->pg, e));
    PR_TRY(e, clear_the_way(d, e));
    d->job = (struct pr_bf_job){.name = f->id, .sha256 = f->sha256, .statement = d->cut.statement, .target = d->cut.target,
                                .tuning = pr_bf_tuning_of(f, &d->cut), .rows_total = rows};
    d->enough = share < 100 ? pr_scale(rows, share, 100) : 0;
    pr_say(d->ask->talk, PR_LINE_FACT, "%s", pr_bf_tuning_words(d->a, &d->job.tuning));
    PR_TRY(e, pr_bf_journal_open(d->pg, &d->job, &d->cut, d->a, e));
    return pr_bf_journal_step(d->pg, &d->job, PR_BF_EV_START, NULL, e);
}

static enum pr_code walk(struct pr_bf_drive *d, const struct pr_bf_trial *t, struct pr_bf_tried *out, struct pr_err *e) {
    const int64_t start = pr_mono_us();
    if (t->began != NULL) t->began(t->ctx);
    PR_TRY(e, pr_bf_drive(d, &out->whole, e));
    out->walk_us = pr_mono_us() - start;
    if (out->whole || d->had_enough) return t->ended != NULL ? t->ended(t->ctx, e) : PR_OK;
    return PR_FAIL(e, PR_ERR_INTERRUPTED, "the rehearsal was interrupted; its copy is dropped");
}

static enum pr_code may_go_on(void *ctx, int64_t rows_done, struct pr_err *e) {
    const struct pr_bf_drive *d = ctx;
    (void)rows_done;
    return pr_interrupted(d->ask->talk) ? PR_FAIL(e, PR_ERR_INTERRUPTED, "the rehearsal was interrupted; its copy is dropped") : PR_OK;
}

static enum pr_code count_left(struct pr_bf_drive *d, struct pr_bf_tried *out, struct pr_err *e) {
    const struct pr_bf_proving how = {.pg = d->pg, .chunk = STRETCH, .timeout_ms = LOOK_MS, .pause = may_go_on, .ctx = d};
    out->left = -1;
    return out->whole ? pr_bf_count_left(&how, &d->cut, d->a, &out->left, e) : PR_OK;
}

/* What others wrote behind the walk is not left by the statement. When they have stopped, one more round takes it. */
static enum pr_code count_settled(struct pr_bf_drive *d, struct pr_bf_tried *out, struct pr_err *e) {
    bool walked = false;
    PR_TRY(e, count_left(d, out, e));
    if (out->left <= out->rejects) return PR_OK;
    pr_say(d->ask->talk, PR_LINE_FACT, "%s came back or came new while it ran: once more over those", pr_plural(d->a, out->left - out->rejects, "row"));
    PR_TRY(e, pr_bf_journal_again(d->pg, d->job.id, &d->cut, d->a, e));
    PR_TRY(e, pr_bf_drive(d, &walked, e));
    if (!walked) return may_go_on(d, 0, e);
    PR_TRY(e, pr_bf_journal_progress(d->pg, d->job.id, &d->progress, e));
    out->rejects = d->progress.rejects;
    return count_left(d, out, e);
}

static enum pr_code oid_of(struct pr_bf_drive *d, const char *full, int64_t *out, struct pr_err *e) {
    static const struct pr_pg_stmt q = {
        .name = "backfill: table", .sql = "SELECT $1::pg_catalog.regclass::pg_catalog.oid", .n_params = 1, .shape = PR_ONE_ROW, .n_cols = 1, .timeout_ms = 30000};
    struct pr_pg_rows r = {0};
    PR_TRY(e, pr_pg_query(d->pg, &q, &full, d->a, &r, e));
    return pr_parse_i64(PR_CELL(&r, 0, 0), 0, INT64_MAX, out, e);
}

/* Who is walked, and who is written: the same, but for an INSERT and for what takes deleted rows. */
static enum pr_code list_tables(struct pr_bf_drive *d, struct pr_bf_tried *out, struct pr_err *e) {
    const bool inserts = d->cut.kind == PR_BF_INSERT;
    const char *other = inserts ? d->cut.target : d->cut.keeper;
    out->tables = PR_NEW_ARRAY(d->a, struct pr_bf_trial_table, d->cut.n_walks + 1);
    for (size_t i = 0; i < d->cut.n_walks; i++) {
        struct pr_bf_trial_table *t = &out->tables[out->n_tables++];
        *t = (struct pr_bf_trial_table){.walked = true};
        PR_TRY(e, oid_of(d, d->cut.walks[i].full, &t->oid, e));
        if (!inserts) PR_TRY(e, pr_bf_journal_changed(d->pg, d->job.id, d->cut.walks[i].full, &t->changed, e));
    }
    if (other == NULL) return PR_OK;
    struct pr_bf_trial_table *t = &out->tables[out->n_tables++];
    *t = (struct pr_bf_trial_table){.changed = out->changed};
    return oid_of(d, other, &t->oid, e);
}

static enum pr_code sum_up(struct pr_bf_drive *d, const struct pr_bf_size *before, struct pr_bf_tried *out, struct pr_err *e) {
    struct pr_bf_size after = {0};
    PR_TRY(e, pr_bf_journal_progress(d->pg, d->job.id, &d->progress, e));
    PR_TRY(e, pr_bf_sizes(d->pg, &d->cut, &after, e));
    out->way = pr_bf_way_name(d->cut.walks[0].way);
    out->why_way = d->cut.walks[0].why_way;
    out->read = d->progress.read;
    out->rows = out->whole || d->job.rows_total < out->read ? out->read : d->job.rows_total;
    out->changed = d->progress.changed;
    out->batches = d->progress.batches;
    out->rejects = d->progress.rejects;
    out->heap_before = before->heap;
    out->heap_after = after.heap;
    out->indexes_before = before->indexes;
    out->indexes_after = after.indexes;
    out->updates = after.updated - before->updated;
    out->hot_updates = after.hot - before->hot;
    return list_tables(d, out, e);
}

enum pr_code pr_backfill_try(const struct pr_bf_trial *t, struct pr_arena *a, struct pr_bf_tried *out, struct pr_err *e) {
    const struct pr_backfill ask = {.file = t->file, .talk = t->talk};
    struct pr_bf_drive d PR_CLEANUP(trial_done) = {.ask = &ask, .a = a, .where = t->where, .started_us = pr_mono_us()};
    struct pr_bf_tried tried = {0};
    struct pr_bf_size before = {0};
    PR_ASSERT(t->share > 0 && t->share <= 100);
    d.where.app = "pgrail/backfill";
    PR_TRY(e, open_copy(&d, e));
    PR_TRY(e, pr_bf_cut_live(t->file, d.pg, a, &d.cut, NULL, e));
    PR_TRY(e, begin(&d, t->share, e));
    PR_TRY(e, pr_bf_sizes(d.pg, &d.cut, &before, e));
    PR_TRY(e, walk(&d, t, &tried, e));
    PR_TRY(e, sum_up(&d, &before, &tried, e));
    PR_TRY(e, t->ended != NULL ? count_settled(&d, &tried, e) : count_left(&d, &tried, e));
    *out = tried;
    return PR_OK;
}
