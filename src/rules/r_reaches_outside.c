#include "sql/nodes.h"

#include "rules/help.h"

/* Functions that leave the database; those of dblink may hold a connection string, which is never shown. */
static const struct { const char *name, *does; } leaving[] = {
    {"pg_read_file", "reads a file of the server"}, {"pg_read_binary_file", "reads a file of the server"},
    {"pg_ls_dir", "lists a folder of the server"}, {"pg_stat_file", "looks at a file of the server"},
    {"lo_import", "reads a file of the server"}, {"lo_export", "writes a file of the server"},
    {"pg_file_write", "writes a file of the server"}, {"pg_file_unlink", "removes a file of the server"},
    {"dblink", "talks to another database"}, {"dblink_exec", "changes another database"},
    {"dblink_connect", "talks to another database"}, {"dblink_connect_u", "talks to another database"},
    {"dblink_send_query", "talks to another database"}, {"pg_terminate_backend", "ends other people's sessions"},
    {"pg_reload_conf", "makes the server read its settings anew"}, {"pg_rotate_logfile", "acts on the server's log"},
};

static void on_call(const struct pr_rule_ctx *c) {
    struct pr_called *calls = NULL;
    const size_t n = pr_stmt_calls(c->stmt, PR_A(c), &calls);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < PR_COUNT(leaving); k++)
            if (pr_eq(calls[i].name, leaving[k].name)) {
                pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = calls[i].offset, .len = strlen(calls[i].name),
                    .title = pr_fmt(PR_A(c), "%s() %s", leaving[k].name, leaving[k].does)});
                return;
            }
}

static void check(const struct pr_rule_ctx *c) {
    const CopyStmt *copy = pr_as(CopyStmt, (const Node *)c->node);
    if (copy == NULL) {
        on_call(c);
    } else if (copy->filename != NULL) {
        const struct pr_span at = pr_word_at(c, copy->is_program ? "program" : "copy", 0);
        pr_report(c, &(struct pr_hit){.level = copy->is_program ? PR_ERROR : PR_WARNING, .offset = at.offset, .len = at.len,
            .title = copy->is_program ? "COPY … PROGRAM runs a command of the operating system, as the server's user"
                                      : copy->is_from ? "COPY reads a file of the server" : "COPY writes a file of the server",
            .safe_sql = copy->relation == NULL ? NULL : pr_fmt(PR_A(c), "\\copy %s %s …  -- psql: the file is the client's", pr_rv_name(c, copy->relation), copy->is_from ? "FROM" : "TO")});
    }
}

PR_RULE(reaches_outside) = {
    .id = "reaches-outside", .family = PR_F_ACCESS, .level = PR_ERROR,
    .title = "a statement that leaves the database: programs and files of the server, other databases",
    .why = "It acts with the rights of the server's own user, a rehearsal on a copy may do it for real, and no rollback takes it back.",
    .safe_way = "Load rows with INSERT, or with COPY … FROM STDIN from the client; move rows between databases with a tool of their own.",
    .source = "https://www.postgresql.org/docs/current/sql-copy.html",
    .claim = {.query = "SELECT max(a) FROM t", .answer = "7"},
    .setup = "CREATE TABLE t (a int)",
    .bad = (const char *const[]){"COPY t FROM PROGRAM 'echo 7'", "INSERT INTO t SELECT 7 FROM (SELECT pg_read_file('PG_VERSION')) AS x", NULL},
    .good = (const char *const[]){"INSERT INTO t VALUES (7)", "SELECT a FROM t", NULL},
    .check = check,
};
