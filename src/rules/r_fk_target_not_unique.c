#include "sql/nodes.h"

#include "rules/help.h"

static void on_fk(const struct pr_rule_ctx *c, const struct pr_defined *fk) {
    const char *state = c->fp->fails_sqlstate;
    const struct pr_rel *to = pr_rel_of(c, fk->con->pktable);
    if (!c->fp->certain_fail || !(pr_eq(state, "42830") || pr_eq(state, "42704")) || strstr(c->fp->fails_why, "for referenced table") == NULL) return;
    if (to == NULL || strstr(c->fp->fails_why, pr_fmt(PR_A(c), "\"%s\"", to->name)) == NULL) return;
    const char *parent = pr_rv_name(c, fk->con->pktable), *t = pr_rv_name(c, fk->table), *cols = pr_list_names(c, fk->con->pk_attrs, ", ");
    const struct pr_span at = pr_word_at(c, fk->con->pktable->relname, 0);
    const bool named = fk->con->pk_attrs != NIL;
    pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = at.offset, .len = at.len,
        .title = named ? pr_fmt(PR_A(c), "%s (%s) is not unique: no foreign key of %s can refer to it", parent, cols, t) : pr_fmt(PR_A(c), "%s has no primary key that a foreign key of %s could refer to", parent, t),
        .what = pr_fmt(PR_A(c), "It fails with %s. A partial index, one over an expression or an invalid one does not serve.", state),
        .safe_sql = named ? pr_sql_key(c, fk->con->pktable, cols, pr_object_name(c, fk->con->pktable->relname, fk->con->pk_attrs, "key"), "UNIQUE") : NULL});
}

static void check(const struct pr_rule_ctx *c) { pr_each_fk(c, on_fk); }

PR_RULE(fk_target_not_unique) = {
    .id = "fk-target-not-unique", .family = PR_F_FAILURE, .level = PR_ERROR,
    .title = "a foreign key to columns that are not unique",
    .why = "Only a primary key, a UNIQUE constraint or a plain unique index on exactly these columns can be referred to: it fails with 42830.",
    .safe_way = "CREATE UNIQUE INDEX CONCURRENTLY on the referenced columns first, then UNIQUE USING INDEX.",
    .source = "https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK",
    .claim = {.fails = "42830"},
    .setup = "CREATE TABLE r (id int PRIMARY KEY, code int); CREATE UNIQUE INDEX r_code ON r (code) WHERE code > 0; CREATE TABLE t (code int, r_id int); INSERT INTO r VALUES (1, 1); ANALYZE r, t",
    .bad = (const char *const[]){"ALTER TABLE t ADD FOREIGN KEY (code) REFERENCES r (code)", "CREATE TABLE n (code int REFERENCES r (code))", "ALTER TABLE t ADD COLUMN other int REFERENCES r (code)", NULL},
    .good = (const char *const[]){"ALTER TABLE t ADD FOREIGN KEY (r_id) REFERENCES r (id)", "CREATE UNIQUE INDEX r_whole ON r (code); ALTER TABLE t ADD FOREIGN KEY (code) REFERENCES r (code)", NULL},
    .needs_facts = true, .names_failure = true, .check = check,
};
