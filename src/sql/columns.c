/* columns.c: the columns that a statement names where it is certain whose they are. In a query that is: qualified by a relation
 * or its alias, or unqualified where one relation alone can be meant. */
#include "sql/nodes.h"

#include "sql/internal.h"

/* An item of FROM: a relation, or something whose columns nobody can look up (relation NULL). */
struct source {
    const char *alias;
    const RangeVar *relation;
    bool qualified_only;       /* excluded, old, new */
    const struct source *next;
};

/* The items that an expression can see. */
struct frame {
    const struct source *sources;
    size_t n_plain;            /* of them, those that unqualified names may mean */
    const List *outputs;       /* ResTargets: ORDER BY may mean their names */
    const struct frame *up;
};

struct columns {
    const struct pr_stmt *s;
    struct pr_arena *a;
    struct pr_column_name *list;
    size_t n, cap;
    struct pr_seen seen;
    struct pr_finder finder;
    const struct frame *frame;
    const struct pr_with *with;
};

static bool visit(Node *node, void *ctx);
static void into(struct columns *c, const void *node) { (void)visit((Node *)(uintptr_t)node, c); }
static void each(struct columns *c, const List *list) {
    const ListCell *lc;
    foreach (lc, list) into(c, lfirst(lc));
}

/* --- collecting ---------------------------------------------------------------------------------------------------- */

struct flags {
    bool created, missing_ok;
};

static bool is_system_column(const char *name) {
    static const char *const names[] = {"cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"};
    return bsearch(&name, names, PR_COUNT(names), sizeof names[0], pr_by_text) != NULL;
}

/* A column once; whether it is created is what its first mention says. at < 0: the place has to be searched. */
static void add(struct columns *c, const RangeVar *of, const char *column, int at, struct flags flags) {
    if (of == NULL || column == NULL || is_system_column(column)) return;
    const size_t offset = at >= 0 ? pr_stmt_at(c->s, at) : pr_finder_next(&c->finder, column);
    const char *schema = of->schemaname == NULL ? "" : of->schemaname;
    const char *key = pr_fmt(c->a, "%s\x01%s\x01%s", schema, of->relname, column);
    if (pr_seen_put(&c->seen, key, c->n) != c->n) return;
    *PR_PUSH(c->a, c->list, c->n, c->cap) = (struct pr_column_name){
        .schema = pr_dup(c->a, of->schemaname), .relation = pr_dup(c->a, of->relname), .column = pr_dup(c->a, column),
        .offset = offset, .created = flags.created, .missing_ok = flags.missing_ok};
}

static void named(struct columns *c, const RangeVar *of, const char *column) { add(c, of, column, -1, (struct flags){0}); }

static void named_list(struct columns *c, const RangeVar *of, const List *strings) {
    const ListCell *lc;
    foreach (lc, strings) {
        const Node *n = lfirst(lc);
        if (n != NULL && IsA(n, String)) named(c, of, strVal(n));
    }
}

/* --- frames -------------------------------------------------------------------------------------------------------- */

static void push_source(struct columns *c, struct frame *f, struct source s) {
    struct source *copy = PR_NEW(c->a, struct source);
    *copy = s;
    copy->next = f->sources;
    f->sources = copy;
    f->n_plain += !s.qualified_only;
}

static void push_relation(struct columns *c, struct frame *f, const RangeVar *v) {
    const bool renamed = v->alias != NULL && v->alias->colnames != NIL;
    const bool opaque = renamed || pr_with_has(c->with, v);
    push_source(c, f, (struct source){.alias = v->alias != NULL ? v->alias->aliasname : v->relname,
                                      .relation = opaque ? NULL : v});
}

/* The target of INSERT, UPDATE, DELETE, MERGE: a relation whatever WITH says. */
static void push_target(struct columns *c, struct frame *f, const RangeVar *v) {
    push_source(c, f, (struct source){.alias = v->alias != NULL ? v->alias->aliasname : v->relname, .relation = v});
    push_source(c, f, (struct source){.alias = "old", .relation = v, .qualified_only = true});
    push_source(c, f, (struct source){.alias = "new", .relation = v, .qualified_only = true});
}

