/* workload.h: a foreground beside the work: pgbench on the copy, at a given rate, first alone and then beside up. Times are microseconds;
 * places in time those of the real clock. A latency counts from the moment at which its transaction was due. Errors of what can fail:
 * those of pg.h, INTERRUPTED, and those it names. */
#ifndef PR_REHEARSE_WORKLOAD_H
#define PR_REHEARSE_WORKLOAD_H

#include "pg/pg.h"
#include "proc/proc.h"
#include "rehearse/rehearse.h"

struct pr_felt {                   /* by the transactions of one stretch; figures -1 = there were none */
    int64_t n, failed;             /* failed: as the server counts it, a deadlock or a serialization failure */
    int64_t p50_us, p95_us, p99_us, max_us;
};
struct pr_felt_slice { int64_t from_us, n, p50_us, p99_us, max_us; };         /* from_us: since alone_from_us */

struct pr_foreground {
    const struct pr_rehearse *r;
    struct pr_arena *a;
    struct pr_pg *watch;           /* the rig's; of use until the end */
    struct pr_private folder;
    const char *said;              /* file with all that pgbench says */
    int64_t pid;                   /* 0 = it does not run */
    int64_t alone_from_us, alone_to_us, work_from_us, work_to_us, end_us;
    int64_t wal_a_second;          /* that it wrote while it was alone */
    int64_t stopped_mono_us;       /* 0 = it runs */
    /* ---- when it is over */
    bool over;
    struct pr_felt alone, beside;
    struct pr_felt_slice *slices; size_t n_slices; int64_t slice_us;
    int64_t aborted;               /* clients that gave up beside the work */
    const char *failure;           /* pgbench's words for the first, or NULL */
    int64_t late_alone_us;         /* alone it was behind by so much: the rate is more than the copy can do */
    int64_t undone_us;             /* what was due for so long before the end of the work had not begun when it was stopped */
    const char *sentence;
};

struct pr_rig;
struct pr_copy;
struct pr_session;
/* Starts pgbench and leaves it alone for a while; what is wrong with its scripts shows here, before the work. Errors BAD_INPUT (pgbench's
 * own words), PROC, NO_FILE. */
enum pr_code pr_foreground_start(struct pr_foreground *f, const struct pr_rig *rig, const struct pr_copy *copy, const struct pr_session *s,
                                 struct pr_err *e);
/* The work begins now; nothing where no foreground runs. */
void pr_foreground_begin(struct pr_foreground *f);
/* The work has ended: lets what was due meanwhile run, stops pgbench, reads and tells what it felt. Once; then nothing. Errors NO_FILE. */
enum pr_code pr_foreground_end(struct pr_foreground *f, struct pr_err *e);
void pr_foreground_done(struct pr_foreground *f);           /* pgbench and its files are gone; a zeroed one is fine */

/* Bytes of WAL that it wrote since (of the monotonic clock), by what it wrote alone. f may be NULL. */
int64_t pr_foreground_wal(const struct pr_foreground *f, int64_t since_mono_us);

/* ---- workload_log.c: what pgbench wrote down. Fills alone, beside, slices, late_alone_us and undone_us. Errors NO_FILE. */
enum pr_code pr_foreground_read(struct pr_foreground *f, const char *path, struct pr_err *e);
/* When the last transaction was due of which the file tells now; 0 = of none. */
int64_t pr_foreground_last_due(const char *path);

/* ---- workload_page.c: for the document, and from it for the page. */
json_t *pr_foreground_json(const struct pr_foreground *f);
void pr_html_workload(const json_t *workload, struct pr_buf *out, struct pr_arena *a);

#endif
