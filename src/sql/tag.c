/* tag.c: the command tag of a raw statement. Source  PostgreSQL, src/backend/tcop/utility.c, CreateCommandTag */
#include "sql/nodes.h"

#include "sql/internal.h"

struct tag {
    NodeTag node;
    const char *tag;
};

/* Statements whose tag depends on nothing but their kind. */
static const struct tag tags[] = {
    {T_InsertStmt, "INSERT"}, {T_DeleteStmt, "DELETE"}, {T_UpdateStmt, "UPDATE"}, {T_MergeStmt, "MERGE"},
    {T_PLAssignStmt, "SELECT"}, {T_ReturnStmt, "SELECT"},
    {T_CallStmt, "CALL"}, {T_DoStmt, "DO"}, {T_CopyStmt, "COPY"}, {T_ExplainStmt, "EXPLAIN"}, {T_PrepareStmt, "PREPARE"},
    {T_ExecuteStmt, "EXECUTE"}, {T_DeclareCursorStmt, "DECLARE CURSOR"}, {T_TruncateStmt, "TRUNCATE TABLE"},
    {T_CommentStmt, "COMMENT"}, {T_SecLabelStmt, "SECURITY LABEL"}, {T_NotifyStmt, "NOTIFY"}, {T_ListenStmt, "LISTEN"},
    {T_UnlistenStmt, "UNLISTEN"}, {T_LoadStmt, "LOAD"}, {T_ClusterStmt, "CLUSTER"}, {T_CheckPointStmt, "CHECKPOINT"},
    {T_LockStmt, "LOCK TABLE"}, {T_ConstraintsSetStmt, "SET CONSTRAINTS"}, {T_ReindexStmt, "REINDEX"},
    {T_VariableShowStmt, "SHOW"}, {T_RefreshMatViewStmt, "REFRESH MATERIALIZED VIEW"},
    {T_CreateStmt, "CREATE TABLE"}, {T_CreateForeignTableStmt, "CREATE FOREIGN TABLE"}, {T_CreateSchemaStmt, "CREATE SCHEMA"},
    {T_IndexStmt, "CREATE INDEX"}, {T_ViewStmt, "CREATE VIEW"}, {T_RuleStmt, "CREATE RULE"}, {T_CreateSeqStmt, "CREATE SEQUENCE"},
    {T_AlterSeqStmt, "ALTER SEQUENCE"}, {T_CreateTrigStmt, "CREATE TRIGGER"}, {T_CreateEventTrigStmt, "CREATE EVENT TRIGGER"},
    {T_AlterEventTrigStmt, "ALTER EVENT TRIGGER"}, {T_CreatePolicyStmt, "CREATE POLICY"}, {T_AlterPolicyStmt, "ALTER POLICY"},
    {T_CreateDomainStmt, "CREATE DOMAIN"}, {T_AlterDomainStmt, "ALTER DOMAIN"}, {T_CreateEnumStmt, "CREATE TYPE"},
    {T_CreateRangeStmt, "CREATE TYPE"}, {T_CompositeTypeStmt, "CREATE TYPE"}, {T_AlterEnumStmt, "ALTER TYPE"},
    {T_AlterTypeStmt, "ALTER TYPE"}, {T_CreateExtensionStmt, "CREATE EXTENSION"}, {T_AlterExtensionStmt, "ALTER EXTENSION"},
    {T_AlterExtensionContentsStmt, "ALTER EXTENSION"}, {T_CreateStatsStmt, "CREATE STATISTICS"},
    {T_AlterStatsStmt, "ALTER STATISTICS"}, {T_CreateCastStmt, "CREATE CAST"}, {T_CreateConversionStmt, "CREATE CONVERSION"},
    {T_CreateTransformStmt, "CREATE TRANSFORM"}, {T_CreatePLangStmt, "CREATE LANGUAGE"},
    {T_CreateOpClassStmt, "CREATE OPERATOR CLASS"}, {T_CreateOpFamilyStmt, "CREATE OPERATOR FAMILY"},
    {T_AlterOpFamilyStmt, "ALTER OPERATOR FAMILY"}, {T_AlterOperatorStmt, "ALTER OPERATOR"},
    {T_AlterCollationStmt, "ALTER COLLATION"}, {T_CreateAmStmt, "CREATE ACCESS METHOD"}, {T_CreateFdwStmt, "CREATE FOREIGN DATA WRAPPER"},
    {T_AlterFdwStmt, "ALTER FOREIGN DATA WRAPPER"}, {T_CreateForeignServerStmt, "CREATE SERVER"},
    {T_AlterForeignServerStmt, "ALTER SERVER"}, {T_CreateUserMappingStmt, "CREATE USER MAPPING"},
    {T_AlterUserMappingStmt, "ALTER USER MAPPING"}, {T_DropUserMappingStmt, "DROP USER MAPPING"},
    {T_ImportForeignSchemaStmt, "IMPORT FOREIGN SCHEMA"}, {T_CreateRoleStmt, "CREATE ROLE"}, {T_AlterRoleStmt, "ALTER ROLE"},
    {T_AlterRoleSetStmt, "ALTER ROLE"}, {T_DropRoleStmt, "DROP ROLE"}, {T_ReassignOwnedStmt, "REASSIGN OWNED"},
    {T_DropOwnedStmt, "DROP OWNED"}, {T_AlterDefaultPrivilegesStmt, "ALTER DEFAULT PRIVILEGES"},
    {T_CreateTableSpaceStmt, "CREATE TABLESPACE"}, {T_DropTableSpaceStmt, "DROP TABLESPACE"},
    {T_AlterTableSpaceOptionsStmt, "ALTER TABLESPACE"}, {T_CreatedbStmt, "CREATE DATABASE"}, {T_DropdbStmt, "DROP DATABASE"},
    {T_AlterDatabaseStmt, "ALTER DATABASE"}, {T_AlterDatabaseSetStmt, "ALTER DATABASE"},
    {T_AlterDatabaseRefreshCollStmt, "ALTER DATABASE"}, {T_AlterSystemStmt, "ALTER SYSTEM"},
    {T_CreatePublicationStmt, "CREATE PUBLICATION"}, {T_AlterPublicationStmt, "ALTER PUBLICATION"},
    {T_CreateSubscriptionStmt, "CREATE SUBSCRIPTION"}, {T_AlterSubscriptionStmt, "ALTER SUBSCRIPTION"},
    {T_DropSubscriptionStmt, "DROP SUBSCRIPTION"}, {T_AlterTSDictionaryStmt, "ALTER TEXT SEARCH DICTIONARY"},
    {T_AlterTSConfigurationStmt, "ALTER TEXT SEARCH CONFIGURATION"},
};

