/* ints.h: numbers from text, and sums that cannot overflow silently. */
#ifndef PR_BASE_INTS_H
#define PR_BASE_INTS_H

/* Whole text as a decimal integer from min to max. Errors USAGE: "expected an integer from MIN to MAX, got …". */
PR_NODISCARD enum pr_code pr_parse_i64(const char *text, int64_t min, int64_t max, int64_t *out, struct pr_err *e);

/* "250ms", "5s", "10min", "24h", "7d" or a plain number of milliseconds → milliseconds. Errors USAGE. */
PR_NODISCARD enum pr_code pr_parse_duration(const char *text, int64_t min_ms, int64_t max_ms, int64_t *out_ms,
                                            struct pr_err *e);

/* yes/no, on/off, true/false, 1/0. Errors USAGE. */
PR_NODISCARD enum pr_code pr_parse_bool(const char *text, bool *out, struct pr_err *e);

/* Saturating int64 arithmetic, for estimates only. */
int64_t pr_sat_add(int64_t a, int64_t b);
int64_t pr_sat_mul(int64_t a, int64_t b);
int64_t pr_scale(int64_t value, int64_t num, int64_t den);  /* value × num ÷ den without overflow; den 0 gives value */

#endif
