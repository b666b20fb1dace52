/* rig.c: the three sessions on the copy: one works, one watches, one knocks. */
#include "rehearse/inside.h"

enum pr_code pr_rig_open(const struct pr_rehearse *r, const struct pr_copy *copy, const struct pr_session *s,
                         struct pr_arena *a, struct pr_rig *out, struct pr_err *e) {
    const struct pr_pg_ident *id = NULL;
    out->r = r;
    out->a = a;
    PR_TRY(e, pr_copy_session(copy, s, "pgrail/rehearse", a, &out->worker, e));
    PR_TRY(e, pr_copy_session(copy, s, "pgrail/rehearse watch", a, &out->watch, e));
    PR_TRY(e, pr_copy_session(copy, s, "pgrail/rehearse canary", a, &out->canary, e));
    PR_TRY(e, pr_pg_identity(out->worker, &id, e));
    if (id->tx_pooled) {
        (void)PR_FAIL(e, PR_ERR_REFUSED, "staging is reached through a pooler in transaction mode: locks cannot be watched there");
        return pr_hint(e, "let the staging environment in pgrail.conf name the server itself");
    }
    out->worker_pid = pr_fmt(a, "%d", id->pid);
    PR_TRY(e, pr_pg_do(out->canary, "canary", "SET lock_timeout = '1ms'", 10000, e));
    PR_TRY(e, pr_pg_do(out->canary, "canary", "SET statement_timeout = '1s'", 10000, e));
    return pr_pg_do(out->canary, "canary", "SET jit = off", 10000, e);
}

void pr_rig_done(struct pr_rig *rig) {
    pr_pg_close(rig->worker);
    pr_pg_close(rig->watch);
    pr_pg_close(rig->canary);
    rig->worker = rig->watch = rig->canary = NULL;
    for (size_t i = 0; i < PR_COUNT(rig->turns); i++) pr_arena_free(rig->turns[i]);
    rig->turns[0] = rig->turns[1] = NULL;
}
