/* expect.c: what must be true after a script, from its trees: the statements that are not ALTER TABLE (expect_alter.c). */
#include "sql/nodes.h"

#include "sql/expect_tree.h"
#include "sql/internal.h"

/* --- names --------------------------------------------------------------------------------------------------------- */

struct pr_expect pr_expect_on(const RangeVar *v, enum pr_expect_kind kind, bool there) {
    return (struct pr_expect){.kind = kind, .there = there, .schema = v->schemaname, .relation = v->relname, .validated = -1,
                              .n_args = -1};
}

static struct pr_expect on_list(const List *names, int drop, enum pr_expect_kind kind, bool there) {
    struct pr_expect x = {.kind = kind, .there = there, .validated = -1, .n_args = -1};
    pr_name_parts(names, drop, &x.schema, &x.relation);
    return x;
}

/* Strings of a list; "" for anything else. */
static void strings(struct pr_expect_list *l, const List *list, const char *const **out, size_t *n) {
    const ListCell *lc;
    const char **texts = PR_NEW_ARRAY(l->a, const char *, (size_t)list_length(list));
    *n = 0;
    foreach (lc, list) {
        const Node *item = lfirst(lc);
        texts[(*n)++] = item != NULL && IsA(item, String) ? strVal(item) : "";
    }
    *out = texts;
}

/* --- types --------------------------------------------------------------------------------------------------------- */

/* The numbers of a type's parentheses as format_type prints them; NULL when they are no plain numbers. */
static const char *typmod_text(struct pr_arena *a, const TypeName *t) {
    struct pr_buf b = {.a = a};
    const ListCell *lc;
    foreach (lc, t->typmods) {
        const A_Const *c = pr_as(A_Const, (const Node *)lfirst(lc));
        if (c == NULL || c->isnull || !IsA(&c->val, Integer)) return NULL;
        pr_addf(&b, "%s%d", b.len > 0 ? "," : "", intVal(&c->val));
    }
    return pr_buf_text(&b);
}

void pr_expect_type(struct pr_arena *a, const TypeName *t, struct pr_expect *x) {
    const char *schema = NULL, *name = NULL;
    if (t == NULL || t->pct_type || t->setof) return;
    pr_name_parts(t->names, 0, &schema, &name);
    static const char *const serials[][2] = {{"bigserial", "int8"}, {"serial", "int4"}, {"serial2", "int2"}, {"serial4", "int4"},
                                             {"serial8", "int8"}, {"smallserial", "int2"}};
    for (size_t i = 0; schema == NULL && i < PR_COUNT(serials); i++) {
        if (strcmp(serials[i][0], name) == 0) name = serials[i][1];
    }
    x->type = pr_fmt(a, "%s%s", pr_qualified(a, schema, name), t->arrayBounds != NIL ? "[]" : "");
    const bool is_interval = strcmp(name, "interval") == 0;        /* its number says more than the precision */
    if (!is_interval) x->typmod = typmod_text(a, t);
}

bool pr_expect_is_serial(const TypeName *t) {
    if (t == NULL || list_length(t->names) != 1) return false;
    const char *name = strVal(linitial(t->names));
    return pr_ends(name, "serial") || (pr_starts(name, "serial") && strlen(name) == 7);
}

/* --- indexes ------------------------------------------------------------------------------------------------------- */

void pr_expect_index_columns(struct pr_expect_list *l, const List *elements, struct pr_expect *x) {
    const ListCell *lc;
    const char **columns = PR_NEW_ARRAY(l->a, const char *, (size_t)list_length(elements));
    foreach (lc, elements) {
        const IndexElem *el = pr_as(IndexElem, (const Node *)lfirst(lc));
        columns[x->n_columns++] = el != NULL && el->name != NULL ? el->name : "";
    }
    x->columns = columns;
}

