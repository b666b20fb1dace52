/* run.c: one statement of the user's, watched until its end. */
#include "pg/pg_impl.h"

/* "INSERT 0 5" and "CREATE INDEX": the tag without its numbers is the name of the command. */
static const char *tag_name(struct pr_arena *a, const char *status) {
    return pr_dupn(a, status, strcspn(status, "0123456789") - (strpbrk(status, "0123456789") != NULL ? 1 : 0));
}

int64_t pr_pg_tag_rows(PGresult *r) {
    const char *text = PQcmdTuples(r);
    return text[0] == '\0' ? -1 : (int64_t)strtoll(text, NULL, 10);
}

static int error_position(const PGresult *r) {
    const char *text = PQresultErrorField(r, PG_DIAG_STATEMENT_POSITION);
    return text != NULL ? (int)strtol(text, NULL, 10) : 0;
}

enum pr_code pr_pg_run(struct pr_pg *pg, const char *sql, const struct pr_pg_watch *w, struct pr_arena *a,
                       struct pr_pg_done *out, struct pr_err *e) {
    struct pr_pg_sink sink = {.a = a};
    struct pr_pg_answer answer PR_CLEANUP(pr_pg_answer_clear) = {.last = NULL};
    const struct pr_pg_wait wait = {.what = "statement", .watch = w, .single_rows = true};
    pg->sink = &sink;
    const enum pr_code code = pr_pg_exchange(pg, sql, 0, NULL, &wait, &answer, e);
    pg->sink = NULL;
    *out = (struct pr_pg_done){.rows = -1, .tag = "", .elapsed_us = answer.elapsed_us, .notices = sink.texts,
                               .n_notices = sink.n};
    if (code != PR_OK) return code;
    if (pr_pg_succeeded(answer.last)) {
        out->finished = true;
        out->tag = tag_name(a, PQcmdStatus(answer.last));
        out->rows = pr_pg_tag_rows(answer.last);
    } else {
        out->error_position = error_position(answer.last);
    }
    if (answer.watched != PR_OK) return answer.watched;
    return out->finished ? PR_OK : pr_pg_server_error(pg, answer.last, "statement", PR_ERR_DB, e);
}
