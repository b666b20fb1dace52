/* kind.c: how a statement behaves towards transactions.
 * Source  PostgreSQL, calls of PreventInTransactionBlock (SQLSTATE 25001) in src/backend/ */
#include "sql/nodes.h"

#include "sql/internal.h"

bool pr_node_option(const List *options, const char *name, bool fallback) {
    const ListCell *lc;
    foreach (lc, options) {
        const DefElem *d = lfirst_node(DefElem, lc);
        if (strcmp(d->defname, name) != 0) continue;
        if (d->arg == NULL) return true;
        if (IsA(d->arg, Boolean)) return boolVal(d->arg);
        if (IsA(d->arg, Integer)) return intVal(d->arg) != 0;
        bool value = true;
        struct pr_err ignored = {0};
        if (IsA(d->arg, String) && pr_parse_bool(strVal(d->arg), &value, &ignored) == PR_OK) return value;
        return true;
    }
    return fallback;
}

static bool detaches_concurrently(const AlterTableStmt *at) {
    const ListCell *lc;
    foreach (lc, at->cmds) {
        const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
        if (cmd->subtype != AT_DetachPartition) continue;
        const PartitionCmd *part = pr_as(PartitionCmd, cmd->def);
        if (part != NULL && part->concurrent) return true;
    }
    return false;
}

bool pr_stmt_concurrent(const struct pr_stmt *s) {
    const Node *n = s->node;
    if (n == NULL) return false;
    switch ((int)nodeTag(n)) {
    case T_IndexStmt: return pr_cast(IndexStmt, n)->concurrent;
    case T_DropStmt: return pr_cast(DropStmt, n)->concurrent;
    case T_ReindexStmt: return pr_node_option(pr_cast(ReindexStmt, n)->params, "concurrently", false);
    case T_AlterTableStmt: return detaches_concurrently(pr_cast(AlterTableStmt, n));
    default: return false;
    }
}

/* Schema, system and database are reindexed table by table, each in a transaction of its own. */
static bool reindexes_many(const ReindexStmt *r) {
    return r->kind != REINDEX_OBJECT_INDEX && r->kind != REINDEX_OBJECT_TABLE;
}

static bool makes_slot(const CreateSubscriptionStmt *c) {
    const bool connects = pr_node_option(c->options, "connect", true);
    return connects && pr_node_option(c->options, "create_slot", true);
}

static bool refreshes(const AlterSubscriptionStmt *a) {
    if (a->kind == ALTER_SUBSCRIPTION_OPTIONS) {
        return pr_node_option(a->options, "two_phase", false) || pr_node_option(a->options, "failover", false);
    }
    const bool lists = a->kind == ALTER_SUBSCRIPTION_SET_PUBLICATION || a->kind == ALTER_SUBSCRIPTION_ADD_PUBLICATION ||
                       a->kind == ALTER_SUBSCRIPTION_DROP_PUBLICATION;
    return a->kind == ALTER_SUBSCRIPTION_REFRESH || (lists && pr_node_option(a->options, "refresh", true));
}

static bool moves_database(const AlterDatabaseStmt *a) {
    const ListCell *lc;
    foreach (lc, a->options) {
        if (strcmp(lfirst_node(DefElem, lc)->defname, "tablespace") == 0) return true;
    }
    return false;
}

static bool prepared(const TransactionStmt *t) {
    return t->kind == TRANS_STMT_COMMIT_PREPARED || t->kind == TRANS_STMT_ROLLBACK_PREPARED;
}

bool pr_stmt_outside_tx(const struct pr_stmt *s) {
    const Node *n = s->node;
    if (s->passing) return s->passing_outside_tx;
    if (n == NULL) return false;
    if (pr_stmt_concurrent(s)) return true;
    switch ((int)nodeTag(n)) {
    case T_AlterSystemStmt:
    case T_CreatedbStmt:
    case T_DropdbStmt:
    case T_CreateTableSpaceStmt:
    case T_DropTableSpaceStmt:
    case T_DropSubscriptionStmt: return true;      /* a subscription without a slot may; its catalog entry alone knows */
    case T_VacuumStmt: return pr_cast(VacuumStmt, n)->is_vacuumcmd;
    case T_ClusterStmt: return pr_cast(ClusterStmt, n)->relation == NULL;
    case T_ReindexStmt: return reindexes_many(pr_cast(ReindexStmt, n));
    case T_DiscardStmt: return pr_cast(DiscardStmt, n)->target == DISCARD_ALL;
    case T_CreateSubscriptionStmt: return makes_slot(pr_cast(CreateSubscriptionStmt, n));
    case T_AlterSubscriptionStmt: return refreshes(pr_cast(AlterSubscriptionStmt, n));
    case T_AlterDatabaseStmt: return moves_database(pr_cast(AlterDatabaseStmt, n));
    case T_TransactionStmt: return prepared(pr_cast(TransactionStmt, n));
    default: return false;
    }
}

enum pr_tx_word pr_stmt_tx_word(const struct pr_stmt *s) {
    const TransactionStmt *t = pr_as(TransactionStmt, (const Node *)s->node);
    if (t == NULL) return PR_TX_NONE;
    switch (t->kind) {
    case TRANS_STMT_BEGIN:
    case TRANS_STMT_START: return PR_TX_BEGIN;
    case TRANS_STMT_COMMIT:
    case TRANS_STMT_PREPARE: return PR_TX_COMMIT;  /* PREPARE TRANSACTION ends the block too */
    case TRANS_STMT_ROLLBACK: return PR_TX_ROLLBACK;
    case TRANS_STMT_SAVEPOINT:
    case TRANS_STMT_RELEASE:
    case TRANS_STMT_ROLLBACK_TO: return PR_TX_SAVEPOINT;
    case TRANS_STMT_COMMIT_PREPARED:
    case TRANS_STMT_ROLLBACK_PREPARED: return PR_TX_NONE;
    }
    return PR_TX_NONE;
}
