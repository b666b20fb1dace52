/* rollback.c: what kind of way back this is. Three of the four are not "run the down script", and saying so first is half of
 * the help: most rollbacks of an additive change need the old application and nothing else. */
#include "apply/flight.h"

const char *pr_rollback_name(enum pr_rollback_kind k) {
    switch (k) {
    case PR_ROLLBACK_REDEPLOY: return "redeploy";
    case PR_ROLLBACK_DOWN: return "down";
    case PR_ROLLBACK_FORWARD: return "forward";
    case PR_ROLLBACK_RESTORE: return "restore";
    }
    PR_BUG("no such kind of rollback");
}

struct side_view { size_t statements; bool loses_data, writes_rows, changes, guessed; };

/* What a side does to relations that were there before it: additive ones change nothing that an older application sees. */
static enum pr_code look_at(const struct pr_side *side, const struct pr_facts *facts, struct pr_arena *a, struct side_view *v, struct pr_err *e) {
    struct pr_script s PR_CLEANUP(pr_script_done) = {0};
    struct pr_run_footprint fp = {0};
    PR_TRY(e, pr_script_parse(side->text, side->len, a, &s, e));
    pr_footprint_script(pr_world_new(facts, facts == NULL ? 0 : facts->version_num, a), &s, pr_side_tx(side), a, &fp);
    v->statements = fp.n;
    for (size_t i = 0; i < fp.n; i++) {
        v->loses_data = v->loses_data || fp.stmts[i].loses_data;
        v->writes_rows = v->writes_rows || fp.stmts[i].dml;
        v->guessed = v->guessed || fp.stmts[i].unjudged;
        for (size_t k = 0; k < fp.stmts[i].n; k++) v->changes = v->changes || fp.stmts[i].effects[k].rewrite || fp.stmts[i].effects[k].dropped;
    }
    return PR_OK;
}

enum pr_code pr_rollback_judge(const struct pr_migration *m, const struct pr_facts *facts, struct pr_arena *a, struct pr_rollback *out,
                               struct pr_err *e) {
    struct side_view up = {0}, down = {0};
    PR_TRY(e, look_at(&m->up, facts, a, &up, e));
    if (m->down.path != NULL) PR_TRY(e, look_at(&m->down, facts, a, &down, e));
    if (up.statements == 0)
        *out = (struct pr_rollback){PR_ROLLBACK_REDEPLOY, "redeploy the application: the up script holds no statement, so there is nothing in the database to undo"};
    else if (up.loses_data)
        *out = (struct pr_rollback){PR_ROLLBACK_RESTORE, "restore data: the up lost rows or columns, and no down script brings them back. The down makes "
                                                         "the shape again, empty; the data come from a backup"};
    else if (m->down.path == NULL)
        *out = (struct pr_rollback){PR_ROLLBACK_FORWARD, "roll forward: there is no down script; write a new migration that goes on from here"};
    else if (down.statements == 0)
        *out = (struct pr_rollback){PR_ROLLBACK_FORWARD, "roll forward: the down script holds no statement; write a new migration that goes on from here"};
    else if (!up.writes_rows && !up.changes && !up.guessed && down.loses_data)
        *out = (struct pr_rollback){PR_ROLLBACK_REDEPLOY, "redeploy the application: the up only added, an older application does not see it, and nothing in the "
                                                          "database must be undone. The down would lose what was written into it since"};
    else if (down.loses_data || down.writes_rows)
        *out = (struct pr_rollback){PR_ROLLBACK_DOWN, "run the down script: it changes or loses data that were written since. Look at them first"};
    else
        *out = (struct pr_rollback){PR_ROLLBACK_DOWN, "run the down script: it takes away what the up added and loses no data; redeploying the older "
                                                      "application is often enough"};
    return PR_OK;
}
