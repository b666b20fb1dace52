/* footprint.c: from a statement to the function that predicts it, and a script statement by statement. */
#include "footprint/statements.h"

/* --- statements without relations of their own --- */

void fx_nothing(struct fx *x, const void *node) {
    (void)x;
    (void)node;
}

void fx_unknown(struct fx *x, const void *node) {
    (void)node;
    x->out->unjudged = true;
}

void fx_outside(struct fx *x, const void *node) {
    (void)node;
    x->out->outside_tx = pr_stmt_outside_tx(x->s);
    if (x->out->outside_tx && x->w->in_tx) fx_fail(x, "25001", true, "%s cannot run inside a transaction block", x->s->tag != NULL ? x->s->tag : "it");
}

void fx_transaction(struct fx *x, const void *node) {
    const TransactionStmt *st = node;
    switch (st->kind) {
    case TRANS_STMT_BEGIN:
    case TRANS_STMT_START:
        if (!x->w->in_tx) w_begin(x->w);                   /* in a transaction it warns and does nothing */
        break;
    case TRANS_STMT_COMMIT:
    case TRANS_STMT_ROLLBACK:
    case TRANS_STMT_PREPARE: w_end(x->w); break;
    case TRANS_STMT_SAVEPOINT:
    case TRANS_STMT_RELEASE:
    case TRANS_STMT_ROLLBACK_TO:
    case TRANS_STMT_COMMIT_PREPARED:
    case TRANS_STMT_ROLLBACK_PREPARED: break;
    }
}

void fx_set_variable(struct fx *x, const void *node) {
    const VariableSetStmt *st = node;
    if (st->name == NULL) return;
    if (pr_eq_nocase(st->name, "timezone")) {
        const Node *arg = st->args != NIL ? linitial(st->args) : NULL;
        const bool text = arg != NULL && IsA(arg, A_Const) && nodeTag(&FX_NODE(A_Const, arg)->val) == T_String;
        x->w->time_zone = text ? fx_str(x, strVal(&FX_NODE(A_Const, arg)->val)) : NULL;
    }
    if (pr_eq_nocase(st->name, "check_function_bodies")) {
        const char *value = st->args != NIL ? fx_text_constant(linitial(st->args)) : NULL;
        x->w->bodies_unread = value != NULL && (pr_eq_nocase(value, "off") || pr_eq_nocase(value, "false"));
    }
    if (!pr_eq_nocase(st->name, "search_path")) return;
    if (st->kind != VAR_SET_VALUE) {
        x->w->path = x->w->base != NULL ? x->w->base->search_path : NULL;
        x->w->n_path = x->w->base != NULL ? x->w->base->n_search_path : 0;
        return;
    }
    const char **path = PR_NEW_ARRAY(x->a, const char *, (size_t)list_length(st->args) + 1);
    size_t n = 0;
    ListCell *lc;
    foreach (lc, st->args) {
        const Node *arg = lfirst(lc);
        if (!IsA(arg, A_Const) || nodeTag(&FX_NODE(A_Const, arg)->val) != T_String) continue;
        const char *schema = strVal(&FX_NODE(A_Const, arg)->val);
        if (*schema != '\0' && !pr_eq(schema, "$user") && !pr_eq(schema, "pg_catalog")) path[n++] = fx_str(x, schema);
    }
    x->w->path = path;
    x->w->n_path = n;
}

/* "public, \"Other\"" as the text of a setting. */
static void set_path_text(struct fx *x, const char *text) {
    const char **items = NULL, **path = NULL;
    const size_t n = pr_split(x->a, text, ',', &items);
    size_t kept = 0;
    path = PR_NEW_ARRAY(x->a, const char *, n + 1);
    for (size_t i = 0; i < n; i++) {
        const char *item = pr_trim(x->a, items[i]);
        const size_t len = strlen(item);
        if (len >= 2 && item[0] == '"' && item[len - 1] == '"') item = pr_dupn(x->a, item + 1, len - 2);
        if (*item != '\0' && !pr_eq(item, "$user") && !pr_eq(item, "pg_catalog")) path[kept++] = item;
    }
    x->w->path = path;
    x->w->n_path = kept;
}

static bool steer(Node *node, void *ctx) {
    struct fx *x = ctx;
    if (node == NULL || !IsA(node, FuncCall)) return node != NULL && pr_tree_walk(node, steer, ctx);
    const FuncCall *call = FX_NODE(FuncCall, node);
    if (!pr_eq(strVal(llast(call->funcname)), "set_config") || list_length(call->args) != 3) return false;
    const char *name = fx_text_constant(linitial(call->args)), *value = fx_text_constant(lsecond(call->args));
    if (name != NULL && value != NULL && pr_eq_nocase(name, "search_path")) set_path_text(x, value);
    return false;
}