static void push_item(struct columns *c, struct frame *f, const Node *n) {
    const RangeVar *v = pr_as(RangeVar, n);
    const JoinExpr *j = pr_as(JoinExpr, n);
    const RangeSubselect *sub = pr_as(RangeSubselect, n);
    const RangeTableSample *sample = pr_as(RangeTableSample, n);
    if (v != NULL) {
        push_relation(c, f, v);
    } else if (sample != NULL) {
        push_item(c, f, sample->relation);
    } else if (j != NULL && j->alias == NULL) {
        push_item(c, f, j->larg);
        push_item(c, f, j->rarg);
    } else {
        const Alias *alias = sub != NULL ? sub->alias : NULL;
        push_source(c, f, (struct source){.alias = alias != NULL ? alias->aliasname : NULL});
    }
}

static void push_items(struct columns *c, struct frame *f, const List *items) {
    const ListCell *lc;
    foreach (lc, items) push_item(c, f, lfirst(lc));
}

static bool is_output(const struct frame *f, const char *name) {
    const ListCell *lc;
    foreach (lc, f->outputs) {
        const ResTarget *t = pr_as(ResTarget, (const Node *)lfirst(lc));
        if (t != NULL && t->name != NULL && strcmp(t->name, name) == 0) return true;
    }
    return false;
}

/* --- references ---------------------------------------------------------------------------------------------------- */

static void unqualified(struct columns *c, const char *name, int location) {
    const struct frame *f = c->frame;
    if (f == NULL || f->up != NULL || f->n_plain != 1 || is_output(f, name)) return;
    const struct source *s = f->sources;
    while (s->qualified_only) s = s->next;
    if (s->relation == NULL || pr_eq(s->alias, name)) return;      /* a whole row */
    add(c, s->relation, name, location, (struct flags){0});
}

static void qualified(struct columns *c, const char *schema, const char *alias, const char *name, int location) {
    for (const struct frame *f = c->frame; f != NULL; f = f->up) {
        for (const struct source *s = f->sources; s != NULL; s = s->next) {
            if (!pr_eq(s->alias, alias)) continue;
            if (schema != NULL && (s->relation == NULL || !pr_eq(s->relation->schemaname, schema))) continue;
            add(c, s->relation, name, location, (struct flags){0});
            return;
        }
    }
}

static void reference(struct columns *c, const ColumnRef *ref) {
    const char *part[3] = {NULL, NULL, NULL};
    const int n = list_length(ref->fields);
    if (n > 3) return;
    for (int i = 0; i < n; i++) {
        const Node *field = list_nth(ref->fields, i);
        if (!IsA(field, String)) return;           /* a star */
        part[i] = strVal(field);
    }
    if (n == 1) unqualified(c, part[0], ref->location);
    if (n == 2) qualified(c, NULL, part[0], part[1], ref->location);
    if (n == 3) qualified(c, part[0], part[1], part[2], ref->location);
}

static void using_columns(struct columns *c, const JoinExpr *j) {
    const RangeVar *side[2] = {pr_as(RangeVar, j->larg), pr_as(RangeVar, j->rarg)};
    for (size_t i = 0; i < 2; i++) {
        if (side[i] == NULL || pr_with_has(c->with, side[i])) continue;
        if (side[i]->alias == NULL || side[i]->alias->colnames == NIL) named_list(c, side[i], j->usingClause);
    }
}

/* --- expressions over one relation ---------------------------------------------------------------------------------- */

/* Visits an expression over the rows of one relation. */
static void over(struct columns *c, const RangeVar *of, const void *expression) {
    const struct frame *outer = c->frame;
    struct frame f = {.up = NULL};
    push_target(c, &f, of);
    c->frame = &f;
    into(c, expression);
    c->frame = outer;
}

static void index_elements(struct columns *c, const RangeVar *of, const List *elements) {
    const ListCell *lc;
    foreach (lc, elements) {
        const IndexElem *el = pr_as(IndexElem, (const Node *)lfirst(lc));
        if (el == NULL) continue;
        if (el->name != NULL) named(c, of, el->name);
        over(c, of, el->expr);
    }
}

/* --- queries ------------------------------------------------------------------------------------------------------- */

/* A query that sees nothing outside itself: a WITH query, an item of FROM, the source of an INSERT. */
static void alone(struct columns *c, const void *query) {
    const struct frame *outer = c->frame;
    c->frame = NULL;
    into(c, query);
    c->frame = outer;
}

static void with_clause(struct columns *c, const WithClause *with) {
    if (with == NULL) return;
    const ListCell *lc;
    if (with->recursive) {
        foreach (lc, with->ctes) c->with = pr_with_push(c->a, c->with, lfirst_node(CommonTableExpr, lc)->ctename);
    }
    foreach (lc, with->ctes) {
        const CommonTableExpr *cte = lfirst_node(CommonTableExpr, lc);
        alone(c, cte->ctequery);
        if (!with->recursive) c->with = pr_with_push(c->a, c->with, cte->ctename);
    }
}