/* Kinds of objects under CREATE (DefineStmt), DROP and ALTER; NULL where the word does not exist. */
struct object {
    ObjectType type;
    const char *create, *drop, *alter;
};
static const struct object objects[] = {
    {OBJECT_TABLE, "CREATE TABLE", "DROP TABLE", "ALTER TABLE"},
    {OBJECT_INDEX, "CREATE INDEX", "DROP INDEX", "ALTER INDEX"},
    {OBJECT_VIEW, "CREATE VIEW", "DROP VIEW", "ALTER VIEW"},
    {OBJECT_MATVIEW, "CREATE MATERIALIZED VIEW", "DROP MATERIALIZED VIEW", "ALTER MATERIALIZED VIEW"},
    {OBJECT_SEQUENCE, "CREATE SEQUENCE", "DROP SEQUENCE", "ALTER SEQUENCE"},
    {OBJECT_FOREIGN_TABLE, "CREATE FOREIGN TABLE", "DROP FOREIGN TABLE", "ALTER FOREIGN TABLE"},
    {OBJECT_TYPE, "CREATE TYPE", "DROP TYPE", "ALTER TYPE"},
    {OBJECT_ATTRIBUTE, NULL, NULL, "ALTER TYPE"},
    {OBJECT_DOMAIN, "CREATE DOMAIN", "DROP DOMAIN", "ALTER DOMAIN"},
    {OBJECT_DOMCONSTRAINT, NULL, NULL, "ALTER DOMAIN"},
    {OBJECT_COLUMN, NULL, NULL, "ALTER TABLE"},
    {OBJECT_TABCONSTRAINT, NULL, NULL, "ALTER TABLE"},
    {OBJECT_TRIGGER, "CREATE TRIGGER", "DROP TRIGGER", "ALTER TRIGGER"},
    {OBJECT_EVENT_TRIGGER, "CREATE EVENT TRIGGER", "DROP EVENT TRIGGER", "ALTER EVENT TRIGGER"},
    {OBJECT_RULE, "CREATE RULE", "DROP RULE", "ALTER RULE"},
    {OBJECT_POLICY, "CREATE POLICY", "DROP POLICY", "ALTER POLICY"},
    {OBJECT_FUNCTION, "CREATE FUNCTION", "DROP FUNCTION", "ALTER FUNCTION"},
    {OBJECT_PROCEDURE, "CREATE PROCEDURE", "DROP PROCEDURE", "ALTER PROCEDURE"},
    {OBJECT_ROUTINE, NULL, "DROP ROUTINE", "ALTER ROUTINE"},
    {OBJECT_AGGREGATE, "CREATE AGGREGATE", "DROP AGGREGATE", "ALTER AGGREGATE"},
    {OBJECT_OPERATOR, "CREATE OPERATOR", "DROP OPERATOR", "ALTER OPERATOR"},
    {OBJECT_OPCLASS, "CREATE OPERATOR CLASS", "DROP OPERATOR CLASS", "ALTER OPERATOR CLASS"},
    {OBJECT_OPFAMILY, "CREATE OPERATOR FAMILY", "DROP OPERATOR FAMILY", "ALTER OPERATOR FAMILY"},
    {OBJECT_COLLATION, "CREATE COLLATION", "DROP COLLATION", "ALTER COLLATION"},
    {OBJECT_CONVERSION, "CREATE CONVERSION", "DROP CONVERSION", "ALTER CONVERSION"},
    {OBJECT_CAST, "CREATE CAST", "DROP CAST", NULL},
    {OBJECT_TRANSFORM, "CREATE TRANSFORM", "DROP TRANSFORM", NULL},
    {OBJECT_LANGUAGE, "CREATE LANGUAGE", "DROP LANGUAGE", "ALTER LANGUAGE"},
    {OBJECT_ACCESS_METHOD, "CREATE ACCESS METHOD", "DROP ACCESS METHOD", NULL},
    {OBJECT_SCHEMA, "CREATE SCHEMA", "DROP SCHEMA", "ALTER SCHEMA"},
    {OBJECT_DATABASE, "CREATE DATABASE", "DROP DATABASE", "ALTER DATABASE"},
    {OBJECT_TABLESPACE, "CREATE TABLESPACE", "DROP TABLESPACE", "ALTER TABLESPACE"},
    {OBJECT_ROLE, "CREATE ROLE", "DROP ROLE", "ALTER ROLE"},
    {OBJECT_EXTENSION, "CREATE EXTENSION", "DROP EXTENSION", "ALTER EXTENSION"},
    {OBJECT_FDW, "CREATE FOREIGN DATA WRAPPER", "DROP FOREIGN DATA WRAPPER", "ALTER FOREIGN DATA WRAPPER"},
    {OBJECT_FOREIGN_SERVER, "CREATE SERVER", "DROP SERVER", "ALTER SERVER"},
    {OBJECT_USER_MAPPING, "CREATE USER MAPPING", "DROP USER MAPPING", "ALTER USER MAPPING"},
    {OBJECT_PUBLICATION, "CREATE PUBLICATION", "DROP PUBLICATION", "ALTER PUBLICATION"},
    {OBJECT_SUBSCRIPTION, "CREATE SUBSCRIPTION", "DROP SUBSCRIPTION", "ALTER SUBSCRIPTION"},
    {OBJECT_STATISTIC_EXT, "CREATE STATISTICS", "DROP STATISTICS", "ALTER STATISTICS"},
    {OBJECT_TSCONFIGURATION, "CREATE TEXT SEARCH CONFIGURATION", "DROP TEXT SEARCH CONFIGURATION",
     "ALTER TEXT SEARCH CONFIGURATION"},
    {OBJECT_TSDICTIONARY, "CREATE TEXT SEARCH DICTIONARY", "DROP TEXT SEARCH DICTIONARY", "ALTER TEXT SEARCH DICTIONARY"},
    {OBJECT_TSPARSER, "CREATE TEXT SEARCH PARSER", "DROP TEXT SEARCH PARSER", "ALTER TEXT SEARCH PARSER"},
    {OBJECT_TSTEMPLATE, "CREATE TEXT SEARCH TEMPLATE", "DROP TEXT SEARCH TEMPLATE", "ALTER TEXT SEARCH TEMPLATE"},
    {OBJECT_LARGEOBJECT, NULL, NULL, "ALTER LARGE OBJECT"},
};

