/* check_many.c: without facts each side of a migration stands alone, so they are judged by as many processes as pay: this one and children
 * of it, which take small runs of the list, in its order. This one puts the answers into the document in that order too, and judges a run
 * itself whenever the answer that is next is still in the works. Children leave their answers in memory that all share. What one leaves
 * undone, because it died or its room was full, is judged here: no finding depends on a child. Without children all else is the same. */
#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "ops/check.h"
#include "proc/proc.h"
#include "rules/carry.h"

enum { MOST = 8, SIDES = 2, RUN_BYTES = 8 << 10, PAYS_BYTES = 64 << 10, LOOK_MS = 50, AHEAD_BYTES = 256 << 10 };     /* a fork takes as long as judging 20 kB */
#define ROOM_BYTES ((size_t)64 << 20)                       /* of a child, for its answers: 40,000 findings and more; pages come as they are used */
#define PAGE ((size_t)4096)

enum { OPEN, ANSWERED, LEFT };                              /* LEFT: for this process to judge, once it is its turn */
enum { NOBODY, US, CHILD };                                 /* CHILD + its number */

struct answer { _Atomic int state; const struct pr_judged *sides[SIDES]; };
struct run { size_t from, to; _Atomic int taker; };

/* In shared memory: this, the answers, the runs, and then the rooms. */
struct board { sem_t told; _Atomic size_t next; };          /* told: a run is over. next: no run before it is to be had */

struct child { struct pr_many *many; int number; int64_t pid; bool alive; struct pr_room room; };

struct pr_many {
    struct pr_check *k;
    unsigned char *shared; size_t shared_bytes;
    struct board *board;
    struct answer *answers;
    struct run *runs; size_t n_runs;
    struct child children[MOST - 1]; size_t n_children;
    struct pr_arena **held;                                 /* of each run: what this process has found, until it is in the document */
    size_t at;                                              /* run that is asked for */
    struct pr_arena *late;                                  /* of an answer that was left to us */
};

/* --- judging ------------------------------------------------------------------------------------------------------ */

static enum pr_code judge_side(const struct pr_check *k, const struct pr_migration *m, const struct pr_side *side, struct pr_arena *a,
                               const struct pr_judged **out, struct pr_err *e) {
    const bool is_down = side == &m->down, lean = side->text[side->len] == '\0';
    struct pr_world *world = lean ? NULL : pr_world_new(NULL, k->version_num, a);
    if (world != NULL && is_down) pr_world_settle(world);
    const struct pr_judge j = {.migration = m, .side = side, .is_down = is_down, .world = world, .version_num = k->version_num,
                               .config = k->x.config, .runner = k->runner, .lean = lean};
    struct pr_judged *d = PR_NEW(a, struct pr_judged);
    if (pr_judge_side(&j, a, d, e) != PR_OK) return pr_prefix(e, "%s", side->path);
    const struct pr_script counted = {.n = d->script.n, .n_unjudged = d->script.n_unjudged};
    pr_judged_done(d);
    d->script = counted;
    d->run = (struct pr_run_footprint){0};
    d->after = NULL;
    *out = d;
    return PR_OK;
}

static enum pr_code judge(const struct pr_check *k, size_t i, struct pr_arena *a, const struct pr_judged *sides[SIDES], struct pr_err *e) {
    const struct pr_migration *m = k->list[i];
    if (!pr_check_wanted(k, m)) return PR_OK;
    if (m->up.path != NULL) PR_TRY(e, judge_side(k, m, &m->up, a, &sides[0], e));
    if (m->down.path != NULL && !k->up_only) PR_TRY(e, judge_side(k, m, &m->down, a, &sides[1], e));
    return PR_OK;
}

/* A run that nobody has. Who takes it is written with the taking, so that a child can die at any place. */
static bool claim(struct pr_many *m, int taker, size_t *out) {
    for (size_t r = atomic_load(&m->board->next); r < m->n_runs; r++) {
        int nobody = NOBODY;
        if (!atomic_compare_exchange_strong(&m->runs[r].taker, &nobody, taker)) continue;
        atomic_store(&m->board->next, r + 1);
        *out = r;
        return true;
    }
    return false;
}

/* --- a child ------------------------------------------------------------------------------------------------------ */

/* Pages of the room that the next answers will need, at one go: one by one each costs more than what is written to it. Where the kernel
 * cannot do that they come one by one. */
