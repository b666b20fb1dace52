#include "sql/nodes.h"

#include "rules/help.h"

static void check(const struct pr_rule_ctx *c) {
    const AlterDomainStmt *ad = c->node;
    if (!IsA(c->node, AlterDomainStmt)) return;
    const struct pr_effect *worst = NULL;
    struct pr_buf tables = {.a = PR_A(c)};
    for (size_t i = 0; i < c->fp->n; i++) {
        const struct pr_effect *f = &c->fp->effects[i];
        if (f->own || f->created || !f->scan) continue;
        pr_addf(&tables, "%s%s", tables.len > 0 ? ", " : "", f->name);
        if (worst == NULL || f->bytes > worst->bytes) worst = f;
    }
    if (worst == NULL) return;
    const char *name = NULL;
    const char *shown = pr_dotted(c, ad->typeName, NULL, &name);
    const char *title = pr_fmt(PR_A(c), "ALTER DOMAIN %s reads every table that uses it and stops its writers: %s", shown, pr_buf_text(&tables));
    pr_report_block(c, worst, pr_word_at(c, name, 0), title, NULL);
}

PR_RULE(domain_alter_validate) = {
    .id = "domain-alter-validate", .family = PR_F_BLOCKING, .level = PR_ERROR,
    .title = "ALTER DOMAIN reads every table that uses it and stops its writers",
    .why = "SHARE is taken on every table with a column of the domain, and each is read, also by VALIDATE CONSTRAINT and SET NOT NULL; all in one transaction.",
    .safe_way = "A CHECK on each table: NOT VALID, then VALIDATE, which lets writers pass. A domain's constraint NOT VALID is instant, but its VALIDATE is not.",
    .source = "measured on 13 to 18; src/backend/commands/typecmds.c, validateDomainCheckConstraint",
    .claim = {.lock = PR_SHARE, .scans = true},
    .setup = "CREATE DOMAIN d AS int; CREATE TABLE t (a d); INSERT INTO t SELECT generate_series(1, 1000); ANALYZE t; ALTER DOMAIN d ADD CONSTRAINT late CHECK (VALUE < 100000) NOT VALID",
    .bad = (const char *const[]){"ALTER DOMAIN d ADD CONSTRAINT pos CHECK (VALUE > 0)", "ALTER DOMAIN d SET NOT NULL", "ALTER DOMAIN d VALIDATE CONSTRAINT late", NULL},
    .good = (const char *const[]){"ALTER DOMAIN d ADD CONSTRAINT pos CHECK (VALUE > 0) NOT VALID", "ALTER DOMAIN d SET DEFAULT 3", NULL},
    .needs_facts = true, .check = check,
};