static const struct object *object_of(ObjectType type) {
    static const struct object unknown = {.create = "CREATE", .drop = "DROP", .alter = "ALTER"};
    for (size_t i = 0; i < PR_COUNT(objects); i++) {
        if (objects[i].type == type) return &objects[i];
    }
    return &unknown;
}

static const char *or_else(const char *tag, const char *fallback) { return tag != NULL ? tag : fallback; }
static const char *alter_tag(ObjectType type) { return or_else(object_of(type)->alter, "ALTER"); }

static const char *transaction_tag(const TransactionStmt *t) {
    switch (t->kind) {
    case TRANS_STMT_BEGIN: return "BEGIN";
    case TRANS_STMT_START: return "START TRANSACTION";
    case TRANS_STMT_COMMIT: return "COMMIT";
    case TRANS_STMT_ROLLBACK:
    case TRANS_STMT_ROLLBACK_TO: return "ROLLBACK";
    case TRANS_STMT_SAVEPOINT: return "SAVEPOINT";
    case TRANS_STMT_RELEASE: return "RELEASE";
    case TRANS_STMT_PREPARE: return "PREPARE TRANSACTION";
    case TRANS_STMT_COMMIT_PREPARED: return "COMMIT PREPARED";
    case TRANS_STMT_ROLLBACK_PREPARED: return "ROLLBACK PREPARED";
    }
    return "?";
}

