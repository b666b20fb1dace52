/* backfill_probe.c: backfills cut for the live catalog, for tests/lib/backfill.py. CONNINFO names the server. Each line of standard
 * input is a JSON object {name, text, prove}: a .backfill.sql file; each line of output is the cut (with prove, a number of rows, the proof
 * that it is whole, by chunks of so many), or {error, hint, code}. */
#include "backfill/verify.h"
#include "server/probe.h"

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

static enum pr_code answer(const struct probe *q, json_t *out, struct pr_err *e) {
    const char *text = pr_get_str(q->job, "text");
    struct pr_bf_file f PR_CLEANUP(pr_bf_file_done) = {0};
    struct pr_bf_cut c = {0};
    PR_TRY(e, pr_bf_file_parse(pr_get_str(q->job, "name"), text, strlen(text), q->a, &f, e));
    PR_TRY(e, pr_bf_cut_live(&f, q->pg, q->a, &c, NULL, e));
    const int64_t chunk = pr_get_int(q->job, "prove");
    if (chunk > 0) {
        const struct pr_bf_proving how = {.pg = q->pg, .chunk = chunk, .first = 3, .timeout_ms = 60000};
        json_t *proof = NULL;
        PR_TRY(e, pr_bf_prove(&how, &f, &c, q->a, &proof, e));
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

int main(int argc, char **argv) { return probe_main(argc, argv, answer); }
