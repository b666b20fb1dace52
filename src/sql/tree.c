/* tree.c: a walk over raw trees of every kind. libpg_query's raw_expression_tree_walker knows queries and expressions alone and
 * raises an error (without a handler: aborts) at a utility statement; those are in the table here. */
#include "sql/nodes.h"

#include "sql/internal.h"

struct field {
    NodeTag tag;
    size_t offset;
};
#define F(type, field) {T_##type, offsetof(type, field)}

/* Child nodes and lists of utility nodes, in the order in which the text has them. Names that are plain strings, type names of
 * DROP and objects given as lists of strings have no relation or expression in them, but cost nothing to walk. */
static const struct field fields[] = {
    F(RawStmt, stmt),
    F(ReturnStmt, returnval),
    F(CreateSchemaStmt, schemaElts),
    F(AlterTableStmt, relation), F(AlterTableStmt, cmds),
    F(AlterTableCmd, def),
    F(AlterDomainStmt, def),
    F(GrantStmt, privileges), F(GrantStmt, objects),
    F(AlterDefaultPrivilegesStmt, action),
    F(CopyStmt, relation), F(CopyStmt, query), F(CopyStmt, attlist), F(CopyStmt, options), F(CopyStmt, whereClause),
    F(VariableSetStmt, args),
    F(CreateStmt, relation), F(CreateStmt, tableElts), F(CreateStmt, inhRelations), F(CreateStmt, partbound),
    F(CreateStmt, partspec), F(CreateStmt, ofTypename), F(CreateStmt, constraints), F(CreateStmt, options),
    F(CreateForeignTableStmt, base.relation), F(CreateForeignTableStmt, base.tableElts),
    F(CreateForeignTableStmt, base.inhRelations), F(CreateForeignTableStmt, base.partbound),
    F(CreateForeignTableStmt, base.constraints), F(CreateForeignTableStmt, options),
    F(TableLikeClause, relation),
    F(Constraint, raw_expr), F(Constraint, keys), F(Constraint, including), F(Constraint, exclusions),
    F(Constraint, options), F(Constraint, where_clause), F(Constraint, fk_attrs), F(Constraint, pktable),
    F(Constraint, pk_attrs),
    F(PartitionCmd, name), F(PartitionCmd, bound),
    F(PartitionSpec, partParams), F(PartitionElem, expr),
    F(PartitionBoundSpec, listdatums), F(PartitionBoundSpec, lowerdatums), F(PartitionBoundSpec, upperdatums),
    F(DefElem, arg),
    F(CreatePolicyStmt, table), F(CreatePolicyStmt, qual), F(CreatePolicyStmt, with_check),
    F(AlterPolicyStmt, table), F(AlterPolicyStmt, qual), F(AlterPolicyStmt, with_check),
    F(CreateTrigStmt, columns), F(CreateTrigStmt, relation), F(CreateTrigStmt, constrrel), F(CreateTrigStmt, whenClause),
    F(CreateSeqStmt, sequence), F(CreateSeqStmt, options),
    F(AlterSeqStmt, sequence), F(AlterSeqStmt, options),
    F(DefineStmt, definition),
    F(CreateDomainStmt, typeName), F(CreateDomainStmt, collClause), F(CreateDomainStmt, constraints),
    F(DropStmt, objects),
    F(TruncateStmt, relations),
    F(CommentStmt, object),
    F(DeclareCursorStmt, query),
    F(IndexStmt, relation), F(IndexStmt, indexParams), F(IndexStmt, indexIncludingParams), F(IndexStmt, options),
    F(IndexStmt, whereClause),
    F(CreateStatsStmt, exprs), F(CreateStatsStmt, relations), F(StatsElem, expr),
    F(CreateFunctionStmt, parameters), F(CreateFunctionStmt, returnType), F(CreateFunctionStmt, options),
    F(CreateFunctionStmt, sql_body),
    F(FunctionParameter, argType), F(FunctionParameter, defexpr),
    F(AlterFunctionStmt, actions),
    F(DoStmt, args),
    F(CallStmt, funccall),
    F(RenameStmt, relation), F(AlterObjectSchemaStmt, relation), F(AlterOwnerStmt, relation),
    F(AlterObjectDependsStmt, relation),
    F(RuleStmt, relation), F(RuleStmt, whereClause), F(RuleStmt, actions),
    F(CompositeTypeStmt, coldeflist),
    F(CreateRangeStmt, params),
    F(ViewStmt, view), F(ViewStmt, query), F(ViewStmt, options),
    F(ClusterStmt, relation), F(ClusterStmt, params),
    F(VacuumStmt, options), F(VacuumStmt, rels), F(VacuumRelation, relation),
    F(ExplainStmt, options), F(ExplainStmt, query),
    F(CreateTableAsStmt, into), F(CreateTableAsStmt, query),
    F(RefreshMatViewStmt, relation),
    F(LockStmt, relations),
    F(ConstraintsSetStmt, constraints),
    F(ReindexStmt, params), F(ReindexStmt, relation),
    F(PrepareStmt, argtypes), F(PrepareStmt, query),
    F(ExecuteStmt, params),
    F(PublicationTable, relation), F(PublicationTable, whereClause), F(PublicationObjSpec, pubtable),
    F(CreatePublicationStmt, pubobjects), F(AlterPublicationStmt, pubobjects),
};

