/* backfill_probe.c: backfills cut for the live catalog, for tests/lib/backfill.py. CONNINFO names the server. Each line of standard
 * input is a JSON object {name, text, prove}: a .backfill.sql file; each line of output is the cut (with prove, a number of rows, the proof
 * that it is whole, by chunks of so many), or {error, hint, code}. */
#include "backfill/verify.h"

static void put_range(json_t *o, const char *name, const struct pr_bf_range *r) {
    json_t *x = pr_set_object(o, name);
    pr_set_str(x, "first", r->first);
    pr_set_str(x, "next", r->next);
}

static void put_walk(json_t *o, const struct pr_bf_walk *w) {
    pr_set_str(o, "way", pr_bf_way_name(w->way));
    pr_set_str(o, "why", w->why_way);
    pr_set_str(o, "full", w->full);
    pr_set_str(o, "index", w->index);
    json_t *keys = pr_set_array(o, "keys"), *types = pr_set_array(o, "types"), *compare = pr_set_array(o, "compare");
    for (size_t i = 0; i < w->n_keys; i++) {
        pr_push_str(keys, w->keys[i].name);
        pr_push_str(types, w->keys[i].type);
    }
    put_range(o, "edge", &w->edge);
    put_range(o, "batch", &w->batch);
    put_range(o, "rows", &w->rows);
    put_range(o, "sweep", &w->sweep);
    put_range(o, "left", &w->left);
    put_range(o, "wrong_rows", &w->wrong_rows);
    put_range(o, "tally", &w->tally);
    pr_set_str(o, "last", w->last);
    pr_set_str(o, "some", w->some);
    pr_set_bool(o, "converges", w->converges);
    for (size_t i = 0; i < w->n_compare; i++) {
        json_t *c = pr_push_object(compare);
        pr_set_str(c, "was", w->compare[i].was);
        pr_set_str(c, "is", w->compare[i].is);
        put_range(c, "rows", &w->compare[i].rows);
    }
}

static enum pr_code answer(struct pr_pg *pg, const json_t *job, struct pr_arena *a, json_t *out, struct pr_err *e) {
    const char *text = pr_get_str(job, "text");
    struct pr_bf_file f PR_CLEANUP(pr_bf_file_done) = {0};
    struct pr_bf_cut c = {0};
    PR_TRY(e, pr_bf_file_parse(pr_get_str(job, "name"), text, strlen(text), a, &f, e));
    PR_TRY(e, pr_bf_cut_live(&f, pg, a, &c, NULL, e));
    const int64_t chunk = pr_get_int(job, "prove");
    if (chunk > 0) {
        const struct pr_bf_proving how = {.pg = pg, .chunk = chunk, .first = 3, .timeout_ms = 60000};
        json_t *proof = NULL;
        PR_TRY(e, pr_bf_prove(&how, &f, &c, a, &proof, e));
        pr_set(out, "proof", proof);
        return PR_OK;
    }
    pr_set_str(out, "kind", pr_bf_kind_name(c.kind));
    pr_set_str(out, "statement", c.statement);
    pr_set_str(out, "target", c.target);
    json_t *notes = pr_set_array(out, "notes"), *walks = pr_set_array(out, "walks");
    for (size_t i = 0; i < c.n_notes; i++) pr_push_str(notes, c.notes[i]);
    for (size_t i = 0; i < c.n_walks; i++) put_walk(pr_push_object(walks), &c.walks[i]);
    return PR_OK;
}

static int serve(struct pr_pg *pg) {
    char *line = NULL;
    size_t room = 0;
    ssize_t len = 0;
    while ((len = getline(&line, &room, stdin)) > 0) {
        struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
        struct pr_err e = {0};
        json_t *job PR_CLEANUP(pr_json_freep) = NULL, *said PR_CLEANUP(pr_json_freep) = json_object();
        enum pr_code code = pr_json_parse("job", line, (size_t)len, &job, &e);
        if (code == PR_OK) code = answer(pg, job, a, said, &e);
        if (code != PR_OK) {
            pr_set_str(said, "error", e.msg);
            pr_set_str(said, "hint", e.hint);
            pr_set_str(said, "code", pr_code_info(code)->name);
        }
        (void)printf("%s\n", pr_json_text(a, said, false));
        (void)fflush(stdout);
    }
    free(line);
    return 0;
}

int main(int argc, char **argv) {
    const struct pr_pg_where where = {.conninfo = argc == 2 ? argv[1] : "", .app = "backfill_probe", .timeout_ms = 30000};
    struct pr_pg *pg PR_CLEANUP(pr_pg_closep) = NULL;
    struct pr_err e = {0};
    if (pr_pg_open(&where, &pg, &e) == PR_OK) return serve(pg);
    (void)fprintf(stderr, "%s\n", e.msg);
    return 1;
}
