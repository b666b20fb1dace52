/* session.c: opening and closing sessions. Every failure to connect becomes a message that says what is wrong and a hint
 * that says what to do, and never holds a connection string: that may hold a password. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "pg/pg_impl.h"

#define MAX_KEYWORDS 64
#define OLDEST_SERVER 130000
#define SILENCE_MS 30000                        /* unanswered for so long, a connection is dead */
#define PR_TEXT_(x) #x
#define PR_TEXT(x) PR_TEXT_(x)

struct keywords {
    const char *names[MAX_KEYWORDS + 1], *values[MAX_KEYWORDS + 1];
    int n;
};

static void add_keyword(struct keywords *k, const char *name, const char *value) {
    PR_ASSERT(k->n < MAX_KEYWORDS);
    k->names[k->n] = name;
    k->values[k->n++] = value;
}

static void options_freep(PQconninfoOption **options) {
    if (*options != NULL) PQconninfoFree(*options);
}

/* The arrays point into options: both must live until the connection is made. */
static void add_options(struct keywords *k, const PQconninfoOption *options) {
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++)
        if (o->val != NULL) add_keyword(k, o->keyword, o->val);
}

/* A NAT gateway forgets a flow that is silent for minutes, and a silent statement is our daily bread: probe after 10 s.
 * These come first, so that the user's own settings win. */
static void add_defaults(struct keywords *k) {
    add_keyword(k, "keepalives", "1");
    add_keyword(k, "keepalives_idle", "10");
    add_keyword(k, "keepalives_interval", "5");
    add_keyword(k, "keepalives_count", "3");
    add_keyword(k, "tcp_user_timeout", PR_TEXT(SILENCE_MS));
}

/* In a URI, a password with a bare @ or / makes libpq take its rest for a host or a database, and say so in its messages. */
static bool password_spills(const char *conninfo) {
    const char *s = strstr(conninfo, "://");
    if (s == NULL || !pr_starts(conninfo, "postgres")) return false;
    s += 3;
    const size_t user_info = strcspn(s, "@/");
    if (s[user_info] == '@') s += user_info + 1;
    return memchr(s, '@', strcspn(s, "?")) != NULL;
}

static const char *where_name(const struct pr_pg_where *where, char *room, size_t n) {
    if (where->env != NULL) (void)snprintf(room, n, "the connection string in %s", where->env);
    else (void)snprintf(room, n, "the connection string");
    return room;
}

static enum pr_code parse_conninfo(const struct pr_pg_where *where, const char *conninfo, PQconninfoOption **out,
                                   struct pr_err *e) {
    char name[160];
    (void)where_name(where, name, sizeof name);
    if (password_spills(conninfo)) {
        (void)PR_FAIL(e, PR_ERR_CONFIG, "%s has an @ or / in its password that is not encoded", name);
        return pr_hint(e, "write @ as %%40 and / as %%2F, or keep the password in ~/.pgpass");
    }
    char *text = NULL;
    PQconninfoOption *options = PQconninfoParse(conninfo, &text);
    PQfreemem(text);                            /* it quotes the string, so it is not shown */
    if (options == NULL) {
        (void)PR_FAIL(e, PR_ERR_CONFIG, "%s cannot be read", name);
        return pr_hint(e, "write it as postgresql://user@host:5432/database or as host=… dbname=… user=…");
    }
    *out = options;
    return PR_OK;
}

static enum pr_code where_conninfo(const struct pr_pg_where *where, const char **out, struct pr_err *e) {
    PR_ASSERT((where->service != NULL) + (where->env != NULL) + (where->conninfo != NULL) == 1);
    PR_ASSERT(where->timeout_ms > 0);
    if (where->env == NULL) {
        *out = where->conninfo;
        return PR_OK;
    }
    const char *value = getenv(where->env);
    if (value == NULL || value[0] == '\0') {
        (void)PR_FAIL(e, PR_ERR_CONFIG, "the environment variable %s is not set", where->env);
        return pr_hint(e, "export %s=postgresql://user@host:5432/database", where->env);
    }
    *out = value;
    return PR_OK;
}

/* libpq's message with its lines joined (one per host that was tried), tab-indented advice left out, and the password, if
 * it should ever occur there, covered. */
