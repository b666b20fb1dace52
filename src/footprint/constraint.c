/* constraint.c: adding, validating and dropping constraints. */
#include "footprint/fx.h"

/* --- names that the server chooses --- */

/* The longer of the two parts is cut, a byte at a time, until all fits (makeObjectName). */
const char *fx_object_name(struct fx *x, const char *table, const char *columns, const char *label) {
    const size_t over = (columns != NULL ? 1 : 0) + (label != NULL ? strlen(label) + 1 : 0);
    size_t t = strlen(table), c = columns != NULL ? strlen(columns) : 0;
    while (t + c + over > NAMEDATALEN - 1) {
        if (t > c) t--;
        else c--;
    }
    while (t > 0 && ((unsigned char)table[t] & 0xC0u) == 0x80u) t--;                /* not within a character */
    while (c > 0 && ((unsigned char)columns[c] & 0xC0u) == 0x80u) c--;
    return pr_fmt(x->o, "%.*s%s%.*s%s%s", (int)t, table, columns != NULL ? "_" : "", (int)c, columns != NULL ? columns : "",
                  label != NULL ? "_" : "", label != NULL ? label : "");
}

/* Free among relations and indexes, and among the table's constraints: with the first number that is. */
const char *fx_free_name(struct fx *x, const struct w_rel *r, const char *columns, const char *label) {
    const char *name = fx_object_name(x, r->r.name, columns, label);
    for (int i = 1; i < 1000; i++) {
        struct pr_idx *idx = NULL;
        const struct pr_con *con = pr_find_con(&r->r, name);
        const bool taken = w_find(x->w, r->r.schema, name) != NULL || w_find_index(x->w, r->r.schema, name, &idx) != NULL ||
                           (con != NULL && !con->inbound);
        if (!taken) break;
        name = fx_object_name(x, r->r.name, columns, pr_fmt(x->o, "%s%d", label, i));
    }
    return fx_str(x, name);
}

/* The name that the server would choose. */
const char *fx_con_name(struct fx *x, const struct w_rel *r, const Constraint *c, const char *col) {
    if (c->conname != NULL) return fx_str(x, c->conname);
    if (c->contype == CONSTR_PRIMARY) return fx_free_name(x, r, NULL, "pkey");
    const List *keys = c->contype == CONSTR_FOREIGN ? c->fk_attrs : c->keys;
    struct pr_buf b = {.a = x->o};
    if (col != NULL) pr_add(&b, col);
    ListCell *lc;
    if (col == NULL) foreach (lc, keys) pr_addf(&b, "%s%s", lc == list_head(keys) ? "" : "_", strVal(lfirst(lc)));
    const char **names = NULL;
    if (col == NULL && c->contype == CONSTR_CHECK && fx_columns(c->raw_expr, x->o, &names) == 1) pr_add(&b, names[0]);
    static const char *const labels[] = {[CONSTR_CHECK] = "check", [CONSTR_UNIQUE] = "key", [CONSTR_EXCLUSION] = "excl",
                                         [CONSTR_FOREIGN] = "fkey", [CONSTR_NOTNULL] = "not_null"};
    const size_t at = (size_t)c->contype;
    const char *label = at < PR_COUNT(labels) ? labels[at] : NULL, *columns = pr_buf_text(&b);
    return fx_free_name(x, r, columns[0] != '\0' ? columns : NULL, label != NULL ? label : "con");
}

static size_t key_names(struct pr_arena *a, const List *keys, const char *col, const char *const **out) {
    const size_t most = keys != NIL ? (size_t)list_length(keys) : 1;
    const char **names = PR_NEW_ARRAY(a, const char *, most);
    size_t n = 0;
    ListCell *lc;
    foreach (lc, keys) names[n++] = pr_dup(a, strVal(lfirst(lc)));
    if (n == 0 && col != NULL) names[n++] = pr_dup(a, col);
    *out = names;
    return n;
}

static bool name_taken(struct fx_at *t, const Constraint *c) {
    if (c->conname == NULL || t->r != t->root) return false;
    const struct pr_con *has = pr_find_con(&t->r->r, c->conname);
    if (has == NULL || has->inbound) return false;
    fx_fail(t->x, "42710", true, "constraint \"%s\" for relation \"%s\" already exists", c->conname, t->r->r.name);
    return true;
}

