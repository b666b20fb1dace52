#include "sql/nodes.h"

#include "rules/help.h"
#include "rules/orphans.h"

static bool same_names(const char *const *have, size_t n, const List *list) {
    ListCell *lc;
    size_t i = 0;
    if ((size_t)list_length(list) != n) return false;
    foreach (lc, list)
        if (!pr_eq(have[i++], strVal(lfirst(lc)))) return false;
    return true;
}

static const struct pr_orphans *counted(const struct pr_rule_ctx *c, const struct pr_rel *child, const struct pr_rel *parent, const char *const *cols, size_t n, const List *list) {
    for (size_t i = 0; i < c->facts->n_orphans; i++) {
        const struct pr_orphans *o = &c->facts->orphans[i];
        const struct pr_ref *r = o->ref;
        if (r->all_lost || r->basis != PR_REF_ASKED || !pr_eq(r->schema, child->schema) || !pr_eq(r->table, child->name)) continue;
        if (!pr_eq(r->ref_schema, parent->schema) || !pr_eq(r->ref_table, parent->name)) continue;
        bool same = cols == NULL ? same_names(r->cols, r->n_cols, list) : n == r->n_cols;
        for (size_t k = 0; same && cols != NULL && k < n; k++) same = pr_eq(cols[k], r->cols[k]);
        if (same) return o;
    }
    return NULL;
}

static const char *command(const struct pr_rule_ctx *c, const struct pr_ref *r) {
    struct pr_buf b = {.a = PR_A(c)};
    pr_addf(&b, "pgrail orphans %s --key ", pr_qualified(PR_A(c), r->schema, r->table));
    for (size_t i = 0; i < r->n_cols; i++) pr_addf(&b, "%s%s", i > 0 ? "," : "", r->cols[i]);
    if (c->facts->environment != NULL) pr_addf(&b, " --env %s", c->facts->environment);
    return pr_buf_text(&b);
}

static void tell(const struct pr_rule_ctx *c, const struct pr_orphans *o, const char *does, struct pr_span at, bool later) {
    if (o == NULL || o->rows == 0) return;
    const struct pr_inside *in = c->stmt->inside;
    const bool sure = !o->ref->rows_change && !later && (in == NULL || !(in->maybe || in->caught));
    const char *words = pr_orphan_words(PR_A(c), o), *look = command(c, o->ref);
    const char *title = later ? pr_fmt(PR_A(c), "%s is NOT VALID, and VALIDATE will fail with 23503 later: %s", does, words)
                              : pr_fmt(PR_A(c), "%s %s fail with 23503: %s", does, sure ? "will" : "may", words);
    pr_report(c, &(struct pr_hit){.level = sure ? PR_ERROR : PR_WARNING, .offset = at.offset, .len = at.len, .title = title,
        .what = pr_fmt(PR_A(c), "%s%s", o->ref->rows_change ? "Counted as they are now; a statement before this one writes the rows, and may mend them." : "Counted on this database just now.",
                       o->stopped != NULL ? " There was no time to read the whole table." : ""),
        .safe_way = pr_fmt(PR_A(c), "See them with `%s`; with --archive TABLE it writes the migration that moves them out of the way, to run before this one.", look)});
}

static void on_add(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const Constraint *con = pr_added(cmd, CONSTR_FOREIGN);
    const struct pr_rel *child = pr_rel_of(c, at->relation), *parent = con != NULL && con->pktable != NULL ? pr_rel_of(c, con->pktable) : NULL;
    if (child == NULL || parent == NULL) return;
    const char *name = con->conname != NULL ? con->conname : pr_object_name(c, at->relation->relname, con->fk_attrs, "fkey");
    tell(c, counted(c, child, parent, NULL, 0, con->fk_attrs), pr_fmt(PR_A(c), "foreign key %s", pr_id(c, name)), pr_word_at(c, "references", 0), con->skip_validation);
}

static void on_validate(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const struct pr_rel *child = pr_rel_of(c, at->relation);
    const struct pr_con *con = child != NULL ? pr_find_con(child, cmd->name) : NULL;
    if (con == NULL || con->type != 'f' || con->inbound) return;
    const struct pr_rel *parent = pr_find_rel(c->facts, con->ref_schema, con->ref_table);
    if (parent == NULL) return;
    tell(c, counted(c, child, parent, con->cols, con->n_cols, NIL), pr_fmt(PR_A(c), "VALIDATE CONSTRAINT %s", pr_id(c, cmd->name)), pr_word_at(c, cmd->name, 0), false);
}

static void check(const struct pr_rule_ctx *c) {
    pr_each_cmd(c, AT_AddConstraint, on_add);
    pr_each_cmd(c, AT_ValidateConstraint, on_validate);
}

PR_RULE(orphan_rows) = {
    .id = "orphan-rows", .family = PR_F_FAILURE, .level = PR_ERROR,
    .title = "rows refer to rows that are not there: the foreign key cannot be valid",
    .why = "The server looks up every row when a foreign key is added or validated, and stops at the first one that leads nowhere. check counts them on the live "
           "database first, for as long as orphans_timeout allows.",
    .safe_way = "Find them with pgrail orphans TABLE, and move them out of the way in a migration before: pgrail orphans TABLE --archive NEW_TABLE writes it.",
    .source = "https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-VALIDATE-CONSTRAINT",
    .claim = {.fails = "23503"},
    .setup = "CREATE TABLE r (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, r_id int, s_id int); CREATE INDEX ON t (r_id); "
             "INSERT INTO r SELECT generate_series(1, 100); INSERT INTO t SELECT i, 1 + i % 101, 1 + i % 100 FROM generate_series(1, 1000) i; ANALYZE r, t; "
             "ALTER TABLE t ADD CONSTRAINT late FOREIGN KEY (r_id) REFERENCES r (id) NOT VALID",
    .bad = (const char *const[]){"ALTER TABLE t ADD CONSTRAINT t_r FOREIGN KEY (r_id) REFERENCES r (id)", "ALTER TABLE t VALIDATE CONSTRAINT late", NULL},
    .good = (const char *const[]){"ALTER TABLE t ADD CONSTRAINT t_s FOREIGN KEY (s_id) REFERENCES r (id)", "ALTER TABLE t DROP CONSTRAINT late", NULL},
    .needs_facts = true, .names_failure = true, .check = check,
};
