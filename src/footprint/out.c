/* out.c: a footprint as JSON, and how long its work takes. */
#include "sql/nodes.h"

#include "footprint/footprint.h"

static void set_count(json_t *o, const char *key, int64_t n) {
    if (n < 0) pr_set(o, key, json_null());
    else pr_set_int(o, key, n);
}

static void add_effect(json_t *list, const struct pr_effect *e) {
    json_t *o = pr_push_object(list);
    pr_set_str(o, "schema", e->schema);
    pr_set_str(o, "name", e->name);
    const char kind[2] = {e->kind, '\0'};
    pr_set_str(o, "kind", e->kind != 0 ? kind : NULL);
    pr_set_str(o, "lock", pr_lock_name(e->lock));
    pr_set_str(o, "at_least", pr_lock_name(e->at_least));
    pr_set_bool(o, "blocks_readers", !e->own && !e->created && pr_lock_blocks_readers(e->lock));
    pr_set_bool(o, "blocks_writers", !e->own && !e->created && pr_lock_blocks_writers(e->lock));
    pr_set_bool(o, "rewrite", e->rewrite);
    pr_set_bool(o, "scan", e->scan);
    pr_set_int(o, "index_builds", e->index_builds);
    pr_set_bool(o, "maybe", e->maybe);
    pr_set_bool(o, "created", e->created);
    pr_set_bool(o, "dropped", e->dropped);
    pr_set_bool(o, "own", e->own);
    set_count(o, "rows", e->rows);
    set_count(o, "bytes", e->bytes);
    set_count(o, "total_bytes", e->total_bytes);
    pr_set_str(o, "why", e->why);
}

json_t *pr_footprint_json(const struct pr_footprint *f) {
    json_t *doc = json_object();
    PR_ASSERT(doc != NULL);
    pr_set_int(doc, "statement", f->stmt);
    pr_set_str(doc, "schema", f->main_schema);
    pr_set_str(doc, "relation", f->main_name);
    json_t *effects = pr_set_array(doc, "effects");
    for (size_t i = 0; i < f->n; i++) add_effect(effects, &f->effects[i]);
    pr_set_bool(doc, "concurrent", f->concurrent);
    pr_set_bool(doc, "outside_transaction", f->outside_tx);
    pr_set_bool(doc, "dml", f->dml);
    if (f->dml) set_count(doc, "dml_rows", f->dml_rows);
    json_t *lost = pr_set_array(doc, "lost");
    for (size_t i = 0; i < f->n_lost; i++) {
        json_t *o = pr_push_object(lost);
        pr_set_str(o, "what", f->lost[i].what);
        pr_set_str(o, "kind", f->lost[i].kind);
        pr_set_bool(o, "silent", f->lost[i].silent);
    }
    pr_set_bool(doc, "loses_data", f->loses_data);
    if (f->fails_sqlstate != NULL) {
        json_t *fails = pr_set_object(doc, "fails");
        pr_set_str(fails, "sqlstate", f->fails_sqlstate);
        pr_set_str(fails, "why", f->fails_why);
        pr_set_bool(fails, "certain", f->certain_fail);
    } else {
        pr_set(doc, "fails", json_null());
    }
    pr_set_bool(doc, "unjudged", f->unjudged);
    pr_set_bool(doc, "guessed", f->guessed);
    return doc;
}

/* Careful ends of what was measured per million rows on warm caches (index 0.51 to 0.79 s, rewrite with one key 1.5 to 3.0 s,
 * scan 0.12 to 0.19 s); a cold cache makes it 3 times as long, other load 1.5 times: that is the high end. */
enum { COLD = 3, LOAD_NUM = 3, LOAD_DEN = 2 };
static const struct pr_rates careful = {.scan_us_per_mrow = 190000, .index_us_per_mrow = 790000, .rewrite_us_per_mrow = 3000000};

bool pr_effect_duration(const struct pr_effect *f, const struct pr_rates *rates, int64_t *low_us, int64_t *high_us) {
    const struct pr_rates *r = rates != NULL ? rates : &careful;
    const bool work = f->rewrite || f->scan || f->index_builds > 0;
    if (work && f->rows < 0) return false;
    int64_t per_mrow = 0;
    int builds = f->index_builds;
    if (f->rewrite) {
        per_mrow = r->rewrite_us_per_mrow;                 /* measured with one index */
        builds = builds > 0 ? builds - 1 : 0;
    } else if (f->scan && builds == 0) {
        per_mrow = r->scan_us_per_mrow;
    }
    per_mrow = pr_sat_add(per_mrow, pr_sat_mul(builds, r->index_us_per_mrow));
    const int64_t low = work ? pr_scale(f->rows, per_mrow, 1000000) : 0;
    *low_us = low;
    *high_us = pr_scale(pr_sat_mul(low, COLD), LOAD_NUM, LOAD_DEN);
    return true;
}
