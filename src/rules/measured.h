/* measured.h: what servers did with the bad examples of a rule: docs/rules/measured/RULE.json, which `./dev measure` writes and
 * tests/server/test_rules.py holds against every server. Built into the program. */
#ifndef PR_RULES_MEASURED_H
#define PR_RULES_MEASURED_H

#include "base/base.h"

/* All of them; a new reference. */
json_t *pr_measured_load(void);

/* [{"sql": …, "seen": [{"versions": [13, …], "lock": …, "rewrites": …, "scans": …, "builds": …, "fails": …, "answer": …}]}],
 * borrowed from all; NULL when nothing was measured of that rule. */
json_t *pr_measured_of(const json_t *all, const char *rule);

/* "13 to 15, 18" */
const char *pr_measured_versions(const json_t *seen, struct pr_arena *a);

/* "ACCESS EXCLUSIVE, every row read"; "fails with 25001"; "nothing that the rule speaks of" when there was no lock and no work. */
const char *pr_measured_text(const json_t *seen, struct pr_arena *a);

#endif
