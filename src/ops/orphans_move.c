/* orphans_move.c: orphans --archive of more rows than max_inline_rows. The migration makes the table; NAME.backfill.sql moves the rows there,
 * NAME.down.backfill.sql back. The down script drops the table, and refuses while rows are in it: in its one transaction they could
 * come back at the price only that the backfill was made to avoid. */
#include "backfill/backfill.h"
#include "footprint/footprint.h"
#include "ops/orphans_archive.h"

/* --- the texts ----------------------------------------------------------------------------------------------------- */

static const char *head(const struct pr_archive *x, const char *rationale) {
    const char *author = pr_git_author(x->o->x.config->root, x->a);
    return pr_fmt(x->a, "-- rationale: %s\n-- author: %s\n", rationale, author != NULL ? author : "");
}

static const char *there(const struct pr_archive *x, const char *settings) {
    return pr_fmt(x->a, "%s%s-- Copy and delete are one statement: a row is in one of the two tables at any moment, and one that was mended meanwhile stays.\n\n"
                  "WITH gone AS (\n    DELETE FROM %s AS o\n    WHERE %s\n    RETURNING %s\n)\nINSERT INTO %s (%s)\nSELECT %s FROM gone;\n",
                  head(x, pr_archive_rationale(x)), settings, x->child_name, pr_archive_condition(x), pr_archive_columns(x, "o.", true), x->name,
                  pr_archive_columns(x, "", true), pr_archive_columns(x, "", true));
}

/* Foreign keys refuse orphans when they are NOT VALID as well. */
static void keys_off_and_on(const struct pr_archive *x, struct pr_buf *b) {
    size_t held = 0;
    for (size_t i = 0; i < x->n_refs; i++)
        if (pr_archive_held(x->refs[i])) held++;
    if (held == 0) return;
    pr_add(b, "-- Before it, in a migration of its own, since foreign keys refuse these rows, NOT VALID ones too,\n");
    for (size_t i = 0; i < x->n_refs; i++)
        if (pr_archive_held(x->refs[i])) pr_addf(b, "--     ALTER TABLE %s DROP CONSTRAINT %s;\n", x->child_name, pr_quote_ident(x->a, x->refs[i]->constraint));
    pr_add(b, "-- and after it\n");
    for (size_t i = 0; i < x->n_refs; i++) {
        const char *def = x->refs[i]->def;
        if (pr_archive_held(x->refs[i]))
            pr_addf(b, "--     ALTER TABLE %s ADD CONSTRAINT %s %s%s;\n", x->child_name, pr_quote_ident(x->a, x->refs[i]->constraint), def, pr_ends(def, " NOT VALID") ? "" : " NOT VALID");
    }
}

static const char *back(const struct pr_archive *x, const char *settings) {
    struct pr_buf b = {.a = x->a};
    pr_addf(&b, "%s%s-- The way back of %s.backfill.sql: run when it is wanted, never as a part of going on. The down script of the migration comes after it.\n",
            head(x, pr_fmt(x->a, "the rows of %s go back into %s", x->name, x->child_name)), settings, x->migration);
    keys_off_and_on(x, &b);
    pr_addf(&b, "\nWITH back AS (\n    DELETE FROM %s AS o\n    RETURNING %s\n)\nINSERT INTO %s (%s)%s\nSELECT %s FROM back;\n", x->name, pr_archive_columns(x, "o.", false), x->child_name,
            pr_archive_columns(x, "", false), pr_archive_overrides(x->child) ? "\nOVERRIDING SYSTEM VALUE" : "", pr_archive_columns(x, "", false));
    return pr_buf_text(&b);
}

static const char *shown(const struct pr_config *conf, const char *path) {
    const size_t n = strlen(conf->root);
    return strncmp(path, conf->root, n) == 0 && path[n] == '/' ? path + n + 1 : path;
}

