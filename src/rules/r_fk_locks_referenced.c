#include "sql/nodes.h"

#include "rules/help.h"

static void report(const struct pr_rule_ctx *c, const char *word, enum pr_level level, const char *title, const char *what) {
    const struct pr_span at = pr_word_at(c, word, 0);
    pr_report(c, &(struct pr_hit){.level = level, .offset = at.offset, .len = at.len, .title = title, .what = what});
}

/* What reads rows, or holds ACCESS EXCLUSIVE beside, has a rule of its own. apply gives up soon and tries again. */
static void on_fk(const struct pr_rule_ctx *c, const struct pr_defined *fk) {
    const RangeVar *to = fk->con->pktable;
    if (!pr_is_foreign_runner(c) || pr_is_new(c, to) || pr_is_empty(pr_rel_of(c, to)) || pr_eq(to->relname, fk->table->relname)) return;
    if (fk->create == NULL && (fk->col != NULL || !(fk->con->skip_validation || !PR_CONSTRAINT_ENFORCED(fk->con)))) return;
    const char *parent = pr_rv_name(c, to), *t = pr_rv_name(c, fk->table);
    report(c, to->relname, PR_WARNING,
           fk->create != NULL ? pr_fmt(PR_A(c), "creating %s stops writes to %s, that it refers to", t, parent) : pr_fmt(PR_A(c), "the foreign key of %s stops writes to %s", t, parent),
           pr_fmt(PR_A(c), "SHARE ROW EXCLUSIVE on %s until commit: it waits for every open transaction that has written there, and whoever writes after waits behind it.", parent));
}

static void on_drop(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const struct pr_rel *r = pr_rel_of(c, at->relation);
    const struct pr_con *con = r != NULL ? pr_find_con(r, cmd->name) : NULL;
    if (con == NULL || con->type != 'f' || con->inbound || pr_eq(con->ref_table, r->name) || pr_is_new(c, at->relation)) return;
    const struct pr_rel *to = pr_find_rel(c->facts, con->ref_schema, con->ref_table);
    if (pr_world_created(c->before, con->ref_schema, con->ref_table) || pr_is_empty(to)) return;
    const char *parent = pr_qualified(PR_A(c), NULL, con->ref_table);
    report(c, cmd->name, pr_is_foreign_runner(c) ? PR_WARNING : PR_NOTE,
           pr_fmt(PR_A(c), "dropping foreign key %s stops all reads and writes of %s as well", pr_id(c, con->name), parent),
           pr_fmt(PR_A(c), "ACCESS EXCLUSIVE on %s and on %s until commit: short, but it waits behind every long query on either, and whoever comes after waits behind it.",
                  pr_rv_name(c, at->relation), parent));
}

static void check(const struct pr_rule_ctx *c) {
    pr_each_fk(c, on_fk);
    pr_each_cmd(c, AT_DropConstraint, on_drop);
}

PR_RULE(fk_locks_referenced) = {
    .id = "fk-locks-referenced", .family = PR_F_BLOCKING, .level = PR_WARNING,
    .title = "a foreign key also locks the table that it refers to",
    .why = "Adding one, also NOT VALID and also with a new table, takes SHARE ROW EXCLUSIVE on the referenced table: its writers wait. Dropping one takes ACCESS EXCLUSIVE on "
           "it: its readers wait too. pgrail apply gives up soon and tries again; other runners wait.",
    .safe_way = "One foreign key in a transaction, as its last statement, with a lock_timeout and another try.",
    .source = "https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES",
    .claim = {.on = "r", .lock = PR_SHARE_ROW_EXCLUSIVE},
    .setup = "CREATE TABLE r (id int PRIMARY KEY); CREATE TABLE t (r_id int); INSERT INTO r SELECT generate_series(1, 1000); INSERT INTO t SELECT generate_series(1, 1000); ANALYZE r, t",
    .bad = (const char *const[]){"ALTER TABLE t ADD CONSTRAINT t_r FOREIGN KEY (r_id) REFERENCES r NOT VALID", "CREATE TABLE n (id int PRIMARY KEY, r_id int REFERENCES r)", NULL},
    .good = (const char *const[]){"CREATE TABLE n (id int PRIMARY KEY, up int REFERENCES n)", "CREATE TABLE n (id int PRIMARY KEY); CREATE TABLE m (n_id int REFERENCES n)", NULL},
    .runner = "psql", .check = check,
};
