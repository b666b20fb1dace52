#include "sql/nodes.h"

#include "rules/help.h"

static const ColumnDef *defined_here(const struct pr_rule_ctx *c, const struct pr_defined *fk, const char *name) {
    if (fk->col != NULL) return fk->col;
    ListCell *lc;
    if (fk->create != NULL) {
        foreach (lc, fk->create->tableElts)
            if (IsA(lfirst(lc), ColumnDef) && pr_eq(lfirst_node(ColumnDef, lc)->colname, name)) return lfirst_node(ColumnDef, lc);
        return NULL;
    }
    foreach (lc, ((const AlterTableStmt *)c->node)->cmds) {
        const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
        if (cmd->subtype == AT_AddColumn && pr_eq(((const ColumnDef *)(const void *)cmd->def)->colname, name)) return (const ColumnDef *)(const void *)cmd->def;
    }
    return NULL;
}

/* The internal name of the type of a column that refers; "" when it is not known. */
static const char *type_of(const struct pr_rule_ctx *c, const struct pr_defined *fk, const char *name) {
    const ColumnDef *def = defined_here(c, fk, name);
    if (def != NULL) return def->typeName != NULL && def->typeName->arrayBounds == NIL ? pr_type_name(def->typeName) : "";
    const struct pr_rel *r = pr_rel_of(c, fk->table);
    const struct pr_col *col = r != NULL ? pr_find_col(r, name) : NULL;
    return col != NULL ? pr_type_name_of_text(c, col->base_type != NULL ? col->base_type : col->type) : "";
}

static const char *word_of(const char *type) { return pr_eq(type, "int2") ? "smallint" : pr_eq(type, "int4") ? "integer" : pr_eq(type, "int8") ? "bigint" : type; }

static void on_pair(const struct pr_rule_ctx *c, const struct pr_defined *fk, const char *name, const char *target) {
    const struct pr_rel *to = pr_rel_of(c, fk->con->pktable);
    const struct pr_col *of = to != NULL ? pr_find_col(to, target) : NULL;
    if (of == NULL) return;
    const char *from = type_of(c, fk, name), *what = pr_type_name_of_text(c, of->base_type != NULL ? of->base_type : of->type);
    const bool fails = c->fp->certain_fail && pr_eq(c->fp->fails_sqlstate, "42804");
    const bool overflows = pr_int_bytes(from) > 0 && pr_int_bytes(from) < pr_int_bytes(what);
    if (from[0] == '\0' || pr_eq(from, what) || (!fails && !overflows)) return;
    if (fails && strstr(c->fp->fails_why, pr_fmt(PR_A(c), "\"%s\"", name)) == NULL) return;
    const char *t = pr_rv_name(c, fk->table), *parent = pr_rv_name(c, fk->con->pktable), *col = pr_id(c, name);
    const char *title = pr_fmt(PR_A(c), "%s.%s is %s, and %s.%s, that it refers to, is %s", t, col, word_of(from), parent, pr_id(c, target), of->type);
    const char *what_is = fails ? "It fails with 42804: the two cannot be compared."
                                : pr_fmt(PR_A(c), "It works until %s.%s is larger than %s holds: then every INSERT of such a row into %s fails with 22003.", parent, pr_id(c, target), word_of(from), t);
    const char *sql = fk->col != NULL ? pr_fmt(PR_A(c), "%s %s …  -- the type of what it refers to", col, of->type) : NULL;
    const struct pr_span at = pr_word_at(c, name, 0);
    pr_report(c, &(struct pr_hit){.level = fails ? PR_ERROR : PR_WARNING, .offset = at.offset, .len = at.len, .title = title, .what = what_is, .safe_sql = sql});
}

static void on_fk(const struct pr_rule_ctx *c, const struct pr_defined *fk) {
    const char **cols = NULL, **keys = NULL;
    const size_t n = pr_fk_columns(c, fk, &cols), m = pr_fk_targets(c, fk, &keys);
    for (size_t i = 0; n == m && i < n; i++) on_pair(c, fk, cols[i], keys[i]);
}

static void check(const struct pr_rule_ctx *c) { pr_each_fk(c, on_fk); }

PR_RULE(fk_type_mismatch) = {
    .id = "fk-type-mismatch", .family = PR_F_FAILURE, .level = PR_WARNING,
    .title = "a foreign key of another type than what it refers to",
    .why = "A narrower integer is accepted, and overflows when the referenced numbers have grown: every insert of a new child fails from then on, and widening it then rewrites a "
           "large table. Types that cannot be compared fail at once with 42804.",
    .safe_way = "Give the column the type of what it refers to.",
    .source = "https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK",
    .claim = {.query = "SELECT late_state()", .answer = "22003"},
    .setup = "CREATE TABLE r (id bigint PRIMARY KEY); CREATE TABLE t (r_id int, big bigint); INSERT INTO r VALUES (3000000000), (1); INSERT INTO t VALUES (1, 1); ANALYZE r, t; "
             "CREATE FUNCTION late_state() RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('INSERT INTO %s (r_id) VALUES (3000000000)', coalesce(to_regclass('n'), 't'::regclass)); "
             "RETURN 'fine'; EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END $$",
    .bad = (const char *const[]){"ALTER TABLE t ADD FOREIGN KEY (r_id) REFERENCES r (id)", "CREATE TABLE n (id int, r_id int REFERENCES r)", NULL},
    .good = (const char *const[]){"ALTER TABLE t ADD FOREIGN KEY (big) REFERENCES r (id)", "CREATE TABLE n (id int, r_id bigint REFERENCES r)",
                                  "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE n (p_id bigint REFERENCES p)", NULL},
    .needs_facts = true, .names_failure = true, .check = check,
};