static void make_ready(struct pr_room *room, size_t *ready) {
    if (room->used + AHEAD_BYTES / 2 <= *ready || *ready + AHEAD_BYTES > room->size) return;
    (void)madvise(room->bytes + *ready, AHEAD_BYTES, MADV_POPULATE_WRITE);
    *ready += AHEAD_BYTES;
}

static bool carry(const struct pr_check *k, size_t i, struct pr_room *room, const struct pr_judged *sides[SIDES]) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    const struct pr_judged *found[SIDES] = {0};
    struct pr_err e = {0};                                  /* who asks for the answer judges again, and says it */
    if (judge(k, i, a, found, &e) != PR_OK) return false;
    const struct pr_side *of[SIDES] = {&k->list[i]->up, &k->list[i]->down};
    for (int s = 0; s < SIDES; s++)
        if (found[s] != NULL && (sides[s] = pr_judged_carry(found[s], of[s], room)) == NULL) return false;
    return true;
}

static int work(void *ctx, const volatile sig_atomic_t *told) {
    struct child *c = ctx;
    struct pr_many *m = c->many;
    size_t r = 0, ready = 0;
    bool fits = true;
    while (fits && *told == 0 && claim(m, CHILD + c->number, &r)) {
        make_ready(&c->room, &ready);
        for (size_t i = m->runs[r].from; i < m->runs[r].to; i++) {
            fits = fits && carry(m->k, i, &c->room, m->answers[i].sides);
            atomic_store(&m->answers[i].state, fits ? ANSWERED : LEFT);
        }
        (void)sem_post(&m->board->told);
    }
    return 0;
}

/* --- this process ------------------------------------------------------------------------------------------------- */

static void judge_run(struct pr_many *m, size_t r) {
    m->held[r] = pr_arena_new(PR_CAP_ARENA);
    for (size_t i = m->runs[r].from; i < m->runs[r].to; i++) {
        struct pr_err e = {0};                              /* said when it is its turn */
        const enum pr_code code = judge(m->k, i, m->held[r], m->answers[i].sides, &e);
        atomic_store(&m->answers[i].state, code == PR_OK ? ANSWERED : LEFT);
    }
}

static enum pr_code judge_late(struct pr_many *m, size_t i, const struct pr_judged *sides[SIDES], struct pr_err *e) {
    pr_arena_free(m->late);
    m->late = pr_arena_new(PR_CAP_ARENA);
    sides[0] = sides[1] = NULL;
    return judge(m->k, i, m->late, sides, e);
}

