/* names.c: the relations (and types, functions) that a statement names. Queries are walked with the names of their WITH clauses
 * in scope; each utility statement says by hand which of its names is what. */
#include "sql/nodes.h"

#include "sql/internal.h"

struct names {
    const struct pr_stmt *s;
    struct pr_arena *a;
    struct pr_name *list;
    size_t n, cap;
    struct pr_seen seen;
    struct pr_finder finder;
    const struct pr_with *with; /* WITH queries in scope */
    const char *schema;        /* CREATE SCHEMA x CREATE TABLE t: t is x.t */
};

static bool visit(Node *node, void *ctx);

/* --- collecting ---------------------------------------------------------------------------------------------------- */

/* A name once; the strongest role stays (the order of the enum), with the place where it has it. */
static void add(struct names *c, struct pr_name name) {
    if (name.name == NULL) return;
    if (name.role == PR_NAME_CREATED && name.schema == NULL) name.schema = c->schema;
    const char *key = pr_fmt(c->a, "%d %s\x01%s", (int)name.kind, name.schema == NULL ? "" : name.schema, name.name);
    const size_t at = pr_seen_put(&c->seen, key, c->n);
    if (at == c->n) {
        *PR_PUSH(c->a, c->list, c->n, c->cap) = name;
        return;
    }
    struct pr_name *old = &c->list[at];
    old->missing_ok = old->missing_ok && name.missing_ok;
    if (name.role >= old->role) return;
    old->role = name.role;
    old->offset = name.offset;
}

static void add_var(struct names *c, const RangeVar *v, enum pr_name_role role, enum pr_name_kind kind, bool missing_ok) {
    if (v == NULL) return;
    add(c, (struct pr_name){.schema = pr_dup(c->a, v->schemaname), .name = pr_dup(c->a, v->relname),
                            .offset = pr_stmt_at(c->s, v->location), .role = role, .kind = kind, .missing_ok = missing_ok});
}

/* A name without a place in the tree. */
static void add_text(struct names *c, const char *schema, const char *name, enum pr_name_role role, enum pr_name_kind kind,
                     bool missing_ok) {
    if (name == NULL) return;
    const char *first = schema != NULL ? schema : name;
    add(c, (struct pr_name){.schema = pr_dup(c->a, schema), .name = pr_dup(c->a, name),
                            .offset = pr_finder_next(&c->finder, first), .role = role, .kind = kind, .missing_ok = missing_ok});
}

static void add_list(struct names *c, const List *parts, int drop, enum pr_name_role role, enum pr_name_kind kind, bool missing_ok) {
    const char *schema = NULL, *name = NULL;
    pr_name_parts(parts, drop, &schema, &name);
    add_text(c, schema, name, role, kind, missing_ok);
}

static void add_type(struct names *c, const TypeName *t, enum pr_name_role role, bool missing_ok) {
    if (!pr_type_is_ours(t)) return;
    const char *schema = NULL, *name = NULL;
    pr_name_parts(t->names, 0, &schema, &name);
    if (t->location < 0) {
        add_text(c, schema, name, role, PR_NAME_TYPE, missing_ok);
        return;
    }
    add(c, (struct pr_name){.schema = pr_dup(c->a, schema), .name = pr_dup(c->a, name), .missing_ok = missing_ok,
                            .offset = pr_stmt_at(c->s, t->location), .role = role, .kind = PR_NAME_TYPE});
}

static void add_vars(struct names *c, const List *vars, enum pr_name_role role, enum pr_name_kind kind) {
    const ListCell *lc;
    foreach (lc, vars) add_var(c, pr_as(RangeVar, (const Node *)lfirst(lc)), role, kind, false);
}

