#include "policy/policy.h"

/* An act is a bit, so that one row of the table can stand in the way of several. */
enum { ACT_REHEARSE = 1, ACT_APPROVE = 2, ACT_APPLY = 4, ACT_APPLY_PROTECTED = 8 };

static bool needs_person(const struct pr_situation *s) { return s->needs_person; }
static bool changed(const struct pr_situation *s) { return s->already_applied && s->changed_after_apply; }
static bool applied(const struct pr_situation *s) { return s->already_applied; }
static bool busy(const struct pr_situation *s) { return s->applying_elsewhere; }
static bool not_grounded(const struct pr_situation *s) { return s->grounded == PR_NO; }
static bool grounding_stale(const struct pr_situation *s) { return s->grounded == PR_STALE_YES; }
static bool bare_errors(const struct pr_situation *s) { return s->errors > 0 && !s->findings_accepted; }
static bool not_rehearsed(const struct pr_situation *s) { return s->rehearsed == PR_NO; }
static bool other_bytes(const struct pr_situation *s) { return !s->bytes_same; }
static bool rehearsal_stale(const struct pr_situation *s) { return s->rehearsed == PR_STALE_YES; }
static bool rehearsal_failed(const struct pr_situation *s) { return !s->rehearsal_passed; }
static bool not_approved(const struct pr_situation *s) { return s->approved == PR_NO; }
static bool approval_stale(const struct pr_situation *s) { return s->approved == PR_STALE_YES; }

/* In the order in which a person would want to hear them: first what forbids every run, then the way's steps in their order. */
static const struct obstacle {
    unsigned acts;
    bool (*stands)(const struct pr_situation *s);
    struct pr_ruling ruling;
} obstacles[] = {
    {ACT_APPROVE | ACT_APPLY | ACT_APPLY_PROTECTED, needs_person,
     {PR_ERR_NEEDS_PERSON, "an earlier run left a state that needs a person", "pgrail status"}},
    {ACT_APPROVE | ACT_APPLY | ACT_APPLY_PROTECTED, changed,
     {PR_ERR_REFUSED, "the file was changed after it was applied", "pgrail status"}},
    {ACT_APPROVE | ACT_APPLY | ACT_APPLY_PROTECTED, applied, {PR_ERR_REFUSED, "already done", "pgrail status"}},
    {ACT_APPLY | ACT_APPLY_PROTECTED, busy, {PR_ERR_BUSY, "somebody else is applying", "pgrail status"}},
    {ACT_REHEARSE | ACT_APPROVE | ACT_APPLY_PROTECTED, not_grounded,
     {PR_ERR_NOT_GROUNDED, "not grounded on the live schema", "pgrail ground %s"}},
    {ACT_REHEARSE | ACT_APPROVE | ACT_APPLY_PROTECTED, grounding_stale,
     {PR_ERR_STALE, "the live schema moved since the grounding", "pgrail ground %s"}},
    {ACT_REHEARSE, bare_errors, {PR_ERR_REFUSED, "check found errors", "pgrail check %s"}},
    {ACT_APPROVE | ACT_APPLY_PROTECTED, not_rehearsed, {PR_ERR_NOT_REHEARSED, "not rehearsed", "pgrail rehearse %s"}},
    {ACT_APPROVE | ACT_APPLY_PROTECTED, other_bytes,
     {PR_ERR_NOT_REHEARSED, "not rehearsed since the file changed", "pgrail rehearse %s"}},
    {ACT_APPROVE | ACT_APPLY_PROTECTED, rehearsal_failed,
     {PR_ERR_NOT_REHEARSED, "the last rehearsal failed", "pgrail rehearse %s"}},
    {ACT_APPROVE | ACT_APPLY_PROTECTED, rehearsal_stale,
     {PR_ERR_STALE, "the rehearsal is too old, or the schema moved since", "pgrail rehearse %s"}},
    {ACT_APPLY_PROTECTED, not_approved, {PR_ERR_NOT_APPROVED, "not approved", "pgrail approve %s"}},
    {ACT_APPLY_PROTECTED, approval_stale,
     {PR_ERR_STALE, "the approval has expired, or the world moved since", "pgrail approve %s"}},
    {ACT_APPLY_PROTECTED, bare_errors,
     {PR_ERR_NOT_APPROVED, "check found errors that the approval does not cover", "pgrail approve %s"}},
};

static struct pr_ruling first_obstacle(unsigned act, const struct pr_situation *s) {
    for (size_t i = 0; i < PR_COUNT(obstacles); i++)
        if ((obstacles[i].acts & act) != 0 && obstacles[i].stands(s)) return obstacles[i].ruling;
    return (struct pr_ruling){.code = PR_OK};
}

struct pr_ruling pr_may_apply(const struct pr_situation *s) {
    return first_obstacle(s->is_protected ? ACT_APPLY_PROTECTED : ACT_APPLY, s);
}

struct pr_ruling pr_may_rehearse(const struct pr_situation *s) { return first_obstacle(ACT_REHEARSE, s); }

struct pr_ruling pr_may_approve(const struct pr_situation *s) { return first_obstacle(ACT_APPROVE, s); }

const char *pr_ruling_command(struct pr_arena *a, const struct pr_ruling *r, const char *migration) {
    if (r->command == NULL) return NULL;
    const char *hole = strstr(r->command, "%s");
    if (hole == NULL) return r->command;
    return pr_fmt(a, "%.*s%s%s", (int)(hole - r->command), r->command, migration, hole + 2);
}
