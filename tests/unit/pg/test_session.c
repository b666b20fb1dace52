/* test_session.c: opening sessions: every way to fail has its own words and tells no secret; and who is at the other end. */
#include "testdb.h"

#include <setjmp.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SECRET "hunter2"

static enum pr_code try_open(struct testdb *t, const struct pr_pg_where *where) {
    struct pr_pg *pg = NULL;
    t->e = (struct pr_err){0};
    const enum pr_code code = pr_pg_open(where, &pg, &t->e);
    pr_pg_close(pg);
    assert_true(code == PR_OK || t->e.hint[0] != '\0');
    assert_null(strstr(t->e.msg, "hunter"));
    assert_null(strstr(t->e.msg, "ter2"));
    assert_null(strstr(t->e.hint, "ter2"));
    assert_null(strstr(t->e.where, "ter2"));
    return code;
}

static enum pr_code try_conninfo(struct testdb *t, const char *conninfo) {
    return try_open(t, &(struct pr_pg_where){.conninfo = conninfo, .timeout_ms = 10000});
}

static void test_each_failure_has_its_words(void **state) {
    struct testdb *t = *state;
    const char *dir = pr_cluster_socket_dir(t->cluster);
    const struct { const char *conninfo, *says; enum pr_code code; } cases[] = {
        {"host=127.0.0.1 port=1 user=x password=" SECRET, "Connection refused", PR_ERR_CONNECT},
        {"host=no-such-host.invalid password=" SECRET, "could not translate host name", PR_ERR_CONNECT},
        {"host=/no/such/folder password=" SECRET, "No such file", PR_ERR_CONNECT},
        {"host=" SECRET ".invalid password=" SECRET, "***.invalid", PR_ERR_CONNECT},
        {"postgresql://u:hun@ter2@host/db", "is not encoded", PR_ERR_CONFIG},
        {"postgres://u:hun/ter2@host/db", "is not encoded", PR_ERR_CONFIG},
        {"postgresql://u:hun%zzter2@host/db", "cannot be read", PR_ERR_CONFIG},
        {"password=" SECRET " ter2", "cannot be read", PR_ERR_CONFIG},
        {SECRET, "cannot be read", PR_ERR_CONFIG},
        {"no_such_option=" SECRET, "cannot be read", PR_ERR_CONFIG},
        {pr_fmt(t->a, "host=%s user=postgres dbname=nope password=" SECRET, dir), "database \"nope\" does not exist", PR_ERR_CONNECT},
        {pr_fmt(t->a, "host=%s user=nobody_here dbname=postgres", dir), "role \"nobody_here\" does not exist", PR_ERR_CONNECT},
        {pr_fmt(t->a, "host=%s user=postgres dbname=postgres sslmode=strange", dir), "invalid sslmode", PR_ERR_CONNECT},
    };
    for (size_t i = 0; i < PR_COUNT(cases); i++) {
        if (try_conninfo(t, cases[i].conninfo) != cases[i].code) fail_msg("case %zu: %d %s", i, t->e.code, t->e.msg);
        if (strstr(t->e.msg, cases[i].says) == NULL) fail_msg("case %zu: %s", i, t->e.msg);
    }
}

static void test_encoded_password_is_fine(void **state) {
    struct testdb *t = *state;
    const char *dir = pr_cluster_socket_dir(t->cluster);
    assert_int_equal(try_conninfo(t, pr_fmt(t->a, "postgresql://postgres:hun%%40ter%%2F2@/postgres?host=%s", dir)), PR_OK);
    assert_int_equal(try_conninfo(t, pr_fmt(t->a, "host=/no/such/folder,%s user=postgres dbname=postgres", dir)), PR_OK);
}

