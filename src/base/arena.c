#include "base/base.h"

#if defined(__SANITIZE_ADDRESS__)
#define FIRST_ROOM ((size_t)1)                              /* every allocation its own malloc: overruns are seen */
#define USUAL_ROOM ((size_t)1)
#define LARGE_ROOM ((size_t)1)
#else
#define FIRST_ROOM ((size_t)4 << 10)                        /* many arenas live shortly and hold little */
#define USUAL_ROOM ((size_t)32 << 10)
#define LARGE_ROOM ((size_t)256 << 10)                      /* of one that holds megabytes: pages of its own, which come as they are used */
#endif
#define ALIGN (_Alignof(max_align_t))

struct block {
    struct block *next;
    size_t used, room;
    _Alignas(max_align_t) unsigned char bytes[];
};

struct pr_arena {
    struct block *head;
    size_t total, limit;
};

struct pr_arena *pr_arena_new(size_t limit_bytes) {
    struct pr_arena *a = calloc(1, sizeof *a);
    PR_ASSERT(a != NULL && limit_bytes > 0);
    a->limit = limit_bytes;
    return a;
}

void pr_arena_free(struct pr_arena *a) {
    if (a == NULL) return;
    for (struct block *b = a->head; b != NULL;) {
        struct block *next = b->next;
        free(b);
        b = next;
    }
    free(a);
}

void pr_arena_freep(struct pr_arena **a) { pr_arena_free(*a); }

static size_t usual_room(const struct pr_arena *a) {
    if (a->total >= 8 * LARGE_ROOM) return LARGE_ROOM;
    return a->total / 2 < FIRST_ROOM ? FIRST_ROOM : a->total / 2 < USUAL_ROOM ? a->total / 2 : USUAL_ROOM;
}

static struct block *add_block(struct pr_arena *a, size_t need) {
    const size_t usual = usual_room(a), room = need > usual ? need : usual;
    if (room > a->limit - a->total) PR_BUG("an operation went over its memory limit: an input is larger than its cap");
    struct block *b = malloc(sizeof *b + room);
    PR_ASSERT(b != NULL);
    b->next = NULL;
    b->used = 0;
    b->room = room;
    a->total += room;
    /* A large block goes behind the head, so that the half-empty head is used on. */
    if (a->head != NULL && need > usual / 4) {
        b->next = a->head->next;
        a->head->next = b;
    } else {
        b->next = a->head;
        a->head = b;
    }
    return b;
}

void *pr_alloc_bytes(struct pr_arena *a, size_t n) {
    PR_ASSERT(n <= a->limit);
    const size_t need = (n == 0 ? 1 : n) + (ALIGN - 1 - ((n == 0 ? 1 : n) + ALIGN - 1) % ALIGN);
    struct block *b = a->head;
    if (b == NULL || b->room - b->used < need) b = add_block(a, need);
    void *p = b->bytes + b->used;
    b->used += need;
    return p;
}

void *pr_alloc(struct pr_arena *a, size_t n) {
    void *p = pr_alloc_bytes(a, n);
    memset(p, 0, n);
    return p;
}

void *pr_alloc_array(struct pr_arena *a, size_t n, size_t size) {
    size_t bytes = 0;
    PR_ASSERT(!__builtin_mul_overflow(n, size, &bytes));
    return pr_alloc(a, bytes);
}

/* An array that starts: a few hundred bytes, since most stay short and the arena keeps what they grew out of. */
static size_t first_room(size_t size) { return size >= 128 ? 2 : size <= 32 ? 8 : 256 / size; }

void *pr_grow(struct pr_arena *a, void *items_ptr, size_t n, size_t *cap, size_t size) {
    void **items = items_ptr;
    if (n >= *cap) {
        const size_t want = *cap == 0 ? first_room(size) : *cap * 2;
        size_t bytes = 0;
        PR_ASSERT(!__builtin_mul_overflow(want, size, &bytes));
        void *bigger = pr_alloc_bytes(a, bytes);
        if (n > 0) memcpy(bigger, *items, n * size);
        *items = bigger;
        *cap = want;
    }
    unsigned char *at = (unsigned char *)*items + n * size;
    memset(at, 0, size);
    return at;
}