static void select_query(struct columns *c, const SelectStmt *s) {
    const struct frame *outer = c->frame;
    const struct pr_with *outer_with = c->with;
    with_clause(c, s->withClause);
    if (s->op != SETOP_NONE) {                     /* arms see what the whole sees; ORDER BY names outputs */
        into(c, s->larg);
        into(c, s->rarg);
    } else {
        struct frame f = {.outputs = s->targetList, .up = outer};
        push_items(c, &f, s->fromClause);
        c->frame = &f;
        (void)pr_tree_walk(s, visit, c);
    }
    c->frame = outer;
    c->with = outer_with;
}

/* SET a = …, (b, c) = …: targets, then what they become. */
static void assignments(struct columns *c, const RangeVar *target, const List *list) {
    const ListCell *lc;
    foreach (lc, list) {
        const ResTarget *t = pr_as(ResTarget, (const Node *)lfirst(lc));
        if (t == NULL) continue;
        if (t->name != NULL) add(c, target, t->name, t->location, (struct flags){0});
        into(c, t->val);
    }
}

/* 18 wraps RETURNING in a node of its own; before, it is a list of the statement. */
#if PG_VERSION_NUM >= 180000
#define WALK_RETURNING(c, s) into((c), (s)->returningClause)
#else
#define WALK_RETURNING(c, s) each((c), (s)->returningList)
#endif

static void insert(struct columns *c, const InsertStmt *s) {
    assignments(c, s->relation, s->cols);
    alone(c, s->selectStmt);
    struct frame f = {.up = NULL};
    push_target(c, &f, s->relation);
    push_source(c, &f, (struct source){.alias = "excluded", .relation = s->relation, .qualified_only = true});
    c->frame = &f;
    if (s->onConflictClause != NULL) {
        const InferClause *infer = s->onConflictClause->infer;
        if (infer != NULL) index_elements(c, s->relation, infer->indexElems);
        if (infer != NULL) into(c, infer->whereClause);
        assignments(c, s->relation, s->onConflictClause->targetList);
        into(c, s->onConflictClause->whereClause);
    }
    WALK_RETURNING(c, s);
}

static void update(struct columns *c, const UpdateStmt *s) {
    struct frame f = {.up = NULL};
    push_target(c, &f, s->relation);
    push_items(c, &f, s->fromClause);
    c->frame = &f;
    assignments(c, s->relation, s->targetList);
    each(c, s->fromClause);
    into(c, s->whereClause);
    WALK_RETURNING(c, s);
}

static void delete_rows(struct columns *c, const DeleteStmt *s) {
    struct frame f = {.up = NULL};
    push_target(c, &f, s->relation);
    push_items(c, &f, s->usingClause);
    c->frame = &f;
    each(c, s->usingClause);
    into(c, s->whereClause);
    WALK_RETURNING(c, s);
}

static void merge(struct columns *c, const MergeStmt *s) {
    struct frame f = {.up = NULL};
    push_target(c, &f, s->relation);
    push_item(c, &f, s->sourceRelation);
    c->frame = &f;
    into(c, s->sourceRelation);
    into(c, s->joinCondition);
    const ListCell *lc;
    foreach (lc, s->mergeWhenClauses) {
        const MergeWhenClause *when = lfirst_node(MergeWhenClause, lc);
        into(c, when->condition);
        assignments(c, s->relation, when->targetList);
        each(c, when->values);
    }
}

/* A writing query in its own frame. */
static void writing(struct columns *c, const Node *n, const WithClause *with) {
    const struct frame *outer = c->frame;
    const struct pr_with *outer_with = c->with;
    with_clause(c, with);
    if (IsA(n, InsertStmt)) insert(c, pr_cast(InsertStmt, n));
    if (IsA(n, UpdateStmt)) update(c, pr_cast(UpdateStmt, n));
    if (IsA(n, DeleteStmt)) delete_rows(c, pr_cast(DeleteStmt, n));
    if (IsA(n, MergeStmt)) merge(c, pr_cast(MergeStmt, n));
    c->frame = outer;
    c->with = outer_with;
}

static void subselect(struct columns *c, const RangeSubselect *s) {
    if (s->lateral) {
        into(c, s->subquery);
    } else {
        alone(c, s->subquery);
    }
}

