#include "sql/nodes.h"

#include "rules/help.h"

static bool has_key(const List *constraints) {
    ListCell *lc;
    foreach (lc, constraints) {
        const Constraint *con = pr_as(Constraint, lfirst(lc));
        if (con != NULL && con->contype == CONSTR_PRIMARY) return true;
    }
    return false;
}

static bool is_keyed(const CreateStmt *cs) {
    ListCell *lc;
    if (cs->partbound != NULL || cs->inhRelations != NIL || has_key(cs->constraints)) return true;
    foreach (lc, cs->tableElts) {
        const Node *e = lfirst(lc);
        if (IsA(e, ColumnDef) && has_key(pr_cast(ColumnDef, e)->constraints)) return true;
        if (IsA(e, Constraint) && pr_cast(Constraint, e)->contype == CONSTR_PRIMARY) return true;
        if (IsA(e, TableLikeClause) && (pr_cast(TableLikeClause, e)->options & CREATE_TABLE_LIKE_INDEXES) != 0) return true;
    }
    return false;
}

/* A key or another identity that comes later in this script. */
static bool keyed_later(const struct pr_rule_ctx *c, const char *table) {
    ListCell *lc;
    for (const struct pr_about *p = pr_about_later(c, PR_ABOUT_ALTERS, table); p != NULL; p = p->next) {
        foreach (lc, ((const AlterTableStmt *)pr_about_node(c, p))->cmds) {
            const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
            if (cmd->subtype == AT_ReplicaIdentity || pr_added(cmd, CONSTR_PRIMARY) != NULL) return true;
        }
    }
    return false;
}

static void check(const struct pr_rule_ctx *c) {
    if (!c->facts->publishes_all) return;
    const CreateStmt *cs = pr_as(CreateStmt, (const Node *)c->node);
    const CreateTableAsStmt *as = pr_as(CreateTableAsStmt, (const Node *)c->node);
    const RangeVar *rv = cs != NULL && !is_keyed(cs) ? cs->relation : as != NULL && as->objtype == OBJECT_TABLE ? as->into->rel : NULL;
    if (rv == NULL || rv->relpersistence != RELPERSISTENCE_PERMANENT || keyed_later(c, rv->relname)) return;
    if (cs != NULL && cs->if_not_exists && pr_rel_of(c, rv) != NULL) return;
    const char *t = pr_rv_name(c, rv);
    const struct pr_span at = pr_word_at(c, rv->relname, 0);
    pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "new table %s has no key and is published: every UPDATE and DELETE of it fails", t),
        .safe_sql = pr_fmt(PR_A(c), "ALTER TABLE %s ADD PRIMARY KEY (…);\n-- or, where there is no key:\nALTER TABLE %s REPLICA IDENTITY FULL;", t, t)});
}

PR_RULE(publication_new_table) = {
    .id = "publication-new-table", .family = PR_F_REPLICATION, .level = PR_ERROR,
    .title = "a new table without a key, where a publication is FOR ALL TABLES",
    .why = "The publication takes the new table in by itself. Without a primary key or another replica identity its UPDATE and DELETE fail here, on the publisher, with 55000.",
    .safe_way = "A primary key, or REPLICA IDENTITY FULL, in the same migration.",
    .source = "https://www.postgresql.org/docs/current/logical-replication-publication.html",
    .claim = {.query = "SELECT update_state()", .answer = "55000"},
    .setup = "CREATE PUBLICATION p FOR ALL TABLES; CREATE FUNCTION update_state() RETURNS text LANGUAGE plpgsql AS $$ BEGIN UPDATE t SET a = 2; RETURN 'fine'; "
             "EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END $$",
    .bad = (const char *const[]){"CREATE TABLE t (a int)", "CREATE TABLE t AS SELECT 1 AS a", NULL},
    .good = (const char *const[]){"CREATE TABLE t (a int PRIMARY KEY)", "CREATE TABLE t (a int); ALTER TABLE t REPLICA IDENTITY FULL", "CREATE TEMP TABLE t (a int)", NULL},
    .needs_facts = true, .check = check,
};
