#include "sql/nodes.h"

#include "rules/convention.h"

static void judge(const struct pr_rule_ctx *c, const RangeVar *rv, const CreateStmt *table, const ColumnDef *col) {
    (void)table;
    const char *wanted = pr_asked(c)->timestamp_type, *type = pr_type_word(col);
    if ((!pr_eq(type, "timestamp") && !pr_eq(type, "timestamptz")) || pr_eq(type, wanted)) return;
    const struct pr_span at = pr_word_at(c, col->colname, 0);
    pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "%s.%s is %s, points in time here are %s", pr_rv_name(c, rv), pr_id(c, col->colname), type, wanted)});
}

static void check(const struct pr_rule_ctx *c) {
    if (pr_asked(c)->timestamp_type != NULL) pr_each_new_column(c, judge);
}

PR_RULE(convention_timestamp_type) = {
    .id = "convention-timestamp-type", .family = PR_F_CONVENTION, .level = PR_WARNING,
    .title = "a point in time of another type than the project's",
    .why = "A timestamp without a time zone means another moment to each session; mixed with timestamptz every comparison goes through the session's TimeZone.",
    .safe_way = "Give the column the type that [conventions] timestamp_type names.",
    .source = "https://www.postgresql.org/docs/current/datatype-datetime.html",
    .conventions = "timestamp_type = timestamptz",
    .claim = {.query = "SELECT count(*) FROM pg_attribute WHERE attrelid IN ('t'::regclass, coalesce(to_regclass('c'), 't')) AND atttypid = 'timestamp'::regtype", .answer = "1"},
    .setup = "CREATE TABLE t (a int)",
    .bad = (const char *const[]){"ALTER TABLE t ADD COLUMN at timestamp", "CREATE TABLE c (at timestamp without time zone)", NULL},
    .good = (const char *const[]){"ALTER TABLE t ADD COLUMN at timestamptz", "CREATE TABLE c (at timestamp(3) with time zone, on_day date)", NULL},
    .check = check,
};
