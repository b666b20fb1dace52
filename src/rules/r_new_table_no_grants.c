#include "sql/nodes.h"

#include "rules/help.h"

static bool by_default(const struct pr_rule_ctx *c, const char *schema, const char *role, char kind) {
    for (size_t i = 0; i < c->facts->n_default_grants; i++) {
        const struct pr_default_grant *d = &c->facts->default_grants[i];
        if (d->kind != kind || !pr_eq(d->owner, c->facts->role) || (d->schema != NULL && !pr_eq(d->schema, schema))) continue;
        if (pr_mentions(d->roles, d->n_roles, role) || pr_mentions(d->roles, d->n_roles, "PUBLIC")) return true;
    }
    return false;
}

static bool names_role(const List *grantees, const char *role) {
    ListCell *lc;
    foreach (lc, grantees) {
        const RoleSpec *r = pr_as(RoleSpec, lfirst(lc));
        if (r != NULL && (r->roletype == ROLESPEC_PUBLIC || pr_eq(r->rolename, role))) return true;
    }
    return false;
}

/* GRANT … ON the table, or ON ALL TABLES IN SCHEMA, anywhere after it in this script. */
static bool granted_later(const struct pr_rule_ctx *c, const char *table, const char *role) {
    const char *const names[] = {table, PR_ABOUT_ALL};
    for (size_t k = 0; k < PR_COUNT(names); k++)
        for (const struct pr_about *p = pr_about_later(c, PR_ABOUT_GRANTS, names[k]); p != NULL; p = p->next) {
            const GrantStmt *g = pr_about_node(c, p);
            if (g->is_grant && names_role(g->grantees, role)) return true;
        }
    return false;
}

static const char *serial_of(const CreateStmt *cs) {
    ListCell *lc;
    foreach (lc, cs->tableElts) {
        const ColumnDef *col = pr_as(ColumnDef, lfirst(lc));
        const char *type = col != NULL && col->typeName != NULL && col->typeName->names != NIL ? strVal(llast(col->typeName->names)) : NULL;
        if (pr_eq(type, "serial") || pr_eq(type, "bigserial") || pr_eq(type, "smallserial") || pr_eq(type, "serial4") || pr_eq(type, "serial8")) return col->colname;
    }
    return NULL;
}

static void report(const struct pr_rule_ctx *c, const CreateStmt *cs, const struct pr_grantee *g) {
    const char *t = pr_rv_name(c, cs->relation), *role = pr_eq(g->role, "PUBLIC") ? "PUBLIC" : pr_id(c, g->role), *serial = serial_of(cs);
    const char *sql = g->privileges == NULL ? NULL : pr_fmt(PR_A(c), "GRANT %s ON %s TO %s;", g->privileges, t, role);
    if (sql != NULL && serial != NULL && strstr(g->privileges, "INSERT") != NULL)
        sql = pr_fmt(PR_A(c), "%s\nGRANT USAGE ON SEQUENCE %s TO %s;  -- a serial column needs it, an identity column does not", sql,
                     pr_qualified(PR_A(c), cs->relation->schemaname, pr_fmt(PR_A(c), "%s_%s_seq", cs->relation->relname, serial)), role);
    const struct pr_span at = pr_word_at(c, cs->relation->relname, 0);
    pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at.offset, .len = at.len, .safe_sql = sql,
        .title = pr_fmt(PR_A(c), "%s may not use the new table %s", g->role, t),
        .what = pr_fmt(PR_A(c), "%s has rights on %" PRId64 " of %" PRId64 " tables of %s, and nothing gives it any on this one: no GRANT here, no default privileges of %s. It fails with 42501.",
                       g->role, g->has, g->of, g->schema, c->facts->role)});
}

static void check(const struct pr_rule_ctx *c) {
    const CreateStmt *cs = pr_as(CreateStmt, (const Node *)c->node);
    if (cs == NULL || cs->relation->relpersistence == RELPERSISTENCE_TEMP || cs->partbound != NULL || c->facts->role == NULL) return;
    if (cs->if_not_exists && pr_rel_of(c, cs->relation) != NULL) return;
    const char *schema = cs->relation->schemaname != NULL ? cs->relation->schemaname : c->facts->n_search_path > 0 ? c->facts->search_path[0] : NULL;
    for (size_t i = 0; i < c->facts->n_grantees; i++) {
        const struct pr_grantee *g = &c->facts->grantees[i];
        if (g->kind != 'r' || !pr_eq(g->schema, schema) || pr_eq(g->role, c->facts->role)) continue;
        if (!by_default(c, schema, g->role, 'r') && !granted_later(c, cs->relation->relname, g->role)) report(c, cs, g);
    }
}

PR_RULE(new_table_no_grants) = {
    .id = "new-table-no-grants", .family = PR_F_ACCESS, .level = PR_WARNING,
    .title = "a new table that the application's role may not use",
    .why = "A new table belongs to the role that ran the migration, and nobody else has rights on it: the application fails with 42501, which tests that connect as the owner do not see.",
    .safe_way = "GRANT in the same migration, or ALTER DEFAULT PRIVILEGES once for the role that migrates.",
    .source = "https://www.postgresql.org/docs/current/ddl-priv.html",
    .claim = {.query = "SELECT seen_state()", .answer = "42501"},
    .setup = "DO $$ BEGIN CREATE ROLE pgrail_proof_reader; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$; CREATE TABLE a (a int); CREATE TABLE b (a int); "
             "GRANT SELECT, INSERT ON a, b TO pgrail_proof_reader; CREATE FUNCTION seen_state() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN PERFORM FROM public.t; RETURN 'fine'; "
             "EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END $$; ALTER FUNCTION seen_state() OWNER TO pgrail_proof_reader",
    .bad = (const char *const[]){"CREATE TABLE t (a int)", "CREATE TABLE public.t (id serial PRIMARY KEY)", NULL},
    .good = (const char *const[]){"CREATE TABLE t (a int); GRANT SELECT ON t TO pgrail_proof_reader", "CREATE TABLE t (a int); GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC",
                                  "CREATE TEMP TABLE t (a int)", NULL},
    .needs_facts = true, .check = check,
};
