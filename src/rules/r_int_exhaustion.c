#include "sql/nodes.h"

#include "rules/help.h"

enum { WARN_PERCENT = 70, HIGH_PERCENT = 90 };

/* The highest number that both the column and its sequence take. */
static int64_t limit_of(const struct pr_col *col) {
    const int64_t type = pr_eq(col->type, "integer") ? INT32_MAX : pr_eq(col->type, "smallint") ? INT16_MAX : INT64_MAX;
    return col->more->seq_max > 0 && col->more->seq_max < type ? col->more->seq_max : type;
}

static void check(const struct pr_rule_ctx *c) {
    if (c->fp->main_name == NULL || (!c->fp->dml && !pr_alter_table(c) && !IsA((const Node *)c->node, IndexStmt))) return;
    const struct pr_rel *r = pr_rel_named(c, c->fp->main_schema, c->fp->main_name);
    if (r == NULL || pr_world_created(c->before, r->schema, r->name)) return;
    for (size_t i = 0; i < r->n_cols; i++) {
        const struct pr_col *col = &r->cols[i];
        if (col->more == NULL || col->more->seq_last <= 0) continue;
        const int64_t limit = limit_of(col), percent = limit < INT64_MAX ? col->more->seq_last / (limit / 100 + 1) : 0;
        if (percent < WARN_PERCENT || pr_said_before(c)) continue;
        const char *t = pr_qualified(PR_A(c), NULL, r->name), *name = pr_id(c, col->name);
        const struct pr_span at = pr_word_at(c, r->name, 0);
        pr_report(c, &(struct pr_hit){.level = percent >= HIGH_PERCENT ? PR_ERROR : PR_WARNING, .offset = at.offset, .len = at.len,
            .title = pr_fmt(PR_A(c), "%s.%s has used %" PRId64 " %% of its numbers", t, name, percent),
            .what = pr_fmt(PR_A(c), "Its sequence stands at %s of %s (%s). At the end every INSERT fails (2200H or 22003), and the way to bigint takes longer than that leaves.",
                           pr_human_count(PR_A(c), col->more->seq_last), pr_human_count(PR_A(c), limit), col->type),
            .safe_sql = pr_fmt(PR_A(c), "ALTER TABLE %s ADD COLUMN %s bigint;  -- then a trigger that keeps both in step, a backfill, and the swap", t, pr_id(c, pr_fmt(PR_A(c), "%s_big", col->name)))});
    }
}

PR_RULE(int_exhaustion) = {
    .id = "int-exhaustion", .family = PR_F_COMPATIBILITY, .level = PR_WARNING,
    .title = "the numbers of an integer key are nearly used up",
    .why = "At the end of the sequence or of the type every INSERT fails at once, and to change the type by then means to rewrite the largest table under an exclusive lock.",
    .safe_way = "A bigint column beside it, kept in step by a trigger, filled in batches and swapped: begun while there is time.",
    .source = "https://www.postgresql.org/docs/current/datatype-numeric.html",
    .claim = {.query = "SELECT next_state()", .answer = "2200H"},
    .setup = "CREATE TABLE t (id serial PRIMARY KEY, a int); CREATE TABLE u (id bigserial PRIMARY KEY, a int); SELECT setval('t_id_seq', 2147483647), setval('u_id_seq', 2147483647); "
             "CREATE FUNCTION next_state() RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t (a) VALUES (9); RETURN 'fine'; EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END $$",
    .bad = (const char *const[]){"ALTER TABLE t ADD COLUMN b int", "CREATE INDEX t_a ON t (a)", NULL},
    .good = (const char *const[]){"ALTER TABLE u ADD COLUMN b int", "CREATE TABLE n (id serial); ALTER TABLE n ADD COLUMN b int", NULL},
    .needs_facts = true, .check = check,
};