static bool visit_query(struct columns *c, const Node *n) {
    switch ((int)nodeTag(n)) {
    case T_ColumnRef: reference(c, pr_cast(ColumnRef, n)); return true;
    case T_SelectStmt: select_query(c, pr_cast(SelectStmt, n)); return true;
    case T_InsertStmt: writing(c, n, pr_cast(InsertStmt, n)->withClause); return true;
    case T_UpdateStmt: writing(c, n, pr_cast(UpdateStmt, n)->withClause); return true;
    case T_DeleteStmt: writing(c, n, pr_cast(DeleteStmt, n)->withClause); return true;
    case T_MergeStmt: writing(c, n, pr_cast(MergeStmt, n)->withClause); return true;
    case T_RangeSubselect: subselect(c, pr_cast(RangeSubselect, n)); return true;
    case T_JoinExpr: using_columns(c, pr_cast(JoinExpr, n)); return false;
    case T_WithClause:
    case T_IntoClause:
    case T_RangeVar:
    case T_LockingClause: return true;
    default: return false;
    }
}

/* --- definitions --------------------------------------------------------------------------------------------------- */

/* Columns of the other side alone: the table's own are new with it. */
static void constraint_partner(struct columns *c, const Constraint *k) {
    if (k->pktable == NULL) return;
    pr_finder_past(&c->finder, k->pktable->location, k->pktable->relname);
    named_list(c, k->pktable, k->pk_attrs);
}

static void constraint(struct columns *c, const RangeVar *of, const Constraint *k) {
    pr_finder_past(&c->finder, k->location, k->conname);
    named_list(c, of, k->keys);
    named_list(c, of, k->fk_attrs);
    const ListCell *lc;
    foreach (lc, k->exclusions) {
        const List *pair = lfirst_node(List, lc);
        const IndexElem *el = pr_as(IndexElem, (const Node *)linitial(pair));
        if (el == NULL) continue;
        if (el->name != NULL) named(c, of, el->name);
        over(c, of, el->expr);
    }
    named_list(c, of, k->including);
    over(c, of, k->raw_expr);
    over(c, of, k->where_clause);
    constraint_partner(c, k);
}

static void add_column(struct columns *c, const RangeVar *of, const ColumnDef *d, bool missing_ok) {
    add(c, of, d->colname, d->location, (struct flags){.created = true, .missing_ok = missing_ok});
    const ListCell *lc;
    foreach (lc, d->constraints) {
        const Constraint *k = pr_as(Constraint, (const Node *)lfirst(lc));
        if (k != NULL) constraint(c, of, k);
    }
}

static bool names_column(AlterTableType type) {
    switch ((int)type) {
    case AT_DropColumn:
    case AT_ColumnDefault:
    case AT_SetNotNull:
    case AT_DropNotNull:
    case AT_DropExpression:
    case AT_SetStatistics:
    case AT_SetOptions:
    case AT_ResetOptions:
    case AT_SetStorage:
    case AT_SetCompression:
    case AT_AlterColumnType:
    case AT_AlterColumnGenericOptions:
    case AT_AddIdentity:
    case AT_SetIdentity:
    case AT_DropIdentity: return true;
    default: return false;
    }
}

static void alter_command(struct columns *c, const RangeVar *of, const AlterTableCmd *cmd) {
    const ColumnDef *d = pr_as(ColumnDef, cmd->def);
    const Constraint *k = pr_as(Constraint, cmd->def);
    if (cmd->subtype == AT_AddColumn && d != NULL) {
        add_column(c, of, d, cmd->missing_ok);
    } else if (names_column(cmd->subtype) || PR_IS_SET_EXPRESSION(cmd)) {
        add(c, of, cmd->name, -1, (struct flags){.missing_ok = cmd->missing_ok});
        if (cmd->subtype == AT_AlterColumnType && d != NULL) over(c, of, d->raw_default);
        if (PR_IS_SET_EXPRESSION(cmd)) over(c, of, cmd->def);
    } else if (cmd->subtype == AT_AddConstraint && k != NULL) {
        constraint(c, of, k);
    }
}

static void alter_table(struct columns *c, const AlterTableStmt *s) {
    if (s->objtype == OBJECT_TYPE || s->objtype == OBJECT_INDEX || s->objtype == OBJECT_SEQUENCE) return;
    pr_finder_past(&c->finder, s->relation->location, s->relation->relname);
    const ListCell *lc;
    foreach (lc, s->cmds) alter_command(c, s->relation, lfirst_node(AlterTableCmd, lc));
}