static bool walk_utility(const Node *node, bool (*walker)(Node *, void *), void *ctx) {
    bool known = false;
    for (size_t i = 0; i < PR_COUNT(fields); i++) {
        if (fields[i].tag != nodeTag(node)) {
            if (known) break;                      /* the fields of a node are together */
            continue;
        }
        known = true;
        Node *child = NULL;
        memcpy(&child, (const char *)node + fields[i].offset, sizeof child);
        if (child != NULL && walker(child, ctx)) return true;
    }
    /* Constraints hang on a column where the library's walker leaves them out. */
    return false;
}

/* Nodes that raw_expression_tree_walker accepts: found by trying every tag on the library. */
static bool is_query_node(NodeTag tag) {
    switch ((int)tag) {
    case T_List: case T_Alias: case T_RangeVar: case T_IntoClause: case T_GroupingFunc: case T_NamedArgExpr: case T_BoolExpr:
    case T_SubLink: case T_CaseExpr: case T_RowExpr: case T_CoalesceExpr: case T_MinMaxExpr: case T_SQLValueFunction:
    case T_XmlExpr: case T_NullTest: case T_BooleanTest: case T_SetToDefault: case T_CurrentOfExpr: case T_JoinExpr:
    case T_TypeName: case T_ColumnRef: case T_ParamRef: case T_A_Expr: case T_A_Const: case T_TypeCast: case T_CollateClause:
    case T_FuncCall: case T_A_Star: case T_A_Indices: case T_A_Indirection: case T_A_ArrayExpr: case T_ResTarget:
    case T_MultiAssignRef: case T_SortBy: case T_WindowDef: case T_RangeSubselect: case T_RangeFunction:
    case T_RangeTableFunc: case T_RangeTableFuncCol: case T_RangeTableSample: case T_ColumnDef: case T_IndexElem:
    case T_LockingClause: case T_XmlSerialize: case T_GroupingSet: case T_WithClause: case T_InferClause:
    case T_OnConflictClause: case T_CommonTableExpr: case T_MergeWhenClause: case T_InsertStmt: case T_DeleteStmt:
    case T_UpdateStmt: case T_MergeStmt: case T_SelectStmt: case T_PLAssignStmt: case T_Integer: case T_Float:
    case T_Boolean: case T_String: case T_BitString:
#if PG_VERSION_NUM >= 160000
    case T_JsonFormat: case T_JsonReturning: case T_JsonValueExpr: case T_JsonConstructorExpr: case T_JsonIsPredicate:
    case T_JsonOutput: case T_JsonKeyValue: case T_JsonObjectConstructor: case T_JsonArrayConstructor:
    case T_JsonArrayQueryConstructor: case T_JsonAggConstructor: case T_JsonObjectAgg: case T_JsonArrayAgg:
#endif
#if PG_VERSION_NUM >= 170000
    case T_MergeSupportFunc: case T_JsonBehavior: case T_JsonArgument: case T_JsonFuncExpr: case T_JsonTablePathSpec:
    case T_JsonTable: case T_JsonTableColumn: case T_JsonParseExpr: case T_JsonScalarExpr: case T_JsonSerializeExpr:
#endif
#if PG_VERSION_NUM >= 180000
    case T_ReturningOption: case T_ReturningClause:
#endif
        return true;
    default: return false;
    }
}

bool pr_tree_walk(const void *node, bool (*walker)(Node *, void *), void *ctx) {
    if (node == NULL) return false;
    const Node *n = node;
    if (!is_query_node(nodeTag(n))) return walk_utility(n, walker, ctx);
    if (raw_expression_tree_walker((Node *)(uintptr_t)node, walker, ctx)) return true;
    /* The library's walker leaves out the constraints of a column. */
    const ColumnDef *column = IsA(n, ColumnDef) ? node : NULL;
    return column != NULL && column->constraints != NIL && walker((Node *)column->constraints, ctx);
}

struct depth {
    int now;
    bool too_deep;
};

/* The densest text makes a level of each byte (+++1; ARRAY[[[1]]]: an expression and a list for each pair of brackets): half of that is
 * safe, beside the few levels that the shortest statement has. Most statements need not be walked. */
enum { LEVELS_OF_NOTHING = 64 };

static bool measure(Node *node, void *ctx) {
    struct depth *d = ctx;
    if (node == NULL) return false;
    if (d->now >= PR_CAP_SQL_DEPTH) {
        d->too_deep = true;
        return true;
    }
    d->now++;
    const bool stop = pr_tree_walk(node, measure, ctx);
    d->now--;
    return stop;
}

bool pr_tree_too_deep(const void *node, size_t len) {
    struct depth d = {0};
    if (len < (PR_CAP_SQL_DEPTH - LEVELS_OF_NOTHING) / 2) return false;
    /* The library guards its own walker by the depth of the stack and raises its error, which must be caught. */
    PG_TRY();
    {
        (void)measure((Node *)(uintptr_t)node, &d);
    }
    PG_CATCH();
    {
        MemoryContextSwitchTo(TopMemoryContext);
        FlushErrorState();
        return true;
    }
    PG_END_TRY();
    return d.too_deep;
}
