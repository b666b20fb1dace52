/* fuzz_conf.c: pgrail.conf as anybody may have written it: read or refused, and never half of it believed. */
#include "project/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
    if (n > 1 << 16) return -1;
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)512 << 20);
    struct pr_err e = {0};
    const char *text = pr_dupn(a, (const char *)bytes, n);
    if (pr_check_utf8("pgrail.conf", text, n, &e) != PR_OK) return 0;   /* the border refuses it before the parser sees it */
    struct pr_config *c = NULL;
    if (pr_config_read("pgrail.conf", "/r/pgrail.conf", text, a, &c, &e) != PR_OK) {
        PR_ASSERT(c == NULL && e.code == PR_ERR_CONFIG && e.msg[0] != '\0' && strchr(e.msg, '\n') == NULL);
        return 0;
    }
    PR_ASSERT(c->migrations[0] == '/' && c->approvals >= 1 && c->max_block_ms >= 0);
    for (size_t i = 0; i < c->n_environments; i++) {
        const struct pr_environment *env = &c->environments[i];
        PR_ASSERT((env->service == NULL) != (env->env == NULL));
        PR_ASSERT(!pr_looks_secret(env->service != NULL ? env->service : env->env));
    }
    return 0;
}
