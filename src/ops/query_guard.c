/* query_guard.c: functions that a read-only transaction which is rolled back does not hold: what they do stays, or reaches other
 * sessions, or runs SQL out of a string. The role's grants are the wall; this table is for the role that has too many. */
#include "ops/query_guard.h"

#include "sql/sql.h"

/* A name that ends in * is a beginning. */
static const struct { const char *name, *why; } denied[] = {
    {"binary_upgrade_*", "changes the catalogue"},
    {"brin_*", "changes an index"},
    {"connectby*", "runs SQL that stands in a string"},
    {"crosstab*", "runs SQL that stands in a string"},
    {"cursor_to_xml*", "runs SQL that stands in a string"},
    {"database_to_xml*", "reads everything at once"},
    {"dblink*", "opens a session of its own, which nothing rolls back"},
    {"gin_clean_pending_list", "changes an index"},
    {"lo_*", "reads or writes large objects and files of the server"},
    {"loread", "reads large objects"},
    {"lowrite", "writes large objects"},
    {"nextval", "moves a sequence, which nothing rolls back"},
    {"pg_advisory_*", "takes locks that applications wait for"},
    {"pg_backup_*", "steers backups of the server"},
    {"pg_cancel_backend", "reaches other sessions"},
    {"pg_copy_*_replication_slot", "holds back the server's log"},
    {"pg_create_*", "makes something that nothing rolls back"},
    {"pg_current_xact_id", "uses up a transaction id"},
    {"pg_drop_replication_slot", "drops a replication slot"},
    {"pg_export_snapshot", "lends the snapshot to others"},
    {"pg_file_*", "writes files of the server"},
    {"pg_import_system_collations", "changes the catalogue"},
    {"pg_log_backend_memory_contexts", "reaches other sessions"},
    {"pg_log_standby_snapshot", "writes to the server's log of changes"},
    {"pg_logical_emit_message", "writes to the server's log of changes, which nothing rolls back"},
    {"pg_logical_slot_*", "moves a replication slot"},
    {"pg_ls_*", "reads folders of the server"},
    {"pg_notify", "reaches other sessions"},
    {"pg_prewarm", "fills the server's memory"},
    {"pg_promote", "steers the server"},
    {"pg_read_binary_file", "reads files of the server"},
    {"pg_read_file", "reads files of the server"},
    {"pg_reload_conf", "steers the server"},
    {"pg_replication_origin_*", "steers replication"},
    {"pg_replication_slot_advance", "moves a replication slot"},
    {"pg_rotate_logfile*", "steers the server"},
    {"pg_start_backup", "steers backups of the server"},
    {"pg_stat_reset*", "resets what the server counted"},
    {"pg_stat_statements_reset", "resets what the server counted"},
    {"pg_stat_file", "reads files of the server"},
    {"pg_stop_backup", "steers backups of the server"},
    {"pg_switch_wal", "steers the server"},
    {"pg_terminate_backend", "ends other sessions"},
    {"pg_try_advisory_*", "takes locks that applications wait for"},
    {"pg_wal_replay_*", "steers the server"},
    {"query_to_xml*", "runs SQL that stands in a string"},
    {"schema_to_xml*", "reads everything at once"},
    {"set_config", "changes settings of the session"},
    {"setval", "moves a sequence, which nothing rolls back"},
    {"table_to_xml*", "reads everything at once"},
    {"ts_rewrite", "runs SQL that stands in a string"},
    {"ts_stat", "runs SQL that stands in a string"},
    {"txid_current", "uses up a transaction id"},
    {"xpath_table", "runs SQL that stands in a string"},
};

static bool matches(const char *pattern, const char *name) {
    const char *star = strchr(pattern, '*');
    if (star == NULL) return strcmp(pattern, name) == 0;
    return strncmp(pattern, name, (size_t)(star - pattern)) == 0 && pr_ends(name, star + 1);
}

static const char *why_denied(const char *name) {
    for (size_t i = 0; i < PR_COUNT(denied); i++)
        if (matches(denied[i].name, name)) return denied[i].why;
    return NULL;
}

enum pr_code pr_query_guard(struct pr_arena *a, const char *sql, struct pr_err *e) {
    struct pr_script s PR_CLEANUP(pr_script_done) = {0};
    struct pr_err ignored = {0};                               /* what this grammar cannot read, the server's refuses or reads */
    if (pr_script_parse(sql, strlen(sql), a, &s, &ignored) != PR_OK) return PR_OK;
    for (size_t i = 0; i < s.n; i++) {
        struct pr_called *calls = NULL;
        const size_t n = pr_stmt_calls(&s.stmts[i], a, &calls);
        for (size_t k = 0; k < n; k++) {
            const char *why = why_denied(calls[k].name);
            if (why == NULL) continue;
            (void)PR_FAIL(e, PR_ERR_REFUSED, "query: %s() %s", pr_printable(a, calls[k].name, 63), why);
            return pr_hint(e, "ask without it; what a role may execute is decided by its grants: REVOKE EXECUTE ON FUNCTION");
        }
    }
    return PR_OK;
}
