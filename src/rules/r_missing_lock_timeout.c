#include "sql/nodes.h"

#include "rules/help.h"

static const struct pr_effect *queues(const struct pr_rule_ctx *c) {
    for (size_t i = 0; i < c->fp->n; i++) {
        const struct pr_effect *f = &c->fp->effects[i];
        if (f->own || f->created || f->kind == 'c' || !pr_lock_blocks_writers(f->lock)) continue;
        if (!pr_is_empty(pr_rel_named(c, f->schema, f->name))) return f;
    }
    return NULL;
}

static void check(const struct pr_rule_ctx *c) {
    if (!pr_is_foreign_runner(c) || c->so_far.lock_timeout >= 0 || c->fp->concurrent || c->fp->dml) return;
    const struct pr_effect *f = queues(c);
    if (f == NULL || pr_said_before(c)) return;
    const char *who = pr_lock_blocks_readers(f->lock) ? "every reader and writer" : "every writer";
    const struct pr_span at = pr_word_at(c, f->name, 0);
    pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "%s waits for its lock on %s without a lock_timeout", c->stmt->tag, pr_qualified(PR_A(c), NULL, f->name)),
        .what = pr_fmt(PR_A(c), "One long query on %s holds up %s, and %s of it that comes after stands in the queue behind it, for as long as that query runs.", f->name, pr_lock_name(f->lock), who),
        .safe_sql = pr_fmt(PR_A(c), "SET lock_timeout = '2s';  -- at the top of the file; run it again when it gives up\n%s;", c->stmt->text)});
}

PR_RULE(missing_lock_timeout) = {
    .id = "missing-lock-timeout", .family = PR_F_BLOCKING, .level = PR_WARNING,
    .title = "DDL on a table in use, for a runner that sets no lock_timeout",
    .why = "A statement that waits for a strong lock stands in a queue: everybody who comes after waits behind it, readers too, although nothing has been done yet.",
    .safe_way = "SET lock_timeout before it and try again when it gives up; pgrail apply does both by itself.",
    .source = "https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-LOCK-TIMEOUT",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .query = "SELECT current_setting('lock_timeout')", .answer = "0"},
    .setup = "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 1000); ANALYZE t",
    .bad = (const char *const[]){"ALTER TABLE t ADD COLUMN b int", "SET lock_timeout = 0; ALTER TABLE t ADD COLUMN b int", NULL},
    .good = (const char *const[]){"SET lock_timeout = '2s'; ALTER TABLE t ADD COLUMN b int", "SELECT set_config('lock_timeout', '2s', true); ALTER TABLE t ADD COLUMN b int",
                                  "CREATE TABLE n (a int); ALTER TABLE n ADD COLUMN b int", NULL},
    .runner = "psql", .check = check,
};
