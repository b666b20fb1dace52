/* judge.h: between the files of the judge (judge.c, report.c, ignore.c); nobody else includes it. */
#ifndef PR_RULES_JUDGE_H
#define PR_RULES_JUDGE_H

#include "rules/rules.h"

/* Adds a finding at a place of the script's text. rule and level as given; texts are copied, but for those of `fixed` (a rule; NULL =
 * none), which live on; line and col are found from the statement (near), or from the start of the text when stmt is NULL. */
struct pr_place { const struct pr_script *script; const struct pr_side *side; const struct pr_stmt *stmt; size_t offset, len; };
void pr_finding_add(struct pr_findings *out, const struct pr_place *at, const struct pr_finding *texts, const struct pr_rule *fixed);

/* Applies every `pgrail:ignore` of the (flat) script: findings that it hides go over to hidden, and those that are wrong or hide
 * nothing are reported. */
void pr_ignores_apply(const struct pr_script *script, const struct pr_side *side, struct pr_findings *findings, struct pr_findings *hidden);

/* A finding of the judge itself, by the id of pr_judge_notes. Fields of texts that are NULL come from there. */
void pr_note_add(struct pr_findings *out, const struct pr_place *at, const char *id, struct pr_finding texts);

/* about.c: files the statements of a script that is passed through while they are there, and says which must stay for the rules that
 * look at statements other than their own. ctx is a struct pr_filing. */
struct pr_abouts;
struct pr_filing { struct pr_abouts *all; struct pr_arena *a; };
bool pr_about_stays(void *ctx, const struct pr_stmt *s);

/* help_timeout.c: true when the statement sets lock_timeout (SET, set_config): *effective when to more than 0, *local until the end
 * of the transaction. */
bool pr_sets_lock_timeout(const struct pr_stmt *s, bool *effective, bool *local);
/* SET ROLE, SET SESSION AUTHORIZATION and their RESET (help_timeout.c). */
bool pr_steers_role(const struct pr_stmt *s);

#endif
