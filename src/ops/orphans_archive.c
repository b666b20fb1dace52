/* orphans_archive.c: the migration that moves orphans into a table of their own, and back. Copy and delete are one statement: a row is
 * in one of the two tables at any moment, and one that was mended meanwhile stays where it is. Of more rows than a migration should move,
 * it makes the table alone, and orphans_move.c writes the backfill that moves them. */
#include <ctype.h>
#include <sys/stat.h>

#include "ops/names.h"
#include "ops/orphans_archive.h"

void pr_archive_warn(struct pr_archive *x, const char *text) { pr_push_str(x->warned, text); }

/* --- what can be moved --------------------------------------------------------------------------------------------- */

static enum pr_code choose_refs(struct pr_archive *x, struct pr_err *e) {
    const struct pr_orphans_op *o = x->o;
    size_t guessed = 0;
    x->refs = PR_NEW_ARRAY(x->a, const struct pr_ref *, o->n_refs + 1);
    for (size_t i = 0; i < o->n_refs; i++) {
        const struct pr_orphans *f = &o->found[i];
        const bool inferred = f->ref->basis == PR_REF_INFERRED, named = o->key_named;
        if (inferred && !named) {
            if (f->rows > 0) guessed++;
            continue;
        }
        if (f->unread != NULL || f->stopped != NULL) {
            (void)PR_FAIL(e, PR_ERR_REFUSED, "the orphans of %s are not all counted: %s", pr_ref_from(x->a, f->ref), f->unread != NULL ? f->unread : f->stopped);
            return pr_hint(e, "raise --timeout, or mend what keeps it from being read");
        }
        if (f->rows == 0) continue;
        x->refs[x->n_refs++] = f->ref;
        x->rows = pr_sat_add(x->rows, f->rows);
    }
    if (x->n_refs > 0) return PR_OK;
    (void)PR_FAIL(e, PR_ERR_REFUSED, "%s has no orphans to archive", x->child_name);
    return guessed > 0 ? pr_hint(e, "an inferred reference is a guess: name its columns with --key when it is right") : e->code;
}

static enum pr_code choose_name(struct pr_archive *x, const char *text, struct pr_err *e) {
    struct pr_want w = {0};
    PR_TRY(e, pr_typed_relation(x->a, text, &w, e));
    if (w.schema == NULL) w.schema = x->child->schema;
    x->name = pr_qualified(x->a, w.schema, w.name);
    if (!pr_is_listed(x->o->facts, w.schema, w.name)) return PR_OK;
    (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "%s is there already: --archive names a table that is to be made", x->name);
    return pr_hint(e, "pgrail orphans %s --archive %s", x->child_name, pr_quote_ident(x->a, pr_fmt(x->a, "%s_orphans", x->child->name)));
}

/* Rows of others that would go or change with ours, and that nobody copies. */
static enum pr_code check_inbound(const struct pr_archive *x, struct pr_err *e) {
    for (size_t i = 0; i < x->child->n_cons; i++) {
        const struct pr_con *c = &x->child->cons[i];
        if (c->type != 'f' || !c->inbound || c->def == NULL) continue;
        if (strstr(c->def, " ON DELETE CASCADE") == NULL && strstr(c->def, " ON DELETE SET ") == NULL) continue;
        (void)PR_FAIL(e, PR_ERR_REFUSED, "foreign key %s of %s would change rows there when ours are deleted, and nothing keeps them", pr_quote_ident(x->a, c->name),
                      pr_qualified(x->a, c->ref_schema, c->ref_table));
        return pr_hint(e, "archive what refers to the orphans first, or write the migration by hand: pgrail new");
    }
    return PR_OK;
}

bool pr_archive_held(const struct pr_ref *r) { return r->basis == PR_REF_DECLARED && r->enforced && !r->triggers_off; }

static enum pr_code check_way_back(const struct pr_archive *x, struct pr_err *e) {
    for (size_t i = 0; i < x->n_refs; i++) {
        if (!pr_archive_held(x->refs[i]) || x->child->kind != 'p' || x->o->facts->version_num >= 180000) continue;
        (void)PR_FAIL(e, PR_ERR_REFUSED, "no way back: before PostgreSQL 18 foreign key %s of a partitioned table cannot be added again over its orphans",
                      pr_quote_ident(x->a, x->refs[i]->constraint));
        return pr_hint(e, "write the migration by hand, without a down: pgrail new");
    }
    return PR_OK;
}

