#include "sql/nodes.h"

#include "rules/help.h"
#include "sql/lex.h"

/* A function that the catalog knows to depend on the column follows a rename, and holds a drop up by itself. */
static bool is_tracked(const struct pr_rel *r, const struct pr_fn *fn) {
    for (size_t i = 0; i < r->n_deps; i++)
        if (pr_eq(r->deps[i].kind, "function") && pr_eq(r->deps[i].name, fn->name) && r->deps[i].n_mentions > 0) return true;
    return false;
}

static bool is_named(const struct pr_lex *lex, struct pr_token t, const char *name) {
    const size_t len = strlen(name);
    if (t.kind == PR_LEX_IDENT) return t.end - t.start == len + 2 && strncmp(lex->text + t.start + 1, name, len) == 0;
    return t.kind == PR_LEX_WORD && pr_lex_is(lex, t, name);
}

/* NEW.col or OLD.col: the row that a trigger was called for. */
static bool reads_row(const char *body, const char *col) {
    struct pr_lex lex = {.text = body, .end = strlen(body)};
    bool row = false, dot = false;
    for (struct pr_token t = pr_lex_next(&lex); t.kind != PR_LEX_END; t = pr_lex_next(&lex)) {
        if (t.kind == PR_LEX_COMMENT) continue;
        if (row && dot && is_named(&lex, t, col)) return true;
        dot = row && !dot && pr_lex_is(&lex, t, ".");
        row = dot || pr_lex_is(&lex, t, "new") || pr_lex_is(&lex, t, "old");
    }
    return false;
}

static bool is_fired(struct pr_arena *a, const struct pr_rel *r, const struct pr_fn *fn) {
    const char *name = pr_fmt(a, "%s.%s", fn->schema, fn->name);
    for (size_t i = 0; i < r->n_trgs; i++)
        if (pr_eq(r->trgs[i].function, name)) return true;
    return false;
}

static void report(const struct pr_rule_ctx *c, const RangeVar *rv, const char *col, const char *verb) {
    const struct pr_rel *r = pr_rel_of(c, rv);
    if (r == NULL || pr_is_new(c, rv) || pr_find_col(r, col) == NULL) return;
    size_t n = 0, cap = 0;
    const char **names = NULL;
    for (size_t i = 0; i < c->facts->n_fns; i++) {
        const struct pr_fn *fn = &c->facts->fns[i];
        if (fn->body == NULL || is_tracked(r, fn) || !pr_text_names(fn->body, col)) continue;
        if (!pr_text_names(fn->body, r->name) && !(reads_row(fn->body, col) && is_fired(PR_A(c), r, fn))) continue;
        *PR_PUSH(PR_A(c), names, n, cap) = pr_fmt(PR_A(c), "%s(%s)", pr_qualified(PR_A(c), fn->schema, fn->name), fn->args);
    }
    if (n == 0) return;
    const struct pr_span word = pr_word_at(c, col, 0);
    pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = word.offset, .len = word.len,
        .title = pr_fmt(PR_A(c), "%s %s.%s: %s names it and may fail when it is called", verb, pr_rv_name(c, rv), pr_id(c, col), pr_some(c, names, n)),
        .what = "The server does not look into function bodies that are strings: the migration passes, and the function fails with 42703 the next time that somebody calls it."});
}

static void on_drop(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) { report(c, at->relation, cmd->name, "dropping"); }

static void check(const struct pr_rule_ctx *c) {
    const RenameStmt *rs = pr_as(RenameStmt, (const Node *)c->node);
    if (rs != NULL && rs->renameType == OBJECT_COLUMN && rs->relation != NULL) report(c, rs->relation, rs->subname, "renaming");
    if (rs == NULL) pr_each_cmd(c, AT_DropColumn, on_drop);
}

PR_RULE(drop_column_plpgsql) = {
    .id = "drop-column-plpgsql", .family = PR_F_COMPATIBILITY, .level = PR_WARNING,
    .title = "a function's body names the column that is dropped or renamed",
    .why = "Bodies that are strings (PL/pgSQL, and SQL without BEGIN ATOMIC) of triggers too, with the NEW.column and OLD.column of their table, are not in the catalog of dependencies: nothing fails now, and the function fails with 42703 when it is called. "
           "Views and BEGIN ATOMIC bodies follow a rename.",
    .safe_way = "CREATE OR REPLACE the function in the same transaction, so that it never meets a table without the column.",
    .source = "https://www.postgresql.org/docs/current/ddl-depend.html",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .query = "SELECT total_state()", .answer = "42703"},
    .setup = "CREATE TABLE t (a int, b int, z int); INSERT INTO t VALUES (1, 1, 1); CREATE FUNCTION total() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT sum(a) FROM t); END $$; "
             "CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.z := 1; RETURN NEW; END $$; "
             "CREATE TRIGGER fill BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION fill(); "
             "CREATE FUNCTION total_state() RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM total(); INSERT INTO t DEFAULT VALUES; RETURN 'fine'; EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END $$",
    .bad = (const char *const[]){"ALTER TABLE t DROP COLUMN a", "ALTER TABLE t RENAME COLUMN a TO c", "ALTER TABLE t DROP COLUMN z", "ALTER TABLE t RENAME COLUMN z TO c", NULL},
    .good = (const char *const[]){"ALTER TABLE t DROP COLUMN b", "ALTER TABLE t RENAME COLUMN b TO c", NULL},
    .needs_facts = true, .check = check,
};