static enum pr_name_kind kind_of(ObjectType type) {
    switch ((int)type) {
    case OBJECT_INDEX: return PR_NAME_INDEX;
    case OBJECT_SEQUENCE: return PR_NAME_SEQUENCE;
    case OBJECT_VIEW:
    case OBJECT_MATVIEW: return PR_NAME_VIEW;
    case OBJECT_TYPE:
    case OBJECT_ATTRIBUTE:
    case OBJECT_DOMAIN:
    case OBJECT_DOMCONSTRAINT: return PR_NAME_TYPE;
    case OBJECT_FUNCTION:
    case OBJECT_PROCEDURE:
    case OBJECT_ROUTINE:
    case OBJECT_AGGREGATE: return PR_NAME_FUNCTION;
    default: return PR_NAME_RELATION;
    }
}

/* --- queries ------------------------------------------------------------------------------------------------------- */

static void walk(struct names *c, const void *node) { (void)pr_tree_walk(node, visit, c); }
static void into(struct names *c, const void *node) { (void)visit((Node *)(uintptr_t)node, c); }

/* Without RECURSIVE a WITH query sees those before it, not itself. */
static void with_clause(struct names *c, const WithClause *with) {
    if (with == NULL) return;
    const ListCell *lc;
    if (with->recursive) {
        foreach (lc, with->ctes) c->with = pr_with_push(c->a, c->with, lfirst_node(CommonTableExpr, lc)->ctename);
    }
    foreach (lc, with->ctes) {
        const CommonTableExpr *cte = lfirst_node(CommonTableExpr, lc);
        into(c, cte->ctequery);
        if (!with->recursive) c->with = pr_with_push(c->a, c->with, cte->ctename);
    }
}

/* A query that writes: its target is always a relation, never a WITH query of that name. */
static void query(struct names *c, const void *node, const WithClause *with, const RangeVar *target) {
    const struct pr_with *outer = c->with;
    add_var(c, target, PR_NAME_TARGET, PR_NAME_RELATION, false);
    with_clause(c, with);
    walk(c, node);
    c->with = outer;
}

/* False when the node is none of these. */
static bool visit_query(struct names *c, const Node *n) {
    switch ((int)nodeTag(n)) {
    case T_RangeVar:
        if (!pr_with_has(c->with, pr_cast(RangeVar, n))) add_var(c, pr_cast(RangeVar, n), PR_NAME_READ, PR_NAME_RELATION, false);
        return true;
    case T_SelectStmt: query(c, n, pr_cast(SelectStmt, n)->withClause, NULL); return true;
    case T_InsertStmt: query(c, n, pr_cast(InsertStmt, n)->withClause, pr_cast(InsertStmt, n)->relation); return true;
    case T_UpdateStmt: query(c, n, pr_cast(UpdateStmt, n)->withClause, pr_cast(UpdateStmt, n)->relation); return true;
    case T_DeleteStmt: query(c, n, pr_cast(DeleteStmt, n)->withClause, pr_cast(DeleteStmt, n)->relation); return true;
    case T_MergeStmt: query(c, n, pr_cast(MergeStmt, n)->withClause, pr_cast(MergeStmt, n)->relation); return true;
    case T_IntoClause: add_var(c, pr_cast(IntoClause, n)->rel, PR_NAME_CREATED, PR_NAME_RELATION, false); return true;
    case T_WithClause:                             /* done by query() */
    case T_LockingClause: return true;             /* FOR UPDATE OF names aliases */
    case T_TypeName: return true;
    default: return false;
    }
}

/* --- tables -------------------------------------------------------------------------------------------------------- */

static void constraint(struct names *c, const Constraint *k, const RangeVar *of) {
    add_var(c, k->pktable, PR_NAME_REFERENCED, PR_NAME_RELATION, false);
    if (k->indexname != NULL) {
        add_text(c, of == NULL ? NULL : of->schemaname, k->indexname, PR_NAME_REFERENCED, PR_NAME_INDEX, false);
    }
}

static void column(struct names *c, const ColumnDef *d) {
    add_type(c, d->typeName, PR_NAME_REFERENCED, false);
    const ListCell *lc;
    foreach (lc, d->constraints) {
        const Constraint *k = pr_as(Constraint, (const Node *)lfirst(lc));
        if (k != NULL) constraint(c, k, NULL);
    }
}

