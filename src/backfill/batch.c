/* batch.c: one transaction: the statement over a piece, and the journal row that says so. */
#include "backfill/engine.h"

#include <errno.h>
#include <poll.h>
#include <sys/mman.h>

#define OURS_MS 30000
#define BEAT_US 5000000

enum pr_code pr_bf_board_new(struct pr_bf_board **out, struct pr_err *e) {
    void *room = mmap(NULL, sizeof(struct pr_bf_board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED) return PR_FAIL(e, PR_ERR_PROC, "no shared memory: %s", strerror(errno));
    *out = room;
    return PR_OK;
}

void pr_bf_board_freep(struct pr_bf_board **b) {
    if (*b != NULL) (void)munmap(*b, sizeof **b);
}

void pr_bf_nap(int64_t ms) {
    if (ms > 0) (void)poll(NULL, 0, ms > 60000 ? 60000 : (int)ms);
}

/* 55P03 lock timeout, 40P01 deadlock, 40001 serialization, 57014 cancelled: by our own parent for somebody who waits, or by a person. */
bool pr_bf_is_contention(const struct pr_err *e) {
    static const char *const states[] = {"55P03", "40P01", "40001", "57014"};
    for (size_t i = 0; i < PR_COUNT(states); i++)
        if (e->code == PR_ERR_DB && pr_eq(e->sqlstate, states[i])) return true;
    return false;
}

/* Data exceptions and integrity constraints: it is the row. */
static bool is_bad_row(const struct pr_err *e) { return e->code == PR_ERR_DB && (pr_starts(e->sqlstate, "22") || pr_starts(e->sqlstate, "23")); }

/* 53100: no room on the server's disk. To go on trying would take what others still find. */
static enum pr_code of_room(enum pr_code code, struct pr_err *e) {
    return pr_eq(e->sqlstate, "53100") ? pr_hint(e, "make room on the server's disk; what is done stays done, and the same command goes on behind it") : code;
}

/* One round trip. enable_seqscan: rows of a piece come by index, so that their pages are pruned on the way. */
enum pr_code pr_bf_session(struct pr_bf_engine *x, bool local, struct pr_err *e) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 20);
    const int version = x->me.version_num;
    struct { const char *name, *value; bool there; } const list[] = {
        {"lock_timeout", pr_fmt(a, "%d", PR_BF_LOCK_MS), true}, {"statement_timeout", "0", true}, {"idle_in_transaction_session_timeout", "30000", true},
        {"idle_session_timeout", "0", version >= 140000}, {"transaction_timeout", "0", version >= 170000},
        {"client_connection_check_interval", "2000", version >= 140000}, {"tcp_keepalives_idle", "10", true}, {"tcp_keepalives_interval", "5", true},
        {"tcp_keepalives_count", "3", true}, {"tcp_user_timeout", "30000", true}, {"jit", "off", true}, {"enable_seqscan", "off", true}, {"max_parallel_workers_per_gather", "0", true},
        {"synchronous_commit", "off", atomic_load(&x->board->async_commit)},
        /* of the statements outside our transactions, which say it themselves */
        {"default_transaction_isolation", "read committed", !local}, {"default_transaction_read_only", "off", !local}};
    struct pr_buf b = {.a = a};
    for (size_t i = 0; i < PR_COUNT(list); i++)
        if (list[i].there)
            pr_addf(&b, "%s pg_catalog.set_config('%s', '%s', %s)", b.len == 0 ? "SELECT" : ",", list[i].name, list[i].value, local ? "true" : "false");
    return pr_pg_do(x->pg, "session settings", pr_buf_text(&b), OURS_MS, e);
}

static enum pr_code run_statement(struct pr_bf_engine *x, const struct pr_bf_piece *p, struct pr_arena *a, int64_t *changed, struct pr_err *e) {
    const struct pr_pg_stmt q = {.name = "backfill batch", .sql = p->sql, .n_params = p->n_params, .shape = PR_NO_ROWS};
    struct pr_pg_rows r = {0};
    if (p->sql == NULL) return PR_OK;
    PR_TRY(e, pr_pg_query(x->pg, &q, p->params, a, &r, e));
    *changed = r.changed > 0 ? r.changed : 0;
    return PR_OK;
}

