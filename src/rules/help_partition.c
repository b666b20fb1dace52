/* help_partition.c: what has to be done partition by partition, written out. */
#include "sql/nodes.h"

#include "rules/help.h"

enum { MAX_PARTITIONS_SHOWN = 50 };

/* Levels below levels have to be done one by one from below: not written here. */
const char *pr_sql_fk_by_partition(const struct pr_rule_ctx *c, const AlterTableStmt *at, const Constraint *con) {
    const struct pr_rel *r = pr_rel_of(c, at->relation);
    struct pr_buf add = {.a = PR_A(c)}, validate = {.a = PR_A(c)};
    if (r == NULL || r->n_partitions == 0 || r->n_partitions > MAX_PARTITIONS_SHOWN) return NULL;
    const char *name = con->conname != NULL ? con->conname : pr_object_name(c, at->relation->relname, con->fk_attrs, "fkey");
    Constraint fk = *con;
    fk.conname = pr_dup(PR_A(c), name);
    fk.skip_validation = true;
    fk.initially_valid = false;
    AlterTableCmd cmd = {.type = T_AlterTableCmd, .subtype = AT_AddConstraint, .def = (Node *)&fk};
    for (size_t i = 0; i < r->n_partitions; i++) {
        const char **path = NULL;
        if (pr_split(PR_A(c), r->partitions[i], '.', &path) != 2) return NULL;
        const struct pr_rel *part = pr_find_rel(c->facts, path[0], path[1]);
        if (part == NULL || part->kind != 'r') return NULL;
        RangeVar rv = {.type = T_RangeVar, .schemaname = pr_dup(PR_A(c), path[0]), .relname = pr_dup(PR_A(c), path[1]), .inh = true,
                       .relpersistence = RELPERSISTENCE_PERMANENT};
        AlterTableStmt one = *at;
        one.relation = &rv;
        const char *sql = pr_sql_cmd(c, &one, &cmd);
        if (sql == NULL) return NULL;
        pr_addf(&add, "%s\n", sql);
        pr_addf(&validate, "ALTER TABLE %s VALIDATE CONSTRAINT %s;\n", pr_rv_name(c, &rv), pr_id(c, name));
    }
    fk.skip_validation = false;
    fk.initially_valid = true;
    const char *whole = pr_sql_cmd(c, at, &cmd);
    return whole == NULL ? NULL : pr_fmt(PR_A(c), "%s-- each in a transaction of its own:\n%s-- and then, which reads nothing any more:\n%s", pr_buf_text(&add), pr_buf_text(&validate), whole);
}

const char *pr_sql_index_by_partition(const struct pr_rule_ctx *c, const IndexStmt *is) {
    const struct pr_rel *r = pr_rel_of(c, is->relation);
    IndexStmt on_parent = *is;
    RangeVar only = *is->relation;
    only.inh = false;
    on_parent.relation = &only;
    on_parent.concurrent = false;
    struct pr_buf b = {.a = PR_A(c)};
    const char *parent = pr_sql_of(c, &on_parent);
    if (parent == NULL || is->idxname == NULL || r == NULL || r->n_partitions == 0 || r->n_partitions > MAX_PARTITIONS_SHOWN) return NULL;
    pr_add(&b, parent);
    for (size_t i = 0; i < r->n_partitions; i++) {
        const char **path = NULL;
        if (pr_split(PR_A(c), r->partitions[i], '.', &path) != 2) return NULL;
        char *name = pr_dup(PR_A(c), pr_object_name(c, path[1], NIL, is->idxname));
        RangeVar part = {.type = T_RangeVar, .schemaname = pr_dup(PR_A(c), path[0]), .relname = pr_dup(PR_A(c), path[1]),
                         .inh = true, .relpersistence = RELPERSISTENCE_PERMANENT};
        IndexStmt build = *is;
        build.relation = &part;
        build.idxname = name;
        build.concurrent = true;
        const char *sql = pr_sql_of(c, &build);
        if (sql == NULL) return NULL;
        pr_addf(&b, "\n%s\nALTER INDEX %s ATTACH PARTITION %s;", sql, pr_qualified(PR_A(c), is->relation->schemaname, is->idxname),
                pr_qualified(PR_A(c), path[0], name));
    }
    return pr_buf_text(&b);
}