static void element(struct names *c, const Node *n) {
    const ColumnDef *d = pr_as(ColumnDef, n);
    const Constraint *k = pr_as(Constraint, n);
    const TableLikeClause *like = pr_as(TableLikeClause, n);
    if (d != NULL) column(c, d);
    if (k != NULL) constraint(c, k, NULL);
    if (like != NULL) add_var(c, like->relation, PR_NAME_REFERENCED, PR_NAME_RELATION, false);
}

static void create_table(struct names *c, const CreateStmt *s) {
    add_var(c, s->relation, PR_NAME_CREATED, PR_NAME_RELATION, s->if_not_exists);
    add_vars(c, s->inhRelations, PR_NAME_REFERENCED, PR_NAME_RELATION);
    add_type(c, s->ofTypename, PR_NAME_REFERENCED, false);
    const ListCell *lc;
    foreach (lc, s->tableElts) element(c, lfirst(lc));
    foreach (lc, s->constraints) element(c, lfirst(lc));
}

static void alter_command(struct names *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    const Node *def = cmd->def;
    const Constraint *k = pr_as(Constraint, def);
    const ColumnDef *d = pr_as(ColumnDef, def);
    const PartitionCmd *part = pr_as(PartitionCmd, def);
    const ReplicaIdentityStmt *identity = pr_as(ReplicaIdentityStmt, def);
    if (k != NULL) constraint(c, k, at->relation);
    if (d != NULL) column(c, d);
    if (part != NULL) {
        const enum pr_name_kind kind = at->objtype == OBJECT_INDEX ? PR_NAME_INDEX : PR_NAME_RELATION;
        add_var(c, part->name, PR_NAME_REFERENCED, kind, false);
    }
    if (identity != NULL) {
        add_text(c, at->relation->schemaname, identity->name, PR_NAME_REFERENCED, PR_NAME_INDEX, false);
    }
    if (cmd->subtype == AT_ClusterOn) {
        add_text(c, at->relation->schemaname, cmd->name, PR_NAME_REFERENCED, PR_NAME_INDEX, false);
    }
    if (cmd->subtype == AT_AddInherit || cmd->subtype == AT_DropInherit) {
        add_var(c, pr_as(RangeVar, def), PR_NAME_REFERENCED, PR_NAME_RELATION, false);
    }
    if (cmd->subtype == AT_AddOf) add_type(c, pr_as(TypeName, def), PR_NAME_REFERENCED, false);
}

static void alter_table(struct names *c, const AlterTableStmt *s) {
    add_var(c, s->relation, PR_NAME_TARGET, kind_of(s->objtype), s->missing_ok);
    const ListCell *lc;
    foreach (lc, s->cmds) alter_command(c, s, lfirst_node(AlterTableCmd, lc));
}

static void create_index(struct names *c, const IndexStmt *s) {
    add_text(c, s->relation->schemaname, s->idxname, PR_NAME_CREATED, PR_NAME_INDEX, false);
    add_var(c, s->relation, PR_NAME_TARGET, PR_NAME_RELATION, false);
}

static void owned_by(struct names *c, const List *options) {
    const ListCell *lc;
    foreach (lc, options) {
        const DefElem *d = lfirst_node(DefElem, lc);
        const List *parts = pr_as(List, d->arg);
        if (strcmp(d->defname, "owned_by") == 0 && parts != NULL && list_length(parts) > 1) {
            add_list(c, parts, 1, PR_NAME_REFERENCED, PR_NAME_RELATION, false);
        }
    }
}

static void create_schema(struct names *c, const CreateSchemaStmt *s) {
    const char *outer = c->schema;
    c->schema = s->schemaname;
    const ListCell *lc;
    foreach (lc, s->schemaElts) into(c, lfirst(lc));
    c->schema = outer;
}

static void create_as(struct names *c, const CreateTableAsStmt *s) {
    const enum pr_name_kind kind = s->objtype == OBJECT_MATVIEW ? PR_NAME_VIEW : PR_NAME_RELATION;
    add_var(c, s->into->rel, PR_NAME_CREATED, kind, false);
    into(c, s->query);
}

