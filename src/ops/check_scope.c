/* check_scope.c: what check judges, and with which facts. */
#include <sys/stat.h>
#include <unistd.h>

#include "ops/check.h"
#include "rules/orphans.h"

static bool is_folder(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool looks_like_path(const char *what) { return strchr(what, '/') != NULL || pr_ends(what, ".sql"); }

/* Up and down named both, as a hook does that lists changed files, are one migration. */
static void take(struct pr_check *k, const struct pr_migration *m) {
    for (size_t i = 0; i < k->n && k->n_folders == 0; i++)
        if (k->list[i] == m) return;
    const struct pr_migration **at = PR_PUSH(k->c->a, k->list, k->n, k->cap);
    *at = m;
}

static enum pr_code take_folder(struct pr_check *k, const char *path, struct pr_err *e) {
    struct pr_folder *f = NULL;
    PR_TRY(e, pr_folder_read(path, k->root, k->x.config != NULL ? k->x.config->layout : NULL, k->c->a, &f, e));
    const struct pr_folder **at = PR_PUSH(k->c->a, k->folders, k->n_folders, k->cap_folders);
    *at = f;
    for (size_t i = 0; i < f->n; i++) take(k, &f->migrations[i]);
    return PR_OK;
}

static enum pr_code take_word(struct pr_check *k, const char *word, struct pr_err *e) {
    if (is_folder(word)) return take_folder(k, word, e);
    if (k->x.config != NULL) {
        const struct pr_migration *m = NULL;
        PR_TRY(e, pr_context_migration(k->c, &k->x, word, &m, e));
        take(k, m);
        *PR_PUSH(k->c->a, k->named, k->n_named, k->cap_named) = m;
        return PR_OK;
    }
    if (!looks_like_path(word) && access(word, R_OK) != 0) {
        (void)PR_FAIL(e, PR_ERR_CONFIG, "there is no pgrail.conf here, so \"%s\" cannot be looked up", pr_printable(k->c->a, word, 100));
        return pr_hint(e, "name a file, or write a pgrail.conf with: pgrail init");
    }
    struct pr_migration *m = NULL;
    PR_TRY(e, pr_migration_from_file(word, k->root, k->c->a, &m, e));
    take(k, m);
    *PR_PUSH(k->c->a, k->named, k->n_named, k->cap_named) = m;
    return PR_OK;
}

enum pr_code pr_check_collect(struct pr_check *k, const struct pr_list *words, bool all, struct pr_err *e) {
    if (words->n > 0 && all) {
        (void)PR_FAIL(e, PR_ERR_USAGE, "--all judges the folder of the project from its first migration on, so nothing else can be named with it");
        return pr_hint(e, "name the folder alone, or use --all without a name");
    }
    for (size_t i = 0; i < words->n; i++) PR_TRY(e, take_word(k, words->items[i], e));
    if (words->n > 0) return PR_OK;
    if (k->x.config == NULL) {
        (void)PR_FAIL(e, PR_ERR_CONFIG, "there is no pgrail.conf here and no file was named");
        return pr_hint(e, "pgrail check FILE.sql, or write a pgrail.conf with: pgrail init");
    }
    k->in_order = true;
    return take_folder(k, k->x.config->migrations, e);
}

/* --- facts -------------------------------------------------------------------------------------------------------- */

static enum pr_code wants_of(struct pr_check *k, const struct pr_side *side, struct pr_want **wants, size_t *n, size_t *cap, struct pr_err *e) {
    if (side->path == NULL) return PR_OK;
    struct pr_script s PR_CLEANUP(pr_script_done) = {0};
    const enum pr_code code = pr_script_parse(side->text, side->len, k->c->a, &s, e);
    if (code != PR_OK) return pr_prefix(e, "%s", side->path);
    struct pr_want *more = NULL;
    const size_t m = pr_facts_wants(&s, k->c->a, &more);
    for (size_t i = 0; i < m; i++) {
        struct pr_want *at = PR_PUSH(k->c->a, *wants, *n, *cap);
        *at = (struct pr_want){.schema = pr_dup(k->c->a, more[i].schema), .name = pr_dup(k->c->a, more[i].name)};
    }
    return PR_OK;
}

static const struct pr_migration *last_applied(const struct pr_check *k, const struct pr_history_row *rows, size_t n) {
    for (size_t i = k->n; i > 0; i--)
        if (!k->list[i - 1]->repeatable && pr_history_applied(rows, n, k->list[i - 1]->version) != NULL) return k->list[i - 1];
    return NULL;
}

/* Comes before one that is applied, and is not: it arrived late, or was rolled back alone. */
static void tell_late(struct pr_check *k, const struct pr_migration *m, const struct pr_migration *after) {
    pr_check_problem(k, &(struct pr_problem){
        .rule = "migration-order", .path = m->up.path, .also = after->up.path, .hint = pr_fmt(k->c->a, "Give it a version after %s.", after->version),
        .message = pr_fmt(k->c->a, "%s is not applied on %s, and %s, which comes after it, is", m->id, k->x.env->name, after->id)},
        "A database that is built from the folder runs them in another order than this one did, and most runners leave out what is older than what they ran last.");
}

/* A pending migration is one that the history does not have as applied; one that changed since it was applied stays in the
 * list's findings and is not judged again. */
static enum pr_code keep_pending(struct pr_check *k, struct pr_err *e) {
    struct pr_history_row *rows = NULL;
    size_t n_rows = 0, kept = 0;
    PR_TRY(e, pr_history_read(k->x.pg, k->c->a, &rows, &n_rows, e));
    const struct pr_migration *last = last_applied(k, rows, n_rows);
    bool before = last != NULL;
    for (size_t i = 0; i < k->n; i++) {
        const struct pr_migration *m = k->list[i];
        const struct pr_history_row *row = pr_history_applied(rows, n_rows, m->version);
        before = before && m != last;
        if (row == NULL && before && !m->repeatable) tell_late(k, m, last);
        if (row == NULL || m->repeatable) {
            k->list[kept++] = m;
            continue;
        }
        if (pr_eq(row->sha256, m->sha256)) continue;
        pr_check_problem(k, &(struct pr_problem){
            .rule = "changed-after-apply", .path = m->up.path, .is_error = true, .hint = "Give the file its old bytes back and write a new migration.",
            .message = pr_fmt(k->c->a, "%s was changed after it was applied on %s", m->id, k->x.env->name)},
            "What this file says is not what ran there: whoever builds a database from the folder gets another one.");
    }
    k->n = kept;
    return PR_OK;
}

/* In the order in which they run: what an earlier one writes is no longer as it was counted. */
static enum pr_code count_orphans(struct pr_check *k, struct pr_facts *facts, struct pr_err *e) {
    struct pr_orphan_asks asks = {.a = k->c->a};
    for (size_t i = 0; i < k->n; i++) {
        const struct pr_side *up = &k->list[i]->up;
        struct pr_script s PR_CLEANUP(pr_script_done) = {0};
        if (up->path == NULL) continue;
        PR_TRY(e, pr_script_parse(up->text, up->len, k->c->a, &s, e));
        pr_orphan_asks_add(&asks, &s, facts);
    }
    return pr_facts_orphans(k->x.pg, asks.refs, asks.n, asks.dropped, asks.n_dropped, k->x.config->orphans_timeout_ms, k->c->talk, k->c->a, facts, e);
}

static enum pr_code read_live(struct pr_check *k, bool named, struct pr_err *e) {
    const enum pr_code code = pr_context_connect(k->c, &k->x, "check", e);
    if (code != PR_OK && code != PR_ERR_INTERRUPTED && e->hint[0] == '\0') return pr_hint(e, "pgrail check --offline judges without the database");
    if (code != PR_OK) return code;
    if (!named) PR_TRY(e, keep_pending(k, e));
    struct pr_want *wants = NULL;
    size_t n = 0, cap = 0;
    for (size_t i = 0; i < k->n; i++) {
        PR_TRY(e, wants_of(k, &k->list[i]->up, &wants, &n, &cap, e));
        PR_TRY(e, wants_of(k, &k->list[i]->down, &wants, &n, &cap, e));
    }
    /* No name means every relation: a script that names none still needs the version and the list of names. */
    if (n == 0) {
        struct pr_want *at = PR_PUSH(k->c->a, wants, n, cap);
        *at = (struct pr_want){.schema = "pg_catalog", .name = "pg_class"};
    }
    struct pr_facts *facts = NULL;
    PR_TRY(e, pr_facts_read(k->x.pg, wants, n, k->c->a, &facts, e));
    facts->environment = k->x.env->name;
    PR_TRY(e, count_orphans(k, facts, e));
    k->facts = facts;
    k->source = "live";
    return PR_OK;
}

enum pr_code pr_check_facts(struct pr_check *k, const struct pr_check_facts *how, struct pr_err *e) {
    if ((how->file != NULL) + (how->env != NULL) + how->offline + how->all > 1)
        return PR_FAIL(e, PR_ERR_USAGE, "--env, --facts, --offline and --all exclude each other");
    k->source = "none";
    if (how->file != NULL) {
        struct pr_facts *facts = NULL;
        PR_TRY(e, pr_facts_load(how->file, k->c->a, &facts, e));
        k->facts = facts;
        k->source = "file";
    } else if (how->all) {
        struct pr_facts *nothing = PR_NEW(k->c->a, struct pr_facts);
        const char **path = PR_NEW_ARRAY(k->c->a, const char *, 1);
        path[0] = "public";
        *nothing = (struct pr_facts){.version_num = k->version_num, .whole = true, .time_zone = "UTC", .search_path = path, .n_search_path = 1};
        k->facts = nothing;
        k->source = "nothing";
    } else if (k->x.env != NULL) {
        return read_live(k, how->named, e);
    }
    return PR_OK;
}