void fx_steered(struct fx *x, const void *expr) { (void)steer((Node *)(uintptr_t)expr, x); }

/* SET CONSTRAINTS ALL IMMEDIATE checks what is due: nothing is pending any more. Named ones are not told apart: as pending as before. */
void fx_set_constraints(struct fx *x, const void *node) {
    const ConstraintsSetStmt *st = node;
    if (!st->deferred && st->constraints == NIL) x->w->checks++;
}

void fx_depends(struct fx *x, const void *node) {
    const AlterObjectDependsStmt *st = node;
    struct pr_idx *idx = NULL;
    if (st->objectType != OBJECT_INDEX || st->relation == NULL) return;
    const struct w_rel *r = w_find_index(x->w, st->relation->schemaname, st->relation->relname, &idx);
    fx_lock_index(x, r, fx_str(x, st->relation->relname), PR_ACCESS_EXCLUSIVE);
}

void fx_create_schema(struct fx *x, const void *node) {
    const CreateSchemaStmt *st = node;
    ListCell *lc;
    foreach (lc, st->schemaElts) fx_dispatch(x, lfirst(lc));
}

void fx_drop_owned(struct fx *x, const void *node) {
    (void)node;
    x->out->loses_data = true;
    x->out->unjudged = true;
    fx_guess(x);
}

/* --- dispatch --- */

static const struct { NodeTag tag; fx_fn *run; } kinds[] = {
    {T_AlterTableStmt, fx_alter_table}, {T_CreateStmt, fx_create_table}, {T_IndexStmt, fx_create_index},
    {T_DropStmt, fx_drop}, {T_RenameStmt, fx_rename}, {T_AlterObjectSchemaStmt, fx_set_schema},
    {T_AlterOwnerStmt, fx_owner}, {T_CreateTableAsStmt, fx_create_table_as}, {T_TruncateStmt, fx_truncate},
    {T_ViewStmt, fx_view}, {T_RefreshMatViewStmt, fx_refresh}, {T_CreateTrigStmt, fx_create_trigger},
    {T_CreatePolicyStmt, fx_create_policy}, {T_AlterPolicyStmt, fx_alter_policy}, {T_RuleStmt, fx_create_rule},
    {T_CommentStmt, fx_comment}, {T_CreateStatsStmt, fx_create_stats}, {T_AlterStatsStmt, fx_alter_stats},
    {T_CreatePublicationStmt, fx_create_publication}, {T_AlterPublicationStmt, fx_alter_publication},
    {T_LockStmt, fx_lock_table}, {T_ClusterStmt, fx_cluster}, {T_VacuumStmt, fx_vacuum}, {T_ReindexStmt, fx_reindex},
    {T_GrantStmt, fx_grant}, {T_InsertStmt, fx_insert}, {T_UpdateStmt, fx_update}, {T_DeleteStmt, fx_delete},
    {T_MergeStmt, fx_merge}, {T_SelectStmt, fx_select}, {T_CopyStmt, fx_copy}, {T_CreateEnumStmt, fx_create_enum},
    {T_AlterEnumStmt, fx_alter_enum}, {T_CreateDomainStmt, fx_create_domain}, {T_AlterDomainStmt, fx_alter_domain},
    {T_CompositeTypeStmt, fx_create_composite}, {T_CreateRangeStmt, fx_create_range},
    {T_CreateSeqStmt, fx_create_sequence}, {T_AlterSeqStmt, fx_alter_sequence},
    {T_CreateFunctionStmt, fx_create_function}, {T_AlterFunctionStmt, fx_nothing},
    {T_TransactionStmt, fx_transaction}, {T_VariableSetStmt, fx_set_variable}, {T_VariableShowStmt, fx_nothing},
    {T_ExplainStmt, fx_explain}, {T_AlterObjectDependsStmt, fx_depends}, {T_CreateSchemaStmt, fx_create_schema},
    {T_CreateForeignTableStmt, fx_create_foreign_table}, {T_DropOwnedStmt, fx_drop_owned},
    {T_ReassignOwnedStmt, fx_unknown}, {T_CreateExtensionStmt, fx_nothing}, {T_AlterExtensionStmt, fx_unknown},
    {T_CreateRoleStmt, fx_nothing}, {T_AlterRoleStmt, fx_nothing}, {T_AlterRoleSetStmt, fx_nothing},
    {T_DropRoleStmt, fx_nothing}, {T_GrantRoleStmt, fx_nothing}, {T_AlterDefaultPrivilegesStmt, fx_nothing},
    {T_DefineStmt, fx_nothing}, {T_CreateCastStmt, fx_nothing}, {T_CreateFdwStmt, fx_nothing},
    {T_CreateForeignServerStmt, fx_nothing}, {T_CreateUserMappingStmt, fx_nothing}, {T_CreateOpClassStmt, fx_nothing},
    {T_CreateOpFamilyStmt, fx_nothing}, {T_CreatePLangStmt, fx_nothing}, {T_CreateEventTrigStmt, fx_nothing},
    {T_AlterEventTrigStmt, fx_nothing}, {T_AlterDatabaseSetStmt, fx_nothing}, {T_ConstraintsSetStmt, fx_set_constraints},
    {T_NotifyStmt, fx_nothing}, {T_ListenStmt, fx_nothing}, {T_UnlistenStmt, fx_nothing}, {T_CheckPointStmt, fx_nothing},
    {T_DeallocateStmt, fx_nothing}, {T_CreateTransformStmt, fx_nothing}, {T_CreateAmStmt, fx_nothing},
    {T_AlterOperatorStmt, fx_nothing}, {T_AlterTSDictionaryStmt, fx_nothing}, {T_AlterTSConfigurationStmt, fx_nothing},
    {T_AlterTypeStmt, fx_nothing}, {T_AlterFdwStmt, fx_nothing}, {T_AlterForeignServerStmt, fx_nothing},
    {T_AlterUserMappingStmt, fx_nothing}, {T_DropUserMappingStmt, fx_nothing}, {T_AlterCollationStmt, fx_nothing},
    {T_AlterSystemStmt, fx_outside}, {T_CreatedbStmt, fx_outside}, {T_DropdbStmt, fx_outside},
    {T_CreateTableSpaceStmt, fx_outside}, {T_DropTableSpaceStmt, fx_outside}, {T_CreateSubscriptionStmt, fx_outside}, {T_AlterSubscriptionStmt, fx_outside},
    {T_DropSubscriptionStmt, fx_outside}, {T_AlterDatabaseStmt, fx_outside}, {T_DiscardStmt, fx_outside},
    {T_AlterDatabaseRefreshCollStmt, fx_nothing}, {T_AlterTableSpaceOptionsStmt, fx_nothing}, {T_AlterOpFamilyStmt, fx_nothing},
    {T_CreateConversionStmt, fx_nothing}, {T_LoadStmt, fx_nothing}, {T_ClosePortalStmt, fx_nothing}, {T_FetchStmt, fx_nothing},
    {T_PrepareStmt, fx_prepare}, {T_DeclareCursorStmt, fx_declare_cursor}, {T_SecLabelStmt, fx_sec_label},
    {T_AlterExtensionContentsStmt, fx_extension_contents},
    /* which relations, only the server knows */
    {T_AlterTableMoveAllStmt, fx_unknown}, {T_ImportForeignSchemaStmt, fx_unknown}, {T_ExecuteStmt, fx_unknown},
};

