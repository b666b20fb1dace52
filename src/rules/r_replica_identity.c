#include "sql/nodes.h"

#include "rules/help.h"

/* REPLICA IDENTITY FULL or USING INDEX, earlier in this run. */
static bool has_other_identity(const struct pr_rule_ctx *c, const RangeVar *rv) {
    char type = '\0';
    for (const struct pr_about *p = pr_about(c, PR_ABOUT_ALTERS, rv->relname); p != NULL && p->at < c->stmt->index; p = p->next) {
        ListCell *lc;
        foreach (lc, ((const AlterTableStmt *)pr_about_node(c, p))->cmds) {
            const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
            if (cmd->subtype == AT_ReplicaIdentity) type = pr_cast(ReplicaIdentityStmt, cmd->def)->identity_type;
        }
    }
    return type == 'f' || type == 'i';
}

static void on_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const struct pr_rel *r = pr_rel_of(c, at->relation);
    if (r == NULL || !r->published) return;
    const char *how = NULL, *word = cmd->name;
    if (cmd->subtype == AT_DropConstraint) {
        const struct pr_con *con = pr_find_con(r, cmd->name);
        if (con != NULL && con->type == 'p' && r->replica_identity == 'd') how = "dropping its primary key";
    } else if (cmd->subtype == AT_DropColumn) {
        for (size_t i = 0; i < r->n_cons && how == NULL; i++)
            if (r->cons[i].type == 'p' && r->replica_identity == 'd' && pr_mentions(r->cons[i].cols, r->cons[i].n_cols, cmd->name))
                how = "dropping a column of its primary key";
    } else if (cmd->subtype == AT_ReplicaIdentity && ((const ReplicaIdentityStmt *)(const void *)cmd->def)->identity_type == 'n') {
        how = "REPLICA IDENTITY NOTHING";
        word = "identity";
    }
    if (how == NULL || (cmd->subtype != AT_ReplicaIdentity && has_other_identity(c, at->relation))) return;
    const char *t = pr_rv_name(c, at->relation);
    const struct pr_span span = pr_word_at(c, word, 0);
    pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = span.offset, .len = span.len,
        .title = pr_fmt(PR_A(c), "%s is published: after %s every UPDATE and DELETE of it fails", t, how),
        .what = "They fail here, on the publisher, with 55000: the table then has no replica identity, and it publishes updates.",
        .safe_sql = pr_fmt(PR_A(c), "ALTER TABLE %s REPLICA IDENTITY FULL;  -- first, in the same transaction\n%s;", t, c->stmt->text)});
}

static void check(const struct pr_rule_ctx *c) {
    const AlterTableStmt *at = pr_alter_table(c);
    ListCell *lc;
    if (at == NULL || pr_is_new(c, at->relation)) return;
    foreach (lc, at->cmds) on_cmd(c, at, lfirst_node(AlterTableCmd, lc));
}

PR_RULE(replica_identity) = {
    .id = "replica-identity", .family = PR_F_REPLICATION, .level = PR_ERROR,
    .title = "a published table loses its replica identity: every UPDATE and DELETE of it fails",
    .why = "A table that publishes updates needs a key to name the old row by. Without one the statements fail on the publisher itself, with 55000, at once.",
    .safe_way = "REPLICA IDENTITY FULL, or USING INDEX of another unique index, first and in the same transaction.",
    .source = "https://www.postgresql.org/docs/current/logical-replication-publication.html",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .query = "SELECT update_state()", .answer = "55000"},
    .setup = "CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, 1); CREATE PUBLICATION p FOR TABLE t; CREATE FUNCTION update_state() RETURNS text "
             "LANGUAGE plpgsql AS $$ BEGIN UPDATE t SET a = 2; RETURN 'fine'; EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END $$",
    .bad = (const char *const[]){"ALTER TABLE t DROP CONSTRAINT t_pkey", "ALTER TABLE t REPLICA IDENTITY NOTHING", "ALTER TABLE t DROP COLUMN id", NULL},
    .good = (const char *const[]){"ALTER TABLE t REPLICA IDENTITY FULL; ALTER TABLE t DROP CONSTRAINT t_pkey", "ALTER TABLE t ADD COLUMN b int", NULL},
    .needs_facts = true, .check = check,
};