static void create_index(struct pr_expect_list *l, const IndexStmt *s) {
    struct pr_expect x = pr_expect_on(s->relation, PR_EXPECT_INDEX, true);
    x.object = s->idxname;
    x.unique = s->unique;
    x.partial = s->whereClause != NULL;
    x.only = !s->relation->inh;
    x.method = s->accessMethod;
    pr_expect_index_columns(l, s->indexParams, &x);
    pr_expect_add(l, x);
}

static void reindex(struct pr_expect_list *l, const ReindexStmt *s) {
    if (s->relation != NULL) pr_expect_add(l, pr_expect_on(s->relation, PR_EXPECT_REINDEXED, true));
}

/* --- tables, views, sequences -------------------------------------------------------------------------------------- */

static void relation(struct pr_expect_list *l, const RangeVar *v, const char *relkinds) {
    struct pr_expect x = pr_expect_on(v, PR_EXPECT_RELATION, true);
    x.relkinds = relkinds;
    pr_expect_add(l, x);
}

static void create_table(struct pr_expect_list *l, const CreateStmt *s, const char *relkinds) {
    relation(l, s->relation, relkinds);
    const ListCell *lc;
    foreach (lc, s->tableElts) {
        const ColumnDef *d = pr_as(ColumnDef, (const Node *)lfirst(lc));
        const Constraint *k = pr_as(Constraint, (const Node *)lfirst(lc));
        if (d != NULL && s->partbound == NULL) pr_expect_column(l, s->relation, d);
        if (k != NULL) pr_expect_constraint(l, s->relation, k, true);
    }
    if (s->partbound == NULL || s->inhRelations == NIL) return;
    const RangeVar *parent = linitial_node(RangeVar, s->inhRelations);
    struct pr_expect x = pr_expect_on(parent, PR_EXPECT_PARTITION, true);
    x.object = pr_qualified(l->a, s->relation->schemaname, s->relation->relname);
    pr_expect_add(l, x);
}

static void create_as(struct pr_expect_list *l, const CreateTableAsStmt *s) {
    const bool matview = s->objtype == OBJECT_MATVIEW;
    relation(l, s->into->rel, matview ? "m" : "r");
    if (matview) pr_expect_add(l, pr_expect_on(s->into->rel, PR_EXPECT_POPULATED, !s->into->skipData));
}

/* --- triggers, policies, functions --------------------------------------------------------------------------------- */

static void create_trigger(struct pr_expect_list *l, const CreateTrigStmt *s) {
    struct pr_expect x = pr_expect_on(s->relation, PR_EXPECT_TRIGGER, true);
    const char *ignored = NULL;
    x.object = s->trigname;
    pr_name_parts(s->funcname, 0, &ignored, &x.type);
    pr_expect_add(l, x);
}

static void create_policy(struct pr_expect_list *l, const CreatePolicyStmt *s) {
    struct pr_expect x = pr_expect_on(s->table, PR_EXPECT_POLICY, true);
    x.object = s->policy_name;
    pr_expect_add(l, x);
}

/* The body of AS '…'; of AS 'file', 'symbol' and of BEGIN ATOMIC nothing is compared. */
static const char *function_body(const List *options) {
    const ListCell *lc;
    foreach (lc, options) {
        const DefElem *d = lfirst_node(DefElem, lc);
        const List *as = strcmp(d->defname, "as") == 0 ? pr_as(List, d->arg) : NULL;
        if (as != NULL && list_length(as) == 1) return strVal(linitial(as));
    }
    return NULL;
}

static void create_function(struct pr_expect_list *l, const CreateFunctionStmt *s) {
    struct pr_expect x = on_list(s->funcname, 0, PR_EXPECT_FUNCTION, true);
    const ListCell *lc;
    x.n_args = 0;
    foreach (lc, s->parameters) {
        const FunctionParameterMode mode = lfirst_node(FunctionParameter, lc)->mode;
        x.n_args += mode != FUNC_PARAM_TABLE && (mode != FUNC_PARAM_OUT || s->is_procedure);
    }
    x.type = function_body(s->options);
    pr_expect_add(l, x);
}