/* --- objects named by a list, as DROP and COMMENT have them -------------------------------------------------------- */

/* How many strings at the end of the list name a part of the relation: a trigger, a constraint, a column. */
static int parts_within(ObjectType type) {
    switch ((int)type) {
    case OBJECT_TRIGGER:
    case OBJECT_POLICY:
    case OBJECT_RULE:
    case OBJECT_TABCONSTRAINT:
    case OBJECT_COLUMN: return 1;
    default: return 0;
    }
}

static bool names_relation(ObjectType type) {
    switch ((int)type) {
    case OBJECT_TABLE:
    case OBJECT_FOREIGN_TABLE:
    case OBJECT_VIEW:
    case OBJECT_MATVIEW:
    case OBJECT_INDEX:
    case OBJECT_SEQUENCE: return true;
    default: return parts_within(type) > 0;
    }
}

static void object(struct names *c, ObjectType type, const Node *n, bool missing_ok) {
    if (n == NULL) return;
    const List *list = pr_as(List, n);
    const TypeName *t = pr_as(TypeName, n);
    const ObjectWithArgs *f = pr_as(ObjectWithArgs, n);
    if (type == OBJECT_DOMCONSTRAINT && list != NULL && list != NIL) t = pr_as(TypeName, (const Node *)linitial(list));
    if (t != NULL) {
        add_type(c, t, PR_NAME_TARGET, missing_ok);
    } else if (f != NULL && kind_of(type) == PR_NAME_FUNCTION) {
        add_list(c, f->objname, 0, PR_NAME_TARGET, PR_NAME_FUNCTION, missing_ok);
    } else if (list != NULL && names_relation(type)) {
        add_list(c, list, parts_within(type), PR_NAME_TARGET, kind_of(type), missing_ok);
    } else if (list != NULL && kind_of(type) == PR_NAME_TYPE) {
        add_list(c, list, 0, PR_NAME_TARGET, PR_NAME_TYPE, missing_ok);
    } else if (list != NULL && type == OBJECT_STATISTIC_EXT) {
        add_list(c, list, 0, PR_NAME_TARGET, PR_NAME_OTHER, missing_ok);
    } else if (type == OBJECT_SCHEMA && pr_as(String, n) != NULL) {
        add_text(c, NULL, strVal(pr_as(String, n)), PR_NAME_TARGET, PR_NAME_OTHER, missing_ok);
    }
}

static void drop(struct names *c, const DropStmt *s) {
    const ListCell *lc;
    foreach (lc, s->objects) object(c, s->removeType, lfirst(lc), s->missing_ok);
}

static void grant(struct names *c, const GrantStmt *s) {
    if (s->targtype != ACL_TARGET_OBJECT) return;
    const ListCell *lc;
    foreach (lc, s->objects) {
        const Node *n = lfirst(lc);
        add_var(c, pr_as(RangeVar, n), PR_NAME_TARGET, kind_of(s->objtype), false);
        if (pr_as(RangeVar, n) == NULL) object(c, s->objtype, n, false);
    }
}

/* ALTER … RENAME TO and SET SCHEMA: the old name is altered, the new one appears. */
static void moved(struct names *c, const RangeVar *v, enum pr_name_kind kind, bool missing_ok, const char *schema, const char *name) {
    add_var(c, v, PR_NAME_TARGET, kind, missing_ok);
    if (v != NULL && name != NULL) add_text(c, schema, name, PR_NAME_CREATED, kind, false);
}

