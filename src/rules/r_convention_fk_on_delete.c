#include "sql/nodes.h"

#include "rules/convention.h"

/* NO ACTION and nothing at all are one in the tree, as they are in the catalog. */
static void judge(const struct pr_rule_ctx *c, const RangeVar *rv, const ColumnDef *col, const Constraint *con) {
    if (con->contype != CONSTR_FOREIGN || con->fk_del_action != FKCONSTR_ACTION_NOACTION) return;
    const char *columns = col != NULL ? pr_id(c, col->colname) : pr_list_names(c, con->fk_attrs, ", ");
    const struct pr_span at = pr_word_at(c, "references", 0);
    pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "the foreign key of %s (%s) does not say what happens ON DELETE of %s", pr_rv_name(c, rv), columns,
                        con->pktable != NULL ? pr_rv_name(c, con->pktable) : "the parent")});
}

static void check(const struct pr_rule_ctx *c) {
    if (pr_asked(c)->foreign_key_on_delete) pr_each_new_constraint(c, judge);
}

PR_RULE(convention_fk_on_delete) = {
    .id = "convention-fk-on-delete", .family = PR_F_CONVENTION, .level = PR_WARNING,
    .title = "a foreign key that does not say what happens ON DELETE",
    .why = "Without it a DELETE of the parent fails while children are there; whether that was meant, or forgotten, nobody can see later.",
    .safe_way = "Write ON DELETE CASCADE, SET NULL or RESTRICT. NO ACTION counts as not said: the server keeps no difference.",
    .source = "https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK",
    .conventions = "foreign_key_on_delete = yes",
    .claim = {.query = "SELECT string_agg(confdeltype::text, '') FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace", .answer = "a"},
    .setup = "CREATE TABLE r (id int PRIMARY KEY); CREATE TABLE t (r_id int)",
    .bad = (const char *const[]){"ALTER TABLE t ADD FOREIGN KEY (r_id) REFERENCES r (id) NOT VALID", "CREATE TABLE c (r_id int REFERENCES r)",
                                 "CREATE TABLE c (a int, r_id int, FOREIGN KEY (r_id) REFERENCES r ON DELETE NO ACTION)", NULL},
    .good = (const char *const[]){"ALTER TABLE t ADD FOREIGN KEY (r_id) REFERENCES r (id) ON DELETE RESTRICT NOT VALID", "CREATE TABLE c (r_id int REFERENCES r ON DELETE CASCADE)", NULL},
    .check = check,
};
