/* constraint_change.c: VALIDATE CONSTRAINT and DROP CONSTRAINT. */
#include "footprint/fx.h"

static const struct pr_con *own_con(const struct w_rel *r, const char *name) {
    for (size_t i = 0; i < r->r.n_cons; i++)
        if (!r->r.cons[i].inbound && pr_eq(r->r.cons[i].name, name)) return &r->r.cons[i];
    return NULL;
}

static void missing(struct fx_at *t, const char *name) {
    if (t->r != t->root || t->cmd->missing_ok) return;
    if (t->r->complete)
        fx_fail(t->x, "42704", true, "constraint \"%s\" of relation \"%s\" does not exist", name, t->r->r.name);
    else
        fx_guess(t->x);
}

static void validate_fk(struct fx_at *t, const struct pr_con *c) {
    struct fx *x = t->x;
    struct w_rel *to = fx_rel_named(x, c->ref_schema, c->ref_table, 'r', true);
    if (to == NULL) return;
    fx_lock(x, to, PR_ROW_SHARE);
    if (t->r->r.kind == 'p') return;
    fx_scan(x, t->r);
    struct w_rel **below = NULL;
    const size_t n = fx_family(x, to, to->r.kind == 'p', &below);
    for (size_t i = 0; i < n; i++) {
        if (i > 0) fx_lock(x, below[i], PR_ACCESS_SHARE);
        fx_scan(x, below[i]);
    }
    fx_why(x, t->r, "every row is looked up in \"%s\"", to->r.name);
    bool sure = false;
    if (fx_has_rows(t->r, &sure))
        fx_fail(x, "23503", false, "rows of \"%s\" without a row in \"%s\"", t->r->r.name, to->r.name);
}

void fx_validate_constraint(struct fx_at *t) {
    struct fx *x = t->x;
    const char *name = t->cmd->name;
    const struct pr_con *c = own_con(t->r, name);
    if (c == NULL) {
        missing(t, name);
        if (t->r->complete) return;
        fx_verify(t, "every row is checked");
        struct pr_con *learnt = w_add_con(x->w, t->r, fx_str(x, name), 'c');
        learnt->validated = true;
        return;
    }
    if (!c->enforced) {
        fx_fail(x, "42809", true, "cannot validate NOT ENFORCED constraint \"%s\"", name);
        return;
    }
    if (c->validated) return;
    if (c->type == 'f') validate_fk(t, c);
    else {
        fx_verify(t, pr_fmt(x->o, "every row is checked against \"%s\"", name));
        bool sure = false;
        if (fx_has_rows(t->r, &sure))
            fx_fail(x, c->type == 'n' ? "23502" : "23514", false, "rows that violate \"%s\" of relation \"%s\"", name,
                    t->r->r.name);
    }
    struct pr_con *mine = w_con(x->w, t->r, name);
    mine->validated = true;
    if (mine->type != 'n' || mine->n_cols == 0) return;
    struct pr_col *col = w_col(x->w, t->r, mine->cols[0]);
    if (col != NULL) col->not_null_valid = true;
}

void fx_drop_standing(struct fx *x, struct w_rel *r, const char *index, bool cascade) {
    for (size_t i = 0; index != NULL && i < r->r.n_cons;) {
        const struct pr_con in = r->r.cons[i];
        if (!in.inbound || !pr_eq(in.index, index)) {
            i++;
            continue;
        }
        if (!cascade) {
            fx_fail(x, "2BP01", true, "constraint \"%s\" on table %s depends on index %s", in.name, in.ref_table, index);
            return;
        }
        fx_lose(x, "constraint", in.name, false);
        fx_drop_fk(x, r, &in);
    }
}

static void drop_key(struct fx_at *t, const struct pr_con *c, bool cascade) {
    fx_drop_standing(t->x, t->r, c->index, cascade);
    if (c->index != NULL && !t->x->stop) w_cut_idx(t->x->w, t->r, c->index);
}

void fx_drop_constraint(struct fx_at *t) {
    struct fx *x = t->x;
    const char *name = fx_str(x, t->cmd->name);
    const struct pr_con *found = own_con(t->r, name);
    if (found == NULL) {
        missing(t, name);
        return;
    }
    const struct pr_con c = *found;
    if (c.type == 'f') {
        fx_drop_fk(x, t->r, &c);
        return;
    }
    if (c.type == 'p' || c.type == 'u' || c.type == 'x') drop_key(t, &c, t->cmd->behavior == DROP_CASCADE);
    if (x->stop) return;
    if (c.type == 'n' && c.n_cols > 0) {
        struct pr_col *col = w_col(x->w, t->r, c.cols[0]);
        if (col != NULL) col->not_null = false;
    }
    w_cut_con(x->w, t->r, name);
}