static void rename_it(struct names *c, const RenameStmt *s) {
    const bool part = s->renameType == OBJECT_COLUMN || s->renameType == OBJECT_ATTRIBUTE || parts_within(s->renameType) > 0;
    const ObjectType type = s->renameType == OBJECT_COLUMN || s->renameType == OBJECT_ATTRIBUTE ? s->relationType : s->renameType;
    moved(c, s->relation, kind_of(type), s->missing_ok, s->relation == NULL ? NULL : s->relation->schemaname,
          part ? NULL : s->newname);
    if (s->relation != NULL) return;
    object(c, s->renameType, s->object, s->missing_ok);
    if (s->renameType == OBJECT_SCHEMA) add_text(c, NULL, s->subname, PR_NAME_TARGET, PR_NAME_OTHER, false);
    if (kind_of(s->renameType) == PR_NAME_TYPE && s->renameType != OBJECT_DOMCONSTRAINT) {
        add_text(c, NULL, s->newname, PR_NAME_CREATED, PR_NAME_TYPE, false);
    }
}

static void set_schema(struct names *c, const AlterObjectSchemaStmt *s) {
    const char *name = s->relation == NULL ? NULL : s->relation->relname;
    add_var(c, s->relation, PR_NAME_TARGET, kind_of(s->objectType), s->missing_ok);
    if (name != NULL) {
        add(c, (struct pr_name){.schema = pr_dup(c->a, s->newschema), .name = pr_dup(c->a, name), .role = PR_NAME_CREATED,
                                .kind = kind_of(s->objectType), .offset = pr_finder_next(&c->finder, s->newschema)});
    } else {
        object(c, s->objectType, s->object, s->missing_ok);
    }
}

/* --- the others ---------------------------------------------------------------------------------------------------- */

static void trigger(struct names *c, const CreateTrigStmt *s) {
    add_var(c, s->relation, PR_NAME_TARGET, PR_NAME_RELATION, false);
    add_var(c, s->constrrel, PR_NAME_REFERENCED, PR_NAME_RELATION, false);
    add_list(c, s->funcname, 0, PR_NAME_REFERENCED, PR_NAME_FUNCTION, false);
}

static void policy(struct names *c, const RangeVar *table, const Node *qual, const Node *check) {
    add_var(c, table, PR_NAME_TARGET, PR_NAME_RELATION, false);
    into(c, qual);
    into(c, check);
}

static void rule(struct names *c, const RuleStmt *s) {
    add_var(c, s->relation, PR_NAME_TARGET, PR_NAME_RELATION, false);
    into(c, s->whereClause);
    into(c, s->actions);
}

static void copy(struct names *c, const CopyStmt *s) {
    add_var(c, s->relation, s->is_from ? PR_NAME_TARGET : PR_NAME_READ, PR_NAME_RELATION, false);
    into(c, s->query);
}

static void vacuum(struct names *c, const VacuumStmt *s) {
    const ListCell *lc;
    foreach (lc, s->rels) add_var(c, lfirst_node(VacuumRelation, lc)->relation, PR_NAME_TARGET, PR_NAME_RELATION, false);
}

static void publication(struct names *c, const List *objects) {
    const ListCell *lc;
    foreach (lc, objects) {
        const PublicationObjSpec *spec = lfirst_node(PublicationObjSpec, lc);
        if (spec->pubtable != NULL) add_var(c, spec->pubtable->relation, PR_NAME_TARGET, PR_NAME_RELATION, false);
    }
}

static void reindex(struct names *c, const ReindexStmt *s) {
    const enum pr_name_kind kind = s->kind == REINDEX_OBJECT_INDEX ? PR_NAME_INDEX : PR_NAME_RELATION;
    add_var(c, s->relation, PR_NAME_TARGET, kind, false);
}

static void cluster(struct names *c, const ClusterStmt *s) {
    add_var(c, s->relation, PR_NAME_TARGET, PR_NAME_RELATION, false);
    if (s->relation != NULL) add_text(c, s->relation->schemaname, s->indexname, PR_NAME_REFERENCED, PR_NAME_INDEX, false);
}

static void function(struct names *c, const CreateFunctionStmt *s) {
    add_list(c, s->funcname, 0, PR_NAME_CREATED, PR_NAME_FUNCTION, false);
    into(c, s->sql_body);
}

static void domain(struct names *c, const CreateDomainStmt *s) {
    add_list(c, s->domainname, 0, PR_NAME_CREATED, PR_NAME_TYPE, false);
    add_type(c, s->typeName, PR_NAME_REFERENCED, false);
}

