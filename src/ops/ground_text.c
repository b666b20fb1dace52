#include "ops/ground.h"

#include "ops/grid.h"

/* The shape of a relation as \d+ would print it, and what \d+ leaves out: whether an index is valid, how big it is and whether
 * anybody uses it, how far the row estimate can be trusted, who depends on which column. */

struct view { const struct pr_render *r; struct pr_buf *out; const json_t *rel; };

static const char *get(const struct view *v, const char *key) { return pr_get_str(v->rel, key); }
static const char *show(const struct view *v, const char *text, size_t max) { return text != NULL ? pr_printable(v->r->a, text, max) : ""; }
static size_t count(const struct view *v, const char *key) { return json_array_size(json_object_get(v->rel, key)); }

static const char *kind_word(const char *kind) { return pr_rel_kind_name(kind != NULL ? kind[0] : '\0'); }

static const char *name_list(const struct view *v, const json_t *names, size_t max) {
    struct pr_buf b = {.a = v->r->a};
    size_t i = 0;
    json_t *name = NULL;
    json_array_foreach((json_t *)(uintptr_t)names, i, name) {
        if (i == max) {
            pr_addf(&b, " and %zu more", json_array_size(names) - max);
            break;
        }
        pr_addf(&b, "%s%s", i > 0 ? ", " : "", show(v, json_string_value(name), 130));
    }
    return pr_buf_text(&b);
}

static const char *when(const struct view *v, const char *iso) {
    int64_t us = 0;
    struct pr_err err = {0};
    if (iso == NULL) return "never";
    return pr_parse_iso_time(iso, &us, &err) == PR_OK ? pr_ago(v->r->a, us) : show(v, iso, 40);
}

static const char *bytes(const struct view *v, const char *key) { return pr_human_bytes(v->r->a, pr_get_int(v->rel, key)); }
static const char *number(const struct view *v, const char *key) { return pr_human_count(v->r->a, pr_get_int(v->rel, key)); }

static bool is_kind(const struct view *v, const char *kinds) {
    const char *kind = get(v, "kind");
    return kind != NULL && kind[0] != '\0' && strchr(kinds, kind[0]) != NULL;
}

static void sizes(const struct view *v) {
    if (!is_kind(v, "rpm")) return;
    const bool trusted = pr_get_bool(v->rel, "rows_trusted");
    pr_addf(v->out, "  about %s rows%s; %s: table %s (TOAST %s), indexes %s\n", number(v, "rows"),
            trusted ? "" : " \001w(estimate is not to be trusted: ANALYZE)\002", bytes(v, "total_bytes"), bytes(v, "table_bytes"),
            bytes(v, "toast_bytes"), bytes(v, "index_bytes"));
    if (is_kind(v, "p")) return;                            /* its partitions have the counters */
    pr_addf(v->out, "  analyzed %s; written: %s inserted, %s updated, %s deleted, %s dead rows; read: %s whole scans, %s index scans\n",
            when(v, get(v, "last_analyze")), number(v, "inserted"), number(v, "updated"), number(v, "deleted"),
            number(v, "dead_rows"), number(v, "seq_scans"), number(v, "idx_scans"));
}

static void traits(const struct view *v) {
    struct pr_buf b = {.a = v->r->a};
    pr_addf(&b, "owner %s", show(v, get(v, "owner"), 70));
    if (pr_eq(get(v, "persistence"), "u")) pr_add(&b, ", \001wunlogged\002");
    if (pr_get_bool(v->rel, "row_security")) pr_addf(&b, ", row security%s", pr_get_bool(v->rel, "force_row_security") ? " forced" : "");
    if (is_kind(v, "rp") && !pr_eq(get(v, "replica_identity"), "d"))
        pr_addf(&b, ", replica identity %s", pr_eq(get(v, "replica_identity"), "f") ? "full" : pr_eq(get(v, "replica_identity"), "n") ? "nothing" : "index");
    if (pr_get_bool(v->rel, "published")) pr_add(&b, ", published");
    if (get(v, "options") != NULL) pr_addf(&b, ", options %s", show(v, get(v, "options"), 200));
    if (get(v, "acl") != NULL) pr_addf(&b, ", grants %s", show(v, get(v, "acl"), 400));
    if (pr_get_int(v->rel, "dropped_cols") > 0) pr_addf(&b, ", %s dropped columns", number(v, "dropped_cols"));
    pr_addf(v->out, "  %s\n", pr_buf_text(&b));
    if (get(v, "partition_key") != NULL) pr_addf(v->out, "  partitioned by %s\n", show(v, get(v, "partition_key"), 200));
    if (get(v, "partition_of") != NULL)
        pr_addf(v->out, "  partition of %s.%s %s%s\n", show(v, get(v, "partition_of_schema"), 70), show(v, get(v, "partition_of"), 70),
                show(v, get(v, "partition_bound"), 200), pr_get_bool(v->rel, "detach_pending") ? " \001w(detach pending)\002" : "");
    if (get(v, "comment") != NULL) pr_addf(v->out, "  \001d%s\002\n", show(v, get(v, "comment"), 400));
}