/* --- CHECK and NOT NULL --- */

struct proving { struct fx *x; struct w_rel *r; const char *con; struct pr_buf def; };

static void prove(void *ctx, const char *col) {
    struct proving *p = ctx;
    w_prove(p->x->w, p->r, p->con, fx_str(p->x, col));
    pr_addf(&p->def, "%s(%s IS NOT NULL)", p->def.len > 0 ? " AND " : "", pr_quote_ident(p->x->o, col));
}

/* As the catalog would have it; NULL where this grammar's library cannot print a tree. */
static const char *text_of_check(struct fx *x, const Node *expr) {
    ResTarget target = {.type = T_ResTarget, .val = (Node *)(uintptr_t)expr};
    ListCell cell = {.ptr_value = &target};
    List targets = {.type = T_List, .length = 1, .max_length = 1, .elements = &cell};
    const SelectStmt select = {.type = T_SelectStmt, .targetList = &targets};
    const struct pr_stmt s = {.node = &select, .text = "", .tag = "CHECK"};
    const char *text = NULL;
    struct pr_err ignored = {0};
    if (pr_stmt_deparse(&s, x->o, &text, &ignored) != PR_OK || !pr_starts(text, "SELECT ")) return NULL;
    return pr_fmt(x->a, "CHECK (%s)", text + strlen("SELECT "));
}

static void add_check(struct fx_at *t, const Constraint *c, const char *col) {
    struct fx *x = t->x;
    if (c->is_no_inherit && t->r != t->root) return;       /* 18 locks the children all the same */
    if (name_taken(t, c)) return;
    const bool valid = !c->skip_validation && PR_CONSTRAINT_ENFORCED(c);
    if (!PR_CONSTRAINT_ENFORCED(c) && x->w->version != 0 && x->w->version < 180000)
        fx_fail(x, "42601", true, "NOT ENFORCED needs PostgreSQL 18");
    const char *name = fx_con_name(x, t->r, c, col);
    if (valid) {
        fx_verify(t, pr_fmt(x->o, "every row is checked against \"%s\"", name));
        bool sure = false;
        if (fx_has_rows(t->r, &sure))
            fx_fail(x, "23514", false, "rows that violate \"%s\" of relation \"%s\"", name, t->r->r.name);
    }
    const char **cols = NULL;
    const size_t n = fx_columns(c->raw_expr, x->a, &cols);
    struct pr_con *con = w_add_con(x->w, t->r, name, 'c');
    con->validated = valid;
    con->enforced = PR_CONSTRAINT_ENFORCED(c);
    con->cols = cols;
    con->n_cols = n;
    struct proving p = {.x = x, .r = t->r, .con = name, .def = {.a = x->o}};
    fx_proven(c->raw_expr, prove, &p);
    /* Proofs end with this world; the facts that it leaves carry on what the CHECK says, or at least that. */
    con->def = text_of_check(x, c->raw_expr);
    if (con->def == NULL && p.def.len > 0) con->def = pr_fmt(x->a, "CHECK (%s)", pr_buf_text(&p.def));
}

static void add_not_null(struct fx_at *t, const Constraint *c, const char *col) {
    struct fx *x = t->x;
    if (x->w->version != 0 && x->w->version < 180000)
        fx_fail(x, "42601", true, "NOT NULL constraints as such need PostgreSQL 18");
    const char *const *cols = NULL, *by = NULL;
    const size_t n = key_names(x->a, c->keys, col, &cols);
    const struct pr_col *has = n > 0 ? pr_find_col(&t->r->r, cols[0]) : NULL;
    if (has != NULL && has->not_null && has->not_null_valid) return;
    const bool valid = !c->skip_validation;
    if (valid && n > 0 && !fx_proves_not_null(x, t->r, cols[0], &by))
        fx_verify(t, pr_fmt(x->o, "every row is read to see that \"%s\" is not null", cols[0]));
    struct pr_con *con = w_add_con(x->w, t->r, fx_con_name(x, t->r, c, col), 'n');
    con->validated = valid;
    con->cols = cols;
    con->n_cols = n;
    struct pr_col *mine = n > 0 ? w_col(x->w, t->r, cols[0]) : NULL;
    if (mine == NULL) return;
    mine->not_null = true;
    mine->not_null_valid = valid;
}