/* Types: false when the node is none of these. */
static bool visit_type(struct names *c, const Node *n) {
    switch ((int)nodeTag(n)) {
    case T_CreateDomainStmt: domain(c, pr_cast(CreateDomainStmt, n)); return true;
    case T_CreateEnumStmt: add_list(c, pr_cast(CreateEnumStmt, n)->typeName, 0, PR_NAME_CREATED, PR_NAME_TYPE, false); return true;
    case T_CreateRangeStmt: add_list(c, pr_cast(CreateRangeStmt, n)->typeName, 0, PR_NAME_CREATED, PR_NAME_TYPE, false); return true;
    case T_CompositeTypeStmt: add_var(c, pr_cast(CompositeTypeStmt, n)->typevar, PR_NAME_CREATED, PR_NAME_TYPE, false); return true;
    case T_AlterEnumStmt: add_list(c, pr_cast(AlterEnumStmt, n)->typeName, 0, PR_NAME_TARGET, PR_NAME_TYPE, false); return true;
    case T_AlterTypeStmt: add_list(c, pr_cast(AlterTypeStmt, n)->typeName, 0, PR_NAME_TARGET, PR_NAME_TYPE, false); return true;
    case T_AlterDomainStmt: add_list(c, pr_cast(AlterDomainStmt, n)->typeName, 0, PR_NAME_TARGET, PR_NAME_TYPE, false); return true;
    default: return false;
    }
}

/* Tables and what makes, moves or drops relations: false when the node is none of these. */
static bool visit_definition(struct names *c, const Node *n) {
    switch ((int)nodeTag(n)) {
    case T_CreateStmt: create_table(c, pr_cast(CreateStmt, n)); return true;
    case T_CreateForeignTableStmt: create_table(c, &pr_cast(CreateForeignTableStmt, n)->base); return true;
    case T_CreateTableAsStmt: create_as(c, pr_cast(CreateTableAsStmt, n)); return true;
    case T_CreateSchemaStmt: create_schema(c, pr_cast(CreateSchemaStmt, n)); return true;
    case T_AlterTableStmt: alter_table(c, pr_cast(AlterTableStmt, n)); return true;
    case T_IndexStmt: create_index(c, pr_cast(IndexStmt, n)); return true;
    case T_ViewStmt:
        add_var(c, pr_cast(ViewStmt, n)->view, PR_NAME_CREATED, PR_NAME_VIEW, false);
        into(c, pr_cast(ViewStmt, n)->query);
        return true;
    case T_CreateSeqStmt:
        add_var(c, pr_cast(CreateSeqStmt, n)->sequence, PR_NAME_CREATED, PR_NAME_SEQUENCE, false);
        owned_by(c, pr_cast(CreateSeqStmt, n)->options);
        return true;
    case T_AlterSeqStmt:
        add_var(c, pr_cast(AlterSeqStmt, n)->sequence, PR_NAME_TARGET, PR_NAME_SEQUENCE, pr_cast(AlterSeqStmt, n)->missing_ok);
        owned_by(c, pr_cast(AlterSeqStmt, n)->options);
        return true;
    case T_CreateFunctionStmt: function(c, pr_cast(CreateFunctionStmt, n)); return true;
    case T_AlterFunctionStmt:
        add_list(c, pr_cast(AlterFunctionStmt, n)->func->objname, 0, PR_NAME_TARGET, PR_NAME_FUNCTION, false);
        return true;
    case T_DropStmt: drop(c, pr_cast(DropStmt, n)); return true;
    case T_RenameStmt: rename_it(c, pr_cast(RenameStmt, n)); return true;
    case T_AlterObjectSchemaStmt: set_schema(c, pr_cast(AlterObjectSchemaStmt, n)); return true;
    case T_AlterOwnerStmt: object(c, pr_cast(AlterOwnerStmt, n)->objectType, pr_cast(AlterOwnerStmt, n)->object, false); return true;
    case T_AlterObjectDependsStmt:
        add_var(c, pr_cast(AlterObjectDependsStmt, n)->relation, PR_NAME_TARGET, PR_NAME_RELATION, false);
        return true;
    default: return false;
    }
}

