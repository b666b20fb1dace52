/* locks.c: the server's lock modes. Source: https://www.postgresql.org/docs/current/explicit-locking.html, table 13.2 */
#include "sql/nodes.h"

#include "footprint/footprint.h"

static const struct { const char *name, *server; } modes[PR_LOCK_COUNT] = {
    [PR_LOCK_NONE] = {"none", ""},
    [PR_ACCESS_SHARE] = {"ACCESS SHARE", "AccessShareLock"},
    [PR_ROW_SHARE] = {"ROW SHARE", "RowShareLock"},
    [PR_ROW_EXCLUSIVE] = {"ROW EXCLUSIVE", "RowExclusiveLock"},
    [PR_SHARE_UPDATE_EXCLUSIVE] = {"SHARE UPDATE EXCLUSIVE", "ShareUpdateExclusiveLock"},
    [PR_SHARE] = {"SHARE", "ShareLock"},
    [PR_SHARE_ROW_EXCLUSIVE] = {"SHARE ROW EXCLUSIVE", "ShareRowExclusiveLock"},
    [PR_EXCLUSIVE] = {"EXCLUSIVE", "ExclusiveLock"},
    [PR_ACCESS_EXCLUSIVE] = {"ACCESS EXCLUSIVE", "AccessExclusiveLock"},
};

const char *pr_lock_name(enum pr_lock l) {
    PR_ASSERT((unsigned)l < PR_LOCK_COUNT);
    return modes[l].name;
}

enum pr_lock pr_lock_from_server(const char *mode) {
    for (int i = 1; i < PR_LOCK_COUNT; i++)
        if (pr_eq(modes[i].server, mode)) return (enum pr_lock)i;
    return PR_LOCK_NONE;
}

#define BIT(l) (1u << (unsigned)(l))

bool pr_lock_conflicts(enum pr_lock a, enum pr_lock b) {
    static const unsigned against[PR_LOCK_COUNT] = {
        [PR_LOCK_NONE] = 0,
        [PR_ACCESS_SHARE] = BIT(PR_ACCESS_EXCLUSIVE),
        [PR_ROW_SHARE] = BIT(PR_EXCLUSIVE) | BIT(PR_ACCESS_EXCLUSIVE),
        [PR_ROW_EXCLUSIVE] = BIT(PR_SHARE) | BIT(PR_SHARE_ROW_EXCLUSIVE) | BIT(PR_EXCLUSIVE) | BIT(PR_ACCESS_EXCLUSIVE),
        [PR_SHARE_UPDATE_EXCLUSIVE] = BIT(PR_SHARE_UPDATE_EXCLUSIVE) | BIT(PR_SHARE) | BIT(PR_SHARE_ROW_EXCLUSIVE) |
                                      BIT(PR_EXCLUSIVE) | BIT(PR_ACCESS_EXCLUSIVE),
        [PR_SHARE] = BIT(PR_ROW_EXCLUSIVE) | BIT(PR_SHARE_UPDATE_EXCLUSIVE) | BIT(PR_SHARE_ROW_EXCLUSIVE) |
                     BIT(PR_EXCLUSIVE) | BIT(PR_ACCESS_EXCLUSIVE),
        [PR_SHARE_ROW_EXCLUSIVE] = BIT(PR_ROW_EXCLUSIVE) | BIT(PR_SHARE_UPDATE_EXCLUSIVE) | BIT(PR_SHARE) |
                                   BIT(PR_SHARE_ROW_EXCLUSIVE) | BIT(PR_EXCLUSIVE) | BIT(PR_ACCESS_EXCLUSIVE),
        [PR_EXCLUSIVE] = BIT(PR_ROW_SHARE) | BIT(PR_ROW_EXCLUSIVE) | BIT(PR_SHARE_UPDATE_EXCLUSIVE) | BIT(PR_SHARE) |
                         BIT(PR_SHARE_ROW_EXCLUSIVE) | BIT(PR_EXCLUSIVE) | BIT(PR_ACCESS_EXCLUSIVE),
        [PR_ACCESS_EXCLUSIVE] = BIT(PR_ACCESS_SHARE) | BIT(PR_ROW_SHARE) | BIT(PR_ROW_EXCLUSIVE) |
                                BIT(PR_SHARE_UPDATE_EXCLUSIVE) | BIT(PR_SHARE) | BIT(PR_SHARE_ROW_EXCLUSIVE) |
                                BIT(PR_EXCLUSIVE) | BIT(PR_ACCESS_EXCLUSIVE),
    };
    PR_ASSERT((unsigned)a < PR_LOCK_COUNT && (unsigned)b < PR_LOCK_COUNT);
    return (against[a] & BIT(b)) != 0;
}

bool pr_lock_blocks_writers(enum pr_lock l) { return pr_lock_conflicts(l, PR_ROW_EXCLUSIVE); }
bool pr_lock_blocks_readers(enum pr_lock l) { return pr_lock_conflicts(l, PR_ACCESS_SHARE); }