static void create_table(struct columns *c, const CreateStmt *s) {
    const ListCell *lc, *inner;
    foreach (lc, s->tableElts) {
        const ColumnDef *d = pr_as(ColumnDef, (const Node *)lfirst(lc));
        const Constraint *k = pr_as(Constraint, (const Node *)lfirst(lc));
        if (k != NULL) constraint_partner(c, k);
        if (d == NULL || s->partbound != NULL) continue;       /* a partition's columns are its parent's */
        add(c, s->relation, d->colname, d->location, (struct flags){.created = true});
        foreach (inner, d->constraints) {
            const Constraint *own = pr_as(Constraint, (const Node *)lfirst(inner));
            if (own != NULL) constraint_partner(c, own);
        }
    }
    foreach (lc, s->constraints) {
        const Constraint *k = pr_as(Constraint, (const Node *)lfirst(lc));
        if (k != NULL) constraint_partner(c, k);
    }
}

static void create_index(struct columns *c, const IndexStmt *s) {
    pr_finder_past(&c->finder, s->relation->location, s->relation->relname);
    index_elements(c, s->relation, s->indexParams);
    index_elements(c, s->relation, s->indexIncludingParams);
    over(c, s->relation, s->whereClause);
}

static void rename_column(struct columns *c, const RenameStmt *s) {
    if (s->renameType != OBJECT_COLUMN || s->relation == NULL) return;
    pr_finder_past(&c->finder, s->relation->location, s->relation->relname);
    named(c, s->relation, s->subname);
    add(c, s->relation, s->newname, -1, (struct flags){.created = true});
}

/* A relation and a column given as strings: COMMENT ON COLUMN a.b.c, OWNED BY b.c. */
static void column_of_list(struct columns *c, const List *parts) {
    if (parts == NULL || list_length(parts) < 2) return;
    const char *schema = NULL, *relation = NULL, *ignored = NULL, *column = NULL;
    pr_name_parts(parts, 1, &schema, &relation);
    pr_name_parts(parts, 0, &ignored, &column);
    const RangeVar of = {.type = T_RangeVar, .schemaname = (char *)(uintptr_t)schema, .relname = (char *)(uintptr_t)relation};
    (void)pr_finder_next(&c->finder, relation);
    named(c, &of, column);
}

static void owned_by(struct columns *c, const List *options) {
    const ListCell *lc;
    foreach (lc, options) {
        const DefElem *d = lfirst_node(DefElem, lc);
        if (strcmp(d->defname, "owned_by") == 0) column_of_list(c, pr_as(List, d->arg));
    }
}

static void grant(struct columns *c, const GrantStmt *s) {
    const ListCell *lc, *inner;
    foreach (lc, s->privileges) {
        const List *cols = lfirst_node(AccessPriv, lc)->cols;
        foreach (inner, s->objects) named_list(c, pr_as(RangeVar, (const Node *)lfirst(inner)), cols);
    }
}

static void statistics(struct columns *c, const CreateStatsStmt *s) {
    if (list_length(s->relations) != 1) return;
    const RangeVar *of = pr_as(RangeVar, (const Node *)linitial(s->relations));
    const ListCell *lc;
    foreach (lc, s->exprs) {
        const StatsElem *el = pr_as(StatsElem, (const Node *)lfirst(lc));
        if (of == NULL || el == NULL) continue;
        if (el->name != NULL) named(c, of, el->name);
        over(c, of, el->expr);
    }
}

static void publication(struct columns *c, const List *objects) {
    const ListCell *lc;
    foreach (lc, objects) {
        const PublicationTable *t = lfirst_node(PublicationObjSpec, lc)->pubtable;
        if (t == NULL) continue;
        pr_finder_past(&c->finder, t->relation->location, t->relation->relname);
        named_list(c, t->relation, t->columns);
        over(c, t->relation, t->whereClause);
    }
}

static void copy(struct columns *c, const CopyStmt *s) {
    if (s->relation != NULL) pr_finder_past(&c->finder, s->relation->location, s->relation->relname);
    named_list(c, s->relation, s->attlist);
    if (s->relation != NULL) over(c, s->relation, s->whereClause);
    into(c, s->query);
}

static void vacuum(struct columns *c, const VacuumStmt *s) {
    const ListCell *lc;
    foreach (lc, s->rels) named_list(c, lfirst_node(VacuumRelation, lc)->relation, lfirst_node(VacuumRelation, lc)->va_cols);
}

