/* partition.c: ATTACH, DETACH, INHERIT: who is locked and read; partition_proof.c says whether a valid CHECK spares the scan. */
#include "footprint/statements.h"

static struct w_rel *default_of(struct fx *x, const struct w_rel *parent) {
    for (size_t i = 0; i < parent->r.n_partitions; i++) {
        struct w_rel *r = w_find_full(x->w, parent->r.partitions[i]);
        if (r != NULL && r->r.is_default_partition) return r;
    }
    return NULL;
}

/* Indexes that the parent has and the child lacks are built. */
static bool has_same_index(const struct w_rel *child, const struct pr_idx *want) {
    for (size_t i = 0; i < child->r.n_idxs; i++) {
        const struct pr_idx *ix = &child->r.idxs[i];
        if (ix->n_cols != want->n_cols || ix->unique != want->unique || !pr_eq(ix->method, want->method)) continue;
        if (ix->has_expressions != want->has_expressions || ix->is_partial != want->is_partial || !ix->valid) continue;
        if ((want->constraint != NULL && ix->constraint == NULL)) continue;
        bool same = true;
        for (size_t k = 0; k < want->n_cols; k++) same = same && pr_eq(ix->cols[k], want->cols[k]);
        if (same) return true;
    }
    return false;
}

static void build_missing(struct fx *x, const struct w_rel *parent, struct w_rel *child) {
    for (size_t i = 0; i < parent->r.n_idxs; i++) {
        const struct pr_idx *want = &parent->r.idxs[i];
        if (has_same_index(child, want)) continue;
        struct pr_idx *ix = w_add_idx(x->w, child, pr_fmt(x->a, "%s_%s_idx", child->r.name, want->n_cols > 0 ? want->cols[0] : ""));
        const char *name = ix->name;
        *ix = *want;
        ix->name = name;
        ix->constraint = NULL;
        fx_build(x, child, 1);
        fx_why(x, child, "the parent's index \"%s\" is built here as well", want->name);
    }
}

static bool child_has_fk(const struct w_rel *child, const struct pr_con *fk) {
    for (size_t i = 0; i < child->r.n_cons; i++) {
        const struct pr_con *c = &child->r.cons[i];
        if (c->type == 'f' && !c->inbound && c->validated && pr_eq(c->ref_table, fk->ref_table) &&
            c->n_cols == fk->n_cols && c->n_cols > 0 && pr_eq(c->cols[0], fk->cols[0]))
            return true;
    }
    return false;
}

static void clone_keys(struct fx *x, const struct w_rel *parent, struct w_rel *child, bool new_table) {
    const size_t n = parent->r.n_cons;
    for (size_t i = 0; i < n; i++) {
        const struct pr_con fk = parent->r.cons[i];
        if (fk.type != 'f' || fk.inbound) continue;
        struct w_rel *to = fx_rel_named(x, fk.ref_schema, fk.ref_table, 'r', true);
        if (to == NULL) continue;
        fx_lock(x, to, PR_SHARE_ROW_EXCLUSIVE);
        if (new_table || child_has_fk(child, &fk)) continue;
        fx_scan(x, child);
        fx_scan(x, to);
    }
}

/* What a new partition, attached or created, does to the parent's default partition. */
static void shrink_default(struct fx *x, const struct w_rel *parent, const PartitionBoundSpec *b) {
    struct w_rel *def = default_of(x, parent);
    if (def == NULL || (b != NULL && b->is_default)) return;
    fx_lock(x, def, PR_ACCESS_EXCLUSIVE);
    if (fx_proven_outside(x, parent, def, b)) return;
    fx_scan(x, def);
    fx_why(x, def, "the default partition is read to see that it holds no row of the new one");
}

/* Parents by INHERITS are known from their side alone. */
bool fx_inherited(const struct fx *x, const struct w_rel *r, const char *col) {
    return w_inherits(x->w, r, col);
}

/* --- where a row goes --- */

