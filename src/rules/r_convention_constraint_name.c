#include "sql/nodes.h"

#include "rules/convention.h"

struct kind { const char *pattern, *suffix, *what; };

static struct kind kind_of(const struct pr_conventions *asked, ConstrType type) {
    if (type == CONSTR_FOREIGN) return (struct kind){asked->foreign_key_name, "fkey", "the foreign key"};
    if (type == CONSTR_UNIQUE) return (struct kind){asked->unique_name, "key", "the unique constraint"};
    return (struct kind){asked->check_name, "check", "the check"};
}

static void judge(const struct pr_rule_ctx *c, const RangeVar *rv, const ColumnDef *col, const Constraint *con) {
    const struct kind kind = kind_of(pr_asked(c), con->contype);
    const List *keys = con->contype == CONSTR_FOREIGN ? con->fk_attrs : con->keys;
    const char *columns = col != NULL ? col->colname : con->contype == CONSTR_CHECK ? NULL : pr_joined(c, keys);
    const char *usual = pr_object_name(c, columns != NULL ? pr_fmt(PR_A(c), "%s_%s", rv->relname, columns) : rv->relname, NIL, kind.suffix);
    pr_report_form(c, &(struct pr_form){.pattern = kind.pattern, .name = con->conname, .usual = usual, .table = rv->relname, .columns = columns,
                                        .ref_table = con->pktable != NULL ? con->pktable->relname : NULL, .what = kind.what});
}

static void check(const struct pr_rule_ctx *c) {
    const struct pr_conventions *asked = pr_asked(c);
    if (asked->foreign_key_name != NULL || asked->unique_name != NULL || asked->check_name != NULL) pr_each_new_constraint(c, judge);
}

PR_RULE(convention_constraint_name) = {
    .id = "convention-constraint-name", .family = PR_F_CONVENTION, .level = PR_WARNING,
    .title = "a constraint that is not named as the project's are",
    .why = "An error of a constraint brings its name and nothing else: the application that turns it into words for a person looks for the form.",
    .safe_way = "Name it as [conventions] foreign_key_name, unique_name or check_name says.",
    .source = "https://www.postgresql.org/docs/current/ddl-constraints.html",
    .conventions = "foreign_key_name = fk_{table}_{ref_table}\nunique_name = uq_{table}_{columns}\ncheck_name = ck_{table}_*",
    .claim = {.query = "SELECT count(*) FROM pg_constraint WHERE contype IN ('f', 'u', 'c') AND conname ~ '^(fk|uq|ck)_' AND connamespace = 'public'::regnamespace", .answer = "0"},
    .setup = "CREATE TABLE r (id int PRIMARY KEY); CREATE TABLE t (a int, r_id int)",
    .bad = (const char *const[]){"ALTER TABLE t ADD CONSTRAINT t_r FOREIGN KEY (r_id) REFERENCES r (id) NOT VALID", "ALTER TABLE t ADD UNIQUE (a, r_id)",
                                 "CREATE TABLE c (a int CHECK (a > 0))", "CREATE TABLE c (r_id int REFERENCES r)", NULL},
    .good = (const char *const[]){"ALTER TABLE t ADD CONSTRAINT fk_t_r FOREIGN KEY (r_id) REFERENCES r (id) NOT VALID", "ALTER TABLE t ADD CONSTRAINT uq_t_a UNIQUE (a)",
                                  "CREATE TABLE c (a int CONSTRAINT ck_c_positive CHECK (a > 0))", "ALTER TABLE t ADD PRIMARY KEY (a)", NULL},
    .check = check,
};
