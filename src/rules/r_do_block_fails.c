#include "sql/nodes.h"

#include "rules/help.h"

static void check(const struct pr_rule_ctx *c) {
    if (!pr_body_refuses(c)) return;
    const bool commit = pr_eq(c->fp->fails_sqlstate, "2D000");
    pr_report(c, &(struct pr_hit){.level = c->fp->certain_fail ? PR_ERROR : PR_WARNING,
        .title = pr_fmt(PR_A(c), "the block %s fail with %s: %s", c->fp->certain_fail ? "will" : "may", c->fp->fails_sqlstate, c->fp->fails_why),
        .safe_way = commit ? "Let it run outside a transaction, in a file of its own; or leave the commits to a backfill (pgrail backfill)." : NULL});
}

PR_RULE(do_block_fails) = {
    .id = "do-block-fails", .family = PR_F_FAILURE, .level = PR_ERROR,
    .title = "PL/pgSQL refuses this statement when it comes to it",
    .why = "PL/pgSQL accepts the text and finds out when it runs it: no test that does not come to this line shows it.",
    .safe_way = "PERFORM for a query whose rows nobody wants, INTO for one whose rows somebody does; transactions and COPY outside of the block.",
    .source = "https://www.postgresql.org/docs/current/plpgsql-transactions.html",
    .claim = {.fails = "2D000"},
    .setup = "CREATE TABLE t (a int)",
    .bad = (const char *const[]){"DO $$ BEGIN UPDATE t SET a = 1 WHERE a = 2; COMMIT; END $$",
                                 "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$; CALL p()", NULL},
    .good = (const char *const[]){"DO $$ BEGIN PERFORM a FROM t; UPDATE t SET a = 1 WHERE a = 2; END $$",
                                  "DO $$ DECLARE n int; BEGIN SELECT count(*) INTO n FROM t; END $$",
                                  "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$", NULL},
    .names_failure = true, .check = check,
};
