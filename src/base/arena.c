#include "base/base.h"

#define ALIGN (_Alignof(int64_t))                           /* as pointers; nothing that we keep asks for more */
#if defined(__SANITIZE_ADDRESS__)
#define UNIT ((size_t)1)
#define FIRST_ROOM ((size_t)1)                              /* every allocation its own malloc: overruns are seen */
#define USUAL_ROOM ((size_t)1)
#define LARGE_ROOM ((size_t)1)
#else
#define UNIT ALIGN                                          /* of sizes: what was given back has room for all that ask for its size */
#define FIRST_ROOM ((size_t)4 << 10)                        /* many arenas live shortly and hold little */
#define USUAL_ROOM ((size_t)32 << 10)
#define LARGE_ROOM ((size_t)256 << 10)                      /* of one that holds megabytes: pages of its own, which come as they are used */
#endif

struct block {
    struct block *next;
    size_t used, room;
    bool alone;                                             /* holds one large thing, which may be given back */
    _Alignas(int64_t) unsigned char bytes[];
};

/* Small things that were given back: a list for each size, the first word of each is the next. */
enum { SPARE_MOST = 2048 };
struct spares { void *of[SPARE_MOST / ALIGN + 1]; };

struct pr_arena {
    struct block *head;
    size_t total, limit;
    struct spares *spares;                                  /* NULL: nothing was */
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
    free(a->spares);
    free(a);
}

void pr_arena_freep(struct pr_arena **a) { pr_arena_free(*a); }

static size_t usual_room(const struct pr_arena *a) {
    if (a->total >= 8 * LARGE_ROOM) return LARGE_ROOM;
    return a->total / 2 < FIRST_ROOM ? FIRST_ROOM : a->total / 2 < USUAL_ROOM ? a->total / 2 : USUAL_ROOM;
}

/* What is large gets a block of its own behind the head, so that the half-empty head is used on. */
static struct block *add_block(struct pr_arena *a, size_t need) {
    const size_t usual = usual_room(a);
    const bool alone = need > usual / 4;
    const size_t room = alone ? need : usual;
    if (room > a->limit - a->total) PR_BUG("an operation went over its memory limit: an input is larger than its cap");
    struct block *b = malloc(sizeof *b + room);
    PR_ASSERT(b != NULL);
    struct block **at = alone && a->head != NULL ? &a->head->next : &a->head;
    *b = (struct block){.next = *at, .room = room, .alone = alone};
    *at = b;
    a->total += room;
    return b;
}

static size_t up_to(size_t n, size_t unit) { return n + (unit - 1 - (n + unit - 1) % unit); }

static void *take(struct pr_arena *a, size_t n, size_t align) {
    PR_ASSERT(n <= a->limit);
    const size_t need = n == 0 ? 1 : n;
    struct block *b = a->head;
    size_t at = b != NULL ? up_to(b->used, align) : 0;
    if (b == NULL || at > b->room || b->room - at < need) {
        b = add_block(a, need);
        at = 0;
    }
    b->used = at + need;
    return b->bytes + at;
}

static void **spares_of(const struct pr_arena *a, size_t n) { return n <= SPARE_MOST ? &a->spares->of[up_to(n, ALIGN) / ALIGN] : NULL; }

void *pr_alloc_bytes(struct pr_arena *a, size_t n) {
    void **spares = a->spares != NULL ? spares_of(a, n) : NULL, *p = spares != NULL ? *spares : NULL;
    if (p == NULL) return take(a, up_to(n, UNIT), ALIGN);
    *spares = *(void **)p;
    return p;
}

char *pr_alloc_text(struct pr_arena *a, size_t n) { return take(a, n, 1); }

static void free_block_of(struct pr_arena *a, const void *p) {
    for (struct block **at = &a->head; *at != NULL; at = &(*at)->next) {
        struct block *b = *at;
        if (!b->alone || b->bytes != p) continue;
        *at = b->next;
        a->total -= b->room;
        free(b);
        return;
    }
}

void pr_alloc_back(struct pr_arena *a, void *p, size_t n) {
    if (n > LARGE_ROOM / 4) {                              /* surely alone in its block */
        free_block_of(a, p);
        return;
    }
    if (n == 0 || n > SPARE_MOST) return;
    if (a->spares == NULL) a->spares = calloc(1, sizeof *a->spares);
    PR_ASSERT(a->spares != NULL);
    void **spares = spares_of(a, n);
    *(void **)p = *spares;
    *spares = p;
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