static void test_variable(void **state) {
    struct testdb *t = *state;
    const struct pr_pg_where where = {.env = "PGRAIL_UNIT_URL", .timeout_ms = 10000};
    (void)unsetenv("PGRAIL_UNIT_URL");
    assert_int_equal(try_open(t, &where), PR_ERR_CONFIG);
    assert_string_equal(t->e.msg, "the environment variable PGRAIL_UNIT_URL is not set");
    (void)setenv("PGRAIL_UNIT_URL", "postgresql://x:hun@ter2@y/z", 1);
    assert_int_equal(try_open(t, &where), PR_ERR_CONFIG);
    assert_non_null(strstr(t->e.msg, "PGRAIL_UNIT_URL"));
    (void)setenv("PGRAIL_UNIT_URL", pr_cluster_conninfo(t->cluster), 1);
    assert_int_equal(try_open(t, &where), PR_OK);
}

static void test_service(void **state) {
    struct testdb *t = *state;
    char path[] = "/tmp/pgrail-service-XXXXXX";
    (void)close(mkstemp(path));
    const char *text = pr_fmt(t->a, "[app]\nhost=%s\nuser=postgres\ndbname=postgres\n", pr_cluster_socket_dir(t->cluster));
    assert_int_equal(pr_write_text(path, text, strlen(text), 0600, false, &t->e), PR_OK);
    (void)setenv("PGSERVICEFILE", path, 1);
    const enum pr_code known = try_open(t, &(struct pr_pg_where){.service = "app", .timeout_ms = 10000});
    const enum pr_code unknown = try_open(t, &(struct pr_pg_where){.service = "nope", .timeout_ms = 10000});
    (void)unlink(path);
    assert_int_equal(known, PR_OK);
    assert_int_equal(unknown, PR_ERR_CONFIG);
    assert_non_null(strstr(t->e.hint, "[nope]"));
    assert_int_equal(try_open(t, &(struct pr_pg_where){.service = "app", .timeout_ms = 10000}), PR_ERR_CONFIG);
    (void)unsetenv("PGSERVICEFILE");
}

static void test_override_and_name(void **state) {
    struct testdb *t = *state;
    struct pr_pg *pg = NULL;
    const struct pr_pg_where where = {.conninfo = pr_cluster_conninfo(t->cluster), .dbname = "template1", .app = "pgrail/x", .timeout_ms = 10000};
    assert_int_equal(pr_pg_open(&where, &pg, &t->e), PR_OK);
    assert_string_equal(testdb_value(t, pg, "SELECT current_database()"), "template1");
    assert_string_equal(testdb_value(t, pg, "SHOW application_name"), "pgrail/x");
    pr_pg_close(pg);
    /* a database's name is never read as a connection string */
    const struct pr_pg_where odd = {.conninfo = pr_cluster_conninfo(t->cluster), .dbname = "user=x", .timeout_ms = 10000};
    assert_int_equal(pr_pg_open(&odd, &pg, &t->e), PR_ERR_CONNECT);
    assert_non_null(strstr(t->e.msg, "\"user=x\" does not exist"));
}

/* A server that takes the connection and says nothing. */
static void test_silent_server(void **state) {
    struct testdb *t = *state;
    char dir[] = "/tmp/pgrail-silent-XXXXXX";
    assert_non_null(mkdtemp(dir));
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    (void)snprintf(name.sun_path, sizeof name.sun_path, "%s/.s.PGSQL.5999", dir);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(listen(fd, 5), 0);
    const struct pr_pg_where where = {.conninfo = pr_fmt(t->a, "host=%s port=5999 user=x password=" SECRET, dir), .timeout_ms = 100};
    assert_int_equal(try_open(t, &where), PR_ERR_TIMEOUT);
    assert_non_null(strstr(t->e.msg, "100 ms"));
    (void)close(fd);
    (void)unlink(name.sun_path);
    (void)rmdir(dir);
}

