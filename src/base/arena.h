/* arena.h: memory of one command or request. Little in it is given back singly (pr_alloc_back); all goes with the arena. An arena has a
 * limit in bytes: going over it aborts, so every input must be capped before it is copied in (PR_CAP_*). Under
 * AddressSanitizer each allocation is its own malloc, so that overruns are seen. */
#ifndef PR_BASE_ARENA_H
#define PR_BASE_ARENA_H

struct pr_arena;

#define PR_CAP_FILE ((size_t)64 << 20)         /* a migration file, a facts file */
#define PR_CAP_ARENA ((size_t)1024 << 20)      /* a command */

/* A new arena; free with pr_arena_free. limit is in bytes. Never NULL. */
struct pr_arena *pr_arena_new(size_t limit_bytes);
void pr_arena_free(struct pr_arena *a);                     /* NULL is fine */
void pr_arena_freep(struct pr_arena **a);                   /* for PR_CLEANUP */

/* n bytes, zeroed, aligned for pointers and int64_t; never NULL. Lives as long as a. */
void *pr_alloc(struct pr_arena *a, size_t n);

/* The same with whatever stands there: for who writes all of it. */
void *pr_alloc_bytes(struct pr_arena *a, size_t n);
char *pr_alloc_text(struct pr_arena *a, size_t n);          /* for characters: they lie side by side */

/* For who knows that nobody looks at p any more, the n bytes that pr_alloc or its like (no text) gave: who asks for as much next may get
 * it. Under AddressSanitizer it is freed. */
void pr_alloc_back(struct pr_arena *a, void *p, size_t n);

/* An array of n zeroed items; aborts when n × size overflows. */
void *pr_alloc_array(struct pr_arena *a, size_t n, size_t size);
#define PR_NEW(a, type) ((type *)pr_alloc((a), sizeof(type)))
#define PR_NEW_ARRAY(a, type, n) ((type *)pr_alloc_array((a), (n), sizeof(type)))

/* Room for one more item in a growing array in the arena: *items holds n items of capacity *cap. Doubles as needed and
 * returns the address of item n, zeroed. The caller counts. */
void *pr_grow(struct pr_arena *a, void *items_ptr, size_t n, size_t *cap, size_t size);
#define PR_PUSH(a, items, n, cap) ((void)pr_grow((a), &(items), (n), &(cap), sizeof *(items)), &(items)[(n)++])

#endif
