/* pg.h: the only module that includes libpq. Our own statements are static data with the shape that they expect; results
 * are copied into the caller's arena. User SQL goes through pr_pg_run (one statement, extended protocol) alone.
 * Source  libpq, https://www.postgresql.org/docs/current/libpq.html */
#ifndef PR_PG_PG_H
#define PR_PG_PG_H

#include "base/base.h"

struct pr_pg;                                               /* one session; owned by whoever opened it */

/* How to reach a database: exactly one of the first three. Never a password: libpq finds it in its own ways. */
struct pr_pg_where {
    const char *service;       /* name of a libpq service */
    const char *env;           /* name of an environment variable that holds a connection string */
    const char *conninfo;      /* keyword=value text or URI; for throwaway servers and tests */
    const char *dbname;        /* overrides the database when not NULL (clones) */
    const char *app;           /* application_name: "pgrail/rehearse" */
    int timeout_ms;            /* to connect; > 0 */
    const volatile sig_atomic_t *interrupted;   /* set by Ctrl-C: connecting and our own statements end; NULL = never */
};

/* Connects. The connection string is never put in an error: it may hold a password. Sets client_encoding UTF8,
 * standard_conforming_strings on, DateStyle ISO, client keepalives; nothing else.
 * out     set on success only; close with pr_pg_close.
 * Errors  CONNECT (message of the server or of libpq without the conninfo; hint says what to try), CONFIG (service or
 *         variable does not exist), TIMEOUT, INTERRUPTED. */
PR_NODISCARD enum pr_code pr_pg_open(const struct pr_pg_where *where, struct pr_pg **out, struct pr_err *e);
void pr_pg_close(struct pr_pg *pg);                         /* NULL is fine; rolls back what is open */

/* How another program of PostgreSQL's reaches the database of a session, as `app`: a connection string for its command line, which holds
 * no password, and what goes into its environment instead, NULL-terminated. Both in a. */
struct pr_pg_elsewhere { const char *conninfo; const char *const *env; };
void pr_pg_for_program(const struct pr_pg *pg, const char *app, struct pr_arena *a, struct pr_pg_elsewhere *out);
void pr_pg_closep(struct pr_pg **pg);                       /* for PR_CLEANUP */

struct pr_pg_ident {
    int version_num;           /* 150018 */
    const char *version;       /* "15.18 (Debian …)" */
    int pid;                   /* of the backend, as pg_backend_pid() says */
    bool pooled;               /* PQbackendPID differs from it: a pooler in between */
    bool tx_pooled;            /* pooled, and not proven that the session keeps its backend (PgBouncer transaction mode) */
    const char *backend_start; /* of pg_stat_activity, for `= $1::timestamptz`; with pid the identity of the session */
    const char *database, *user;
    const char *address;       /* "host:port" or the socket folder, for people; no secrets */
    const char *system_id;     /* pg_control_system().system_identifier; NULL when the role may not ask */
    int64_t database_oid;
    const char *server_start;  /* pg_postmaster_start_time() */
    bool in_recovery;
};
/* Who answers at the other end; asked once, strings live as long as pg. Best called before a transaction is open: inside one
 * the system identifier is not asked for and every pooler counts as tx_pooled. Errors DB, TIMEOUT, CONNECT. */
PR_NODISCARD enum pr_code pr_pg_identity(struct pr_pg *pg, const struct pr_pg_ident **out, struct pr_err *e);

enum pr_shape { PR_NO_ROWS, PR_ONE_ROW, PR_MAYBE_ROW, PR_ROWS };
struct pr_pg_stmt {
    const char *name;          /* for errors: "facts: columns" */
    const char *sql;
    int n_params;
    enum pr_shape shape;
    int n_cols;                /* expected; ignored for PR_NO_ROWS */
    int timeout_ms;            /* then cancelled; 0 = no limit */
    bool often;                /* sql is static text that runs many times: planned once, where the session is known to keep its backend */
};
struct pr_pg_rows {
    int n_rows, n_cols;
    const char **cells;        /* row-major, NULL = SQL null */
    int64_t changed;           /* rows that the command says it changed or gave; -1 when it has no number */
};
#define PR_CELL(r, row, col) ((r)->cells[(size_t)(row) * (size_t)(r)->n_cols + (size_t)(col)])