/* Of two hosts the first swallows all packets (a listener whose queue is full): the second is asked in time. */
static void test_a_dead_host_among_several(void **state) {
    struct testdb *t = *state;
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof name;
    int fds[4] = {socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_int_equal(bind(fds[0], (const struct sockaddr *)&name, n), 0);
    assert_int_equal(listen(fds[0], 0), 0);
    assert_int_equal(getsockname(fds[0], (struct sockaddr *)&name, &n), 0);
    for (size_t i = 1; i < PR_COUNT(fds); i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)!connect(fds[i], (const struct sockaddr *)&name, n);
    }
    const char *several = pr_fmt(t->a, "host=127.0.0.1,%s port=%d,5432 user=postgres dbname=postgres",
                                 pr_cluster_socket_dir(t->cluster), ntohs(name.sin_port));
    const enum pr_code code = try_open(t, &(struct pr_pg_where){.conninfo = several, .timeout_ms = 9000});
    for (size_t i = 0; i < PR_COUNT(fds); i++) (void)close(fds[i]);
    if (code != PR_OK) fail_msg("%s", t->e.msg);
}

static const char *host_line(struct testdb *t, const char *text) {
    const char *path = pr_fmt(t->a, "%s/data/pg_hba.conf", pr_cluster_socket_dir(t->cluster));
    FILE *f = fopen(path, "w");                 /* in place: the file stays the server's */
    assert_non_null(f);
    (void)fputs(text, f);
    (void)fclose(f);
    return testdb_value(t, NULL, "SELECT pg_reload_conf()");
}

static void test_wrong_and_missing_password(void **state) {
    struct testdb *t = *state;
    const char *dir = pr_cluster_socket_dir(t->cluster);
    (void)testdb_value(t, NULL, "CREATE ROLE guarded LOGIN PASSWORD 'right'");
    (void)testdb_value(t, NULL, "CREATE ROLE kept_out LOGIN");
    (void)host_line(t, "local all postgres trust\nlocal all guarded scram-sha-256\n");
    const int64_t deadline = pr_mono_us() + 30000000;           /* the reload is seen by new sessions sooner or later */
    while (try_conninfo(t, pr_fmt(t->a, "host=%s user=guarded dbname=postgres password=" SECRET, dir)) == PR_OK)
        assert_true(pr_mono_us() < deadline);
    assert_int_equal(t->e.code, PR_ERR_CONNECT);
    assert_non_null(strstr(t->e.msg, "password authentication failed"));
    assert_non_null(strstr(t->e.hint, "pgpass"));
    (void)setenv("PGPASSFILE", "/no/such/passfile", 1);
    assert_int_equal(try_conninfo(t, pr_fmt(t->a, "host=%s user=guarded dbname=postgres", dir)), PR_ERR_CONNECT);
    assert_non_null(strstr(t->e.msg, "no password supplied"));
    (void)unsetenv("PGPASSFILE");
    assert_int_equal(try_conninfo(t, pr_fmt(t->a, "host=%s user=guarded dbname=postgres password=right", dir)), PR_OK);
    assert_int_equal(try_conninfo(t, pr_fmt(t->a, "host=%s user=kept_out dbname=postgres", dir)), PR_ERR_CONNECT);
    assert_non_null(strstr(t->e.hint, "pg_hba.conf"));
}

static void test_settings_of_a_session(void **state) {
    struct testdb *t = *state;
    (void)testdb_value(t, NULL, "CREATE ROLE odd LOGIN SUPERUSER");
    (void)testdb_value(t, NULL, "ALTER ROLE odd SET standard_conforming_strings = off");
    (void)testdb_value(t, NULL, "ALTER ROLE odd SET datestyle = 'German'");
    (void)host_line(t, "local all all trust\n");
    const char *conninfo = pr_fmt(t->a, "host=%s user=odd dbname=postgres", pr_cluster_socket_dir(t->cluster));
    const int64_t deadline = pr_mono_us() + 30000000;
    while (try_conninfo(t, conninfo) != PR_OK) assert_true(pr_mono_us() < deadline);
    struct pr_pg *pg = testdb_open(t, pr_fmt(t->a, "%s client_encoding=LATIN1", conninfo));
    assert_string_equal(testdb_value(t, pg, "SHOW standard_conforming_strings"), "on");
    assert_string_equal(testdb_value(t, pg, "SHOW client_encoding"), "UTF8");
    assert_true(pr_starts(testdb_value(t, pg, "SHOW datestyle"), "ISO"));
    pr_pg_close(pg);
}

