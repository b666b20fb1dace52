#include "base/base.h"

enum { FIRST_ROOM = 16 };

/* Eight bytes at a time, each mixed into all bits: keys may be texts of hundreds of bytes. The low bits choose the slot. */
static uint64_t mixed(uint64_t h, const char *s) {
    const size_t n = strlen(s);
    size_t i = 0;
    for (uint64_t w = 0; i + sizeof w <= n; i += sizeof w) {
        memcpy(&w, s + i, sizeof w);
        h = (h ^ w) * UINT64_C(0x9E3779B97F4A7C15);
        h ^= h >> 32;
    }
    for (; i < n; i++) h = (h ^ (unsigned char)s[i]) * UINT64_C(1099511628211);
    return h ^ n;
}

static uint64_t hash_of(const char *space, const char *key) {
    uint64_t h = UINT64_C(1469598103934665603);
    if (space != NULL) h = mixed(h, space) * UINT64_C(0x9E3779B97F4A7C15);
    h = mixed(h, key) * UINT64_C(0x9E3779B97F4A7C15);
    return h ^ (h >> 32);
}

/* Open addressing: the slot of that key, or the empty one where it belongs. There always is an empty one. */
static struct pr_map_slot *slot_of(const struct pr_map *m, uint64_t hash, const char *space, const char *key) {
    for (size_t i = hash & (m->room - 1);; i = (i + 1) & (m->room - 1)) {
        struct pr_map_slot *s = &m->slots[i];
        if (s->key == NULL || (s->hash == hash && strcmp(s->key, key) == 0 && pr_eq(s->space, space))) return s;
    }
}

void *pr_map_get(const struct pr_map *m, const char *space, const char *key) {
    return m->n == 0 ? NULL : slot_of(m, hash_of(space, key), space, key)->value;
}

static void make_room(struct pr_map *m) {
    const struct pr_map was = *m;
    m->room = was.room == 0 ? FIRST_ROOM : was.room * 2;
    m->slots = PR_NEW_ARRAY(m->a, struct pr_map_slot, m->room);
    for (size_t i = 0; i < was.room; i++)
        if (was.slots[i].key != NULL) *slot_of(m, was.slots[i].hash, was.slots[i].space, was.slots[i].key) = was.slots[i];
    if (was.slots != NULL) pr_alloc_back(m->a, was.slots, was.room * sizeof *was.slots);
}

void **pr_map_at(struct pr_map *m, const char *space, const char *key) {
    if (m->n * 3 >= m->room * 2) make_room(m);
    const uint64_t hash = hash_of(space, key);
    struct pr_map_slot *s = slot_of(m, hash, space, key);
    if (s->key == NULL) {
        *s = (struct pr_map_slot){.space = space, .key = key, .hash = hash};
        m->n++;
    }
    return &s->value;
}