/* A trigger of the other table may leave rows out: those would be in neither of the two. */
static enum pr_code run_kept(struct pr_bf_engine *x, const struct pr_bf_piece *p, struct pr_arena *a, int64_t *changed, struct pr_err *e) {
    const struct pr_pg_stmt q = {.name = "backfill batch", .sql = p->sql, .n_params = p->n_params, .shape = PR_ONE_ROW, .n_cols = 2};
    struct pr_pg_rows r = {0};
    int64_t gone = 0, arrived = 0;
    PR_TRY(e, pr_pg_query(x->pg, &q, p->params, a, &r, e));
    PR_TRY(e, pr_parse_i64(PR_CELL(&r, 0, 0), 0, INT64_MAX, &gone, e));
    PR_TRY(e, pr_parse_i64(PR_CELL(&r, 0, 1), 0, INT64_MAX, &arrived, e));
    *changed = gone;
    if (gone == arrived) return PR_OK;
    (void)PR_FAIL(e, PR_ERR_ABORTED, "%s went from %s and %" PRId64 " arrived in %s: nothing of it was committed", pr_plural(a, gone, "row"), p->walk->full, arrived,
                  x->crew->cut->keeper);
    return pr_hint(e, "look at the triggers of %s: one of them leaves rows out", x->crew->cut->keeper);
}

static enum pr_code note(struct pr_bf_engine *x, const struct pr_bf_piece *p, int64_t changed, int64_t start_us, struct pr_arena *a, struct pr_err *e) {
    const struct pr_bf_batch_row row = {
        .span = p->span, .from = p->from, .to = p->to, .moves_at = !p->list, .begins = p->list, .ends = p->ends, .rows = p->rows, .read = p->swept ? 0 : p->rows, .changed = changed,
        .retries = p->retries, .elapsed_us = pr_mono_us() - start_us, .lsn = x->lsn[0] == '\0' ? NULL : x->lsn, .sqlstate = p->sqlstate};
    struct pr_bf_noted noted = {0};
    PR_TRY(e, pr_bf_batch_note(x->pg, &x->me, &row, p->walk->n_keys, a, &noted, e));
    (void)snprintf(x->lsn, sizeof x->lsn, "%s", noted.lsn == NULL ? "" : noted.lsn);
    if (p->sqlstate == NULL || noted.rejects < atomic_load(&x->board->max_rejects)) return PR_OK;
    return PR_FAIL(e, PR_ERR_ABORTED, "row number %" PRId64 " would be set aside, at most %" PRId64 " may be (max-rejects)", noted.rejects + 1,
                   (int64_t)atomic_load(&x->board->max_rejects));
}

static enum pr_code in_transaction(struct pr_bf_engine *x, struct pr_bf_piece *p, struct pr_arena *a, int64_t *changed, struct pr_err *e) {
    const int64_t start = pr_mono_us();
    PR_TRY(e, pr_pg_do(x->pg, "backfill: begin", "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", OURS_MS, e));
    if (x->me.tx_pooled) PR_TRY(e, pr_bf_session(x, true, e));
    PR_TRY(e, p->sql != NULL && x->crew->cut->keeper != NULL ? run_kept(x, p, a, changed, e) : run_statement(x, p, a, changed, e));
    PR_TRY(e, note(x, p, *changed, start, a, e));
    return pr_pg_do(x->pg, "backfill: commit", "COMMIT", 0, e);
}

static int64_t clamp(int64_t n, int64_t low, int64_t high) { return n < low ? low : n > high ? high : n; }

/* Rows a second, smoothed; the next batch takes about target_ms. It grows by a fifth at most, and shrinks at once. */
static void adapt(struct pr_bf_engine *x, const struct pr_bf_piece *p, int64_t elapsed_us) {
    if (p->sql == NULL || p->rows <= 0) return;
    const int64_t now = pr_scale(p->rows, 1000000, elapsed_us > 0 ? elapsed_us : 1);
    const int64_t batch = atomic_load(&x->board->batch), target = atomic_load(&x->board->target_ms);
    const int64_t most = clamp(batch * 10, PR_BF_SMALLEST, PR_BF_LARGEST), seen = atomic_load(&x->board->yields);
    x->rate = x->rate == 0 ? now : (x->rate * 6 + now * 4) / 10;
    const int64_t wish = clamp(pr_scale(x->rate, target, 1000), PR_BF_SMALLEST, most), grown = x->limit + x->limit / 5 + 1;
    x->limit = wish < grown ? wish : grown;
    if (seen != x->yields_seen) x->limit = clamp(x->limit / 2, 1, most);
    x->yields_seen = seen;
    atomic_store(&x->slot->limit, x->limit);
}