static void test_identity(void **state) {
    struct testdb *t = *state;
    const struct pr_pg_ident *id = NULL;
    assert_int_equal(pr_pg_identity(t->pg, &id, &t->e), PR_OK);
    assert_true(id->version_num >= 130000);
    assert_false(id->pooled);
    assert_false(id->tx_pooled);
    assert_false(id->in_recovery);
    assert_string_equal(id->database, "postgres");
    assert_string_equal(id->user, "postgres");
    assert_string_equal(id->address, pr_cluster_socket_dir(t->cluster));
    assert_string_equal(id->system_id, testdb_value(t, NULL, "SELECT system_identifier FROM pg_control_system()"));
    assert_string_equal(testdb_value(t, NULL, pr_fmt(t->a, "SELECT count(*) FROM pg_stat_activity WHERE pid = %d AND backend_start = %s::timestamptz",
                                                     id->pid, pr_quote_literal(t->a, id->backend_start))), "1");
}

static void test_identity_without_privilege(void **state) {
    struct testdb *t = *state;
    (void)testdb_value(t, NULL, "CREATE ROLE plain LOGIN");
    (void)testdb_value(t, NULL, "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC");
    struct pr_pg *pg = testdb_open(t, pr_fmt(t->a, "host=%s user=plain dbname=postgres", pr_cluster_socket_dir(t->cluster)));
    const struct pr_pg_ident *id = NULL;
    assert_int_equal(pr_pg_identity(pg, &id, &t->e), PR_OK);
    assert_null(id->system_id);
    assert_string_equal(id->user, "plain");
    pr_pg_close(pg);
}

/* --- the real PgBouncer, in the cluster's folder, as its user ----------------------------------------------------- */
static bool listens(const char *path) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    (void)snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool yes = connect(fd, (const struct sockaddr *)&name, sizeof name) == 0;
    (void)close(fd);
    return yes;
}

static pid_t bouncer(struct testdb *t, const char *mode, const char *more) {
    const char *dir = pr_cluster_socket_dir(t->cluster);
    const char *ini = pr_fmt(t->a, "%s/bouncer.ini", dir), *path = pr_fmt(t->a, "%s/.s.PGSQL.6432", dir);
    const char *text = pr_fmt(t->a, "[databases]\n* = host=%s\n[pgbouncer]\nlisten_port = 6432\nunix_socket_dir = %s\n"
                              "auth_type = trust\nauth_file = %s/users\npool_mode = %s\n%s\n", dir, dir, dir, mode, more);
    assert_int_equal(pr_write_text(pr_fmt(t->a, "%s/users", dir), "\"postgres\" \"\"\n", 14, 0644, false, &t->e), PR_OK);
    assert_int_equal(pr_write_text(ini, text, strlen(text), 0644, false, &t->e), PR_OK);
    const char *in_path = pr_proc_find("pgbouncer", t->a), *program = in_path != NULL ? in_path : "/usr/sbin/pgbouncer";
    unsigned uid = 0, gid = 0;
    const char *name = NULL;
    if (geteuid() == 0) assert_int_equal(pr_proc_unprivileged_user(&uid, &gid, &name, &t->e), PR_OK);
    const pid_t pid = fork();
    if (pid == 0) {
        if (geteuid() == 0 && (setgid(gid) != 0 || setuid(uid) != 0)) _exit(1);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)execl(program, program, "-q", ini, (char *)NULL);
        _exit(127);
    }
    while (!listens(path)) {
        if (waitpid(pid, NULL, WNOHANG) != 0) fail_msg("pgbouncer did not start");
        (void)nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    return pid;
}

static void end_bouncer(struct testdb *t, pid_t pid) {
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    (void)unlink(pr_fmt(t->a, "%s/.s.PGSQL.6432", pr_cluster_socket_dir(t->cluster)));
}

