/* fuzz_facts.c: a facts file as anybody may have written it: read or refused; what was read is found again, printed and read once more,
 * and a script can be judged with it. */
#include "rules/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static const char script[] =
    "ALTER TABLE t ADD COLUMN z int NOT NULL DEFAULT 1; CREATE INDEX i ON t (a); ALTER TABLE t ALTER COLUMN a TYPE text; ALTER TABLE t RENAME TO u;"
    "ALTER TABLE u ADD FOREIGN KEY (a) REFERENCES p (id); UPDATE u SET a = NULL; DROP TABLE p CASCADE; DROP TYPE mood; ALTER TABLE u VALIDATE CONSTRAINT c;"
    "ALTER TABLE p DETACH PARTITION t; DROP INDEX t_a; SELECT * FROM v; DROP SCHEMA public CASCADE";

static void look_at(const struct pr_facts *f, struct pr_arena *a) {
    PR_ASSERT(f->finder != NULL && f->fingerprint != NULL);
    for (size_t i = 0; i < f->n_rels; i++) {
        const struct pr_rel *r = &f->rels[i], *found = pr_find_rel(f, r->schema, r->name);
        PR_ASSERT(found != NULL && pr_eq(found->schema, r->schema) && pr_eq(found->name, r->name) && r->fingerprint != NULL);
        for (size_t k = 0; k < r->n_idxs; k++) PR_ASSERT(pr_find_index_rel(f, r->schema, r->idxs[k].name, NULL) != NULL);
        struct pr_near *near = NULL;
        (void)pr_near_columns(r, "amount", 3, a, &near);
    }
    struct pr_near *near = NULL;
    (void)pr_near_relations(f, "t", 3, a, &near);
}

static void judge(const struct pr_facts *f, struct pr_arena *a) {
    const struct pr_side side = {.path = "m/0001_x.up.sql", .text = script, .len = sizeof script - 1, .first_line = 1};
    struct pr_judged d PR_CLEANUP(pr_judged_done) = {0};
    struct pr_err e = {0};
    PR_ASSERT(pr_judge_side(&(struct pr_judge){.side = &side, .facts = f}, a, &d, &e) == PR_OK);
    PR_ASSERT(d.findings.n <= PR_CAP_FINDINGS && pr_world_whole(d.after) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
    if (n > 1 << 16) return -1;
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    struct pr_err e = {0};
    const char *text = pr_dupn(a, (const char *)bytes, n);
    if (pr_check_utf8("facts", text, n, &e) != PR_OK) return 0;            /* the border refuses it before the parser sees it */
    json_t *j PR_CLEANUP(pr_json_freep) = NULL, *again PR_CLEANUP(pr_json_freep) = NULL;
    if (pr_json_parse("facts", text, n, &j, &e) != PR_OK) return 0;
    struct pr_facts *f = NULL, *g = NULL;
    if (pr_facts_from_json(j, a, &f, &e) != PR_OK) {
        PR_ASSERT(f == NULL && e.code == PR_ERR_BAD_INPUT && e.msg[0] != '\0' && strchr(e.msg, '\n') == NULL);
        return 0;
    }
    look_at(f, a);
    judge(f, a);
    again = pr_facts_json(f);
    PR_ASSERT(pr_facts_from_json(again, a, &g, &e) == PR_OK && pr_eq(f->fingerprint, g->fingerprint));
    return 0;
}
