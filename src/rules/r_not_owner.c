#include "sql/nodes.h"

#include "rules/help.h"

/* Only the owner may do these; CREATE TRIGGER, TRUNCATE, rows and COMMENT are a matter of grants or of little harm. */
static bool needs_owner(const Node *n) {
    switch ((int)nodeTag(n)) {
    case T_AlterTableStmt: case T_IndexStmt: case T_RenameStmt: case T_AlterObjectSchemaStmt: case T_AlterOwnerStmt: case T_CreatePolicyStmt:
    case T_AlterPolicyStmt: case T_RuleStmt: return true;
    case T_DropStmt: {
        const ObjectType t = pr_cast(DropStmt, n)->removeType;
        return t == OBJECT_TABLE || t == OBJECT_INDEX || t == OBJECT_VIEW || t == OBJECT_MATVIEW || t == OBJECT_SEQUENCE || t == OBJECT_TRIGGER || t == OBJECT_POLICY;
    }
    default: return false;
    }
}

/* The role that SET ROLE earlier in the script has made of it; NULL = that of the connection. */
static const char *role_here(const struct pr_rule_ctx *c) {
    return c->so_far.role >= 0 ? pr_sets_role(&c->script->stmts[c->so_far.role]) : NULL;
}

static void check(const struct pr_rule_ctx *c) {
    if (!needs_owner(c->node) || c->fp->main_name == NULL) return;
    const struct pr_rel *r = pr_rel_named(c, c->fp->main_schema, c->fp->main_name);
    if (r == NULL || r->owner == NULL || pr_world_created(c->before, r->schema, r->name)) return;
    const char *set = role_here(c), *role = set != NULL ? set : c->facts->role;
    if (role == NULL || pr_eq(role, r->owner)) return;
    if (set == NULL && (c->facts->role_super || pr_mentions(c->facts->role_of, c->facts->n_role_of, r->owner))) return;
    const struct pr_span at = pr_word_at(c, r->name, 0);
    pr_report(c, &(struct pr_hit){.level = set != NULL ? PR_WARNING : PR_ERROR, .offset = at.offset, .len = at.len,
        .title = pr_fmt(PR_A(c), "%s %s fail with 42501: %s belongs to %s, the migration runs as %s", c->stmt->tag, set != NULL ? "may" : "will",
                        pr_qualified(PR_A(c), NULL, r->name), r->owner, role),
        .safe_sql = pr_fmt(PR_A(c), "GRANT %s TO %s;  -- once, by somebody who may; or connect as %s", pr_id(c, r->owner), pr_id(c, role), r->owner)});
}

PR_RULE(not_owner) = {
    .id = "not-owner", .family = PR_F_FAILURE, .level = PR_ERROR,
    .title = "the role that migrates does not own what it changes",
    .why = "Only the owner, a member of the owning role or a superuser may alter or drop a relation or build an index on it: others get 42501, whatever they were granted.",
    .safe_way = "Migrate as the owner, or as a role that is a member of the owner.",
    .source = "https://www.postgresql.org/docs/current/ddl-priv.html",
    .claim = {.fails = "42501"},
    .setup = "DO $$ BEGIN CREATE ROLE pgrail_proof_reader; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$; CREATE TABLE t (a int); CREATE TABLE u (a int); "
             "ALTER TABLE u OWNER TO pgrail_proof_reader; GRANT ALL ON t TO pgrail_proof_reader",
    .bad = (const char *const[]){"SET LOCAL ROLE pgrail_proof_reader; ALTER TABLE t ADD COLUMN b int", "SET ROLE pgrail_proof_reader; CREATE INDEX t_a ON t (a)", NULL},
    .good = (const char *const[]){"ALTER TABLE t ADD COLUMN b int", "SET ROLE pgrail_proof_reader; ALTER TABLE u ADD COLUMN b int", "SET ROLE pgrail_proof_reader; RESET ROLE; DROP TABLE t", NULL},
    .needs_facts = true, .check = check,
};