/* --- UNIQUE, PRIMARY KEY, EXCLUDE --- */

static void key_not_null(struct fx_at *t, const char *const *cols, size_t n, struct w_rel *r) {
    for (size_t i = 0; i < n; i++) {
        const struct pr_col *c = pr_find_col(&r->r, cols[i]);
        const char *by = NULL;
        if (c != NULL && c->not_null && c->not_null_valid) continue;
        if (c == NULL && r->complete) {
            fx_fail(t->x, "42703", true, "column \"%s\" named in key does not exist", cols[i]);
            return;
        }
        if (c == NULL) fx_guess(t->x);
        if (!fx_proves_not_null(t->x, r, cols[i], &by)) {
            bool sure = false;
            if (fx_has_rows(r, &sure) && r->r.kind != 'p')
                fx_fail(t->x, "23502", false, "rows with a null in \"%s\" of relation \"%s\"", cols[i], r->r.name);
            fx_scan(t->x, r);
            fx_why(t->x, r, "every row is read to see that \"%s\" is not null", cols[i]);
        }
        struct pr_col *mine = w_col(t->x->w, r, cols[i]);
        if (mine != NULL) mine->not_null = mine->not_null_valid = true;
    }
}

static bool index_usable(struct fx_at *t, const Constraint *c, const struct pr_idx *ix) {
    struct fx *x = t->x;
    if (!ix->valid) fx_fail(x, "55000", true, "index \"%s\" is not valid", ix->name);
    else if (!ix->unique) fx_fail(x, "42809", true, "\"%s\" is not a unique index", ix->name);
    else if (ix->has_expressions) fx_fail(x, "42809", true, "index \"%s\" contains expressions", ix->name);
    else if (ix->is_partial) fx_fail(x, "42809", true, "\"%s\" is a partial index", ix->name);
    else if (!ix->default_order)
        fx_fail(x, "42809", true, "index \"%s\" does not have default sorting behavior", ix->name);
    else if (ix->constraint != NULL)
        fx_fail(x, "55000", true, "index \"%s\" is already associated with a constraint", ix->name);
    (void)c;
    return !x->stop;
}

static void add_using_index(struct fx_at *t, const Constraint *c) {
    struct fx *x = t->x;
    const bool primary = c->contype == CONSTR_PRIMARY;
    struct pr_idx *ix = w_idx(x->w, t->r, c->indexname);
    if (ix == NULL) {
        if (t->r->complete) {
            fx_fail(x, "42704", true, "index \"%s\" does not exist", c->indexname);
            return;
        }
        fx_guess(x);
        if (primary) fx_verify(t, "the columns of the index may hold nulls: taken for a scan");
        return;
    }
    if (!index_usable(t, c, ix)) return;
    const char *name = fx_str(x, c->conname != NULL ? c->conname : c->indexname);
    struct pr_con *con = w_add_con(x->w, t->r, name, primary ? 'p' : 'u');
    con->cols = ix->cols;
    con->n_cols = ix->n_cols;
    con->index = name;
    ix->name = name;
    w_note_index(x->w, t->r, name);
    ix->constraint = name;
    ix->primary = primary;
    if (primary) key_not_null(t, con->cols, con->n_cols, t->r);
}

static bool second_primary(struct fx_at *t) {
    for (size_t i = 0; i < t->r->r.n_cons; i++) {
        if (t->r->r.cons[i].type != 'p' || t->r->r.cons[i].inbound) continue;
        fx_fail(t->x, "42P16", true, "multiple primary keys for table \"%s\" are not allowed", t->r->r.name);
        return true;
    }
    return false;
}

