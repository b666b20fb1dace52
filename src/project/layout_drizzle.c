/* layout_drizzle.c: meta/_journal.json says which files there are and in which order; statements are parted by
 * "--> statement-breakpoint", which is a comment to PostgreSQL. Everything pending runs in one transaction. */
#include "project/folder.h"

static const char journal[] = "meta/_journal.json";

static size_t evidence(const struct pr_reader *r, const char **why) {
    *why = "meta/_journal.json is there";
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++) n += pr_digits(r->files[i].name) > 0 && pr_ends(r->files[i].name, ".sql");
    return pr_reader_file(r, journal) == NULL ? 0 : n + 1;
}

static enum pr_code take(struct pr_reader *r, const json_t *entry, size_t at, int64_t *last, struct pr_err *e) {
    const char *tag = pr_get_str(entry, "tag"), *shown = pr_reader_shown(r, journal);
    if (tag == NULL || tag[0] == '\0' || strchr(tag, '/') != NULL)
        return PR_FAIL(e, PR_ERR_BAD_INPUT, "%s: entries[%zu] has no usable tag", shown, at);
    tag = pr_dup(r->a, tag);
    const size_t digits = pr_digits(tag);
    struct pr_migration *m = pr_reader_add(r, digits > 0 ? pr_dupn(r->a, tag, digits) : pr_fmt(r->a, "%" PRId64, pr_get_int(entry, "idx")),
                                           tag[digits] == '_' ? tag + digits + 1 : tag, tag);
    struct pr_file *f = pr_reader_file(r, pr_fmt(r->a, "%s.sql", tag));
    if (f == NULL) {
        pr_reader_problem(r, "up-missing", shown, 0, true, "the journal names %s, but there is no %s.sql", tag, tag);
    } else {
        pr_side_fill(r->a, &m->up, pr_reader_shown(r, f->name), f->text, f->len, 1, PR_TX_RULE_WRAPPED);
        f->taken = true;
    }
    /* drizzle runs what is younger than the last that it ran: an entry with an older time is skipped in silence. */
    const int64_t when = pr_get_int(entry, "when");
    if (when <= *last && at > 0)
        pr_reader_problem(r, "version-order", shown, 0, true, "%s is not younger than the entry before it: drizzle would skip it", tag);
    *last = when;
    return PR_OK;
}

static enum pr_code read_journal(struct pr_reader *r, struct pr_err *e) {
    const char *shown = pr_reader_shown(r, journal);
    struct pr_file *f = pr_reader_file(r, journal);
    if (f == NULL) {
        (void)PR_FAIL(e, PR_ERR_NO_FILE, "%s: there is none, so this is not a drizzle folder", shown);
        return pr_hint(e, "layout = auto looks at the files");
    }
    json_t *doc PR_CLEANUP(pr_json_freep) = NULL;
    PR_TRY(e, pr_json_parse(shown, f->text, f->len, &doc, e));
    const char *dialect = pr_get_str(doc, "dialect");
    if (dialect != NULL && !pr_eq(dialect, "postgresql") && !pr_eq(dialect, "pg"))
        return PR_FAIL(e, PR_ERR_BAD_INPUT, "%s: the dialect is %s, not postgresql", shown, pr_printable(r->a, dialect, 40));
    const json_t *entries = pr_get(doc, "entries");
    if (!json_is_array(entries)) return PR_FAIL(e, PR_ERR_BAD_INPUT, "%s: has no list \"entries\"", shown);
    int64_t last = INT64_MIN;
    for (size_t i = 0; i < json_array_size(entries); i++) PR_TRY(e, take(r, json_array_get(entries, i), i, &last, e));
    f->taken = true;
    return PR_OK;
}

const struct pr_layout pr_layout_drizzle = {
    .name = "drizzle", .team = true, .numeric = true, .form = "N_name.sql named by meta/_journal.json",
    .evidence = evidence, .read = read_journal,
};