const char *pr_archive_down(const struct pr_archive *x) {
    const char *how = x->back != NULL ? pr_fmt(x->a, "they go back by a backfill first: pgrail backfill %s/*_%s.down.backfill.sql", shown(x->o->x.config, x->o->x.config->migrations), x->migration)
                                      : "bring them back first, or keep the table";
    const char *body = pr_fmt(x->a, "\nBEGIN\n    IF EXISTS (SELECT FROM %s) THEN\n        RAISE EXCEPTION USING MESSAGE = %s, HINT = %s;\n    END IF;\nEND\n", x->name,
                              pr_quote_literal(x->a, pr_fmt(x->a, "%s still holds rows of %s", x->name, x->child_name)), pr_quote_literal(x->a, how));
    const char *code = strstr(body, "$down$") == NULL ? pr_fmt(x->a, "$down$%s$down$", body) : pr_quote_literal(x->a, body);
    return pr_fmt(x->a, "LOCK TABLE %s IN ACCESS EXCLUSIVE MODE;\n\nDO %s;\n\nDROP TABLE %s;\n", x->name, code, x->name);
}

/* --- what can be taken apart --------------------------------------------------------------------------------------- */

/* All that the two statements touch, as the server has it now. */
static enum pr_code read_facts(struct pr_archive *x, struct pr_facts **out, struct pr_err *e) {
    const char *text = pr_fmt(x->a, "%s%s%s", x->table, there(x, ""), back(x, ""));
    struct pr_script s PR_CLEANUP(pr_script_done) = {0};
    struct pr_want *wants = NULL;
    PR_TRY(e, pr_script_parse(text, strlen(text), x->a, &s, e));
    const size_t n = pr_facts_wants(&s, x->a, &wants);
    return pr_facts_read(x->o->x.pg, wants, n, x->a, out, e);
}

static enum pr_code world_after(struct pr_archive *x, const struct pr_facts *facts, struct pr_facts **out, struct pr_err *e) {
    struct pr_script s PR_CLEANUP(pr_script_done) = {0};
    struct pr_run_footprint fp = {0};
    PR_TRY(e, pr_script_parse(x->table, strlen(x->table), x->a, &s, e));
    struct pr_world *w = pr_world_new(facts, facts->version_num, x->a);
    pr_footprint_script(w, &s, PR_TX_ONE, x->a, &fp);
    *out = pr_world_whole(w);
    return PR_OK;
}

static enum pr_code try_cut(struct pr_archive *x, const struct pr_facts *facts, const char *text, struct pr_bf_cut *out, struct pr_err *e) {
    struct pr_bf_file f PR_CLEANUP(pr_bf_file_done) = {0};
    PR_TRY(e, pr_bf_file_parse(pr_fmt(x->a, "%s.backfill.sql", x->migration), text, strlen(text), x->a, &f, e));
    return pr_bf_cut(&f, facts, NULL, 0, x->a, out, e);
}

/* Along a key, else by pages. That triggers fire is for a person to say: then the text comes without that line, and the note says so. */
static enum pr_code try_all(struct pr_archive *x, const struct pr_facts *facts, const char *(*text)(const struct pr_archive *, const char *), struct pr_bf_cut *cut, const char **out,
                            struct pr_err *e) {
    static const char *const ways[] = {"", "-- way: blocks\n"};
    struct pr_err first = {0}, why = {0}, ignored = {0};
    for (size_t i = 0; i < PR_COUNT(ways); i++) {
        *out = text(x, ways[i]);
        const enum pr_code code = try_cut(x, facts, *out, cut, i == 0 ? &first : &why);
        if (code == PR_OK) return PR_OK;
        if (i == 0) why = first;
        if (code != PR_ERR_REFUSED || try_cut(x, facts, text(x, pr_fmt(x->a, "%s-- triggers: fire\n", ways[i])), cut, &ignored) != PR_OK) continue;
        pr_archive_warn(x, pr_fmt(x->a, "pgrail backfill refuses it until its header has the line \"-- triggers: fire\": %s", why.msg));
        return PR_OK;
    }
    *e = first;
    return first.code;
}

static bool is_key_of_all(const struct pr_rel *r, const struct pr_bf_walk *w) {
    for (size_t i = 0; i < r->n_idxs; i++) {
        const struct pr_idx *ix = &r->idxs[i];
        bool same = ix->unique && ix->valid && !ix->is_partial && !ix->has_expressions && ix->n_cols == w->n_keys;
        for (size_t k = 0; k < w->n_keys && same; k++) same = pr_eq(ix->cols[k], w->keys[k].name);
        if (same) return true;
    }
    return false;
}