void fx_dispatch(struct fx *x, const Node *node) {
    for (size_t i = 0; i < PR_COUNT(kinds); i++) {
        if (nodeTag(node) != kinds[i].tag) continue;
        kinds[i].run(x, node);
        return;
    }
    x->out->unjudged = !x->s->opened;                      /* DO and CALL, when their bodies do not follow; EXECUTE … */
}

void pr_footprint_step(struct pr_world *w, const struct pr_stmt *s, struct pr_footprint *out) {
    *out = (struct pr_footprint){.stmt = s->index, .dml_rows = -1};
    w->step++;
    if (s->inside != NULL && s->inside->later && s->node != NULL) return;          /* nothing runs yet */
    if (s->node == NULL) {
        out->unjudged = true;
        w->unseen = w->unseen || (s->inside != NULL && s->inside->may_make && !s->inside->later);
        out->guessed = w->base == NULL;
        if (s->unjudged == PR_UNPARSED && s->inside != NULL && !s->inside->maybe && !s->inside->caught) {
            out->fails_sqlstate = "42601";
            out->fails_why = pr_dup(w->a, s->problem);
            out->certain_fail = true;
        }
        return;
    }
    const bool in_tx = w->in_tx;
    const struct w_rel *few[8];
    struct fx x = {.w = w, .a = w->a, .o = w->out != NULL ? w->out : w->a, .s = s, .out = out, .outer_tx = in_tx, .touched = few, .cap_touched = PR_COUNT(few)};
    if (s->inside == NULL && !in_tx) w_end(w);
    w->in_tx = in_tx || s->inside != NULL;                 /* a body is always within a transaction */
    if (s->inside != NULL) fx_inside(&x);
    if (!x.stop) fx_dispatch(&x, s->node);
    if (s->inside != NULL) fx_inside_done(&x);
    if (s->inside != NULL) w->in_tx = in_tx;
    out->outside_tx = out->outside_tx || pr_stmt_outside_tx(s);
    fx_finish(&x);
    if (!w->in_tx && s->inside == NULL) w_end(w);          /* each statement its own transaction */
}