static void look_at_triggers(struct pr_archive *x) {
    for (size_t i = 0; i < x->child->n_trgs; i++) {
        const struct pr_trg *t = &x->child->trgs[i];
        if (t->enabled && t->def != NULL && strstr(t->def, " ON ") != NULL && (strstr(t->def, " DELETE ") != NULL || strstr(t->def, " INSERT ") != NULL))
            pr_archive_warn(x, pr_fmt(x->a, "trigger %s of %s runs when rows are taken out or put back", pr_quote_ident(x->a, t->name), x->child_name));
    }
}

/* --- SQL ----------------------------------------------------------------------------------------------------------- */

const char *pr_archive_columns(const struct pr_archive *x, const char *before, bool generated) {
    struct pr_buf b = {.a = x->a};
    for (size_t i = 0; i < x->child->n_cols; i++) {
        if (!generated && x->child->cols[i].generated != '\0') continue;
        pr_addf(&b, "%s%s%s", b.len > 0 ? ", " : "", before, pr_quote_ident(x->a, x->child->cols[i].name));
    }
    return pr_buf_text(&b);
}

const char *pr_archive_condition(const struct pr_archive *x) {
    struct pr_buf b = {.a = x->a};
    for (size_t i = 0; i < x->n_refs; i++)
        pr_addf(&b, "%s%s%s%s", i > 0 ? "\n       OR " : "", x->n_refs > 1 ? "(" : "", pr_ref_condition(x->a, x->refs[i], "o"), x->n_refs > 1 ? ")" : "");
    return pr_buf_text(&b);
}

static const char *up_sql(const struct pr_archive *x) {
    struct pr_buf b = {.a = x->a};
    if (!x->inline_rows) return x->table;
    pr_addf(&b, "CREATE TABLE %s (LIKE %s);\n", x->name, x->child_name);
    pr_addf(&b, "\nWITH gone AS (\n    DELETE FROM %s AS o\n    WHERE %s\n    RETURNING %s\n)\nINSERT INTO %s (%s)\nSELECT %s FROM gone;\n", x->child_name, pr_archive_condition(x),
            pr_archive_columns(x, "o.", true), x->name, pr_archive_columns(x, "", true), pr_archive_columns(x, "", true));
    return pr_buf_text(&b);
}

bool pr_archive_overrides(const struct pr_rel *r) {
    for (size_t i = 0; i < r->n_cols; i++)
        if (r->cols[i].identity == 'a') return true;
    return false;
}

static bool has_deferred(const struct pr_rel *r) {
    for (size_t i = 0; i < r->n_cons; i++)
        if (r->cons[i].deferrable && !r->cons[i].inbound) return true;
    return false;
}

/* A key that is NOT VALID refuses new orphans all the same: it goes for the moment in which they come back. */
static const char *down_sql(const struct pr_archive *x) {
    struct pr_buf b = {.a = x->a};
    if (!x->inline_rows) return pr_archive_down(x);
    for (size_t i = 0; i < x->n_refs; i++)
        if (pr_archive_held(x->refs[i])) pr_addf(&b, "ALTER TABLE %s DROP CONSTRAINT %s;\n\n", x->child_name, pr_quote_ident(x->a, x->refs[i]->constraint));
    pr_addf(&b, "INSERT INTO %s (%s)%s\nSELECT %s FROM %s;\n", x->child_name, pr_archive_columns(x, "", false), pr_archive_overrides(x->child) ? "\nOVERRIDING SYSTEM VALUE" : "",
            pr_archive_columns(x, "", false), x->name);
    if (has_deferred(x->child)) pr_add(&b, "SET CONSTRAINTS ALL IMMEDIATE;\n");
    pr_add(&b, "\n");
    for (size_t i = 0; i < x->n_refs; i++) {
        if (!pr_archive_held(x->refs[i])) continue;
        const char *def = x->refs[i]->def;
        pr_addf(&b, "ALTER TABLE %s ADD CONSTRAINT %s %s%s;\n\n", x->child_name, pr_quote_ident(x->a, x->refs[i]->constraint), def,
                pr_ends(def, " NOT VALID") ? "" : " NOT VALID");
    }
    pr_addf(&b, "DROP TABLE %s;\n", x->name);
    return pr_buf_text(&b);
}

/* --- the migration ------------------------------------------------------------------------------------------------- */

