/* check_move.c: check --fix, of DML over max_inline_rows: the statement moves out of the up script into a backfill of the same version,
 * when it can be taken apart and nothing behind it in the script needs its rows. */
#include "backfill/backfill.h"
#include "ops/check.h"
#include "project/backfills.h"

struct move {
    struct pr_check *k;
    struct pr_arena *a;
    const struct pr_migration *m;
    const struct pr_folder *f;     /* NULL: the file stands alone */
    const struct pr_judged *d;
    const struct pr_stmt *s;       /* that moves */
    const char *path, *text;       /* of the backfill; path as shown */
    const char *why;               /* it stays */
};

static const char *target_of(const struct move *v) {
    struct pr_name *names = NULL;
    const size_t n = pr_stmt_names(v->s, v->a, &names);
    for (size_t i = 0; i < n; i++)
        if (names[i].role == PR_NAME_TARGET) return names[i].name;
    return NULL;
}

/* What stands behind it and may need its rows; NULL = nothing. */
static const struct pr_stmt *leaning(const struct move *v) {
    const char *target = target_of(v);
    for (size_t i = (size_t)v->s->index + 1; i < v->d->script.n; i++) {
        const struct pr_stmt *s = &v->d->script.stmts[i];
        struct pr_name *names = NULL;
        const size_t n = s->node != NULL ? pr_stmt_names(s, v->a, &names) : 0;
        if (s->node == NULL || pr_eq(s->tag, "DO") || pr_eq(s->tag, "CALL") || pr_eq(s->tag, "SELECT")) return s;
        for (size_t k = 0; k < n; k++)
            if (pr_eq(names[k].name, target)) return s;
    }
    return NULL;
}

static const struct pr_backfill_file *there(const struct move *v) {
    for (size_t i = 0; i < v->f->n_backfills; i++)
        if (v->f->backfills[i].of == v->m && !v->f->backfills[i].is_back) return &v->f->backfills[i];
    return NULL;
}

static bool is_alone(const struct move *v) {
    for (size_t i = 0; i < v->d->script.n; i++) {
        const struct pr_stmt *s = &v->d->script.stmts[i];
        if (s != v->s && pr_stmt_tx_word(s) == PR_TX_NONE) return false;
    }
    return true;
}

/* Why it cannot move out of this file, whatever it says; NULL = it can. */
static const char *held(const struct move *v) {
    if (v->f == NULL || !pr_eq(v->f->layout, "golang-migrate")) return v->f == NULL ? "the file is of no migrations folder" : "backfills stand beside migrations in pgrail's own layout alone: N_name.up.sql";
    if (v->s->inside != NULL) return "it stands in a body";
    if (there(v) != NULL) return pr_fmt(v->a, "%s has a backfill already (%s): give this statement a migration of its own", v->m->id, there(v)->path);
    if (is_alone(v)) return pr_fmt(v->a, "it is all that %s does: rename the up script to %s.backfill.sql and remove the down script", v->m->id, v->m->id);
    const struct pr_stmt *next = leaning(v);
    return next != NULL ? pr_fmt(v->a, "%s in line %d comes after it and may need its rows: part the migration there first", next->tag, v->m->up.first_line + next->line - 1) : NULL;
}

static const char *text_of(const struct move *v) {
    struct pr_buf b = {.a = v->a};
    if (v->m->rationale != NULL) pr_addf(&b, "-- rationale: %s\n", v->m->rationale);
    if (v->m->author != NULL) pr_addf(&b, "-- author: %s\n", v->m->author);
    pr_addf(&b, "%s;\n", v->s->text);
    return pr_buf_text(&b);
}

/* Would pgrail backfill take it, in the world that the migration leaves? */
static const char *refused(const struct move *v) {
    struct pr_bf_file file PR_CLEANUP(pr_bf_file_done) = {0};
    struct pr_bf_cut cut = {0};
    struct pr_err e = {0};
    enum pr_code code = pr_bf_file_parse(v->path, v->text, strlen(v->text), v->a, &file, &e);
    if (code == PR_OK) code = pr_bf_cut(&file, pr_world_whole(v->d->after), NULL, 0, v->a, &cut, &e);
    if (code == PR_OK) return NULL;
    return pr_fmt(v->a, "no backfill as it is: %s%s%s", e.msg, e.hint[0] != '\0' ? "; " : "", e.hint);
}

