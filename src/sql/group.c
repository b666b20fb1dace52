/* group.c: statements of a large script, whose trees come and go group by group. */
#include "sql/nodes.h"

#include "sql/internal.h"

/* Not one of the sizes whose contexts PostgreSQL keeps for the next one: what was given back must be seen to be gone. */
enum { FIRST_BLOCK = 16 << 10, LARGEST_BLOCK = 1 << 20 };

struct pr_groups *pr_groups_new(MemoryContext over, struct pr_arena *a) {
    struct pr_groups *g = PR_NEW(a, struct pr_groups);
    *g = (struct pr_groups){.awake = SIZE_MAX, .over = over};
    pr_groups_next(g);
    return g;
}

static void empty(struct pr_groups *g) {
    if (g->memory != NULL) MemoryContextDelete(g->memory);
    g->memory = NULL;
    pr_arena_free(g->texts);
    g->texts = NULL;
}

void pr_groups_free(struct pr_groups *g) {
    if (g != NULL) empty(g);
}

void pr_groups_next(struct pr_groups *g) {
    empty(g);
    g->memory = AllocSetContextCreate(g->over, "statements", 0, FIRST_BLOCK, LARGEST_BLOCK);
    g->texts = pr_arena_new(PR_CAP_ARENA);
}

/* Its own tree, which does not go with the group. What was accepted among others is accepted alone. */
static void keep(const struct pr_groups *g, struct pr_stmt *s, struct pr_arena *a) {
    s->text = pr_dup(a, s->text);
    if (s->node == NULL) return;
    const struct pr_parsed alone = pr_grammar_parse(g->over, s->text, a);
    PR_ASSERT(alone.problem == NULL && list_length(alone.tree) == 1);
    s->node = linitial_node(RawStmt, alone.tree)->stmt;
    s->base = s->offset;
}

void pr_groups_pass(struct pr_groups *g, const struct pr_group *group, struct pr_stmt *stmts, const struct pr_passing *how, struct pr_arena *a) {
    bool any = false;
    for (size_t i = group->first; i < group->first + group->n; i++) {
        struct pr_stmt *s = &stmts[i];
        if (s->node == NULL || IsA(s->node, TransactionStmt) || how->stays(how->ctx, s)) {
            keep(g, s, a);
            continue;
        }
        s->passing_outside_tx = pr_stmt_outside_tx(s);
        s->passing_secret = pr_stmt_has_secret(s);
        s->passing = any = true;
        s->node = s->text = NULL;
    }
    if (any) *PR_PUSH(a, g->items, g->n, g->cap) = *group;
}

/* The group of a statement that passes. */
static size_t group_of(const struct pr_groups *g, size_t stmt) {
    size_t low = 0, high = g->n;                       /* the last one that begins at stmt or before */
    while (high - low > 1) {
        const size_t mid = low + (high - low) / 2;
        if (g->items[mid].first <= stmt) low = mid;
        else high = mid;
    }
    return low;
}

static void sleep_again(const struct pr_script *s) {
    const struct pr_group *of = s->groups->awake != SIZE_MAX ? &s->groups->items[s->groups->awake] : NULL;
    for (size_t i = of != NULL ? of->first : 0; of != NULL && i < of->first + of->n; i++)
        if (s->stmts[i].passing) s->stmts[i].node = s->stmts[i].text = NULL;
    s->groups->awake = SIZE_MAX;
}

static void read_again(const struct pr_script *s, const struct pr_group *of, MemoryContext memory, struct pr_arena *texts) {
    const struct pr_parsed again = pr_grammar_parse(memory, pr_dupn(texts, s->text + of->from, of->to - of->from), texts);
    PR_ASSERT(again.problem == NULL && (size_t)list_length(again.tree) == of->n);
    const ListCell *lc;
    size_t i = of->first;
    foreach (lc, again.tree) {
        struct pr_stmt *stmt = &s->stmts[i++];
        if (!stmt->passing) continue;
        stmt->node = lfirst_node(RawStmt, lc)->stmt;
        stmt->text = pr_dupn(texts, s->text + stmt->offset, stmt->len);
    }
}

void pr_script_wake(const struct pr_script *s, size_t i) {
    if (!s->stmts[i].passing || s->stmts[i].node != NULL) return;
    sleep_again(s);
    pr_groups_next(s->groups);
    s->groups->awake = group_of(s->groups, i);
    read_again(s, &s->groups->items[s->groups->awake], s->groups->memory, s->groups->texts);
}

void pr_script_wake_all(const struct pr_script *s) {
    if (s->groups == NULL) return;
    sleep_again(s);
    for (size_t k = 0; k < s->groups->n; k++) read_again(s, &s->groups->items[k], s->groups->over, s->a);
    for (size_t i = 0; i < s->n; i++) s->stmts[i].passing = false;
    s->groups->n = 0;
}