static void record_key(struct fx *x, struct w_rel *r, const Constraint *c, const char *const *cols, size_t n, const char *name) {
    const char kind = c->contype == CONSTR_PRIMARY ? 'p' : c->contype == CONSTR_UNIQUE ? 'u' : 'x';
    struct pr_con *con = w_add_con(x->w, r, name, kind);
    con->cols = cols;
    con->n_cols = n;
    con->index = name;
    con->deferrable = c->deferrable;
    struct pr_idx *ix = w_add_idx(x->w, r, name);
    ix->cols = ix->mentions = cols;
    ix->n_cols = ix->n_mentions = n;
    ix->unique = kind != 'x';
    ix->primary = kind == 'p';
    ix->constraint = name;
    ix->is_partial = c->where_clause != NULL;
}

static size_t exclude_columns(struct fx *x, const Constraint *c, const char *const **out) {
    const char **names = PR_NEW_ARRAY(x->a, const char *, (size_t)list_length(c->exclusions) + 1);
    size_t n = 0;
    ListCell *lc;
    foreach (lc, c->exclusions) {
        const IndexElem *e = linitial((List *)lfirst(lc));
        if (e->name != NULL) names[n++] = fx_str(x, e->name);
    }
    *out = names;
    return n;
}

bool fx_key_covers(struct fx *x, const struct w_rel *r, const char *const *cols, size_t n) {
    const char *open = r->r.kind == 'p' && r->r.partition_key != NULL ? strchr(r->r.partition_key, '(') : NULL;
    for (const char *p = open; p != NULL && *p != '\0' && *p != ')';) {
        p += strspn(p, "(, ");
        const bool quoted = *p == '"';
        if (quoted) p++;
        const size_t len = strcspn(p, quoted ? "\"" : " ,()");
        if (len == 0 || p[len] == '(') return true;        /* an expression: the server says more than we can */
        const char *name = pr_dupn(x->o, p, len);
        if (pr_eq(name, "NULL")) return true;
        if (!pr_mentions(cols, n, name)) {
            fx_fail(x, "0A000", true, "unique constraint on partitioned table must include all partitioning columns: \"%s\" of \"%s\" is missing", name, r->r.name);
            return false;
        }
        p += len;
        while (*p != '\0' && *p != ',' && *p != ')') p++;   /* operator class, collation */
    }
    return true;
}

static void add_key(struct fx_at *t, const Constraint *c, const char *col, int new_col) {
    struct fx *x = t->x;
    if (t->r != t->root) return;                           /* done from the root, for the whole tree */
    if (name_taken(t, c) || (c->contype == CONSTR_PRIMARY && second_primary(t))) return;
    if (c->indexname != NULL) {
        add_using_index(t, c);
        return;
    }
    const char *const *cols = NULL;
    const size_t n = c->contype == CONSTR_EXCLUSION ? exclude_columns(x, c, &cols) : key_names(x->a, c->keys, col, &cols);
    if (c->contype != CONSTR_EXCLUSION && !fx_key_covers(x, t->r, cols, n)) return;
    struct w_rel **family = NULL;
    const size_t members = fx_family(x, t->r, t->r->r.kind == 'p', &family);
    bool rows = false;
    for (size_t i = 0; i < members; i++) {
        struct w_rel *r = family[i];
        if (r != t->r) fx_lock(x, r, c->contype == CONSTR_PRIMARY ? PR_ACCESS_EXCLUSIVE : PR_SHARE);
        if (c->contype == CONSTR_PRIMARY) key_not_null(t, cols, n, r);
        if (x->stop) return;
        const char *name = fx_con_name(x, r, r == t->r ? c : &(Constraint){.contype = c->contype, .keys = c->keys}, col);
        record_key(x, r, c, cols, n, name);
        fx_build(x, r, 1);
        fx_why(x, r, "the index of \"%s\" is built", name);
        bool sure = false;
        rows = rows || fx_has_rows(r, &sure);
    }
    if (rows && c->contype != CONSTR_EXCLUSION && new_col != 1)
        fx_fail(x, "23505", false, "rows with the same key in \"%s\"", t->r->r.name);
}

/* --- FOREIGN KEY --- */

static bool same_set(const char *const *a, size_t n, const char *const *b, size_t m) {
    if (n != m) return false;
    for (size_t i = 0; i < n; i++)
        if (!pr_mentions(b, m, a[i])) return false;
    return true;
}

