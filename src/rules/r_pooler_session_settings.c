#include "sql/nodes.h"

#include "rules/help.h"

static void check(const struct pr_rule_ctx *c) {
    if (!c->facts->tx_pooled) return;
    const char *left = pr_stmt_leaves(c->stmt, PR_A(c));
    if (left == NULL || pr_stmt_cleared(c->script, (size_t)c->stmt->index, PR_A(c))) return;
    const bool refused = !pr_is_foreign_runner(c);
    pr_report(c, &(struct pr_hit){.level = refused ? PR_ERROR : PR_WARNING,
        .title = pr_fmt(PR_A(c), "%s is of a session that the pooler gives to others", left),
        .what = refused ? "A pooler in transaction mode stands between: what is left in the session meets whoever gets that connection next, and statements behind it may run "
                          "elsewhere, without it. pgrail apply refuses such a script there."
                        : "A pooler in transaction mode stands between: what is left in the session meets whoever gets that connection next, and statements behind it may run "
                          "elsewhere, without it."});
}

PR_RULE(pooler_session_settings) = {
    .id = "pooler-session-settings", .family = PR_F_FAILURE, .level = PR_WARNING, .needs_facts = true,
    .title = "a setting, lock or temporary table of the session, behind a pooler in transaction mode",
    .why = "SET, advisory locks, LISTEN, PREPARE and temporary tables outlive their transaction in the server's session. The pooler hands that session to whoever comes next: "
           "they run under a foreign search_path or role, a lock is never given back, and the script itself may go on in another session that has none of it.",
    .safe_way = "Connect to the server itself, or use what ends with the transaction: SET LOCAL, set_config(…, true), pg_advisory_xact_lock, ON COMMIT DROP.",
    .source = "https://www.pgbouncer.org/features.html",
    .claim = {.query = "SELECT current_setting('work_mem') = '77MB' OR pg_my_temp_schema() <> 0 OR EXISTS (SELECT FROM pg_listening_channels())"
                       " OR EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) OR EXISTS (SELECT FROM pg_prepared_statements WHERE from_sql)"
                       " OR EXISTS (SELECT FROM pg_cursors WHERE is_holdable)", .answer = "t"},
    .setup = "CREATE TABLE t (a int)",
    .bad = (const char *const[]){"SET work_mem = '77MB'", "SELECT set_config('work_mem', '77MB', false)", "SELECT pg_advisory_lock(77)", "DO $$ BEGIN PERFORM pg_try_advisory_lock(77);END $$",
                                 "LISTEN news", "PREPARE p AS SELECT 1", "DECLARE c CURSOR WITH HOLD FOR SELECT 1", "CREATE TEMP TABLE scratch (a int)",
                                 "CREATE TEMP TABLE other AS SELECT a FROM t", NULL},
    .good = (const char *const[]){"SET LOCAL work_mem = '77MB'", "SET TRANSACTION READ ONLY", "SELECT set_config('work_mem', '77MB', true)", "SELECT pg_advisory_xact_lock(77)",
                                  "CREATE TEMP TABLE scratch (a int) ON COMMIT DROP", "CREATE TEMP TABLE scratch (a int); DROP TABLE scratch", "CREATE TABLE n (a int)",
                                  "SELECT pg_advisory_lock(77); SELECT pg_advisory_unlock(77)", NULL},
    .own_tx = true, .check = check,
};
