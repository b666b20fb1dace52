/* way.c: kinds and ways by name. */
#include "backfill/backfill.h"

const char *pr_bf_kind_name(enum pr_bf_kind k) {
    static const char *const names[PR_BF_KIND_COUNT] = {[PR_BF_UPDATE] = "UPDATE", [PR_BF_DELETE] = "DELETE", [PR_BF_INSERT] = "INSERT"};
    return names[k];
}

const char *pr_bf_way_name(enum pr_bf_way w) {
    static const char *const names[PR_BF_WAY_COUNT] = {
        [PR_BF_AUTO] = "auto", [PR_BF_STRIDED] = "strided", [PR_BF_KEY] = "key", [PR_BF_BLOCKS] = "blocks"};
    return names[w];
}