/* idle_backends: how many backends of others lie in the pool when we ask. */
static void check_pooler(struct testdb *t, const char *mode, const char *more, int idle_backends, bool tx_pooled) {
    const pid_t pid = bouncer(t, mode, more);
    const char *conninfo = pr_fmt(t->a, "host=%s port=6432 user=postgres dbname=postgres", pr_cluster_socket_dir(t->cluster));
    struct pr_pg *others[8] = {NULL};
    for (int i = 0; i < idle_backends; i++) {
        others[i] = testdb_open(t, conninfo);
        (void)testdb_value(t, others[i], "BEGIN");
    }
    for (int i = 0; i < idle_backends; i++) {
        (void)testdb_value(t, others[i], "ROLLBACK");
        pr_pg_close(others[i]);
    }
    struct pr_pg *pg = testdb_open(t, conninfo);
    const struct pr_pg_ident *id = NULL;
    const enum pr_code code = pr_pg_identity(pg, &id, &t->e);
    const bool pooled = code == PR_OK && id->pooled, got = code == PR_OK && id->tx_pooled;
    pr_pg_close(pg);
    end_bouncer(t, pid);
    if (code != PR_OK) fail_msg("%s: %s", mode, t->e.msg);
    assert_true(pooled);
    if (got != tx_pooled) fail_msg("%s, %d idle: tx_pooled is %d", mode, idle_backends, got);
}

static void test_transaction_pooling(void **state) {
    check_pooler(*state, "transaction", "", 0, true);
    check_pooler(*state, "transaction", "", 4, true);
    check_pooler(*state, "transaction", "server_round_robin = 1", 5, true);
    check_pooler(*state, "transaction", "default_pool_size = 1", 0, true);
}

static void test_session_pooling(void **state) {
    check_pooler(*state, "session", "", 0, false);
    check_pooler(*state, "session", "", 4, false);
    check_pooler(*state, "session", "server_round_robin = 1", 4, false);
}

/* Undecided counts as transaction pooling. */
static void test_pool_that_cannot_be_probed(void **state) {
    check_pooler(*state, "statement", "", 0, true);
    check_pooler(*state, "session", "default_pool_size = 1\nquery_wait_timeout = 1", 0, true);
}

static void test_a_statement_through_the_pooler(void **state) {
    struct testdb *t = *state;
    const pid_t pid = bouncer(t, "transaction", "");
    struct pr_pg *pg = testdb_open(t, pr_fmt(t->a, "host=%s port=6432 user=postgres dbname=postgres", pr_cluster_socket_dir(t->cluster)));
    const enum pr_code slow = pr_pg_do(pg, "nap", "SELECT pg_sleep(600)", 200, &t->e);
    struct pr_pg_table out = {0};
    const struct pr_pg_read q = {.sql = "SELECT generate_series(1, 1000)", .max_rows = 10, .max_bytes = 1000, .timeout_ms = 10000};
    const enum pr_code read = pr_pg_read(pg, &q, t->a, &out, &t->e);
    pr_pg_close(pg);
    end_bouncer(t, pid);
    assert_int_equal(slow, PR_ERR_TIMEOUT);
    assert_int_equal(read, PR_OK);
    assert_int_equal(out.rows.n_rows, 10);
    assert_true(out.truncated);
}

#define T(name) cmocka_unit_test_setup(name, testdb_clear)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(test_each_failure_has_its_words), T(test_encoded_password_is_fine), T(test_variable), T(test_service),
        T(test_override_and_name), T(test_silent_server), T(test_a_dead_host_among_several),
        T(test_wrong_and_missing_password), T(test_settings_of_a_session),
        T(test_identity), T(test_identity_without_privilege), T(test_transaction_pooling), T(test_session_pooling),
        T(test_pool_that_cannot_be_probed), T(test_a_statement_through_the_pooler),
    };
    return cmocka_run_group_tests(tests, testdb_up, testdb_down);
}