/* Something unique and whole that stands on the referenced columns; keys of 0 columns = the primary key. */
static const struct pr_idx *target_key(const struct w_rel *to, const char *const *keys, size_t m) {
    for (size_t i = 0; i < to->r.n_idxs; i++) {
        const struct pr_idx *ix = &to->r.idxs[i];
        if (!ix->unique || !ix->valid || ix->is_partial || ix->has_expressions) continue;
        if (m == 0 ? ix->primary : same_set(keys, m, ix->cols, ix->n_cols)) return ix;
    }
    return NULL;
}

/* As much of pg_get_constraintdef as the engine asks for. */
static const char *fk_def(struct fx *x, const Constraint *c) {
    static const struct { char code; const char *words; } acts[] = {{'c', "CASCADE"}, {'n', "SET NULL"}, {'d', "SET DEFAULT"}, {'r', "RESTRICT"}};
    struct pr_buf b = {.a = x->o};
    pr_add(&b, "FOREIGN KEY");
    for (size_t i = 0; i < PR_COUNT(acts); i++) {
        if (c->fk_upd_action == acts[i].code) pr_addf(&b, " ON UPDATE %s", acts[i].words);
        if (c->fk_del_action == acts[i].code) pr_addf(&b, " ON DELETE %s", acts[i].words);
    }
    if (c->initdeferred) pr_add(&b, " DEFERRABLE INITIALLY DEFERRED");
    return fx_str(x, pr_buf_text(&b));
}

void fx_add_fk_record(struct fx *x, struct w_rel *r, const Constraint *c, const char *col, const char *name, bool valid) {
    struct w_rel *to = w_find(x->w, c->pktable->schemaname, c->pktable->relname);
    const char *const *cols = NULL, *const *keys = NULL;
    const size_t n = key_names(x->a, c->fk_attrs, col, &cols);
    size_t n_keys = key_names(x->a, c->pk_attrs, NULL, &keys);
    for (size_t i = 0; to != NULL && n_keys == 0 && i < to->r.n_cons; i++) {
        if (to->r.cons[i].type != 'p') continue;
        keys = to->r.cons[i].cols;
        n_keys = to->r.cons[i].n_cols;
    }
    struct pr_con fk = {.name = name, .type = 'f', .validated = valid, .enforced = PR_CONSTRAINT_ENFORCED(c),
                        .deferrable = c->deferrable, .def = fk_def(x, c), .cols = cols, .n_cols = n, .ref_cols = keys, .n_ref_cols = n_keys,
                        .ref_schema = to != NULL ? to->r.schema : fx_str(x, c->pktable->schemaname),
                        .ref_table = to != NULL ? to->r.name : fx_str(x, c->pktable->relname)};
    *w_add_con(x->w, r, name, 'f') = fk;
    if (to == NULL) return;
    struct pr_con *in = w_add_con(x->w, to, name, 'f');
    *in = fk;
    const struct pr_idx *key = target_key(to, keys, n_keys);
    in->inbound = true;
    in->index = key != NULL ? key->name : NULL;
    in->cols = keys;
    in->n_cols = n_keys;
    in->ref_cols = cols;
    in->n_ref_cols = n;
    in->ref_schema = r->r.schema;
    in->ref_table = r->r.name;
}

static void check_pair(struct fx_at *t, const struct w_rel *to, const char *from_name, const char *of_name) {
    const struct pr_col *from = pr_find_col(&t->r->r, from_name), *of = pr_find_col(&to->r, of_name);
    if (from == NULL && t->r->complete)
        fx_fail(t->x, "42703", true, "column \"%s\" referenced in foreign key constraint does not exist", from_name);
    if (from == NULL || of == NULL) return;
    const struct fx_type a = fx_type_of_text(t->x, from->base_type != NULL ? from->base_type : from->type, from->type_schema);
    const struct fx_type b = fx_type_of_text(t->x, of->base_type != NULL ? of->base_type : of->type, of->type_schema);
    if (!fx_fk_comparable(&a, &b))
        fx_fail(t->x, "42804", true, "foreign key cannot be implemented: \"%s\" is %s, \"%s\" is %s", from->name, from->type,
                of->name, of->type);
}

