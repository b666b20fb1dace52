/* exchange.c: one statement out, its answers in, with a deadline, a watch and a cancel. The only loop of pg/ that waits. */
#include <errno.h>
#include <poll.h>

#include "pg/pg_impl.h"

struct loop {
    struct pr_pg *pg;
    const struct pr_pg_wait *w;
    struct pr_pg_answer *answer;
    int64_t start_us, next_tick_us, cancelled_us, next_cancel_us;   /* monotonic; 0 = not yet */
};

void pr_pg_answer_clear(struct pr_pg_answer *answer) {
    PQclear(answer->last);                      /* accepts NULL */
}

bool pr_pg_succeeded(const PGresult *r) {
    const ExecStatusType st = PQresultStatus(r);
    return st == PGRES_TUPLES_OK || st == PGRES_COMMAND_OK || st == PGRES_EMPTY_QUERY;
}

/* Class 22 errors quote the offending value, which is row data; 22023 quotes settings, which is not. */
static void cover_values(const char *state, const char *from, char *to, size_t room) {
    const bool cover = strncmp(state, "22", 2) == 0 && strcmp(state, "22023") != 0;
    bool inside = false;
    size_t n = 0;
    for (; *from != '\0' && *from != '\n' && n + 3 < room; from++) {
        if (cover && *from == '"') {
            inside = !inside;
            if (inside) to[n++] = '"';
            if (inside) to[n++] = '?';
        }
        if (!inside) to[n++] = *from;
    }
    to[n] = '\0';
}

enum pr_code pr_pg_server_error(const struct pr_pg *pg, const PGresult *r, const char *what, enum pr_code code,
                                struct pr_err *e) {
    const char *primary = r != NULL ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    const char *state = r != NULL ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
    const char *hint = r != NULL ? PQresultErrorField(r, PG_DIAG_MESSAGE_HINT) : NULL;
    char text[900];
    cover_values(state != NULL ? state : "", primary != NULL ? primary : PQerrorMessage(pg->conn), text, sizeof text);
    (void)PR_FAIL(e, code, "%s: %s", what, text);
    (void)snprintf(e->sqlstate, sizeof e->sqlstate, "%s", state != NULL ? state : "");
    if (hint != NULL) (void)pr_hint(e, "%.*s", (int)strcspn(hint, "\n"), hint);
    return code;
}

/* The link is gone. The server may have said why before it went; then that is the message, with its SQLSTATE. */
static enum pr_code lost(struct pr_pg *pg, const struct pr_pg_answer *answer, const char *what, struct pr_err *e) {
    const bool told = answer->last != NULL && !pr_pg_succeeded(answer->last);
    pg->dead = true;
    (void)pr_pg_server_error(pg, told ? answer->last : NULL, what, PR_ERR_CONNECT, e);
    (void)pr_prefix(e, "the connection was lost");
    return pr_hint(e, "check the server and its log, then run the command again");
}

bool pr_pg_is_told(const volatile sig_atomic_t *interrupted) { return interrupted != NULL && *interrupted != 0; }

static void cancel(struct loop *l, int64_t now_us) {
    if (l->cancelled_us == 0) l->cancelled_us = now_us;
    pr_pg_cancel(l->pg);
    l->next_cancel_us = pr_mono_us() + PR_PG_RECANCEL_US;
}

/* What is due now: the watch, the deadline, the cancel again. CONNECT when a cancelled statement of ours does not end. */
static enum pr_code do_what_is_due(struct loop *l, bool signalled, struct pr_err *e) {
    const int64_t now = pr_mono_us();
    if (l->cancelled_us != 0) {
        if (l->answer->interrupted && now > l->cancelled_us + PR_PG_RECANCEL_US) {
            l->pg->dead = true;
            return PR_FAIL(e, PR_ERR_INTERRUPTED, "%s: interrupted; the server did not answer its cancellation", l->w->what);
        }
        if (l->w->deadline_us != 0 && now > l->cancelled_us + PR_PG_GRACE_US) {
            l->pg->dead = true;
            return PR_FAIL(e, PR_ERR_CONNECT, "%s: the server answers neither the statement nor its cancellation", l->w->what);
        }
        if (now >= l->next_cancel_us) cancel(l, now);
        return PR_OK;
    }
    if (pr_pg_is_told(l->w->interrupted)) {
        l->answer->interrupted = true;
        cancel(l, now);
        return PR_OK;
    }
    if (l->w->watch != NULL && (signalled || now >= l->next_tick_us)) {
        l->answer->watched = l->w->watch->tick(l->w->watch->ctx, now - l->start_us, e);
        if (l->answer->watched != PR_OK) cancel(l, now);
        l->next_tick_us = pr_mono_us() + (int64_t)l->w->watch->interval_ms * 1000;
    }
    if (l->w->deadline_us != 0 && now >= l->w->deadline_us && l->cancelled_us == 0) {
        l->answer->expired = true;
        cancel(l, now);
    }
    return PR_OK;
}

static int64_t sooner(int64_t a, int64_t b) {
    return b != 0 && b < a ? b : a;
}