const char *pr_archive_rationale(const struct pr_archive *x) {
    struct pr_buf b = {.a = x->a};
    pr_addf(&b, "%s of %s %s", pr_plural(x->a, x->rows, "row"), x->child_name, x->rows == 1 ? "refers" : "refer");
    for (size_t i = 0; i < x->n_refs; i++)
        pr_addf(&b, x->refs[i]->period ? "%s to periods that rows of %s do not cover" : "%s to rows of %s that are not there", i > 0 ? " or" : "",
                pr_qualified(x->a, x->refs[i]->ref_schema, x->refs[i]->ref_table));
    return pr_printable(x->a, pr_buf_text(&b), 400);
}

static const char *shown(const struct pr_config *conf, const char *path) {
    const size_t n = strlen(conf->root);
    return path != NULL && strncmp(path, conf->root, n) == 0 && path[n] == '/' ? path + n + 1 : path;
}

static enum pr_code write_migration(struct pr_archive *x, struct pr_err *e) {
    const struct pr_config *conf = x->o->x.config;
    struct pr_folder *f = NULL;
    struct stat st;
    const char *up = NULL, *down = NULL;
    const struct pr_migration *m = NULL;
    if (stat(conf->migrations, &st) != 0) PR_TRY(e, pr_mkdirs(conf->migrations, 0755, e));
    PR_TRY(e, pr_folder_read(conf->migrations, conf->root, conf->layout, x->a, &f, e));
    const struct pr_new n = {.name = x->migration, .rationale = pr_archive_rationale(x), .author = pr_git_author(conf->root, x->a), .up_sql = up_sql(x), .down_sql = down_sql(x)};
    PR_TRY(e, pr_migration_new(f, &n, x->a, &up, &down, e));
    PR_TRY(e, pr_folder_read(conf->migrations, conf->root, conf->layout, x->a, &f, e));
    PR_TRY(e, pr_folder_find(f, up, &m, e));
    json_t *doc = pr_set_object(x->o->doc, "archive");
    pr_set_str(doc, "table", x->name);
    pr_set_str(doc, "migration", m->id);
    pr_set_str(doc, "up", shown(conf, up));
    pr_set_str(doc, "down", shown(conf, down));
    PR_TRY(e, pr_archive_write(x, f, m, up, doc, e));
    pr_set_int(doc, "rows", x->rows);
    pr_set_bool(doc, "moves_rows", x->inline_rows);
    pr_set(doc, "warnings", json_incref(x->warned));
    pr_set_str(doc, "next", pr_fmt(x->a, "pgrail ground %s --env %s", m->id, x->o->x.env->name));
    return PR_OK;
}

static enum pr_code prepare(struct pr_archive *x, const char *table, struct pr_err *e) {
    PR_TRY(e, choose_refs(x, e));
    PR_TRY(e, choose_name(x, table, e));
    PR_TRY(e, check_inbound(x, e));
    PR_TRY(e, check_way_back(x, e));
    look_at_triggers(x);
    x->inline_rows = x->rows <= x->o->x.config->max_inline_rows;
    return x->inline_rows ? PR_OK : pr_archive_plan(x, e);
}

/* As pr_migration_new will have it: letters, digits and _. */
static const char *migration_name(const struct pr_archive *x) {
    struct pr_buf b = {.a = x->a};
    for (const char *p = x->child->name; *p != '\0'; p++) {
        const char c = (char)tolower((unsigned char)*p), low = isalnum((unsigned char)c) && (unsigned char)c < 0x80 ? c : '_';
        if (low != '_' || (b.len > 0 && b.text[b.len - 1] != '_')) pr_addn(&b, &low, 1);
    }
    while (b.len > 0 && b.text[b.len - 1] == '_') b.text[--b.len] = '\0';
    return b.len > 0 ? pr_fmt(x->a, "archive_%s_orphans", b.text) : "archive_orphans";
}

enum pr_code pr_orphans_archive(struct pr_orphans_op *o, const char *table, struct pr_err *e) {
    json_t *warned PR_CLEANUP(pr_json_freep) = json_array();
    struct pr_archive x = {.o = o, .a = o->c->a, .warned = warned};
    const struct pr_want *w = &o->table;
    x.child = pr_find_rel(o->facts, w->schema, w->name);
    x.child_name = pr_qualified(x.a, w->schema, w->name);
    x.migration = migration_name(&x);
    PR_TRY(e, prepare(&x, table, e));
    return write_migration(&x, e);
}