/* The bytes of the statement with its semicolon and, when nothing else is on it, the line. */
static void span(const struct pr_script *script, const struct pr_stmt *s, size_t *from, size_t *to) {
    const char *t = script->text;
    size_t a = s->offset, b = s->offset + s->len;
    while (b < script->len && (t[b] == ' ' || t[b] == '\t' || t[b] == '\r' || t[b] == '\n')) b++;
    b = b < script->len && t[b] == ';' ? b + 1 : s->offset + s->len;
    size_t left = a, right = b;
    while (left > 0 && (t[left - 1] == ' ' || t[left - 1] == '\t')) left--;
    while (right < script->len && (t[right] == ' ' || t[right] == '\t' || t[right] == '\r')) right++;
    const bool whole = (left == 0 || t[left - 1] == '\n') && (right == script->len || t[right] == '\n');
    *from = whole ? left : a;
    *to = whole && right < script->len ? right + 1 : whole ? right : b;
}

static void put_file(struct move *v, struct pr_fix_plan *plan, const char *shown, const char *before, size_t before_len, const char *after, size_t after_len) {
    *PR_PUSH(v->a, plan->files, plan->n, plan->cap) = (struct pr_fix_file){
        .path = shown[0] == '/' ? shown : pr_fmt(v->a, "%s/%s", v->k->root, shown), .before = before, .before_len = before_len, .after = after, .after_len = after_len};
}

static void take(struct move *v, struct pr_fix_plan *plan) {
    const struct pr_side *up = &v->m->up;
    size_t from = 0, to = 0;
    span(&v->d->script, v->s, &from, &to);
    const char *after = pr_fmt(v->a, "%.*s%s", (int)from, up->text, up->text + to);
    put_file(v, plan, v->path, NULL, 0, v->text, strlen(v->text));
    put_file(v, plan, up->path, up->text, up->len, after, from + up->len - to);
}

static void note(struct move *v, struct pr_fix_plan *plan, const struct pr_finding *f) {
    const struct pr_fix_note n = {.rule = f->rule, .path = f->path, .line = f->line, .text = v->why != NULL ? v->why : pr_fmt(v->a, "move the %s into %s", v->s->tag, v->path),
                                  .assumes = v->why != NULL ? NULL : pr_fmt(v->a, "nothing between this migration and the end of pgrail backfill needs its rows")};
    if (v->why != NULL) *PR_PUSH(v->a, plan->left, plan->n_left, plan->cap_left) = n;
    else *PR_PUSH(v->a, plan->taken, plan->n_taken, plan->cap_taken) = n;
}

static void consider(struct move *v, const struct pr_finding *f, struct pr_fix_plan *plan, bool others) {
    v->s = &v->d->script.stmts[f->stmt];
    v->path = pr_fmt(v->a, "%.*s.backfill.sql", (int)(strlen(v->m->up.path) - strlen(".up.sql")), v->m->up.path);
    v->text = text_of(v);
    v->why = others ? "other fixes of this file come first: check --fix again moves it" : held(v);
    if (v->why == NULL) v->why = refused(v);
    if (v->why == NULL) take(v, plan);
    note(v, plan, f);
}

enum pr_code pr_check_move(struct pr_check *k, const struct pr_migration *m, const struct pr_folder *f, const struct pr_facts *facts, struct pr_fix_plan *plan,
                           struct pr_err *e) {
    if (facts == NULL || m->up.path == NULL || !pr_ends(m->up.path, ".up.sql")) return PR_OK;
    struct pr_judged d PR_CLEANUP(pr_judged_done) = {0};
    const struct pr_judge j = {.migration = m, .side = &m->up, .facts = facts, .version_num = k->version_num, .config = k->x.config, .runner = k->runner};
    PR_TRY(e, pr_judge_side(&j, k->c->a, &d, e));
    struct move v = {.k = k, .a = k->c->a, .m = m, .f = f, .d = &d};
    bool others = plan->n > 0;
    for (size_t i = 0; i < d.findings.n; i++) {
        const struct pr_finding *x = &d.findings.items[i];
        if (!pr_eq(x->rule, "big-dml") || x->stmt < 0) continue;
        consider(&v, x, plan, others);
        others = others || v.why == NULL;
    }
    return PR_OK;
}
