/* settings.h: how a backfill runs, in one table: the file's header, the options of backfill and backfill-ctl, the journal and the
 * documents all read it. A new setting is a line here, and a word in pr_bf_tuning_words. */
#ifndef PR_BACKFILL_SETTINGS_H
#define PR_BACKFILL_SETTINGS_H

#include "base/base.h"

enum pr_bf_form { PR_BF_NUMBER, PR_BF_TIME, PR_BF_RATE, PR_BF_SIZE, PR_BF_FLAG };     /* milliseconds; bytes a second; bytes; yes or no */

/* X(field, key, form, least, most, fallback, what is expected, help). A fallback of "auto" is chosen with the way. */
#define PR_BF_TUNABLES(X)                                                                                                                           \
    X(workers, "workers", NUMBER, 1, 32, "1", "1 to 32", "Sessions that work at the same time, of each pgrail that is at it.")                      \
    X(batch, "batch", NUMBER, 100, 100000, "5000", "100 to 100000", "Rows of one transaction at the start; at most ten times as many later.")       \
    X(target_ms, "target", TIME, 5, 10000, "50ms", "5ms to 10s", "Time of one transaction that batches adapt to.")                                  \
    X(pause_ms, "pause", TIME, 0, 3600000, "0", "0 to 1h", "Between transactions, at least.")                                                       \
    X(max_lag_ms, "max-lag", TIME, 0, 86400000, "10s", "0 to 1d", "Waits while a standby is further behind, or gone; 0: not watched.")              \
    X(max_wal_bytes_s, "max-wal", RATE, 0, INT64_C(1) << 50, "0", "bytes a second, as in 50MB/s", "Waits while the server writes more WAL; 0: not watched.") \
    X(max_active, "max-active", NUMBER, 0, 1000000, "0", "0 to 1000000", "Waits while more other sessions are at work, of the whole server; 0: not watched.") \
    X(max_latency_ms, "max-latency", TIME, 0, 60000, "0", "0 to 1min", "Waits while a small commit takes longer; 0: not watched, with --gentle twice what it takes at best.") \
    X(max_unarchived_bytes, "max-unarchived", SIZE, 0, INT64_C(1) << 50, "1GB", "bytes, as in 1GB", "Waits while more WAL is to be archived, or archiving fails; 0: not watched.") \
    X(max_retained_bytes, "max-retained", SIZE, 0, INT64_C(1) << 50, "10GB", "bytes, as in 10GB", "Waits while a replication slot holds back more WAL, or loses it; 0: not watched.") \
    X(ignore_wraparound, "ignore-wraparound", FLAG, 0, 1, "no", "yes or no", "Goes on beside a vacuum of the table to prevent wraparound.")             \
    X(max_rejects, "max-rejects", NUMBER, 0, 1000000, "0", "0 to 1000000", "Rows that a cast or a constraint refuses, set aside before the job fails.") \
    X(vacuum_rows, "vacuum", NUMBER, 0, INT64_C(1) << 50, "auto", "rows, 0 or auto", "Changed rows between two vacuums, 0 for none; auto: 240000 where rows leave their page.") \
    X(gentle, "gentle", FLAG, 0, 1, "no", "yes or no", "Idle for 24 times as long as at work, so that others hardly notice; longer while small commits are slow.") \
    X(async_commit, "async-commit", FLAG, 0, 1, "no", "yes or no", "Commits do not wait for the disk: a crash loses batch and journal row together, and both come again.")

struct pr_bf_tuning {              /* values; as a wish, PR_BF_AS_IS leaves one as it is */
#define X(field, ...) int64_t field;
    PR_BF_TUNABLES(X)
#undef X
};
#define PR_BF_AS_IS INT64_MIN
#define PR_BF_GENTLE_RESTS 24      /* times as long as all workers together are at work; the help above says so too */
struct pr_bf_texts {               /* the same as options give them; NULL = not given */
#define X(field, ...) const char *field;
    PR_BF_TUNABLES(X)
#undef X
};

struct pr_bf_tunable { const char *field, *key; enum pr_bf_form form; int64_t least, most; const char *fallback, *expected, *help; };
extern const struct pr_bf_tunable pr_bf_tunables[];
extern const size_t pr_n_bf_tunables;
/* The value of pr_bf_tunables[i] in t. */
int64_t *pr_bf_tuning_at(struct pr_bf_tuning *t, size_t i);

/* A text as the header or an option has it. Errors USAGE: "expected 100 to 100000, got …". */
PR_NODISCARD enum pr_code pr_bf_value(const struct pr_bf_tunable *s, const char *text, int64_t *out, struct pr_err *e);
/* Every fallback; what is chosen with the way is PR_BF_AS_IS. */
struct pr_bf_tuning pr_bf_tuning_fallback(void);
/* What the options say, as a wish. Errors USAGE: "--batch: expected …". */
PR_NODISCARD enum pr_code pr_bf_wish_read(const struct pr_bf_texts *given, struct pr_bf_tuning *wish, struct pr_err *e);
/* What the wish names, over what is. */
void pr_bf_wish_apply(const struct pr_bf_tuning *wish, struct pr_bf_tuning *t);
/* {workers, batch, …}: flags are true or false, the rest numbers. */
json_t *pr_bf_tuning_json(const struct pr_bf_tuning *t);
/* What is absent has its fallback, or 0. Errors those of pr_json_parse. */
PR_NODISCARD enum pr_code pr_bf_tuning_read(const char *json, struct pr_bf_tuning *out, struct pr_err *e);

#endif