static void libpq_message(PGconn *conn, char *out, size_t room) {
    const char *secret = PQpass(conn);
    const size_t secret_len = secret != NULL ? strlen(secret) : 0;
    size_t n = 0;
    bool skip = false;
    for (const char *s = PQerrorMessage(conn); *s != '\0' && n + 4 < room; s++) {
        if (secret_len > 0 && strncmp(s, secret, secret_len) == 0) {
            memcpy(out + n, "***", 3);
            n += 3;
            s += secret_len - 1;
            continue;
        }
        if (*s == '\n') {
            skip = s[1] == '\t';
            if (!skip && s[1] != '\0') {
                out[n++] = ';';
                out[n++] = ' ';
            }
        } else if (!skip) {
            out[n++] = *s;
        }
    }
    out[n] = '\0';
}

static const struct {
    const char *needle, *hint;
} connect_hints[] = {
    {"password authentication failed", "check the user and its password in ~/.pgpass (or PGPASSFILE), then `pgrail doctor`"},
    {"no password supplied", "put the password in ~/.pgpass (host:port:database:user:password, mode 0600)"},
    {"no pg_hba.conf entry", "allow this host, user and database in the server's pg_hba.conf, then reload it"},
    {"could not translate host name", "check the host name; `getent hosts NAME` must find it"},
    {"Connection refused", "is the server running there? check host and port with `pg_isready -h HOST -p PORT`"},
    {"No such file or directory", "no server listens on that socket; check host and port, or start the server"},
    {"database \"", "check the database name; `psql -l` lists what is there"},
    {"role \"", "check the user name; `pgrail roles` prints the roles that pgrail needs"},
    {"starting up", "the server is starting: try again in a moment"},
    {"too many clients", "the server has no free connection: close some or raise max_connections"},
    {"remaining connection slots", "the server has no free connection: close some or raise max_connections"},
    {"certificate", "check sslmode, sslrootcert and sslcert of the service"},
    {"SSL", "check sslmode and the certificates of the service"},
    {"target_session_attrs", "none of the hosts is of the kind asked for; check target_session_attrs"},
    {"session is read-only", "none of the hosts accepts writes; check target_session_attrs and the host list"},
};

static enum pr_code connect_error(const struct pr_pg_where *where, PGconn *conn, struct pr_err *e) {
    char text[800];
    libpq_message(conn, text, sizeof text);
    if (where->service != NULL && (strstr(text, "definition of service") != NULL || strstr(text, "service file") != NULL)) {
        (void)PR_FAIL(e, PR_ERR_CONFIG, "libpq service %s: %s", where->service, text);
        return pr_hint(e, "add a section [%s] to ~/.pg_service.conf or to the file that PGSERVICEFILE names", where->service);
    }
    (void)PR_FAIL(e, PR_ERR_CONNECT, "%s", text[0] != '\0' ? text : "libpq gave no reason");
    for (size_t i = 0; i < PR_COUNT(connect_hints); i++)
        if (strstr(text, connect_hints[i].needle) != NULL) return pr_hint(e, "%s", connect_hints[i].hint);
    if (PQconnectionUsedPassword(conn)) return pr_hint(e, "%s", connect_hints[0].hint);
    return pr_hint(e, "`pgrail doctor` checks the connection step by step");
}

static enum pr_code connect_timeout(const PGconn *conn, int timeout_ms, struct pr_err *e) {
    const char *host = PQhost(conn);
    (void)PR_FAIL(e, PR_ERR_TIMEOUT, "no connection to %s port %s within %d ms", host != NULL ? host : "the server",
                  PQport(conn), timeout_ms);
    return pr_hint(e, "check that the host is up and no firewall swallows the packets");
}

static int count_hosts(PGconn *conn) {
    PQconninfoOption *options PR_CLEANUP(options_freep) = PQconninfo(conn);
    int n = 1;
    for (const PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++) {
        if (o->val == NULL || (!pr_eq(o->keyword, "host") && !pr_eq(o->keyword, "hostaddr"))) continue;
        int here = 1;
        for (const char *c = o->val; *c != '\0'; c++) here += *c == ',';
        n = here > n ? here : n;
    }
    return n;
}

/* Of several hosts, one whose packets vanish must not eat the time of the others: libpq's connect_timeout, which is per host,
 * counts only in its blocking calls. The kernel gives up a silent attempt after so long. Fails on a Unix socket, harmlessly. */
