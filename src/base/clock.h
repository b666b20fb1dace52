/* clock.h: time. Elapsed time from the monotonic clock, dates from the wall clock, both in microseconds. */
#ifndef PR_BASE_CLOCK_H
#define PR_BASE_CLOCK_H

int64_t pr_mono_us(void);                                   /* CLOCK_MONOTONIC */
int64_t pr_wall_us(void);                                   /* CLOCK_REALTIME, since 1970; PGRAIL_TEST_NOW (seconds) fixes it */

/* The clock for ages and expiries. PGRAIL_TEST_NOW can only make things older: it never revives what has expired. */
int64_t pr_judge_us(void);

/* at is older than limit_us, or lies in the future of the real clock (a minute is forgiven): such a time is made up. */
bool pr_too_old(int64_t at_us, int64_t limit_us);
const char *pr_iso_time(struct pr_arena *a, int64_t wall_us);   /* "2026-11-21T14:03:07Z" */

/* Back from pr_iso_time. Errors BAD_INPUT. */
PR_NODISCARD enum pr_code pr_parse_iso_time(const char *text, int64_t *wall_us, struct pr_err *e);

const char *pr_ago(struct pr_arena *a, int64_t wall_us);    /* "3 min ago", "2 days ago", "in 5 s" */

#endif
