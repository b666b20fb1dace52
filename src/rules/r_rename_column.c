#include "sql/nodes.h"

#include "rules/help.h"

/* Functions with a body that is only text are not renamed with it: they fail when they are called next. */
static const char *string_bodies(const struct pr_rule_ctx *c, const char *column) {
    struct pr_buf b = {.a = PR_A(c)};
    for (size_t i = 0; c->facts != NULL && i < c->facts->n_fns; i++) {
        const struct pr_fn *fn = &c->facts->fns[i];
        const char *hit = fn->body != NULL ? strstr(fn->body, column) : NULL;
        if (hit != NULL) pr_addf(&b, "%s%s", b.len > 0 ? ", " : "", pr_qualified(PR_A(c), fn->schema, fn->name));
    }
    return pr_buf_text(&b);
}

static void check(const struct pr_rule_ctx *c) {
    const RenameStmt *rs = c->node;
    if (!IsA(c->node, RenameStmt) || rs->renameType != OBJECT_COLUMN || rs->relation == NULL || pr_is_new(c, rs->relation)) return;
    if (rs->relationType != OBJECT_TABLE && rs->relationType != OBJECT_FOREIGN_TABLE) return;
    const char *t = pr_rv_name(c, rs->relation), *old = pr_id(c, rs->subname), *new = pr_id(c, rs->newname);
    const char *fns = string_bodies(c, rs->subname);
    const char *what = pr_fmt(PR_A(c), "The application that runs now names %s.%s and fails with 42703 from the moment of the commit until it is replaced%s%s.", t, old,
                              fns[0] != '\0' ? "; so do functions whose text names it: " : "", fns);
    const struct pr_rel *r = pr_rel_of(c, rs->relation);
    const struct pr_col *col = r != NULL ? pr_find_col(r, rs->subname) : NULL;
    const char *sql = col == NULL ? NULL : pr_fmt(PR_A(c), "ALTER TABLE %s ADD COLUMN %s %s;\n-- write both, fill the old rows in batches, read %s, and drop %s later",
                                                  t, new, col->type, new, old);
    const struct pr_span at = pr_word_at(c, rs->subname, 0);
    pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = at.offset, .len = at.len, .what = what, .safe_sql = sql,
        .title = pr_fmt(PR_A(c), "renaming %s.%s to %s breaks the running application", t, old, new)});
}

PR_RULE(rename_column) = {
    .id = "rename-column", .family = PR_F_COMPATIBILITY, .level = PR_ERROR,
    .title = "renaming a column breaks the running application",
    .why = "The application that runs now names the old column and fails until it is replaced; there is no moment at which both are right.",
    .safe_way = "Expand and contract: add the new column, write both, fill the old rows, read the new one, drop the old one in a later release.",
    .source = "https://www.postgresql.org/docs/current/sql-altertable.html",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .query = "SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'a'", .answer = "0"},
    .setup = "CREATE TABLE t (a int); INSERT INTO t VALUES (1)",
    .bad = (const char *const[]){"ALTER TABLE t RENAME COLUMN a TO b", "ALTER TABLE t RENAME a TO b", NULL},
    .good = (const char *const[]){"CREATE TABLE n (a int); ALTER TABLE n RENAME a TO b", "ALTER TABLE t ADD COLUMN b int", NULL},
    .check = check,
};