/* --- DROP ---------------------------------------------------------------------------------------------------------- */

static void drop_function(struct pr_expect_list *l, const ObjectWithArgs *f) {
    if (f == NULL) return;
    struct pr_expect x = on_list(f->objname, 0, PR_EXPECT_FUNCTION, false);
    if (!f->args_unspecified) x.n_args = list_length(f->objargs);
    pr_expect_add(l, x);
}

static void drop_index(struct pr_expect_list *l, const List *names) {
    struct pr_expect x = on_list(names, 0, PR_EXPECT_INDEX, false);
    x.object = x.relation;
    x.relation = NULL;
    pr_expect_add(l, x);
}

static void drop_part(struct pr_expect_list *l, const List *names, enum pr_expect_kind kind) {
    struct pr_expect x = on_list(names, 1, kind, false);
    x.object = strVal(llast(names));
    pr_expect_add(l, x);
}

static void drop_one(struct pr_expect_list *l, ObjectType type, const Node *n) {
    const List *names = pr_as(List, n);
    const TypeName *t = pr_as(TypeName, n);
    switch ((int)type) {
    case OBJECT_TABLE:
    case OBJECT_FOREIGN_TABLE:
    case OBJECT_VIEW:
    case OBJECT_MATVIEW:
    case OBJECT_SEQUENCE: pr_expect_add(l, on_list(names, 0, PR_EXPECT_RELATION, false)); break;
    case OBJECT_INDEX: drop_index(l, names); break;
    case OBJECT_TRIGGER: drop_part(l, names, PR_EXPECT_TRIGGER); break;
    case OBJECT_POLICY: drop_part(l, names, PR_EXPECT_POLICY); break;
    case OBJECT_TYPE:
    case OBJECT_DOMAIN:
        if (t != NULL) pr_expect_add(l, on_list(t->names, 0, PR_EXPECT_TYPE, false));
        break;
    case OBJECT_FUNCTION:
    case OBJECT_PROCEDURE: drop_function(l, pr_as(ObjectWithArgs, n)); break;
    case OBJECT_SCHEMA:
    case OBJECT_EXTENSION: {
        struct pr_expect x = {.there = false, .relation = strVal(n), .validated = -1, .n_args = -1};
        x.kind = type == OBJECT_SCHEMA ? PR_EXPECT_SCHEMA : PR_EXPECT_EXTENSION;
        pr_expect_add(l, x);
        break;
    }
    default: break;
    }
}

static void drop(struct pr_expect_list *l, const DropStmt *s) {
    const ListCell *lc;
    foreach (lc, s->objects) drop_one(l, s->removeType, lfirst(lc));
}

/* --- types --------------------------------------------------------------------------------------------------------- */

static void create_enum(struct pr_expect_list *l, const CreateEnumStmt *s) {
    struct pr_expect x = on_list(s->typeName, 0, PR_EXPECT_ENUM, true);
    strings(l, s->vals, &x.columns, &x.n_columns);
    pr_expect_add(l, x);
}

static void alter_enum(struct pr_expect_list *l, const AlterEnumStmt *s) {
    struct pr_expect x = on_list(s->typeName, 0, PR_EXPECT_ENUM_VALUE, false);
    if (s->oldVal != NULL) {
        x.object = s->oldVal;
        pr_expect_add(l, x);
    }
    x.there = s->newVal != NULL;
    x.object = s->newVal;
    if (x.there) pr_expect_add(l, x);
}

/* --- COMMENT ------------------------------------------------------------------------------------------------------- */

static void comment(struct pr_expect_list *l, const CommentStmt *s) {
    const List *names = pr_as(List, s->object);
    const bool column = s->objtype == OBJECT_COLUMN;
    const bool relation_kind = s->objtype == OBJECT_TABLE || s->objtype == OBJECT_VIEW || s->objtype == OBJECT_MATVIEW ||
                               s->objtype == OBJECT_INDEX || s->objtype == OBJECT_SEQUENCE || s->objtype == OBJECT_FOREIGN_TABLE;
    if (names == NULL || (!column && !relation_kind)) return;
    struct pr_expect x = on_list(names, column ? 1 : 0, PR_EXPECT_COMMENT, true);
    if (column) x.object = strVal(llast(names));
    x.type = s->comment == NULL || *s->comment == '\0' ? NULL : s->comment;
    pr_expect_add(l, x);
}

