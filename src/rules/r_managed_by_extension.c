#include "sql/nodes.h"

#include "rules/help.h"

static const char *advice(const char *who) {
    if (pr_eq(who, "timescaledb")) return "Its chunks are tables of their own: ALTER is passed on to every one of them, indexes are built chunk by chunk only WITH (timescaledb.transaction_per_chunk), "
                                          "and rows go by drop_chunks().";
    if (pr_eq(who, "citus")) return "The statement is sent to every shard on every worker, where another lock is taken for each; some forms are refused.";
    return "Partitions come and go by its own run_maintenance(): what is done by hand to one of them, new ones do not have, unless it is in its template.";
}

static bool is_ddl(const struct pr_rule_ctx *c) {
    switch ((int)nodeTag((const Node *)c->node)) {
    case T_AlterTableStmt: case T_IndexStmt: case T_RenameStmt: case T_DropStmt: case T_TruncateStmt: case T_CreateTrigStmt: case T_AlterObjectSchemaStmt: return true;
    case T_CreateStmt: return pr_cast(CreateStmt, c->node)->partbound != NULL;
    default: return false;
    }
}

static void check(const struct pr_rule_ctx *c) {
    if (!is_ddl(c)) return;
    for (size_t i = 0; i < c->fp->n; i++) {
        const struct pr_effect *f = &c->fp->effects[i];
        const struct pr_rel *r = pr_rel_named(c, f->schema, f->name);
        if (r == NULL || r->managed_by == NULL || f->lock < PR_SHARE_UPDATE_EXCLUSIVE) continue;
        const struct pr_span at = pr_word_at(c, r->name, 0);
        pr_report(c, &(struct pr_hit){.level = PR_WARNING, .offset = at.offset, .len = at.len, .what = advice(r->managed_by),
            .title = pr_fmt(PR_A(c), "%s is managed by %s: %s by hand goes past it", pr_qualified(PR_A(c), NULL, r->name), r->managed_by, c->stmt->tag)});
        return;
    }
}

PR_RULE(managed_by_extension) = {
    .id = "managed-by-extension", .family = PR_F_COMPATIBILITY, .level = PR_WARNING,
    .title = "DDL by hand on a table that an extension manages",
    .why = "pg_partman, TimescaleDB and Citus make and drop partitions, chunks or shards by themselves: a statement fans out to all of them, is refused, or is missing on the next one. "
           "What they do with it is not predicted here.",
    .safe_way = "The extension's own call where there is one; and a rehearsal on a copy that has the extension.",
    .source = "https://github.com/pgpartman/pg_partman; https://docs.timescale.com; https://docs.citusdata.com",
    .claim = {.lock = PR_ACCESS_EXCLUSIVE},
    .setup = "CREATE TABLE t (a int); CREATE TABLE u (a int); INSERT INTO t VALUES (1); CREATE SCHEMA _timescaledb_functions; "
             "CREATE FUNCTION _timescaledb_functions.insert_blocker() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$; "
             "CREATE TRIGGER ts_insert_blocker BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION _timescaledb_functions.insert_blocker()",
    .bad = (const char *const[]){"ALTER TABLE t ADD COLUMN b int", NULL},
    .good = (const char *const[]){"ALTER TABLE u ADD COLUMN b int", "SELECT a FROM t", NULL},
    .needs_facts = true, .check = check,
};
