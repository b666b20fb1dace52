#include "server/probe.h"

static void told(json_t *out, const struct pr_err *e) {
    (void)json_object_clear(out);
    pr_set_str(out, "error", e->msg);
    pr_set_str(out, "hint", e->hint);
    pr_set_str(out, "code", pr_code_info(e->code)->name);
}

static void serve(struct pr_pg *pg, probe_answer *answer) {
    struct pr_arena *life PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    void *kept = NULL;
    char *line = NULL;
    size_t room = 0;
    ssize_t len = 0;
    while ((len = getline(&line, &room, stdin)) > 0) {
        struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
        struct pr_err e = {0};
        json_t *job PR_CLEANUP(pr_json_freep) = NULL, *out PR_CLEANUP(pr_json_freep) = json_object();
        enum pr_code code = pr_json_parse("job", line, (size_t)len, &job, &e);
        if (code == PR_OK) code = answer(&(struct probe){.pg = pg, .job = job, .a = a, .life = life, .kept = &kept}, out, &e);
        if (code != PR_OK) told(out, &e);
        (void)printf("%s\n", pr_json_text(a, out, false));
        (void)fflush(stdout);
    }
    free(line);
}

int probe_main(int argc, char **argv, probe_answer *answer) {
    struct pr_pg *pg PR_CLEANUP(pr_pg_closep) = NULL;
    struct pr_err e = {0};
    if (argc != 2) return 2;
    if (pr_pg_open(&(struct pr_pg_where){.conninfo = argv[1], .app = "pgrail/test", .timeout_ms = 30000}, &pg, &e) != PR_OK) {
        (void)fprintf(stderr, "%s\n", e.msg);
        return 1;
    }
    serve(pg, answer);
    return 0;
}