/* --- RENAME and SET SCHEMA ----------------------------------------------------------------------------------------- */

/* There under the new name, gone under the old one. */
static void renamed(struct pr_expect_list *l, struct pr_expect x, const char *from, const char *to) {
    x.there = false;
    x.object = from;
    pr_expect_add(l, x);
    x.there = true;
    x.object = to;
    pr_expect_add(l, x);
}

static void relation_moved(struct pr_expect_list *l, const RangeVar *v, const char *schema, const char *name) {
    pr_expect_rename_relation(l, v->schemaname, v->relname, schema, name);
    pr_expect_add(l, pr_expect_on(v, PR_EXPECT_RELATION, false));
    struct pr_expect x = pr_expect_on(v, PR_EXPECT_RELATION, true);
    x.schema = schema;
    x.relation = name;
    x.relkinds = "rpvmSfiI";
    pr_expect_add(l, x);
}

static void rename_part(struct pr_expect_list *l, const RenameStmt *s, enum pr_expect_kind kind) {
    const RangeVar *v = s->relation;
    pr_expect_rename_object(l, v->schemaname, v->relname, s->subname, s->newname, kind == PR_EXPECT_COLUMN);
    renamed(l, pr_expect_on(v, kind, true), s->subname, s->newname);
}

static void rename_type(struct pr_expect_list *l, const List *names, const char *to) {
    struct pr_expect x = on_list(names, 0, PR_EXPECT_TYPE, false);
    pr_expect_add(l, x);
    x.there = true;
    x.relation = to;
    pr_expect_add(l, x);
}

static void rename_it(struct pr_expect_list *l, const RenameStmt *s) {
    switch ((int)s->renameType) {
    case OBJECT_TABLE:
    case OBJECT_FOREIGN_TABLE:
    case OBJECT_VIEW:
    case OBJECT_MATVIEW:
    case OBJECT_SEQUENCE:
    case OBJECT_INDEX: relation_moved(l, s->relation, s->relation->schemaname, s->newname); break;
    case OBJECT_COLUMN: rename_part(l, s, PR_EXPECT_COLUMN); break;
    case OBJECT_TABCONSTRAINT: rename_part(l, s, PR_EXPECT_CONSTRAINT); break;
    case OBJECT_TRIGGER: rename_part(l, s, PR_EXPECT_TRIGGER); break;
    case OBJECT_POLICY: rename_part(l, s, PR_EXPECT_POLICY); break;
    case OBJECT_TYPE:
    case OBJECT_DOMAIN:
        if (pr_as(List, s->object) != NULL) rename_type(l, pr_as(List, s->object), s->newname);
        break;
    default: break;
    }
}

/* --- the script ---------------------------------------------------------------------------------------------------- */

static void named(struct pr_expect_list *l, enum pr_expect_kind kind, const char *name) {
    if (name != NULL) pr_expect_add(l, (struct pr_expect){.kind = kind, .there = true, .relation = name, .validated = -1, .n_args = -1});
}

