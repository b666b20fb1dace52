/* store.c: one SQLite file of local state. */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store.h"

#define BUSY_MS 5000

struct pr_store {
    sqlite3 *db;
    char *path;
};

static void stmt_freep(sqlite3_stmt **stmt) {
    (void)sqlite3_finalize(*stmt);              /* accepts NULL; the error was told by sqlite3_step */
}

static enum pr_code store_error(const struct pr_store *s, const char *doing, struct pr_err *e) {
    const int code = sqlite3_errcode(s->db);
    (void)PR_FAIL(e, PR_ERR_STORE, "%s: %s: %s", s->path, doing, sqlite3_errmsg(s->db));
    switch (code & 0xff) {
    case SQLITE_NOTADB: return pr_hint(e, "the file is not pgrail's state; move it away: mv %s %s.bad", s->path, s->path);
    case SQLITE_CORRUPT: return pr_hint(e, "the file is damaged; restore it from a backup or move it away");
    case SQLITE_BUSY: return pr_hint(e, "another pgrail holds it for more than %d s; try again", BUSY_MS / 1000);
    case SQLITE_FULL: return pr_hint(e, "the disk is full; free some space, then run the command again");
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN: return pr_hint(e, "check the owner and the mode of the file and its folder");
    default: return e->code;
    }
}

/* SQLite would create the file by the umask; what it holds is for its owner alone. */
static enum pr_code create_private(struct pr_arena *a, const char *path, struct pr_err *e) {
    const char *slash = strrchr(path, '/');
    if (slash != NULL && slash != path) {
        if (pr_mkdirs(pr_dupn(a, path, (size_t)(slash - path)), 0700, e) != PR_OK) {
            e->code = PR_ERR_STORE;
            return pr_hint(e, "check the owner and the mode of the folder above it, or set XDG_STATE_HOME to another one");
        }
    }
    const int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0) (void)close(fd);
    if (fd >= 0 || errno == EEXIST) return PR_OK;
    (void)PR_FAIL(e, PR_ERR_STORE, "%s: %s", path, strerror(errno));
    return pr_hint(e, "check the owner and the mode of its folder, or set XDG_STATE_HOME to another one");
}

static enum pr_code exec(struct pr_store *s, const char *doing, const char *sql, struct pr_err *e) {
    if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK) return store_error(s, doing, e);
    return PR_OK;
}

static enum pr_code read_version(struct pr_store *s, int *out, struct pr_err *e) {
    sqlite3_stmt *stmt PR_CLEANUP(stmt_freep) = NULL;
    if (sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &stmt, NULL) != SQLITE_OK || sqlite3_step(stmt) != SQLITE_ROW)
        return store_error(s, "reading its version", e);
    *out = sqlite3_column_int(stmt, 0);
    return PR_OK;
}

static enum pr_code lift(struct pr_store *s, const char *const *schema, int from, int to, struct pr_err *e) {
    for (int v = from; v < to; v++) {
        char set_version[64];
        (void)snprintf(set_version, sizeof set_version, "PRAGMA user_version = %d", v + 1);
        PR_TRY(e, exec(s, "bringing its schema up to date", schema[v], e));
        PR_TRY(e, exec(s, "bringing its schema up to date", set_version, e));
    }
    return exec(s, "bringing its schema up to date", "COMMIT", e);
}

/* All lifts in one transaction, begun before the version is read again: two programs may start at once. */
static enum pr_code bring_up(struct pr_store *s, const char *const *schema, int n, struct pr_err *e) {
    int version = 0;
    PR_TRY(e, read_version(s, &version, e));
    if (version < n) {
        PR_TRY(e, exec(s, "locking", "BEGIN IMMEDIATE", e));
        enum pr_code code = read_version(s, &version, e);
        if (code == PR_OK) code = lift(s, schema, version, n > version ? n : version, e);
        if (code != PR_OK) {
            (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);    /* e tells the first failure */
            return code;
        }
    }
    if (version <= n) return PR_OK;
    (void)PR_FAIL(e, PR_ERR_STORE, "%s: written by a newer pgrail (schema %d; this one knows %d)", s->path, version, n);
    return pr_hint(e, "use the newer pgrail, or another state folder: XDG_STATE_HOME");
}

