/* option.c: storage parameters of tables, indexes and views: which lock each asks for.
 * Source  PostgreSQL, src/backend/access/common/reloptions.c: the lock of an option is found by its name alone, whatever has it */
#include "footprint/fx.h"

static const struct { const char *name; enum pr_lock lock; } known[] = {
    {"autosummarize", PR_ACCESS_EXCLUSIVE}, {"autovacuum_enabled", PR_SHARE_UPDATE_EXCLUSIVE},
    {"buffering", PR_ACCESS_EXCLUSIVE}, {"check_option", PR_ACCESS_EXCLUSIVE},
    {"deduplicate_items", PR_SHARE_UPDATE_EXCLUSIVE}, {"fastupdate", PR_ACCESS_EXCLUSIVE},
    {"fillfactor", PR_SHARE_UPDATE_EXCLUSIVE}, {"gin_pending_list_limit", PR_ACCESS_EXCLUSIVE},
    {"log_autovacuum_min_duration", PR_SHARE_UPDATE_EXCLUSIVE}, {"n_distinct", PR_SHARE_UPDATE_EXCLUSIVE},
    {"n_distinct_inherited", PR_SHARE_UPDATE_EXCLUSIVE}, {"pages_per_range", PR_ACCESS_EXCLUSIVE},
    {"parallel_workers", PR_SHARE_UPDATE_EXCLUSIVE}, {"security_barrier", PR_ACCESS_EXCLUSIVE},
    {"security_invoker", PR_ACCESS_EXCLUSIVE}, {"toast_tuple_target", PR_SHARE_UPDATE_EXCLUSIVE},
    {"user_catalog_table", PR_ACCESS_EXCLUSIVE}, {"vacuum_index_cleanup", PR_SHARE_UPDATE_EXCLUSIVE},
    {"vacuum_max_eager_freeze_failure_rate", PR_SHARE_UPDATE_EXCLUSIVE}, {"vacuum_truncate", PR_SHARE_UPDATE_EXCLUSIVE},
};

static enum pr_lock lock_of(const char *name) {
    if (pr_starts(name, "autovacuum_")) return PR_SHARE_UPDATE_EXCLUSIVE;
    for (size_t i = 0; i < PR_COUNT(known); i++)
        if (pr_eq(known[i].name, name)) return known[i].lock;
    return PR_LOCK_NONE;
}

enum pr_lock fx_option_lock(const List *options) {
    enum pr_lock lock = PR_SHARE_UPDATE_EXCLUSIVE;
    ListCell *lc;
    foreach (lc, options) {
        const enum pr_lock asks = lock_of(FX_NODE(DefElem, lfirst(lc))->defname);
        if (asks > lock) lock = asks;
    }
    return lock;
}

void fx_options_exist(struct fx *x, const List *options, bool certain) {
    ListCell *lc;
    foreach (lc, options) {
        const DefElem *d = lfirst(lc);
        if (lock_of(d->defname) == PR_LOCK_NONE && !pr_eq(d->defname, "oids"))
            fx_fail(x, "22023", certain, "unrecognized parameter \"%s\"", d->defname);
    }
}
