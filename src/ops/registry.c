#include "ops/ops.h"

#define PR_X(id) extern const struct pr_op pr_op_##id;
#include "ops.gen.h"
#undef PR_X

const struct pr_op *const pr_ops[] = {
#define PR_X(id) &pr_op_##id,
#include "ops.gen.h"
#undef PR_X
    NULL,
};
const size_t pr_n_ops = PR_COUNT(pr_ops) - 1;

const struct pr_op *pr_op_find(const char *name) {
    for (size_t i = 0; i < pr_n_ops; i++)
        if (pr_eq(pr_ops[i]->name, name)) return pr_ops[i];
    return NULL;
}

void pr_render_pause(const struct pr_render *r) {
    enum { WORTH_IT = 64 << 10 };
    if (r->taken == NULL || r->out->len < WORTH_IT) return;
    r->taken(r->ctx, pr_buf_text(r->out));
    r->out->len = 0;
    r->out->text[0] = '\0';
}

void pr_call_return(struct pr_call *c, json_t *doc) {
    PR_ASSERT(doc != NULL);
    json_decref(c->doc);
    c->doc = doc;
}