static const char *default_of(const struct view *v, const json_t *c) {
    const char *text = pr_get_str(c, "default_sql"), *generated = pr_get_str(c, "generated"), *identity = pr_get_str(c, "identity");
    if (pr_eq(identity, "a")) return "identity always";
    if (pr_eq(identity, "d")) return "identity by default";
    if (text == NULL) return "";
    if (generated != NULL && generated[0] != '\0') return pr_fmt(v->r->a, "generated %s: %s", pr_eq(generated, "v") ? "virtual" : "stored", text);
    return text;
}

static const char *what_else(const struct view *v, const json_t *c) {
    const char *base = pr_get_str(c, "base_type"), *collation = pr_get_str(c, "collation"), *comment = pr_get_str(c, "comment");
    const json_t *labels = pr_get(c, "enum_values");
    struct pr_buf b = {.a = v->r->a};
    if (base != NULL) pr_addf(&b, "domain over %s%s", base, pr_get_bool(c, "domain_constrained") ? " with constraints" : "");
    if (json_array_size(labels) > 0) pr_addf(&b, "%sone of %s", b.len > 0 ? "; " : "", name_list(v, labels, 12));
    if (collation != NULL) pr_addf(&b, "%scollate %s", b.len > 0 ? "; " : "", collation);
    if (comment != NULL) pr_addf(&b, "%s%s", b.len > 0 ? "; " : "", comment);
    return pr_buf_text(&b);
}

static void columns(const struct view *v) {
    if (count(v, "columns") == 0) return;
    struct pr_grid g = {.r = v->r, .n_cols = 5, .indent = 4, .max_chars = 70};
    size_t i = 0;
    json_t *c = NULL;
    json_array_foreach(pr_get(v->rel, "columns"), i, c) {
        pr_grid_add(&g, pr_get_str(c, "name"));
        pr_grid_add(&g, pr_get_str(c, "type"));
        pr_grid_add(&g, !pr_get_bool(c, "not_null") ? "null" : pr_get_bool(c, "not_null_valid") ? "not null" : "not null, not valid");
        pr_grid_add(&g, default_of(v, c));
        pr_grid_add(&g, what_else(v, c));
    }
    pr_add(v->out, "  columns\n");
    pr_grid_print(&g, (const char *const[]){"name", "type", "null", "default", "what else"});
}

static void indexes(const struct view *v) {
    if (count(v, "indexes") == 0) return;
    struct pr_grid g = {.r = v->r, .n_cols = 5, .indent = 4, .max_chars = 120, .right = 4 | 8};
    size_t i = 0;
    json_t *x = NULL;
    json_array_foreach(pr_get(v->rel, "indexes"), i, x) {
        const char *def = pr_get_str(x, "def"), *using = def != NULL ? strstr(def, " USING ") : NULL;
        const bool whole = pr_get_bool(x, "valid") && pr_get_bool(x, "ready") && pr_get_bool(x, "live");
        pr_grid_add(&g, pr_get_str(x, "name"));
        pr_grid_add(&g, pr_fmt(v->r->a, "%s%s", pr_get_bool(x, "primary") ? "primary key " : pr_get_bool(x, "unique") ? "unique " : "",
                               using != NULL ? using + strlen(" USING ") : def != NULL ? def : ""));
        pr_grid_add(&g, pr_human_bytes(v->r->a, pr_get_int(x, "bytes")));
        pr_grid_add(&g, pr_human_count(v->r->a, pr_get_int(x, "scans")));
        pr_grid_add(&g, whole ? "" : !pr_get_bool(x, "live") ? "INVALID: being dropped" : pr_get_bool(x, "ready")
                        ? "INVALID: written to, not read" : "INVALID: not ready");
    }
    pr_add(v->out, "  indexes\n");
    pr_grid_print(&g, (const char *const[]){"name", "on", "size", "scans", ""});
}