/* The next value in "(0, 'a') TO …": without quotes and casts; NULL for MINVALUE, MAXVALUE and what is not plain. */
static const char *bound_value(struct fx *x, const char *at) {
    if (at == NULL) return NULL;
    while (*at == ' ' || *at == '(') at++;
    if (*at != '\'') {
        const size_t len = strspn(at, "-0123456789");
        return len > 0 ? pr_dupn(x->a, at, len) : NULL;
    }
    const char *end = strchr(at + 1, '\'');
    return end != NULL ? pr_dupn(x->a, at + 1, (size_t)(end - at - 1)) : NULL;
}

/* As numbers where both are; else as text, a prefix counting as equal (2024-01-01 and 2024-01-01 00:00:00). */
static int compare(const char *a, const char *b) {
    char *end_a = NULL, *end_b = NULL;
    const long long x = strtoll(a, &end_a, 10), y = strtoll(b, &end_b, 10);
    if (*end_a == '\0' && *end_b == '\0') return x < y ? -1 : x > y;
    const size_t la = strlen(a), lb = strlen(b);
    return strncmp(a, b, la < lb ? la : lb);
}

static bool bound_holds(struct fx *x, const char *bound, const char *value) {
    if (bound == NULL) return false;
    const char *from = strstr(bound, "FROM "), *to = strstr(bound, " TO "), *in = strstr(bound, " IN ");
    if (from != NULL && to != NULL) {
        const char *low = bound_value(x, from + 5), *high = bound_value(x, to + 4);
        return (low == NULL || compare(value, low) >= 0) && (high == NULL || compare(value, high) < 0);
    }
    for (const char *at = in != NULL ? in + 4 : NULL; at != NULL; at = strchr(at, ',')) {
        if (*at == ',') at++;
        if (pr_eq(bound_value(x, at), value)) return true;
    }
    return false;
}

struct w_rel *fx_route(struct fx *x, const struct w_rel *parent, const char *value) {
    struct w_rel *fallback = NULL;
    for (size_t i = 0; i < parent->r.n_partitions; i++) {
        struct w_rel *r = w_find_full(x->w, parent->r.partitions[i]);
        if (r == NULL) continue;
        if (r->r.is_default_partition) fallback = r;
        else if (bound_holds(x, r->r.partition_bound, value)) return r;
    }
    return fallback;
}

bool fx_in_partition_key(struct fx *x, const struct w_rel *r, const char *col) {
    const char *open = r->r.partition_key != NULL ? strchr(r->r.partition_key, '(') : NULL;
    return open != NULL && fx_text_names_column(x, pr_fmt(x->o, "ROW%s", open), col);
}

void fx_attach(struct fx_at *t) {
    struct fx *x = t->x;
    const PartitionCmd *pc = FX_NODE(PartitionCmd, t->cmd->def);
    struct w_rel *child = fx_rel(x, pc->name, 'r', false);
    if (child == NULL) return;
    if (t->r->complete && t->r->r.kind != 'p') {
        fx_fail(x, "42809", true, "table \"%s\" is not partitioned", t->r->r.name);
        return;
    }
    fx_lock(x, child, PR_ACCESS_EXCLUSIVE);
    for (size_t i = 0; i < t->r->r.n_cols && child->complete; i++) {
        const struct pr_col *mine = &t->r->r.cols[i], *its = pr_find_col(&child->r, mine->name);
        if (its == NULL) fx_fail(x, "42804", true, "child table \"%s\" is missing column \"%s\"", child->r.name, mine->name);
        else if (mine->not_null && !its->not_null)
            fx_fail(x, "42804", true, "column \"%s\" in child table \"%s\" must be marked NOT NULL", mine->name, child->r.name);
    }
    if (x->stop) return;
    const bool is_default = pc->bound != NULL && pc->bound->is_default;
    shrink_default(x, t->r, pc->bound);
    struct w_rel **family = NULL;
    const size_t n = fx_family(x, child, true, &family);
    const bool spared = fx_proven_inside(x, t->r, child, pc->bound);
    for (size_t i = 0; i < n; i++) {
        fx_lock(x, family[i], PR_ACCESS_EXCLUSIVE);
        if (spared || (is_default && t->r->r.n_partitions == 0)) continue;
        fx_scan(x, family[i]);
        bool sure = false;
        if (fx_has_rows(family[i], &sure))
            fx_fail(x, "23514", false, "rows of \"%s\" outside the partition's bounds", family[i]->r.name);
        if (family[i]->r.kind != 'p') fx_why(x, family[i], "every row is checked against the partition's bounds");
    }
    for (size_t i = 0; i < n; i++) build_missing(x, t->r, family[i]);
    clone_keys(x, t->r, child, false);
    w_add_partition(x->w, t->r, child);
    child->r.is_default_partition = is_default;
}

