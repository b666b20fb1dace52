/* help_sql.c: names and statements of the safe way, with the real names. */
#include "sql/nodes.h"

#include "rules/help.h"

enum { NAME_MAX_BYTES = 63 };

const char *pr_rv_name(const struct pr_rule_ctx *c, const RangeVar *rv) {
    return pr_qualified(PR_A(c), rv->schemaname, rv->relname);
}

const char *pr_id(const struct pr_rule_ctx *c, const char *name) { return pr_quote_ident(PR_A(c), name); }

const char *pr_list_names(const struct pr_rule_ctx *c, const List *strings, const char *sep) {
    struct pr_buf b = {.a = PR_A(c)};
    ListCell *lc;
    foreach (lc, strings) pr_addf(&b, "%s%s", b.len > 0 ? sep : "", pr_id(c, strVal(lfirst(lc))));
    return pr_buf_text(&b);
}

/* At most `room` bytes of s, without cutting a character. */
static size_t whole_chars(const char *s, size_t room) {
    size_t n = strlen(s);
    if (n <= room) return n;
    for (n = room; n > 0 && ((unsigned char)s[n] & 0xC0) == 0x80;) n--;
    return n;
}

const char *pr_object_name(const struct pr_rule_ctx *c, const char *table, const List *cols, const char *suffix) {
    struct pr_buf b = {.a = PR_A(c)};
    pr_add(&b, table);
    ListCell *lc;
    foreach (lc, cols) pr_addf(&b, "_%s", strVal(lfirst(lc)));
    const size_t tail = strlen(suffix) + 1, room = tail < NAME_MAX_BYTES ? NAME_MAX_BYTES - tail : 0;
    const size_t keep = whole_chars(pr_buf_text(&b), room);
    const char *name = pr_fmt(PR_A(c), "%.*s_%s", (int)keep, pr_buf_text(&b), suffix);
    return pr_dupn(PR_A(c), name, whole_chars(name, NAME_MAX_BYTES));
}

const char *pr_dotted(const struct pr_rule_ctx *c, const List *names, const char **schema, const char **name) {
    const int n = list_length(names);
    const char *last = n > 0 ? strVal(llast(names)) : "";
    const char *first = n > 1 ? strVal(list_nth(names, n - 2)) : NULL;
    if (schema != NULL) *schema = first;
    if (name != NULL) *name = last;
    return pr_qualified(PR_A(c), first, last);
}

const char *pr_sql_of(const struct pr_rule_ctx *c, const void *node) {
    const struct pr_stmt s = {.node = node, .text = "", .tag = "?"};
    struct pr_err e = {0};
    const char *text = NULL;
    if (pr_stmt_deparse(&s, PR_A(c), &text, &e) != PR_OK) return NULL;
    return pr_fmt(PR_A(c), "%s;", text);
}

const char *pr_sql_cmd(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd) {
    AlterTableCmd only = *cmd;
    ListCell cell = {.ptr_value = &only};
    List one = {.type = T_List, .length = 1, .max_length = 1, .elements = &cell};
    AlterTableStmt copy = *at;
    copy.cmds = &one;
    return pr_sql_of(c, &copy);
}

const char *pr_sql_column_without(const struct pr_rule_ctx *c, const AlterTableStmt *at, const AlterTableCmd *cmd, ConstrType one, ConstrType two) {
    ColumnDef bare = *(const ColumnDef *)(const void *)cmd->def;
    List *rest = PR_NEW(PR_A(c), List);
    *rest = (List){.type = T_List, .elements = PR_NEW_ARRAY(PR_A(c), ListCell, (size_t)list_length(bare.constraints) + 1)};
    ListCell *lc;
    bool dropped = false;                                   /* DEFERRABLE and its like follow what they belong to */
    foreach (lc, bare.constraints) {
        const Constraint *con = lfirst_node(Constraint, lc);
        const bool attribute = con->contype >= CONSTR_ATTR_DEFERRABLE;      /* the last ones of the enum */
        if (!attribute) dropped = con->contype == one || con->contype == two;
        if (!dropped) rest->elements[rest->length++].ptr_value = lfirst(lc);
    }
    rest->max_length = rest->length;
    bare.constraints = rest->length > 0 ? rest : NIL;
    AlterTableCmd copy = *cmd;
    copy.def = (Node *)&bare;
    return pr_sql_cmd(c, at, &copy);
}