/* What belongs to relations: false when the node is none of these. */
static bool expect_relation(struct pr_expect_list *l, const Node *n) {
    switch ((int)nodeTag(n)) {
    case T_IndexStmt: create_index(l, pr_cast(IndexStmt, n)); return true;
    case T_ReindexStmt: reindex(l, pr_cast(ReindexStmt, n)); return true;
    case T_CreateStmt: create_table(l, pr_cast(CreateStmt, n), pr_cast(CreateStmt, n)->partspec != NULL ? "p" : "r"); return true;
    case T_CreateForeignTableStmt: create_table(l, &pr_cast(CreateForeignTableStmt, n)->base, "f"); return true;
    case T_CreateTableAsStmt: create_as(l, pr_cast(CreateTableAsStmt, n)); return true;
    case T_ViewStmt: relation(l, pr_cast(ViewStmt, n)->view, "v"); return true;
    case T_CreateSeqStmt: relation(l, pr_cast(CreateSeqStmt, n)->sequence, "S"); return true;
    case T_AlterTableStmt: pr_expect_alter_table(l, pr_cast(AlterTableStmt, n)); return true;
    case T_RefreshMatViewStmt:
        pr_expect_add(l, pr_expect_on(pr_cast(RefreshMatViewStmt, n)->relation, PR_EXPECT_POPULATED,
                                      !pr_cast(RefreshMatViewStmt, n)->skipData));
        return true;
    case T_CreateTrigStmt: create_trigger(l, pr_cast(CreateTrigStmt, n)); return true;
    case T_CreatePolicyStmt: create_policy(l, pr_cast(CreatePolicyStmt, n)); return true;
    default: return false;
    }
}

static void expect(struct pr_expect_list *l, const Node *n) {
    if (expect_relation(l, n)) return;
    switch ((int)nodeTag(n)) {
    case T_CreateFunctionStmt: create_function(l, pr_cast(CreateFunctionStmt, n)); break;
    case T_DropStmt: drop(l, pr_cast(DropStmt, n)); break;
    case T_CreateEnumStmt: create_enum(l, pr_cast(CreateEnumStmt, n)); break;
    case T_CreateDomainStmt: pr_expect_add(l, on_list(pr_cast(CreateDomainStmt, n)->domainname, 0, PR_EXPECT_TYPE, true)); break;
    case T_CreateRangeStmt: pr_expect_add(l, on_list(pr_cast(CreateRangeStmt, n)->typeName, 0, PR_EXPECT_TYPE, true)); break;
    case T_CompositeTypeStmt: pr_expect_add(l, pr_expect_on(pr_cast(CompositeTypeStmt, n)->typevar, PR_EXPECT_TYPE, true)); break;
    case T_AlterEnumStmt: alter_enum(l, pr_cast(AlterEnumStmt, n)); break;
    case T_CommentStmt: comment(l, pr_cast(CommentStmt, n)); break;
    case T_RenameStmt: rename_it(l, pr_cast(RenameStmt, n)); break;
    case T_AlterObjectSchemaStmt:
        if (pr_cast(AlterObjectSchemaStmt, n)->relation != NULL) {
            const RangeVar *v = pr_cast(AlterObjectSchemaStmt, n)->relation;
            relation_moved(l, v, pr_cast(AlterObjectSchemaStmt, n)->newschema, v->relname);
        }
        break;
    case T_CreateSchemaStmt: named(l, PR_EXPECT_SCHEMA, pr_cast(CreateSchemaStmt, n)->schemaname); break;
    case T_CreateExtensionStmt: named(l, PR_EXPECT_EXTENSION, pr_cast(CreateExtensionStmt, n)->extname); break;
    default: break;
    }
}

size_t pr_script_expect(const struct pr_script *s, struct pr_arena *a, struct pr_expect **out) {
    struct pr_expect_list l = {.a = a};
    int began = -1;
    for (size_t i = 0; i < s->n; i++) {
        const TransactionStmt *t = pr_as(TransactionStmt, (const Node *)s->stmts[i].node);
        l.stmt = s->stmts[i].index;
        if (pr_stmt_tx_word(&s->stmts[i]) == PR_TX_BEGIN) began = l.stmt;
        const bool undone = t != NULL && (t->kind == TRANS_STMT_ROLLBACK || t->kind == TRANS_STMT_ROLLBACK_TO);
        if (undone && began >= 0) pr_expect_forget_since(&l, began);       /* more than a savepoint's part: nothing false */
        if (s->stmts[i].node != NULL) expect(&l, s->stmts[i].node);
    }
    *out = l.items;
    return l.n;
}