/* All runs are taken: waits until one of them is over. One of a child that has ended is not waited for. */
static void await(struct pr_many *m, size_t i) {
    const int number = atomic_load(&m->runs[m->at].taker) - CHILD;
    PR_ASSERT(number >= 0 && (size_t)number < m->n_children);
    struct child *c = &m->children[number];
    struct timespec until = {0};
    int status = 0;
    PR_ASSERT(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
    until.tv_nsec += LOOK_MS * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    if (c->alive && (sem_clockwait(&m->board->told, CLOCK_MONOTONIC, &until) == 0 || errno != ETIMEDOUT)) return;
    c->alive = c->alive && !pr_child_ended(c->pid, &status);
    int open = OPEN;
    if (!c->alive) (void)atomic_compare_exchange_strong(&m->answers[i].state, &open, LEFT);
}

enum pr_code pr_many_answer(struct pr_many *m, size_t i, const struct pr_judged *sides[2], struct pr_err *e) {
    struct answer *x = &m->answers[i];
    size_t r = 0;
    for (; i >= m->runs[m->at].to; m->at++) {
        pr_arena_free(m->held[m->at]);
        m->held[m->at] = NULL;
    }
    while (atomic_load(&x->state) == OPEN) {
        if (pr_interrupted(m->k->c->talk)) return PR_FAIL(e, PR_ERR_INTERRUPTED, "interrupted");
        if (claim(m, US, &r)) judge_run(m, r);
        else await(m, i);
    }
    if (atomic_load(&x->state) == LEFT) return judge_late(m, i, sides, e);
    for (int s = 0; s < SIDES; s++) sides[s] = x->sides[s];
    return PR_OK;
}

/* --- beginning and end -------------------------------------------------------------------------------------------- */

static size_t bytes_of(const struct pr_check *k, size_t i) {
    const struct pr_migration *m = k->list[i];
    if (!pr_check_wanted(k, m)) return 0;
    return (m->up.path != NULL ? m->up.len : 0) + (m->down.path != NULL && !k->up_only ? m->down.len : 0);
}

/* How many processes beside this one: a processor for each, and work enough. */
static size_t children_for(const struct pr_check *k) {
    cpu_set_t ours;
    size_t bytes = 0;
    for (size_t i = 0; i < k->n; i++) bytes += bytes_of(k, i);
    const int processors = sched_getaffinity(0, sizeof ours, &ours) == 0 ? CPU_COUNT(&ours) : 1;
    const size_t most = (size_t)(processors < 1 ? 1 : processors < MOST ? processors : MOST) - 1, pay = bytes / PAYS_BYTES;
    const size_t n = most < pay ? most : pay;
    return k->n == 0 || n < k->n - 1 ? n : k->n - 1;
}

/* Alone, each migration is a run: what one needs is given back before the next. */
static void cut(struct pr_many *m, bool alone) {
    size_t bytes = 0;
    for (size_t i = 0; i < m->k->n; i++) {
        if (i == 0 || alone || bytes >= RUN_BYTES) {
            m->runs[m->n_runs++].from = i;
            bytes = 0;
        }
        m->runs[m->n_runs - 1].to = i + 1;
        bytes += bytes_of(m->k, i);
    }
}

static void *share(size_t bytes) {
    void *room = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return room != MAP_FAILED ? room : NULL;
}

/* Where so much is not to be had, there are no children. */
static enum pr_code lay_out(struct pr_many *m, size_t *children, struct pr_err *e) {
    const size_t n = m->k->n, answers = sizeof(struct board), runs = answers + n * sizeof(struct answer);
    const size_t rooms = (runs + n * sizeof(struct run) + PAGE - 1) / PAGE * PAGE;
    m->shared_bytes = rooms + *children * ROOM_BYTES;
    m->shared = share(m->shared_bytes);
    if (m->shared == NULL && *children > 0) {
        *children = 0;
        m->shared_bytes = rooms;
        m->shared = share(rooms);
    }
    if (m->shared == NULL) return PR_FAIL(e, PR_ERR_PROC, "no shared memory: %s", strerror(errno));
    m->board = (void *)m->shared;
    m->answers = (void *)(m->shared + answers);
    m->runs = (void *)(m->shared + runs);
    for (size_t i = 0; i < *children; i++) m->children[i].room = (struct pr_room){.bytes = m->shared + rooms + i * ROOM_BYTES, .size = ROOM_BYTES};
    return PR_OK;
}
static_assert(sizeof(struct board) % _Alignof(struct answer) == 0 && sizeof(struct answer) % _Alignof(struct run) == 0, "they lie one behind the other");

enum pr_code pr_many_begin(struct pr_check *k, struct pr_many **out, struct pr_err *e) {
    struct pr_many *m PR_CLEANUP(pr_many_endp) = calloc(1, sizeof *m);
    PR_ASSERT(m != NULL);
    size_t children = children_for(k);
    m->k = k;
    PR_TRY(e, lay_out(m, &children, e));
    PR_ASSERT(sem_init(&m->board->told, 1, 0) == 0);
    cut(m, children == 0);
    m->held = PR_NEW_ARRAY(k->c->a, struct pr_arena *, m->n_runs + 1);
    for (size_t i = 0; i < children; i++) {
        struct child *c = &m->children[i];
        struct pr_err none = {0};
        c->many = m;
        c->number = (int)i;
        if (pr_child_start(&(struct pr_child_work){.run = work, .ctx = c, .at_once = true}, &c->pid, &none) != PR_OK) break;     /* fewer do it too */
        c->alive = true;
        m->n_children++;
    }
    *out = m;
    m = NULL;
    return PR_OK;
}

void pr_many_end(struct pr_many *m) {
    if (m == NULL) return;
    for (size_t i = 0; i < m->n_children; i++) {
        if (!m->children[i].alive) continue;
        pr_child_kill(m->children[i].pid);
        (void)pr_child_await(m->children[i].pid);
    }
    for (size_t r = 0; r < m->n_runs; r++) pr_arena_free(m->held[r]);      /* runs that nobody asked for, too: --since passes over some */
    pr_arena_free(m->late);
    if (m->shared != NULL) (void)munmap(m->shared, m->shared_bytes);
    free(m);
}

void pr_many_endp(struct pr_many **m) { pr_many_end(*m); }