/* Waits until the socket is ready or something is due, and takes in what came. */
static enum pr_code step(struct loop *l, struct pr_err *e) {
    PGconn *conn = l->pg->conn;
    const int flushed = PQflush(conn);
    if (flushed < 0) return lost(l->pg, l->answer, l->w->what, e);
    int64_t until = INT64_MAX;
    if (l->cancelled_us != 0) until = l->next_cancel_us;
    else until = sooner(sooner(until, l->w->deadline_us), l->w->watch != NULL ? l->next_tick_us : 0);
    const int64_t wait_us = until == INT64_MAX ? -1 : until - pr_mono_us();
    int wait_ms = until == INT64_MAX ? -1 : wait_us <= 0 ? 0 : (int)(sooner(wait_us, 3600000000) / 1000) + 1;
    if (l->w->interrupted != NULL && (wait_ms < 0 || wait_ms > PR_PG_HEED_MS)) wait_ms = PR_PG_HEED_MS;
    struct pollfd p = {.fd = PQsocket(conn), .events = (short)(flushed > 0 ? POLLIN | POLLOUT : POLLIN)};
    const int ready = poll(&p, 1, wait_ms);
    const bool signalled = ready < 0 && errno == EINTR;
    if (ready < 0 && !signalled) return PR_FAIL(e, PR_ERR_CONNECT, "%s: poll: %s", l->w->what, strerror(errno));
    if (ready > 0 && PQconsumeInput(conn) == 0) return lost(l->pg, l->answer, l->w->what, e);
    return do_what_is_due(l, signalled, e);
}

/* A COPY needs a partner who feeds or eats; a migration has none. Its data are drained, its input is refused. */
static enum pr_code end_copy(struct loop *l, ExecStatusType st, struct pr_err *e) {
    if (st == PGRES_COPY_IN || st == PGRES_COPY_BOTH) {
        if (PQputCopyEnd(l->pg->conn, "COPY FROM STDIN has no data here") < 0) return lost(l->pg, l->answer, l->w->what, e);
        return PR_OK;
    }
    for (;;) {
        char *data = NULL;
        const int n = PQgetCopyData(l->pg->conn, &data, 1);
        PQfreemem(data);
        if (n < 0) return PR_OK;                /* its end, or an error that the next result tells */
        if (n == 0) PR_TRY(e, step(l, e));
    }
}

static void keep(struct pr_pg_answer *answer, PGresult *r) {
    if (answer->last != NULL && !pr_pg_succeeded(answer->last)) {
        PQclear(r);
        return;
    }
    PQclear(answer->last);
    answer->last = r;
}

static enum pr_code take_results(struct loop *l, struct pr_err *e) {
    for (;;) {
        while (PQisBusy(l->pg->conn)) PR_TRY(e, step(l, e));
        PGresult *r = PQgetResult(l->pg->conn);
        if (r == NULL) return PR_OK;
        const ExecStatusType st = PQresultStatus(r);
        if (st == PGRES_SINGLE_TUPLE) {
            const bool more = l->answer->enough || l->w->on_row == NULL || l->w->on_row(l->w->ctx, r);
            PQclear(r);
            if (more) continue;
            l->answer->enough = true;
            cancel(l, pr_mono_us());
            continue;
        }
        if (st == PGRES_COPY_IN || st == PGRES_COPY_OUT || st == PGRES_COPY_BOTH) {
            PQclear(r);
            PR_TRY(e, end_copy(l, st, e));
            continue;
        }
        keep(l->answer, r);
    }
}

enum pr_code pr_pg_exchange(struct pr_pg *pg, const char *sql, int n_params, const char *const *params,
                            const struct pr_pg_wait *w, struct pr_pg_answer *out, struct pr_err *e) {
    if (pg->dead || PQstatus(pg->conn) != CONNECTION_OK)
        return PR_FAIL(e, PR_ERR_CONNECT, "%s: the connection is no longer usable", w->what);
    if (pr_pg_is_told(w->interrupted)) return PR_FAIL(e, PR_ERR_INTERRUPTED, "interrupted");
    struct loop l = {.pg = pg, .w = w, .answer = out, .start_us = pr_mono_us()};
    if (w->watch != NULL) l.next_tick_us = l.start_us + (int64_t)w->watch->interval_ms * 1000;
    const int sent = w->prepared != NULL ? PQsendQueryPrepared(pg->conn, w->prepared, n_params, params, NULL, NULL, 0)
                                         : PQsendQueryParams(pg->conn, sql, n_params, NULL, params, NULL, NULL, 0);
    if (sent == 0) return lost(pg, out, w->what, e);
    if (w->single_rows) PR_ASSERT(PQsetSingleRowMode(pg->conn) == 1);
    const enum pr_code code = take_results(&l, e);
    out->elapsed_us = pr_mono_us() - l.start_us;
    if (code != PR_OK) return code;
    if (PQstatus(pg->conn) == CONNECTION_OK && out->last != NULL) return PR_OK;
    return lost(pg, out, w->what, e);           /* a FATAL result, or none at all */
}