static void tell(struct pr_bf_engine *x, const struct pr_bf_piece *p, int64_t changed, int64_t elapsed_us) {
    atomic_fetch_add(&x->slot->batches, 1);
    atomic_fetch_add(&x->slot->changed, changed);
    if (!p->swept) atomic_fetch_add(&x->slot->read, p->rows);
    atomic_store(&x->slot->last_us, elapsed_us);
    atomic_fetch_add(&x->board->since_vacuum, changed);
    x->rest_us = elapsed_us;
}

enum pr_code pr_bf_run_piece(struct pr_bf_engine *x, struct pr_bf_piece *p, enum pr_bf_outcome *out, struct pr_err *e) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)64 << 20);
    const int64_t start = pr_mono_us();
    int64_t changed = 0;
    *out = PR_BF_DID;
    const enum pr_code code = in_transaction(x, p, a, &changed, e);
    if (code == PR_OK) {
        adapt(x, p, pr_mono_us() - start);
        tell(x, p, changed, pr_mono_us() - start);
        return PR_OK;
    }
    struct pr_err ignored = {0};
    if (code == PR_ERR_CONNECT || code == PR_ERR_INTERRUPTED || pr_pg_do(x->pg, "rollback", "ROLLBACK", OURS_MS, &ignored) != PR_OK) return code;
    if (pr_bf_is_contention(e)) {
        atomic_fetch_add(&x->slot->contended, 1);
        p->retries++;
        *out = PR_BF_CONTENDED;
        return PR_OK;
    }
    *out = PR_BF_BAD_ROW;
    return is_bad_row(e) && p->sql != NULL ? PR_OK : of_room(code, e);
}

enum pr_code pr_bf_set_aside(struct pr_bf_engine *x, struct pr_bf_piece *p, struct pr_err *e) {
    const struct pr_err why = *e;
    enum pr_bf_outcome outcome = PR_BF_DID;
    if (atomic_load(&x->board->max_rejects) == 0) {
        (void)pr_prefix(e, "a row of %s", p->walk->full);
        return pr_hint(e, "mend the row or the statement, or allow some rows to be set aside: -- max-rejects: 100 in the header, or pgrail backfill-ctl --max-rejects");
    }
    p->sql = NULL;
    p->sqlstate = why.sqlstate;
    const enum pr_code code = pr_bf_run_piece(x, p, &outcome, e);
    if (code == PR_ERR_ABORTED) return pr_hint(e, "the last one: SQLSTATE %s; their keys are in pgrail.backfill_reject", why.sqlstate);
    PR_TRY(e, code);
    if (outcome == PR_BF_DID) atomic_fetch_add(&x->slot->rejected, 1);
    return outcome == PR_BF_DID ? PR_OK : PR_FAIL(e, PR_ERR_RETRIES, "the journal is locked by somebody else");
}

static enum pr_code beat(struct pr_bf_engine *x, struct pr_err *e) {
    if (pr_mono_us() - x->beat_us < BEAT_US) return PR_OK;
    x->beat_us = pr_mono_us();
    return pr_bf_worker_beat(x->pg, &x->me, e);
}

/* While a batch runs, one in five to one in three of the small transactions beside it waits some milliseconds for the disk or a processor,
 * however short the batches are (measured). So gentle is at work for so small a part of the time that about one in a hundred of all do. */
static int64_t idle_ms(const struct pr_bf_engine *x) {
    const int64_t pause = atomic_load(&x->board->pause_ms);
    const int64_t gentle = atomic_load(&x->board->gentle) ? x->rest_us * PR_BF_GENTLE_RESTS * atomic_load(&x->board->workers) / 1000 : 0;
    return pause > gentle ? pause : gentle;
}

static bool leaves(const struct pr_bf_engine *x) {
    return atomic_load(&x->board->gate) == PR_BF_LEAVE || (int64_t)x->number >= atomic_load(&x->board->workers) || *x->told != 0;
}

enum pr_code pr_bf_between(struct pr_bf_engine *x, bool *stop, struct pr_err *e) {
    const int64_t until = pr_mono_us() + idle_ms(x) * 1000;
    x->rest_us = 0;
    for (;;) {
        *stop = leaves(x);
        if (*stop) return PR_OK;
        PR_TRY(e, beat(x, e));
        const int64_t left_ms = (until - pr_mono_us() + 999) / 1000;
        if (atomic_load(&x->board->gate) == PR_BF_GO && left_ms <= 0) return PR_OK;
        pr_bf_nap(atomic_load(&x->board->gate) == PR_BF_HOLD ? 20 : left_ms > 50 ? 50 : left_ms);
    }
}