/* What hangs on relations or works on them: false when the node is none of these. */
static bool visit_other(struct names *c, const Node *n) {
    switch ((int)nodeTag(n)) {
    case T_CreateTrigStmt: trigger(c, pr_cast(CreateTrigStmt, n)); return true;
    case T_CreatePolicyStmt:
        policy(c, pr_cast(CreatePolicyStmt, n)->table, pr_cast(CreatePolicyStmt, n)->qual, pr_cast(CreatePolicyStmt, n)->with_check);
        return true;
    case T_AlterPolicyStmt:
        policy(c, pr_cast(AlterPolicyStmt, n)->table, pr_cast(AlterPolicyStmt, n)->qual, pr_cast(AlterPolicyStmt, n)->with_check);
        return true;
    case T_RuleStmt: rule(c, pr_cast(RuleStmt, n)); return true;
    case T_CommentStmt: object(c, pr_cast(CommentStmt, n)->objtype, pr_cast(CommentStmt, n)->object, false); return true;
    case T_SecLabelStmt: object(c, pr_cast(SecLabelStmt, n)->objtype, pr_cast(SecLabelStmt, n)->object, false); return true;
    case T_GrantStmt: grant(c, pr_cast(GrantStmt, n)); return true;
    case T_TruncateStmt: add_vars(c, pr_cast(TruncateStmt, n)->relations, PR_NAME_TARGET, PR_NAME_RELATION); return true;
    case T_LockStmt: add_vars(c, pr_cast(LockStmt, n)->relations, PR_NAME_TARGET, PR_NAME_RELATION); return true;
    case T_CreateStatsStmt: add_vars(c, pr_cast(CreateStatsStmt, n)->relations, PR_NAME_TARGET, PR_NAME_RELATION); return true;
    case T_RefreshMatViewStmt: add_var(c, pr_cast(RefreshMatViewStmt, n)->relation, PR_NAME_TARGET, PR_NAME_VIEW, false); return true;
    case T_CopyStmt: copy(c, pr_cast(CopyStmt, n)); return true;
    case T_VacuumStmt: vacuum(c, pr_cast(VacuumStmt, n)); return true;
    case T_ClusterStmt: cluster(c, pr_cast(ClusterStmt, n)); return true;
    case T_ReindexStmt: reindex(c, pr_cast(ReindexStmt, n)); return true;
    case T_CreatePublicationStmt: publication(c, pr_cast(CreatePublicationStmt, n)->pubobjects); return true;
    case T_AlterPublicationStmt: publication(c, pr_cast(AlterPublicationStmt, n)->pubobjects); return true;
    case T_ConstraintsSetStmt: return true;        /* names constraints, as range variables */
    default: return false;
    }
}

static bool visit(Node *node, void *ctx) {
    struct names *c = ctx;
    if (node == NULL) return false;
    if (visit_query(c, node) || visit_definition(c, node) || visit_type(c, node) || visit_other(c, node)) return false;
    walk(c, node);
    return false;
}

static int by_offset(const void *a, const void *b) {
    const struct pr_name *x = a, *y = b;
    if (x->offset != y->offset) return x->offset < y->offset ? -1 : 1;
    if (x->role != y->role) return x->role < y->role ? -1 : 1;
    const int by_name = strcmp(x->name, y->name);
    return by_name != 0 ? by_name : (int)x->kind - (int)y->kind;
}

size_t pr_stmt_names(const struct pr_stmt *s, struct pr_arena *a, struct pr_name **out) {
    struct names c = {.s = s, .a = a, .seen = {.a = a}, .finder = {.s = s}};
    if (s->node != NULL) into(&c, s->node);
    if (c.n > 1) qsort(c.list, c.n, sizeof *c.list, by_offset);
    *out = c.list;
    return c.n;
}