/* What the rows are gone through by there; in the new table it is the way back's key. */
static const char *key_of(const struct pr_archive *x, const struct pr_facts *facts, const struct pr_bf_cut *cut) {
    const struct pr_bf_walk *w = &cut->walks[0];
    const struct pr_rel *r = pr_find_rel(facts, x->child->schema, x->child->name);
    struct pr_buf b = {.a = x->a};
    if (w->way == PR_BF_BLOCKS || r == NULL || !is_key_of_all(r, w)) return "";
    for (size_t i = 0; i < w->n_keys; i++) pr_addf(&b, "%s%s", i > 0 ? ", " : ", PRIMARY KEY (", pr_quote_ident(x->a, w->keys[i].name));
    pr_add(&b, ")");
    return pr_buf_text(&b);
}

static const char *table_sql(const struct pr_archive *x, const char *key) { return pr_fmt(x->a, "CREATE TABLE %s (LIKE %s%s);\n", x->name, x->child_name, key); }

enum pr_code pr_archive_plan(struct pr_archive *x, struct pr_err *e) {
    struct pr_facts *facts = NULL, *after = NULL;
    struct pr_bf_cut cut = {0}, ignored = {0};
    struct pr_err no_back = {0};
    const char *many = pr_fmt(x->a, "%s are more than max_inline_rows (%s)", pr_plural(x->a, x->rows, "row"), pr_human_count(x->a, x->o->x.config->max_inline_rows));
    x->table = table_sql(x, "");
    PR_TRY(e, read_facts(x, &facts, e));
    PR_TRY(e, world_after(x, facts, &after, e));
    if (try_all(x, after, there, &cut, &x->there, e) != PR_OK) return pr_prefix(e, "%s, and no backfill can move them", many);
    x->table = table_sql(x, key_of(x, facts, &cut));
    PR_TRY(e, world_after(x, facts, &after, e));
    if (try_all(x, after, back, &ignored, &x->back, &no_back) != PR_OK) {
        x->back = NULL;
        pr_archive_warn(x, pr_fmt(x->a, "there is no way back by a backfill: %s", no_back.msg));
    }
    pr_archive_warn(x, pr_fmt(x->a, "%s: the migration makes the table alone, and its backfill moves them", many));
    return PR_OK;
}

/* --- the files ----------------------------------------------------------------------------------------------------- */

/* Beside the migration where its runner leaves such files alone; else in a folder of their own. */
static enum pr_code stem_of(const struct pr_archive *x, const struct pr_folder *f, const struct pr_migration *m, const char *up, const char **out, struct pr_err *e) {
    if (pr_eq(f->layout, "golang-migrate")) {
        *out = pr_dupn(x->a, up, strlen(up) - strlen(".up.sql"));
        return PR_OK;
    }
    const char *folder = pr_fmt(x->a, "%s/backfills", x->o->x.config->root);
    PR_TRY(e, pr_mkdirs(folder, 0755, e));
    *out = pr_fmt(x->a, "%s/%s", folder, m->id);
    return PR_OK;
}

enum pr_code pr_archive_write(const struct pr_archive *x, const struct pr_folder *f, const struct pr_migration *m, const char *up, json_t *doc, struct pr_err *e) {
    const struct pr_config *conf = x->o->x.config;
    const char *stem = NULL;
    pr_set_str(doc, "backfill", NULL);
    pr_set_str(doc, "backfill_down", NULL);
    if (x->inline_rows) return PR_OK;
    PR_TRY(e, stem_of(x, f, m, up, &stem, e));
    const char *there_at = pr_fmt(x->a, "%s.backfill.sql", stem), *back_at = pr_fmt(x->a, "%s.down.backfill.sql", stem);
    PR_TRY(e, pr_write_text(there_at, x->there, strlen(x->there), 0644, true, e));
    pr_set_str(doc, "backfill", shown(conf, there_at));
    if (x->back == NULL) return PR_OK;
    PR_TRY(e, pr_write_text(back_at, x->back, strlen(x->back), 0644, true, e));
    pr_set_str(doc, "backfill_down", shown(conf, back_at));
    return PR_OK;
}
