/* map.h: two texts → a pointer, in an arena, growing with what is put in: finding costs the same however much there is.
 * Texts belong to the caller and live as long as the map. Nothing is taken out; a value may become NULL. */
#ifndef PR_BASE_MAP_H
#define PR_BASE_MAP_H

struct pr_map_slot { const char *space, *key; uint64_t hash; void *value; };
struct pr_map { struct pr_arena *a; struct pr_map_slot *slots; size_t n, room; };

/* The value at (space, key), or NULL. space may be NULL, which is a space of its own; key may not. */
void *pr_map_get(const struct pr_map *m, const char *space, const char *key);

/* The place of that value, made (as NULL) when it is not there. Valid until the next call. */
void **pr_map_at(struct pr_map *m, const char *space, const char *key);

#endif
