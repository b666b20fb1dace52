/* pg_impl.h: what the files of pg/ share and nobody else sees: the session, and the one loop that waits for answers. */
#ifndef PR_PG_PG_IMPL_H
#define PR_PG_PG_IMPL_H

#include <libpq-fe.h>

#include "pg/pg.h"

#define PR_PG_SESSION_BYTES ((size_t)1 << 20)
#define PR_PG_MAX_NOTICES 200
#define PR_PG_MAX_NOTICE_CHARS ((size_t)1000)
#define PR_PG_GRACE_US ((int64_t)10000000)      /* how long a cancelled statement of ours may take to end */
#define PR_PG_RECANCEL_US ((int64_t)1000000)    /* a cancel that came before the statement is lost: say it again */
#define PR_PG_MAX_PREPARED 16                   /* statements that a session keeps planned */
#define PR_PG_HEED_MS 100                       /* a signal between two looks is noticed after so long */

struct pr_pg_sink {                             /* where the notices of the running statement go */
    struct pr_arena *a;
    const char **texts;
    size_t n, room;
};

struct pr_pg {
    PGconn *conn;
    struct pr_arena *a;                         /* strings of the session: identity */
    struct pr_pg_ident ident;
    bool ident_known;
    const volatile sig_atomic_t *interrupted;   /* of pr_pg_where; NULL = never */
    bool dead;                                  /* its state is unknown to us: no further statement may be sent */
    struct pr_pg_sink *sink;                    /* NULL = notices are dropped */
    const char *prepared[PR_PG_MAX_PREPARED];   /* the text of statement pgrail_0, pgrail_1 …; NULL = not yet */
};

/* What await does while a statement runs. */
struct pr_pg_wait {
    const char *what;                           /* for errors */
    int64_t deadline_us;                        /* monotonic; 0 = none */
    const struct pr_pg_watch *watch;            /* NULL = none */
    const volatile sig_atomic_t *interrupted;   /* stops it; NULL = never */
    const char *prepared;                       /* name of the statement as the session has it; NULL = its text is sent */
    bool single_rows;                           /* rows come one by one, to on_row, and are dropped */
    bool (*on_row)(void *ctx, const PGresult *row);     /* false = enough: cancel and drain */
    void *ctx;
};

struct pr_pg_answer {
    PGresult *last;                             /* the first error, else the last result; cleared by pr_pg_answer_clear */
    bool expired;                               /* the deadline passed and the statement was cancelled */
    bool interrupted;                           /* and was cancelled */
    bool enough;                                /* on_row said so */
    enum pr_code watched;                       /* what the watch returned */
    int64_t elapsed_us;
};
void pr_pg_answer_clear(struct pr_pg_answer *answer);       /* for PR_CLEANUP */

/* Sends one statement by the extended protocol and waits for its end. PR_OK when the server has answered, be it with an
 * error: look at the answer. Errors CONNECT (lost; the outcome is unknown), INTERRUPTED (not sent, or no
 * answer to its cancellation either); e is also filled by a watch that stopped it. */
PR_NODISCARD enum pr_code pr_pg_exchange(struct pr_pg *pg, const char *sql, int n_params, const char *const *params,
                                         const struct pr_pg_wait *w, struct pr_pg_answer *out, struct pr_err *e);

/* The server's primary message and SQLSTATE; never detail, context or parameters: they hold row data. Errors: the code given. */
enum pr_code pr_pg_server_error(const struct pr_pg *pg, const PGresult *r, const char *what, enum pr_code code,
                                struct pr_err *e);

/* True when Ctrl-C came. */
bool pr_pg_is_told(const volatile sig_atomic_t *interrupted);

/* Did the statement do what it says? An empty one did. */
bool pr_pg_succeeded(const PGresult *r);

/* The number in a command's tag; -1 when it has none. */
int64_t pr_pg_tag_rows(PGresult *r);

/* A result's cells in a, row by row. */
struct pr_pg_rows pr_pg_copy_rows(const PGresult *r, struct pr_arena *a);
const char *pr_pg_cell(const PGresult *r, int row, int col, struct pr_arena *a);

/* Loads libpq; none of its functions may be called before. Errors CONFIG: it is not there. */
PR_NODISCARD enum pr_code pr_pg_load(struct pr_err *e);

/* Another session with the same settings, for the pooler probe. Errors as pr_pg_open. */
PR_NODISCARD enum pr_code pr_pg_twin(const struct pr_pg *pg, int timeout_ms, struct pr_pg **out, struct pr_err *e);

#endif