static void limit_silence(const PGconn *conn, int ms) {
    const unsigned limit = (unsigned)ms;
    (void)setsockopt(PQsocket(conn), IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, sizeof limit);
}

static enum pr_code finish_connect(const struct pr_pg_where *where, PGconn *conn, struct pr_err *e) {
    const int64_t deadline = pr_mono_us() + (int64_t)where->timeout_ms * 1000;
    const int n_hosts = count_hosts(conn);
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    while (PQstatus(conn) != CONNECTION_BAD) {
        const int64_t left_us = deadline - pr_mono_us();
        if (left_us <= 0) return connect_timeout(conn, where->timeout_ms, e);
        if (pr_pg_is_told(where->interrupted)) return PR_FAIL(e, PR_ERR_INTERRUPTED, "interrupted while connecting");
        if (n_hosts > 1) limit_silence(conn, where->timeout_ms / (n_hosts + 1) + 1);
        struct pollfd p = {.fd = PQsocket(conn), .events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT};
        const int left_ms = (int)(left_us / 1000) + 1;
        const int ready = poll(&p, 1, where->interrupted != NULL && left_ms > PR_PG_HEED_MS ? PR_PG_HEED_MS : left_ms);
        if (ready < 0 && errno != EINTR) break;
        if (ready <= 0) continue;
        next = PQconnectPoll(conn);
        if (next == PGRES_POLLING_OK) {
            if (n_hosts > 1) limit_silence(conn, SILENCE_MS);
            return PR_OK;
        }
        if (next == PGRES_POLLING_FAILED) break;
    }
    return connect_error(where, conn, e);
}

