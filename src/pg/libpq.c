/* libpq.c: libpq, loaded when the first connection is wanted. With TLS, Kerberos and LDAP it brings some 20 more libraries, which take
 * longer to load than a small file takes to judge; and check --offline, new, rules and help need no server.
 *
 * Each function of it that pg/ calls stands here once, under its own name, and goes on to the library. One that is missing here does
 * not link. */
#include <dlfcn.h>

#include "pg/pg_impl.h"

#define LIBPQ "libpq.so.5"                      /* its name on every Linux since PostgreSQL 8.2 */

static void *library(void) { return dlopen(LIBPQ, RTLD_NOW | RTLD_LOCAL); }

enum pr_code pr_pg_load(struct pr_err *e) {
    if (library() != NULL) return PR_OK;
    (void)PR_FAIL(e, PR_ERR_CONFIG, "PostgreSQL's client library cannot be loaded: %s", dlerror());
    return pr_hint(e, "apt-get install libpq5");
}

static void *find(const char *name) {
    void *loaded = library();                   /* it is there already: pr_pg_open asked for it */
    PR_ASSERT(loaded != NULL);
    void *function = dlsym(loaded, name);
    PR_ASSERT(function != NULL);
    return function;
}

#define FORWARD(type, name, params, args)                                                                                                  \
    type name params {                                                                                                                     \
        static __typeof__(name) *real;                                                                                                     \
        if (real == NULL) real = (__typeof__(name) *)find(#name);                                                                          \
        return real args;                                                                                                                  \
    }
#define OF_CONN(type, name) FORWARD(type, name, (PGconn *conn), (conn))
#define OF_CONST_CONN(type, name) FORWARD(type, name, (const PGconn *conn), (conn))
#define OF_RESULT(type, name) FORWARD(type, name, (const PGresult *res), (res))
#define OF_FIELD(type, name) FORWARD(type, name, (const PGresult *res, int field), (res, field))
#define OF_CELL(type, name) FORWARD(type, name, (const PGresult *res, int row, int field), (res, row, field))

/* connecting */
FORWARD(PGconn *, PQconnectStartParams, (const char *const *keywords, const char *const *values, int expand), (keywords, values, expand))
OF_CONN(PostgresPollingStatusType, PQconnectPoll)
FORWARD(PQconninfoOption *, PQconninfoParse, (const char *conninfo, char **why), (conninfo, why))
OF_CONN(PQconninfoOption *, PQconninfo)
FORWARD(void, PQconninfoFree, (PQconninfoOption *options), (options))
OF_CONST_CONN(int, PQconnectionUsedPassword)
FORWARD(PQnoticeReceiver, PQsetNoticeReceiver, (PGconn *conn, PQnoticeReceiver receiver, void *ctx), (conn, receiver, ctx))
FORWARD(int, PQsetnonblocking, (PGconn *conn, int on), (conn, on))
OF_CONN(void, PQfinish)

/* what a connection is */
OF_CONST_CONN(ConnStatusType, PQstatus)
OF_CONST_CONN(PGTransactionStatusType, PQtransactionStatus)
OF_CONST_CONN(char *, PQerrorMessage)
OF_CONST_CONN(char *, PQhost)
OF_CONST_CONN(char *, PQport)
OF_CONST_CONN(char *, PQpass)
OF_CONST_CONN(int, PQsocket)
OF_CONST_CONN(int, PQbackendPID)
OF_CONST_CONN(int, PQserverVersion)
FORWARD(const char *, PQparameterStatus, (const PGconn *conn, const char *name), (conn, name))

/* statements and their answers */
FORWARD(int, PQsendQueryParams,
        (PGconn *conn, const char *sql, int n, const Oid *types, const char *const *values, const int *lengths, const int *formats, int format),
        (conn, sql, n, types, values, lengths, formats, format))
FORWARD(int, PQsendQueryPrepared,
        (PGconn *conn, const char *name, int n, const char *const *values, const int *lengths, const int *formats, int format),
        (conn, name, n, values, lengths, formats, format))
OF_CONN(int, PQsetSingleRowMode)
OF_CONN(int, PQflush)
OF_CONN(int, PQconsumeInput)
OF_CONN(int, PQisBusy)
OF_CONN(PGresult *, PQgetResult)
FORWARD(int, PQputCopyEnd, (PGconn *conn, const char *why), (conn, why))
FORWARD(int, PQgetCopyData, (PGconn *conn, char **row, int async), (conn, row, async))
OF_CONN(PGcancel *, PQgetCancel)
FORWARD(int, PQcancel, (PGcancel *cancel, char *why, int room), (cancel, why, room))
FORWARD(void, PQfreeCancel, (PGcancel *cancel), (cancel))

/* results */
OF_RESULT(ExecStatusType, PQresultStatus)
OF_FIELD(char *, PQresultErrorField)
FORWARD(char *, PQcmdStatus, (PGresult *res), (res))
FORWARD(char *, PQcmdTuples, (PGresult *res), (res))
OF_RESULT(int, PQntuples)
OF_RESULT(int, PQnfields)
OF_FIELD(char *, PQfname)
OF_FIELD(Oid, PQftype)
OF_FIELD(int, PQfmod)
OF_CELL(char *, PQgetvalue)
OF_CELL(int, PQgetlength)
OF_CELL(int, PQgetisnull)
FORWARD(void, PQclear, (PGresult *res), (res))
FORWARD(void, PQfreemem, (void *memory), (memory))