static void check_target(struct fx_at *t, const Constraint *c, const struct w_rel *to, const char *col) {
    struct fx *x = t->x;
    if (!to->complete || (to->r.kind != 'r' && to->r.kind != 'p')) return;
    const char *const *cols = NULL, *const *keys = NULL;
    const size_t n = key_names(x->o, c->fk_attrs, col, &cols), m = key_names(x->o, c->pk_attrs, NULL, &keys);
    const struct pr_idx *key = target_key(to, keys, m);
    if (m == 0 ? key != NULL && n != key->n_cols : n != m) {
        fx_fail(x, "42830", true, "number of referencing and referenced columns for foreign key disagree");
        return;
    }
    if (key == NULL) {
        fx_fail(x, m == 0 ? "42704" : "42830", true, m == 0 ? "there is no primary key for referenced table \"%s\""
                : "there is no unique constraint matching given keys for referenced table \"%s\"", to->r.name);
        return;
    }
    for (size_t i = 0; i < n; i++) check_pair(t, to, cols[i], m == 0 ? key->cols[i] : keys[i]);
}

static void add_foreign(struct fx_at *t, const Constraint *c, const char *col, int new_col) {
    struct fx *x = t->x;
    if (t->r == t->root && name_taken(t, c)) return;
    struct w_rel *to = fx_rel(x, c->pktable, 'r', false);
    if (to == NULL) return;
    struct w_rel **below = NULL;
    const size_t n_below = fx_family(x, to, to->r.kind == 'p', &below);
    for (size_t i = 0; i < n_below; i++) fx_lock(x, below[i], PR_SHARE_ROW_EXCLUSIVE);
    check_target(t, c, to, col);
    const char here = t->r->r.persistence, there = to->r.persistence;
    if (t->r->complete && to->complete && ((here == 't') != (there == 't') || (here == 'p' && there == 'u')))
        fx_fail(x, "42P16", true, "\"%s\" and \"%s\" are not kept alike: temporary, unlogged or permanent", t->r->r.name, to->r.name);
    const bool not_valid = c->skip_validation || !PR_CONSTRAINT_ENFORCED(c);
    if (not_valid && t->r->r.kind == 'p' && PR_CONSTRAINT_ENFORCED(c) && x->w->version != 0 && x->w->version < 180000)
        fx_fail(x, "42809", true, "cannot add NOT VALID foreign key on partitioned table \"%s\"", t->r->r.name);
    if (x->stop) return;
    const char *name = fx_con_name(x, t->r, c, col);
    const bool scan = !not_valid && new_col != 1;
    if (scan && t->r->r.kind != 'p') {
        const char *const *names = NULL;
        fx_scan(x, t->r);
        if (key_names(x->o, c->fk_attrs, col, &names) != 1 || !w_all_null(t->r, names[0]))
            for (size_t i = 0; i < n_below; i++) fx_scan(x, below[i]);
        fx_why(x, t->r, "every row is looked up in \"%s\"", to->r.name);
        fx_why(x, to, "rows of \"%s\" are looked up here", t->r->r.name);
        bool sure = false;
        if (fx_has_rows(t->r, &sure))
            fx_fail(x, "23503", false, "rows of \"%s\" without a row in \"%s\"", t->r->r.name, to->r.name);
    }
    fx_add_fk_record(x, t->r, c, col, name, !not_valid);
}

void fx_constraint(struct fx_at *t, const Constraint *c, const char *col, int new_col) {
    switch ((int)c->contype) {
    case CONSTR_CHECK: add_check(t, c, col); break;
    case CONSTR_NOTNULL: add_not_null(t, c, col); break;
    case CONSTR_UNIQUE:
    case CONSTR_PRIMARY:
    case CONSTR_EXCLUSION: add_key(t, c, col, new_col); break;
    case CONSTR_FOREIGN: add_foreign(t, c, col, new_col); break;
    default: break;                                        /* attributes of the constraint before */
    }
}

void fx_add_constraint(struct fx_at *t) { fx_constraint(t, FX_NODE(Constraint, t->cmd->def), NULL, 0); }