/* The text of a type has no printer of its own: that of an ALTER TABLE … ADD COLUMN is cut out. */
const char *pr_type_text(const struct pr_rule_ctx *c, const TypeName *type) {
    TypeName copy = *type;
    char name[] = "c", table[] = "t";
    ColumnDef col = {.type = T_ColumnDef, .colname = name, .typeName = &copy, .is_local = true};
    AlterTableCmd cmd = {.type = T_AlterTableCmd, .subtype = AT_AddColumn, .def = (Node *)&col};
    RangeVar rv = {.type = T_RangeVar, .relname = table, .inh = true, .relpersistence = RELPERSISTENCE_PERMANENT};
    const AlterTableStmt at = {.type = T_AlterTableStmt, .relation = &rv, .objtype = OBJECT_TABLE};
    const char *sql = pr_sql_cmd(c, &at, &cmd);
    static const char begin[] = "ALTER TABLE t ADD COLUMN c ";
    if (sql == NULL || !pr_starts(sql, begin)) return "?";
    return pr_dupn(PR_A(c), sql + sizeof begin - 1, strlen(sql) - sizeof begin);
}

const char *pr_sql_not_valid(const struct pr_rule_ctx *c, const AlterTableStmt *at, const Constraint *con, const char *name) {
    Constraint copy = *con;
    copy.conname = pr_dup(PR_A(c), name);
    copy.skip_validation = true;
    copy.initially_valid = false;
    const AlterTableCmd cmd = {.type = T_AlterTableCmd, .subtype = AT_AddConstraint, .def = (Node *)&copy};
    const char *add = pr_sql_cmd(c, at, &cmd);
    if (add == NULL) return NULL;
    return pr_fmt(PR_A(c), "%s\n-- in a transaction of its own:\nALTER TABLE %s VALIDATE CONSTRAINT %s;", add,
                  pr_rv_name(c, at->relation), pr_id(c, name));
}

const char *pr_sql_key(const struct pr_rule_ctx *c, const RangeVar *rv, const char *columns, const char *name, const char *kind) {
    const char *t = pr_rv_name(c, rv), *con = pr_id(c, name);
    return pr_fmt(PR_A(c), "CREATE UNIQUE INDEX CONCURRENTLY %s ON %s (%s);\nALTER TABLE %s ADD CONSTRAINT %s %s USING INDEX %s;", con, t, columns, t,
                  con, kind, con);
}

const char *pr_sql_not_null(const struct pr_rule_ctx *c, const RangeVar *rv, const char *column) {
    const char *t = pr_rv_name(c, rv), *col = pr_id(c, column);
    const char *con = pr_id(c, pr_object_name(c, rv->relname, NIL, pr_fmt(PR_A(c), "%s_not_null", column)));
    if (c->version_num >= 180000)
        return pr_fmt(PR_A(c), "ALTER TABLE %s ADD CONSTRAINT %s NOT NULL %s NOT VALID;\n-- in a transaction of its own:\n"
                      "ALTER TABLE %s VALIDATE CONSTRAINT %s;", t, con, col, t, con);
    return pr_fmt(PR_A(c), "ALTER TABLE %s ADD CONSTRAINT %s CHECK (%s IS NOT NULL) NOT VALID;\n"
                  "-- in a transaction of its own:\nALTER TABLE %s VALIDATE CONSTRAINT %s;\n"
                  "-- and then, as two statements:\nALTER TABLE %s ALTER COLUMN %s SET NOT NULL;\n"
                  "ALTER TABLE %s DROP CONSTRAINT %s;", t, con, col, t, con, t, col, t, con);
}