void fx_partition_of(struct fx *x, const RangeVar *parent_name, struct w_rel *child, const PartitionBoundSpec *b) {
    struct w_rel *parent = fx_rel(x, parent_name, 'p', false);
    if (parent == NULL) return;
    fx_lock(x, parent, PR_ACCESS_EXCLUSIVE);
    const bool is_default = b != NULL && b->is_default;
    shrink_default(x, parent, b);
    if (!parent->complete) child->complete = false;
    for (size_t i = 0; i < parent->r.n_cols; i++)
        *w_add_col(x->w, child, parent->r.cols[i].name, parent->r.cols[i].type) = parent->r.cols[i];
    build_missing(x, parent, child);
    clone_keys(x, parent, child, true);
    w_add_partition(x->w, parent, child);
    child->r.is_default_partition = is_default;
}

static struct w_rel *pending_of(struct fx *x, const struct w_rel *parent) {
    for (size_t i = 0; i < parent->r.n_partitions; i++) {
        struct w_rel *r = w_find_full(x->w, parent->r.partitions[i]);
        if (r != NULL && r->r.detach_pending) return r;
    }
    return NULL;
}

void fx_detach(struct fx_at *t) {
    struct fx *x = t->x;
    const PartitionCmd *pc = FX_NODE(PartitionCmd, t->cmd->def);
    struct w_rel *child = fx_rel(x, pc->name, 'r', false);
    if (child == NULL) return;
    const int version = x->w->version != 0 ? x->w->version : 180000;
    struct w_rel *def = default_of(x, t->r);
    if (pc->concurrent) {
        x->out->concurrent = x->out->outside_tx = true;
        if (version < 140000) fx_fail(x, "42601", true, "DETACH PARTITION CONCURRENTLY needs PostgreSQL 14");
        else if (x->w->in_tx)
            fx_fail(x, "25001", true, "ALTER TABLE ... DETACH CONCURRENTLY cannot run inside a transaction block");
        else if (def != NULL)
            fx_fail(x, "55000", true, "cannot detach partitions concurrently when a default partition exists");
        const struct w_rel *stuck = x->stop ? NULL : pending_of(x, t->r);
        if (stuck != NULL)
            fx_fail(x, "55000", true, "partition \"%s\" already pending detach in partitioned table \"%s\"", stuck->r.name, t->r->r.name);
        if (x->stop) return;
        fx_lock(x, child, PR_ACCESS_EXCLUSIVE);
    } else {
        if (child->r.detach_pending && t->cmd->subtype == AT_DetachPartition)
            fx_fail(x, "55000", true, "cannot detach partition \"%s\": an earlier DETACH CONCURRENTLY of it is unfinished", child->r.name);
        if (x->stop) return;
        fx_lock(x, child, version < 140000 ? PR_SHARE_UPDATE_EXCLUSIVE : PR_ACCESS_EXCLUSIVE);
        if (t->cmd->subtype == AT_DetachPartition && def != NULL) fx_lock(x, def, PR_ACCESS_EXCLUSIVE);
    }
    w_cut_partition(x->w, t->r, child);
    child->r.partition_of = child->r.partition_of_schema = NULL;
    child->r.is_default_partition = child->r.detach_pending = false;
}

void fx_inherit(struct fx_at *t) {
    struct w_rel *parent = fx_rel(t->x, FX_NODE(RangeVar, t->cmd->def), 'r', false);
    if (parent == NULL) return;
    fx_lock(t->x, parent, PR_SHARE_UPDATE_EXCLUSIVE);
    w_add_partition(t->x->w, parent, t->r);
}

void fx_no_inherit(struct fx_at *t) {
    struct w_rel *parent = fx_rel(t->x, FX_NODE(RangeVar, t->cmd->def), 'r', false);
    if (parent == NULL) return;
    fx_lock(t->x, parent, PR_ACCESS_SHARE);
    w_cut_partition(t->x->w, parent, t->r);
}
