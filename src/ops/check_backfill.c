/* check_backfill.c: the backfills of the folders that are judged: header and statement, and with facts whether the statement can be
 * taken apart in the world that its migration leaves. */
#include "backfill/backfill.h"
#include "ops/check.h"
#include "project/backfills.h"

static void put(struct pr_check *k, const struct pr_backfill_file *b, int line, const struct pr_err *e) {
    const size_t n = strlen(b->path);                       /* the place stands in a field of its own */
    const char *msg = e->msg;
    if (strncmp(msg, b->path, n) == 0 && msg[n] == ':') {
        char *end = NULL;
        const long at = strtol(msg + n + 1, &end, 10);
        if (end != msg + n + 1 && *end == ':' && at > 0 && at < INT32_MAX) line = (int)at;
        else end = (char *)(uintptr_t)(msg + n);
        msg = end + 1 + strspn(end + 1, " ");
    }
    pr_check_problem(k, &(struct pr_problem){.rule = "bad-backfill", .path = b->path, .line = line, .is_error = true, .message = pr_dup(k->c->a, msg),
                                             .hint = e->hint[0] != '\0' ? pr_dup(k->c->a, e->hint) : NULL}, NULL);
}

static enum pr_code judge(struct pr_check *k, const struct pr_backfill_file *b, struct pr_world *world, struct pr_err *e) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    struct pr_bf_file f PR_CLEANUP(pr_bf_file_done) = {0};
    struct pr_bf_cut cut = {0};
    struct pr_err said = {0};
    if (!pr_check_changed(k, b->path)) return PR_OK;
    if (pr_bf_file_parse(b->path, b->text, b->len, a, &f, &said) != PR_OK) {
        put(k, b, 0, &said);
        return PR_OK;
    }
    const struct pr_facts *facts = k->facts == NULL ? NULL : pr_world_whole(world);
    if (facts == NULL) return PR_OK;
    const enum pr_code code = pr_bf_cut(&f, facts, NULL, 0, a, &cut, &said);
    if (code == PR_ERR_BUG) {
        *e = said;
        return code;
    }
    /* What the facts do not have was not asked for: the migrations do not name it. */
    if (code != PR_OK && code != PR_ERR_NOT_GROUNDED) put(k, b, f.stmt->line, &said);
    return PR_OK;
}

enum pr_code pr_check_backfills(struct pr_check *k, const struct pr_migration *m, struct pr_world *world, struct pr_err *e) {
    for (size_t i = 0; i <= k->n_folders; i++) {
        const struct pr_folder *f = i < k->n_folders ? k->folders[i] : k->x.folder;
        const bool ours = f != NULL && (m == NULL ? i < k->n_folders : m >= f->migrations && m < f->migrations + f->n);
        for (size_t n = 0; ours && n < f->n_backfills; n++)
            if (f->backfills[n].of == m) PR_TRY(e, judge(k, &f->backfills[n], world, e));
    }
    return PR_OK;
}