static void trigger(struct columns *c, const CreateTrigStmt *s) {
    named_list(c, s->relation, s->columns);
    over(c, s->relation, s->whenClause);
}

static void policy(struct columns *c, const RangeVar *table, const Node *qual, const Node *check) {
    over(c, table, qual);
    over(c, table, check);
}

/* An unqualified name in a body may be one of the parameters: as in a subquery, only qualified ones are certain. */
static void function(struct columns *c, const CreateFunctionStmt *s) {
    const struct frame *outer = c->frame;
    const struct frame parameters = {.up = NULL};
    c->frame = &parameters;
    into(c, s->sql_body);
    c->frame = outer;
}

static bool visit_utility(struct columns *c, const Node *n) {
    switch ((int)nodeTag(n)) {
    case T_CreateFunctionStmt: function(c, pr_cast(CreateFunctionStmt, n)); return true;
    case T_AlterTableStmt: alter_table(c, pr_cast(AlterTableStmt, n)); return true;
    case T_CreateStmt: create_table(c, pr_cast(CreateStmt, n)); return true;
    case T_CreateForeignTableStmt: create_table(c, &pr_cast(CreateForeignTableStmt, n)->base); return true;
    case T_IndexStmt: create_index(c, pr_cast(IndexStmt, n)); return true;
    case T_RenameStmt: rename_column(c, pr_cast(RenameStmt, n)); return true;
    case T_CreateTrigStmt: trigger(c, pr_cast(CreateTrigStmt, n)); return true;
    case T_CreatePolicyStmt:
        policy(c, pr_cast(CreatePolicyStmt, n)->table, pr_cast(CreatePolicyStmt, n)->qual,
               pr_cast(CreatePolicyStmt, n)->with_check);
        return true;
    case T_AlterPolicyStmt:
        policy(c, pr_cast(AlterPolicyStmt, n)->table, pr_cast(AlterPolicyStmt, n)->qual,
               pr_cast(AlterPolicyStmt, n)->with_check);
        return true;
    case T_RuleStmt: over(c, pr_cast(RuleStmt, n)->relation, pr_cast(RuleStmt, n)->whereClause); return true;
    case T_CommentStmt:
        if (pr_cast(CommentStmt, n)->objtype == OBJECT_COLUMN) {
            column_of_list(c, pr_as(List, pr_cast(CommentStmt, n)->object));
        }
        return true;
    case T_CreateSeqStmt: owned_by(c, pr_cast(CreateSeqStmt, n)->options); return true;
    case T_AlterSeqStmt: owned_by(c, pr_cast(AlterSeqStmt, n)->options); return true;
    case T_GrantStmt: grant(c, pr_cast(GrantStmt, n)); return true;
    case T_CreateStatsStmt: statistics(c, pr_cast(CreateStatsStmt, n)); return true;
    case T_CreatePublicationStmt: publication(c, pr_cast(CreatePublicationStmt, n)->pubobjects); return true;
    case T_AlterPublicationStmt: publication(c, pr_cast(AlterPublicationStmt, n)->pubobjects); return true;
    case T_CopyStmt: copy(c, pr_cast(CopyStmt, n)); return true;
    case T_VacuumStmt: vacuum(c, pr_cast(VacuumStmt, n)); return true;
    default: return false;
    }
}

static bool visit(Node *node, void *ctx) {
    struct columns *c = ctx;
    if (node != NULL && !visit_query(c, node) && !visit_utility(c, node)) (void)pr_tree_walk(node, visit, c);
    return false;
}

/* In a body a name may be a variable's: then nothing is certain. */
static void drop_variables(struct columns *c, const struct pr_inside *in) {
    struct pr_seen vars = {.a = c->a};
    for (size_t i = 0; i < in->n_vars; i++) (void)pr_seen_put(&vars, in->vars[i], 1);
    size_t kept = 0;
    for (size_t i = 0; i < c->n; i++)
        if (pr_seen_put(&vars, c->list[i].column, 0) == 0) c->list[kept++] = c->list[i];
    c->n = kept;
}

size_t pr_stmt_columns(const struct pr_stmt *s, struct pr_arena *a, struct pr_column_name **out) {
    struct columns c = {.s = s, .a = a, .seen = {.a = a}, .finder = {.s = s}};
    if (s->node != NULL) into(&c, s->node);
    if (s->inside != NULL && s->inside->n_vars > 0) drop_variables(&c, s->inside);
    *out = c.list;
    return c.n;
}
