/* footprint_probe.c: predictions for test_footprint.py. CONNINFO is the server whose facts are read; each line of standard
 * input is a JSON object {"sql": script, "tx": bool, "facts": bool}; each line of output is the footprint of the script's
 * last statement. */
#include "catalog/catalog.h"
#include "footprint/footprint.h"

static enum pr_code predict(struct pr_pg *pg, const json_t *job, struct pr_arena *a, json_t **out, struct pr_err *e) {
    const char *sql = pr_get_str(job, "sql");
    struct pr_facts *facts = NULL;
    if (pr_get_bool(job, "facts")) PR_TRY(e, pr_facts_read(pg, NULL, 0, a, &facts, e));
    struct pr_script s PR_CLEANUP(pr_script_done) = {0};
    PR_TRY(e, pr_script_parse(sql, strlen(sql), a, &s, e));
    if (s.n == 0) return PR_FAIL(e, PR_ERR_BAD_INPUT, "no statement");
    struct pr_world *w = pr_world_new(facts, (int)pr_get_int(job, "version"), a);
    struct pr_run_footprint run = {0};
    pr_footprint_script(w, &s, pr_get_bool(job, "tx") ? PR_TX_ONE : PR_TX_EACH, a, &run);
    *out = pr_footprint_json(&run.stmts[run.n - 1]);
    return PR_OK;
}

static int serve(struct pr_pg *pg) {
    char *line = NULL;
    size_t room = 0;
    ssize_t len = 0;
    while ((len = getline(&line, &room, stdin)) > 0) {
        struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
        struct pr_err e = {0};
        json_t *job PR_CLEANUP(pr_json_freep) = NULL, *answer PR_CLEANUP(pr_json_freep) = NULL;
        enum pr_code code = pr_json_parse("job", line, (size_t)len, &job, &e);
        if (code == PR_OK) code = predict(pg, job, a, &answer, &e);
        if (code != PR_OK) answer = json_pack("{s:s, s:s}", "error", e.msg, "where", e.where);
        (void)printf("%s\n", pr_json_text(a, answer, false));
        (void)fflush(stdout);
    }
    free(line);
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    struct pr_err e = {0};
    struct pr_pg *pg PR_CLEANUP(pr_pg_closep) = NULL;
    if (pr_pg_open(&(struct pr_pg_where){.conninfo = argv[1], .app = "pgrail/test", .timeout_ms = 10000}, &pg, &e) != PR_OK) {
        (void)fprintf(stderr, "%s\n", e.msg);
        return 1;
    }
    return serve(pg);
}
