#include "sql/nodes.h"

#include "rules/help.h"

static void check(const struct pr_rule_ctx *c) {
    const DropOwnedStmt *ds = pr_as(DropOwnedStmt, (const Node *)c->node);
    if (ds == NULL) return;
    ListCell *lc;
    foreach (lc, ds->roles) {
        const RoleSpec *role = lfirst_node(RoleSpec, lc);
        const char *name = role->rolename != NULL ? role->rolename : "the current role";
        size_t n = 0, cap = 0;
        const char **items = NULL;
        for (size_t i = 0; c->facts != NULL && role->rolename != NULL && i < c->facts->n_rels; i++)
            if (pr_eq(c->facts->rels[i].owner, role->rolename)) *PR_PUSH(PR_A(c), items, n, cap) = c->facts->rels[i].name;
        const struct pr_span at = pr_word_at(c, "owned", 0);
        pr_report(c, &(struct pr_hit){.level = PR_ERROR, .offset = at.offset, .len = at.len,
            .title = pr_fmt(PR_A(c), "DROP OWNED BY %s drops every table of that role in this database", name),
            .what = n > 0 ? pr_fmt(PR_A(c), "Of the relations that are known here: %s. Their rows go with them, and every grant to the role.", pr_some(c, items, n)) : NULL,
            .safe_sql = role->rolename == NULL ? NULL : pr_fmt(PR_A(c), "REASSIGN OWNED BY %s TO …;  -- first, to the role that shall have them; only grants are left then\nDROP OWNED BY %s;",
                               pr_id(c, name), pr_id(c, name))});
    }
}

PR_RULE(drop_owned) = {
    .id = "drop-owned", .family = PR_F_LOSS, .level = PR_ERROR,
    .title = "DROP OWNED BY drops every table of a role",
    .why = "All that the role owns in this database goes, with its rows, whatever that is on the day it runs; grants to the role go too.",
    .safe_way = "REASSIGN OWNED BY the role TO another one first: DROP OWNED then takes away only grants.",
    .source = "https://www.postgresql.org/docs/current/sql-drop-owned.html",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE, .query = "SELECT to_regclass('t') IS NULL", .answer = "t"},
    .setup = "DO $$ BEGIN CREATE ROLE pgrail_proof_owner; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$; "
             "CREATE TABLE t (a int); ALTER TABLE t OWNER TO pgrail_proof_owner",
    .bad = (const char *const[]){"DROP OWNED BY pgrail_proof_owner", NULL},
    .good = (const char *const[]){"REASSIGN OWNED BY pgrail_proof_owner TO current_user", NULL},
    .check = check,
};