static const char *con_state(const json_t *k) {
    if (!pr_get_bool(k, "enforced")) return "NOT ENFORCED";
    return pr_get_bool(k, "validated") ? "" : "NOT VALIDATED";
}

/* The definition without the words that the state says, better to be seen. */
static const char *without_state(const struct view *v, const char *def) {
    static const char *const ends[] = {" NOT VALID", " NOT ENFORCED"};
    for (size_t i = 0; i < PR_COUNT(ends) && def != NULL; i++)
        if (pr_ends(def, ends[i])) return pr_dupn(v->r->a, def, strlen(def) - strlen(ends[i]));
    return def;
}

static void constraints(const struct view *v) {
    struct pr_grid own = {.r = v->r, .n_cols = 3, .indent = 4, .max_chars = 160}, others = own;
    size_t i = 0;
    json_t *k = NULL;
    json_array_foreach(pr_get(v->rel, "constraints"), i, k) {
        if (pr_get_bool(k, "inbound")) {
            pr_grid_add(&others, pr_fmt(v->r->a, "%s.%s", pr_get_str(k, "ref_schema"), pr_get_str(k, "ref_table")));
            pr_grid_add(&others, pr_fmt(v->r->a, "(%s) refers to (%s), by %s", name_list(v, pr_get(k, "ref_cols"), 8), name_list(v, pr_get(k, "cols"), 8), pr_get_str(k, "name")));
            pr_grid_add(&others, con_state(k));
        } else if (!pr_eq(pr_get_str(k, "type"), "n")) {    /* "not null" stands with the columns */
            pr_grid_add(&own, pr_get_str(k, "name"));
            pr_grid_add(&own, without_state(v, pr_get_str(k, "def")));
            pr_grid_add(&own, con_state(k));
        }
    }
    if (own.n_cells > 0) {
        pr_add(v->out, "  constraints\n");
        pr_grid_print(&own, NULL);
    }
    if (others.n_cells == 0) return;
    pr_add(v->out, "  referred to by\n");
    pr_grid_print(&others, NULL);
}

static void named_defs(const struct view *v, const char *key, const char *title) {
    if (count(v, key) == 0) return;
    pr_addf(v->out, "  %s\n", title);
    size_t i = 0;
    json_t *t = NULL;
    json_array_foreach(pr_get(v->rel, key), i, t) {
        const bool disabled = json_is_false(json_object_get(t, "enabled"));
        pr_addf(v->out, "    %s: %s%s\n", show(v, pr_get_str(t, "name"), 70), show(v, pr_get_str(t, "def"), 300), disabled ? " \001w(disabled)\002" : "");
    }
}

static void dependants(const struct view *v) {
    if (count(v, "dependants") == 0) return;
    pr_add(v->out, "  depend on it\n");
    size_t i = 0;
    json_t *d = NULL;
    json_array_foreach(pr_get(v->rel, "dependants"), i, d) {
        const json_t *mentions = pr_get(d, "mentions");
        const char *schema = pr_get_str(d, "schema");
        pr_addf(v->out, "    %s %s%s%s", show(v, pr_get_str(d, "kind"), 40), schema != NULL ? show(v, schema, 70) : "", schema != NULL ? "." : "", show(v, pr_get_str(d, "name"), 140));
        if (json_array_size(mentions) > 0) pr_addf(v->out, " (%s)", name_list(v, mentions, 12));
        pr_add(v->out, "\n");
    }
}

