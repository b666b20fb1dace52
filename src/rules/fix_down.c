/* fix_down.c: what other statements have to do with one that moves: the one that takes it back, those that it is moved past. */
#include "sql/nodes.h"

#include "rules/fix_impl.h"
#include "rules/fix_make.h"

static bool names_index(const DropStmt *ds, const char *name) {
    ListCell *lc;
    foreach (lc, ds->objects)
        if (pr_eq(strVal(llast(lfirst_node(List, lc))), name)) return true;
    return false;
}

static bool drops_table(const DropStmt *ds, const char *name) { return ds->removeType == OBJECT_TABLE && names_index(ds, name); }

/* The command of an ALTER TABLE that takes it back; *covered: one that drops the column with all that is on it. */
static const AlterTableCmd *undoing(const AlterTableStmt *at, const struct pr_fix *fix, bool *covered) {
    if (at->relation == NULL || !pr_eq(at->relation->relname, fix->undo_relation)) return NULL;
    const AlterTableType wanted = fix->undo_kind == PR_UNDO_NOT_NULL ? AT_DropNotNull : AT_DropConstraint;
    ListCell *lc;
    foreach (lc, at->cmds) {
        const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);
        if (cmd->subtype == wanted && pr_eq(cmd->name, fix->undo_name)) return cmd;
        if (cmd->subtype == AT_DropColumn && fix->undo_kind == PR_UNDO_NOT_NULL && pr_eq(cmd->name, fix->undo_name)) *covered = true;
    }
    return NULL;
}

struct pr_undone pr_fix_undone(const struct pr_script *down, const struct pr_fix *fix, struct pr_arena *a) {
    struct pr_undone u = {.how = PR_UNDONE_NOWHERE};
    struct pr_findings none = {.a = a};
    for (size_t i = 0; i < down->n; i++) {
        const struct pr_stmt *s = &down->stmts[i];
        const DropStmt *ds = pr_as(DropStmt, s->node);
        const AlterTableStmt *at = pr_as(AlterTableStmt, s->node);
        bool covered = ds != NULL && fix->undo_relation != NULL && drops_table(ds, fix->undo_relation);
        u = (struct pr_undone){.stmt = s->index, .from = s->offset, .to = s->offset + s->len};
        if (fix->undo_kind == PR_UNDO_INDEX && ds != NULL && ds->removeType == OBJECT_INDEX && names_index(ds, fix->undo_name)) {
            u.how = list_length(ds->objects) == 1 ? PR_UNDONE_ALONE : PR_UNDONE_AMONG;
            return u;
        }
        const AlterTableCmd *cmd = at != NULL && fix->undo_kind != PR_UNDO_INDEX ? undoing(at, fix, &covered) : NULL;
        const struct pr_rule_ctx c = {.script = down, .stmt = s, .out = &none};
        if (cmd != NULL) {
            u.how = list_length(at->cmds) == 1 ? PR_UNDONE_ALONE : PR_UNDONE_AMONG;
            if (fix->undo_becomes != NULL && !pr_cmd_span(&c, at, cmd, &u.from, &u.to)) u.how = PR_UNDONE_NOWHERE;
            return u;
        }
        if (covered) return (struct pr_undone){.how = PR_UNDONE_COVERED};
    }
    return (struct pr_undone){.how = PR_UNDONE_NOWHERE};
}

static bool leaves_constraints(const AlterTableStmt *at) {
    ListCell *lc;
    foreach (lc, at->cmds) {
        const AlterTableType t = lfirst_node(AlterTableCmd, lc)->subtype;
        if (t != AT_AddColumn && t != AT_AddConstraint && t != AT_SetNotNull && t != AT_ColumnDefault) return false;
    }
    return true;
}

/* What neither takes away what is to be validated nor needs it valid. */
static bool is_harmless(const struct pr_stmt *s) {
    const Node *n = s->node;
    if (IsA(n, AlterTableStmt)) return leaves_constraints(pr_cast(AlterTableStmt, n));
    if (IsA(n, CommentStmt)) return pr_cast(CommentStmt, n)->objtype == OBJECT_TABLE || pr_cast(CommentStmt, n)->objtype == OBJECT_COLUMN;
    return IsA(n, IndexStmt) || IsA(n, InsertStmt) || IsA(n, UpdateStmt) || IsA(n, DeleteStmt) || IsA(n, CreateStmt) || IsA(n, GrantStmt);
}

bool pr_fix_passes(const struct pr_script *s, int i, int j, const char *name, bool gone, struct pr_arena *a) {
    const struct pr_stmt *other = &s->stmts[j];
    if (other->node == NULL || IsA(other->node, DoStmt) || IsA(other->node, CallStmt) || IsA(other->node, SelectStmt)) return false;
    struct pr_name *mine = NULL, *theirs = NULL;
    const size_t n = pr_stmt_names(&s->stmts[i], a, &mine), m = pr_stmt_names(other, a, &theirs);
    for (size_t k = 0; k < m; k++) {
        if (pr_eq(theirs[k].name, name)) return false;
        for (size_t l = 0; l < n; l++)
            if (pr_eq(mine[l].name, theirs[k].name) && (gone || !is_harmless(other))) return false;
    }
    return true;
}