static const char *discard_tag(const DiscardStmt *d) {
    switch (d->target) {
    case DISCARD_ALL: return "DISCARD ALL";
    case DISCARD_PLANS: return "DISCARD PLANS";
    case DISCARD_SEQUENCES: return "DISCARD SEQUENCES";
    case DISCARD_TEMP: return "DISCARD TEMP";
    }
    return "?";
}

static const char *set_tag(const VariableSetStmt *s) {
    return s->kind == VAR_RESET || s->kind == VAR_RESET_ALL ? "RESET" : "SET";
}

static const char *select_tag(const SelectStmt *s) { return s->intoClause != NULL ? "SELECT INTO" : "SELECT"; }

static const char *create_as_tag(const CreateTableAsStmt *c) {
    if (c->objtype == OBJECT_MATVIEW) return "CREATE MATERIALIZED VIEW";
    return c->is_select_into ? "SELECT INTO" : "CREATE TABLE AS";
}

/* RENAME names the kind of the relation where it renames a part of one. */
static const char *rename_tag(const RenameStmt *r) {
    const bool part = r->renameType == OBJECT_COLUMN || r->renameType == OBJECT_ATTRIBUTE;
    return alter_tag(part ? r->relationType : r->renameType);
}

/* Statements whose tag depends on more than their kind. */
static const char *special_tag(const Node *node) {
    switch ((int)nodeTag(node)) {
    case T_SelectStmt: return select_tag(pr_cast(SelectStmt, node));
    case T_TransactionStmt: return transaction_tag(pr_cast(TransactionStmt, node));
    case T_DiscardStmt: return discard_tag(pr_cast(DiscardStmt, node));
    case T_VariableSetStmt: return set_tag(pr_cast(VariableSetStmt, node));
    case T_CreateTableAsStmt: return create_as_tag(pr_cast(CreateTableAsStmt, node));
    case T_RenameStmt: return rename_tag(pr_cast(RenameStmt, node));
    case T_DefineStmt: return or_else(object_of(pr_cast(DefineStmt, node)->kind)->create, "CREATE");
    case T_DropStmt: return or_else(object_of(pr_cast(DropStmt, node)->removeType)->drop, "DROP");
    case T_AlterTableStmt: return alter_tag(pr_cast(AlterTableStmt, node)->objtype);
    case T_AlterTableMoveAllStmt: return alter_tag(pr_cast(AlterTableMoveAllStmt, node)->objtype);
    case T_AlterObjectSchemaStmt: return alter_tag(pr_cast(AlterObjectSchemaStmt, node)->objectType);
    case T_AlterObjectDependsStmt: return alter_tag(pr_cast(AlterObjectDependsStmt, node)->objectType);
    case T_AlterOwnerStmt: return alter_tag(pr_cast(AlterOwnerStmt, node)->objectType);
    case T_AlterFunctionStmt: return alter_tag(pr_cast(AlterFunctionStmt, node)->objtype);
    case T_CreateFunctionStmt: return pr_cast(CreateFunctionStmt, node)->is_procedure ? "CREATE PROCEDURE" : "CREATE FUNCTION";
    case T_GrantStmt: return pr_cast(GrantStmt, node)->is_grant ? "GRANT" : "REVOKE";
    case T_GrantRoleStmt: return pr_cast(GrantRoleStmt, node)->is_grant ? "GRANT ROLE" : "REVOKE ROLE";
    case T_VacuumStmt: return pr_cast(VacuumStmt, node)->is_vacuumcmd ? "VACUUM" : "ANALYZE";
    case T_FetchStmt: return pr_cast(FetchStmt, node)->ismove ? "MOVE" : "FETCH";
    case T_ClosePortalStmt: return pr_cast(ClosePortalStmt, node)->portalname == NULL ? "CLOSE CURSOR ALL" : "CLOSE CURSOR";
    case T_DeallocateStmt: return pr_cast(DeallocateStmt, node)->name == NULL ? "DEALLOCATE ALL" : "DEALLOCATE";
    default: return NULL;
    }
}

const char *pr_node_tag(const Node *node) {
    const char *tag = special_tag(node);
    for (size_t i = 0; tag == NULL && i < PR_COUNT(tags); i++) {
        if (tags[i].node == nodeTag(node)) tag = tags[i].tag;
    }
    return or_else(tag, "?");
}