static void relation(const struct pr_render *r, const json_t *rel) {
    const struct view v = {.r = r, .out = r->out, .rel = rel};
    pr_addf(r->out, "\001h%s %s.%s\002\n", kind_word(get(&v, "kind")), show(&v, get(&v, "schema"), 70), show(&v, get(&v, "name"), 70));
    sizes(&v);
    traits(&v);
    columns(&v);
    indexes(&v);
    constraints(&v);
    named_defs(&v, "triggers", "triggers");
    named_defs(&v, "policies", "policies");
    if (count(&v, "partitions") > 0) pr_addf(r->out, "  %s\n    %s\n", is_kind(&v, "p") ? "partitions" : "children", name_list(&v, pr_get(rel, "partitions"), 10));
    dependants(&v);
    if (get(&v, "view_def") != NULL) pr_addf(r->out, "  definition\n    \001c%s\002\n", show(&v, get(&v, "view_def"), 1000));
    pr_addf(r->out, "  \001dfingerprint %s\002\n\n", show(&v, get(&v, "fingerprint"), 64));
}

static void unknown(const struct pr_render *r, const json_t *doc) {
    const struct view v = {.r = r, .out = r->out, .rel = doc};
    size_t i = 0, k = 0;
    json_t *u = NULL, *near = NULL;
    json_array_foreach(pr_get(doc, "unknown"), i, u) {
        pr_addf(r->out, "\001bline %" PRId64 ": %s\002\n", pr_get_int(u, "line"), show(&v, pr_get_str(u, "message"), 300));
        json_array_foreach(pr_get(u, "nearest"), k, near) {
            const char *detail = pr_get_str(near, "detail");
            pr_addf(r->out, "  %s %s%s%s%s\n", k == 0 ? "nearest:" : "        ", show(&v, pr_get_str(near, "name"), 140),
                    detail != NULL && detail[0] != '\0' ? " (" : "", show(&v, detail, 100), detail != NULL && detail[0] != '\0' ? ")" : "");
        }
    }
}

static void partners(const struct pr_render *r, const json_t *doc) {
    if (json_array_size(pr_get(doc, "partners")) == 0) return;
    struct pr_grid g = {.r = r, .n_cols = 3, .indent = 2, .max_chars = 140, .right = 2 | 4};
    size_t i = 0;
    json_t *p = NULL;
    json_array_foreach(pr_get(doc, "partners"), i, p) {
        pr_grid_add(&g, pr_fmt(r->a, "%s.%s", pr_get_str(p, "schema"), pr_get_str(p, "name")));
        pr_grid_add(&g, pr_plural(r->a, pr_get_int(p, "rows"), "row"));
        pr_grid_add(&g, pr_human_bytes(r->a, pr_get_int(p, "total_bytes")));
    }
    pr_add(r->out, "read with them, as partners of keys or partitions\n");
    pr_grid_print(&g, NULL);
    pr_add(r->out, "\n");
}

void pr_ground_render(const json_t *doc, const struct pr_render *r) {
    const struct view v = {.r = r, .out = r->out, .rel = doc};
    size_t i = 0;
    json_t *rel = NULL;
    json_array_foreach(pr_get(doc, "relations"), i, rel) relation(r, rel);
    partners(r, doc);
    const char *migration = get(&v, "migration"), *saved = get(&v, "saved"), *why = get(&v, "noted_why");
    const int64_t version = pr_get_int(doc, "version_num");
    pr_addf(r->out, "environment %s: database %s, PostgreSQL %" PRId64 ".%" PRId64 ", read at %s\n", show(&v, get(&v, "environment"), 70),
            show(&v, get(&v, "database"), 70), version / 10000, version % 10000, show(&v, get(&v, "taken_at"), 40));
    pr_addf(r->out, "fingerprint %s\n", show(&v, get(&v, "fingerprint"), 64));
    if (pr_get_int(doc, "unjudged") > 0)
        pr_addf(r->out, "\001w%s not SQL that the grammar knows: what is touched there is not grounded\002\n", pr_plural(r->a, pr_get_int(doc, "unjudged"), "statement"));
    unknown(r, doc);
    if (migration != NULL && pr_get_bool(doc, "recorded"))
        pr_addf(r->out, "\001ggrounded %s\002%s%s\n", show(&v, migration, 140), why != NULL ? "; no line in its header: " : ", and its header says so",
                why != NULL ? show(&v, why, 300) : "");
    else if (migration != NULL) pr_addf(r->out, "\001b%s is not grounded: mend the names, then ground it again\002\n", show(&v, migration, 140));
    if (saved != NULL) pr_addf(r->out, "facts saved to %s\n", show(&v, saved, 300));
}