/* Runs one of our statements (or one that was made of a tree) with text parameters (NULL = SQL null), waiting at most q->timeout_ms; then cancels, drains
 * and reports. params may be NULL when there are none. out (may be NULL) lives in a. After CONNECT the session is dead.
 * Errors DB (e->sqlstate set when the server answered), TIMEOUT, DB_SHAPE, CONNECT (lost), INTERRUPTED (from then on nothing but ROLLBACK is sent). */
PR_NODISCARD enum pr_code pr_pg_query(struct pr_pg *pg, const struct pr_pg_stmt *q, const char *const *params,
                                      struct pr_arena *a, struct pr_pg_rows *out, struct pr_err *e);

/* The same for one statement that we build at run time (quoted by pr_quote_*): settings, CREATE DATABASE, DROP INDEX. Its
 * rows are dropped. Errors as pr_pg_query, less DB_SHAPE. */
PR_NODISCARD enum pr_code pr_pg_do(struct pr_pg *pg, const char *what, const char *sql, int timeout_ms, struct pr_err *e);

/* A watch on a running statement: called every interval_ms until the answer comes. A return other than PR_OK cancels the
 * statement; after it has ended, pr_pg_run returns that error (and says in done.finished whether it had finished anyway). */
struct pr_pg_watch {
    int interval_ms;           /* > 0 */
    enum pr_code (*tick)(void *ctx, int64_t elapsed_us, struct pr_err *e);
    void *ctx;
};
struct pr_pg_done {
    bool finished;             /* the server reported success (also when a watch cancelled too late) */
    const char *tag;           /* "CREATE INDEX" */
    int64_t rows;              /* affected or returned; -1 when the command has none */
    int64_t elapsed_us;
    const char *const *notices; size_t n_notices;           /* "WARNING: …", in order; at most 200 of 1000 characters */
    int error_position;        /* 1-based character in sql, 0 = none; set on failure */
};
/* Sends one statement of the user's by the extended protocol and waits as long as it takes, calling w (may be NULL); a signal
 * calls it at once. Rows of a query are drained and dropped; COPY FROM STDIN fails, COPY TO STDOUT is drained. out is filled on failure too (elapsed, notices).
 * Errors  DB (sqlstate set), CONNECT (link lost: the outcome is unknown), or what the watch returned. */
PR_NODISCARD enum pr_code pr_pg_run(struct pr_pg *pg, const char *sql, const struct pr_pg_watch *w, struct pr_arena *a,
                                    struct pr_pg_done *out, struct pr_err *e);

/* One read-only statement of the user's, bounded; on a session without an open transaction. BEGIN READ ONLY, DECLARE NO SCROLL
 * CURSOR over the extended protocol, FETCH max_rows + 1, always ROLLBACK. Errors DB (42601 for what is not a plain query), TIMEOUT, BAD_INPUT (NUL, > 64 kB). */
struct pr_pg_read {
    const char *sql;
    int64_t max_rows, max_bytes;
    int timeout_ms;
    const char *search_path;   /* as in SET search_path, quoted by the caller; NULL = the role's */
    const struct pr_pg_watch *watch;                        /* may be NULL; its error is returned when it stops the query */
};
struct pr_pg_table {
    struct pr_pg_rows rows;
    const char **columns, **types;     /* n_cols names and format_type names */
    bool truncated;            /* more rows or bytes than asked for */
    int64_t elapsed_us;
    int error_position;        /* 1-based character in the user's sql, 0 = none; set on failure */
};
PR_NODISCARD enum pr_code pr_pg_read(struct pr_pg *pg, const struct pr_pg_read *q, struct pr_arena *a,
                                     struct pr_pg_table *out, struct pr_err *e);

/* Cancels what the session runs (PQcancel). For signal-driven stops from the same process; safe when idle. */
void pr_pg_cancel(struct pr_pg *pg);

#endif