enum pr_code pr_store_open(const char *path, const char *const *schema, int n, struct pr_store **out, struct pr_err *e) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 20);
    PR_TRY(e, create_private(a, path, e));
    struct pr_store *s PR_CLEANUP(pr_store_closep) = calloc(1, sizeof *s);
    PR_ASSERT(s != NULL);
    s->path = strdup(path);
    PR_ASSERT(s->path != NULL);
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
    const int opened = sqlite3_open_v2(path, &s->db, flags, NULL);
    PR_ASSERT(s->db != NULL);                   /* NULL means out of memory only */
    if (opened != SQLITE_OK) return store_error(s, "opening", e);
    (void)sqlite3_extended_result_codes(s->db, 1);
    (void)sqlite3_busy_timeout(s->db, BUSY_MS);
    /* A file system without shared memory keeps the rollback journal, which is as durable. */
    PR_TRY(e, exec(s, "opening", "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; "
                                 "PRAGMA trusted_schema = OFF", e));
    PR_TRY(e, bring_up(s, schema, n, e));
    *out = s;
    s = NULL;
    return PR_OK;
}

void pr_store_close(struct pr_store *s) {
    if (s == NULL) return;
    (void)sqlite3_close_v2(s->db);
    free(s->path);
    free(s);
}

void pr_store_closep(struct pr_store **s) {
    pr_store_close(*s);
}

static const char *cell(sqlite3_stmt *stmt, int col, struct pr_arena *a) {
    const unsigned char *text = sqlite3_column_text(stmt, col);
    if (text == NULL) return NULL;
    return pr_dupn(a, (const char *)text, (size_t)sqlite3_column_bytes(stmt, col));
}

static enum pr_code prepare(struct pr_store *s, const char *sql, const char *const *params, int n_params,
                            sqlite3_stmt **out, struct pr_err *e) {
    const char *tail = NULL;
    if (sqlite3_prepare_v2(s->db, sql, -1, out, &tail) != SQLITE_OK) return store_error(s, "statement", e);
    PR_ASSERT(*out != NULL && tail[strspn(tail, " \n\t;")] == '\0');    /* one statement: the text is ours */
    PR_ASSERT(sqlite3_bind_parameter_count(*out) == n_params);
    for (int i = 0; i < n_params; i++) {
        const int bound = params[i] == NULL ? sqlite3_bind_null(*out, i + 1)
                                            : sqlite3_bind_text(*out, i + 1, params[i], -1, SQLITE_STATIC);
        if (bound != SQLITE_OK) return store_error(s, "statement", e);
    }
    return PR_OK;
}

enum pr_code pr_store_run(struct pr_store *s, const char *sql, const char *const *params, int n_params, struct pr_arena *a,
                          struct pr_store_rows *out, struct pr_err *e) {
    sqlite3_stmt *stmt PR_CLEANUP(stmt_freep) = NULL;
    PR_TRY(e, prepare(s, sql, params, n_params, &stmt, e));
    struct pr_store_rows rows = {.n_cols = sqlite3_column_count(stmt)};
    size_t n = 0, room = 0;
    for (;;) {
        const int step = sqlite3_step(stmt);
        if (step == SQLITE_DONE) break;
        if (step != SQLITE_ROW) return store_error(s, "statement", e);
        rows.n_rows++;
        if (out == NULL) continue;
        for (int col = 0; col < rows.n_cols; col++) *PR_PUSH(a, rows.cells, n, room) = cell(stmt, col, a);
    }
    if (out != NULL) *out = rows;
    return PR_OK;
}

int64_t pr_store_last_id(struct pr_store *s) {
    return sqlite3_last_insert_rowid(s->db);
}