static void take_notice(void *ctx, const PGresult *r) {
    const struct pr_pg *pg = ctx;
    struct pr_pg_sink *sink = pg->sink;
    if (sink == NULL || sink->n >= PR_PG_MAX_NOTICES) return;
    const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    const char *severity = PQresultErrorField(r, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *whole = pr_fmt(sink->a, "%s: %s", severity != NULL ? severity : "NOTICE", text != NULL ? text : "");
    *PR_PUSH(sink->a, sink->texts, sink->n, sink->room) = pr_printable(sink->a, whole, PR_PG_MAX_NOTICE_CHARS);
}

/* Our texts hold plain quotes and expect ISO dates. A setting is sent only where it differs, so that most sessions cost no
 * round trip, and a pooler is not asked for what it refuses in a start-up packet. */
static enum pr_code check_session(struct pr_pg *pg, struct pr_err *e) {
    static const struct {
        const char *name, *prefix, *sql;
    } wanted[] = {
        {"client_encoding", "UTF8", "SET client_encoding = 'UTF8'"},
        {"standard_conforming_strings", "on", "SET standard_conforming_strings = on"},
        {"DateStyle", "ISO", "SET datestyle = 'ISO'"},
    };
    if (PQserverVersion(pg->conn) < OLDEST_SERVER) {
        const char *version = PQparameterStatus(pg->conn, "server_version");
        (void)PR_FAIL(e, PR_ERR_CONFIG, "the server is PostgreSQL %s", version != NULL ? version : "of unknown version");
        return pr_hint(e, "pgrail supports PostgreSQL 13 and newer");
    }
    for (size_t i = 0; i < PR_COUNT(wanted); i++) {
        const char *now = PQparameterStatus(pg->conn, wanted[i].name);
        if (now == NULL || !pr_starts(now, wanted[i].prefix))
            PR_TRY(e, pr_pg_do(pg, wanted[i].name, wanted[i].sql, 10000, e));
        now = PQparameterStatus(pg->conn, wanted[i].name);
        if (now != NULL && !pr_starts(now, wanted[i].prefix))
            return PR_FAIL(e, PR_ERR_CONNECT, "the session's %s stays %s", wanted[i].name, now);
    }
    return PR_OK;
}

static enum pr_code start(const struct pr_pg_where *where, const struct keywords *k, struct pr_pg **out,
                          struct pr_err *e) {
    struct pr_pg *pg PR_CLEANUP(pr_pg_closep) = calloc(1, sizeof *pg);
    PR_ASSERT(pg != NULL);
    pg->a = pr_arena_new(PR_PG_SESSION_BYTES);
    pg->interrupted = where->interrupted;
    pg->conn = PQconnectStartParams(k->names, k->values, 0);
    PR_ASSERT(pg->conn != NULL);                /* NULL means out of memory only */
    (void)PQsetNoticeReceiver(pg->conn, take_notice, pg);
    PR_TRY(e, finish_connect(where, pg->conn, e));
    if (PQsetnonblocking(pg->conn, 1) != 0) return connect_error(where, pg->conn, e);
    PR_TRY(e, check_session(pg, e));
    *out = pg;
    pg = NULL;
    return PR_OK;
}

enum pr_code pr_pg_open(const struct pr_pg_where *where, struct pr_pg **out, struct pr_err *e) {
    const char *conninfo = NULL;
    PR_TRY(e, where_conninfo(where, &conninfo, e));
    PR_TRY(e, pr_pg_load(e));
    PQconninfoOption *options PR_CLEANUP(options_freep) = NULL;
    struct keywords k = {.n = 0};
    add_defaults(&k);
    if (conninfo != NULL) {
        PR_TRY(e, parse_conninfo(where, conninfo, &options, e));
        add_options(&k, options);
    } else {
        add_keyword(&k, "service", where->service);
    }
    if (where->dbname != NULL) add_keyword(&k, "dbname", where->dbname);
    if (where->app != NULL) add_keyword(&k, "application_name", where->app);
    add_keyword(&k, "client_encoding", "UTF8");
    return start(where, &k, out, e);
}

enum pr_code pr_pg_twin(const struct pr_pg *pg, int timeout_ms, struct pr_pg **out, struct pr_err *e) {
    PQconninfoOption *options PR_CLEANUP(options_freep) = PQconninfo(pg->conn);
    PR_ASSERT(options != NULL);
    struct keywords k = {.n = 0};
    add_options(&k, options);
    return start(&(struct pr_pg_where){.timeout_ms = timeout_ms, .interrupted = pg->interrupted}, &k, out, e);
}

static void add_quoted(struct pr_buf *b, const char *keyword, const char *value) {
    pr_addf(b, "%s%s='", b->len > 0 ? " " : "", keyword);
    for (const char *s = value; *s != '\0'; s++) {
        if (*s == '\'' || *s == '\\') pr_add(b, "\\");
        pr_addn(b, s, 1);
    }
    pr_add(b, "'");
}

/* What the service, the variables and the defaults gave is in the options of the live session: a program needs none of them again.
 * dispchar "*" marks what is secret; "options" may hold anything. */
void pr_pg_for_program(const struct pr_pg *pg, const char *app, struct pr_arena *a, struct pr_pg_elsewhere *out) {
    static const char *const ours[] = {"application_name", "fallback_application_name", "client_encoding", "service", "servicefile"};
    PQconninfoOption *options PR_CLEANUP(options_freep) = PQconninfo(pg->conn);
    PR_ASSERT(options != NULL);
    struct pr_buf b = {.a = a};
    const char **env = PR_NEW_ARRAY(a, const char *, MAX_KEYWORDS + 1);
    size_t n = 0;
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++) {
        bool skip = o->val == NULL || o->val[0] == '\0';
        for (size_t i = 0; i < PR_COUNT(ours); i++) skip = skip || pr_eq(o->keyword, ours[i]);
        if (skip) continue;
        const bool hidden = strchr(o->dispchar, '*') != NULL || pr_eq(o->keyword, "options");
        if (!hidden) add_quoted(&b, o->keyword, o->val);
        else if (o->envvar != NULL && n < MAX_KEYWORDS) env[n++] = pr_fmt(a, "%s=%s", o->envvar, o->val);
    }
    add_quoted(&b, "application_name", app);
    *out = (struct pr_pg_elsewhere){.conninfo = pr_buf_text(&b), .env = env};
}

void pr_pg_close(struct pr_pg *pg) {
    if (pg == NULL) return;
    PQfinish(pg->conn);                         /* accepts NULL: half-built sessions close too */
    pr_arena_free(pg->a);
    free(pg);
}

void pr_pg_closep(struct pr_pg **pg) {
    pr_pg_close(*pg);
}

void pr_pg_cancel(struct pr_pg *pg) {
    if (pg == NULL || pg->conn == NULL) return;
    PGcancel *cancel = PQgetCancel(pg->conn);
    if (cancel == NULL) return;                 /* no connection: nothing runs */
    char why[256];
    (void)PQcancel(cancel, why, sizeof why);    /* a failure shows as a statement that goes on; the caller asks again */
    PQfreeCancel(cancel);
}
