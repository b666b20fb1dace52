/* find.c: small helpers of the walkers: names in a statement's text, sets of names, qualified names. */
#include "sql/nodes.h"

#include "sql/internal.h"
#include "sql/lex.h"

/* --- names in the text --------------------------------------------------------------------------------------------- */

static bool same_unquoted(const char *text, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++) {
        const char c = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] | 0x20) : text[i];
        if (name[i] == '\0' || c != name[i]) return false;
    }
    return name[n] == '\0';
}

static bool same_quoted(const char *text, size_t n, const char *name) {
    size_t at = 0;
    for (size_t i = 1; i + 1 < n; i++) {
        if (name[at] == '\0' || text[i] != name[at++]) return false;
        if (text[i] == '"') i++;                   /* doubled */
    }
    return name[at] == '\0';
}

static bool find_from(struct pr_finder *f, size_t from, const char *name, size_t *at) {
    struct pr_lex lex = {.text = f->s->text, .pos = from, .end = f->s->len};
    for (struct pr_token t = pr_lex_next(&lex); t.kind != PR_LEX_END; t = pr_lex_next(&lex)) {
        const char *text = f->s->text + t.start;
        const size_t n = t.end - t.start;
        const bool same = (t.kind == PR_LEX_WORD && same_unquoted(text, n, name)) ||
                          (t.kind == PR_LEX_IDENT && *text == '"' && same_quoted(text, n, name));
        if (!same) continue;
        *at = t.start;
        f->done = t.end;
        return true;
    }
    return false;
}

size_t pr_finder_next(struct pr_finder *f, const char *name) {
    size_t at = 0;
    if (find_from(f, f->done, name, &at)) return f->s->offset + at;
    if (f->done > 0 && find_from(f, 0, name, &at)) return f->s->offset + at;
    return f->s->offset;
}

void pr_finder_past(struct pr_finder *f, int location, const char *name) {
    const size_t at = pr_stmt_at(f->s, location) - f->s->offset;
    if (location < 0 || at > f->s->len) return;
    f->done = at;
    if (name != NULL) (void)pr_finder_next(f, name);
}

/* --- sets ---------------------------------------------------------------------------------------------------------- */

static uint64_t hash(const char *s) {              /* FNV-1a */
    uint64_t h = 0xcbf29ce484222325U;
    for (; *s != '\0'; s++) h = (h ^ (unsigned char)*s) * 0x100000001b3U;
    return h;
}

static size_t slot_of(const struct pr_seen *s, const char *key) {
    size_t i = (size_t)hash(key) & (s->cap - 1);
    while (s->keys[i] != NULL && strcmp(s->keys[i], key) != 0) i = (i + 1) & (s->cap - 1);
    return i;
}

static void grow(struct pr_seen *s) {
    const struct pr_seen old = *s;
    s->cap = old.cap == 0 ? 16 : old.cap * 2;
    s->keys = PR_NEW_ARRAY(s->a, const char *, s->cap);
    s->values = PR_NEW_ARRAY(s->a, size_t, s->cap);
    for (size_t i = 0; i < old.cap; i++) {
        if (old.keys[i] == NULL) continue;
        const size_t at = slot_of(s, old.keys[i]);
        s->keys[at] = old.keys[i];
        s->values[at] = old.values[i];
    }
}

size_t pr_seen_put(struct pr_seen *s, const char *key, size_t value) {
    if (s->n * 2 >= s->cap) grow(s);
    const size_t at = slot_of(s, key);
    if (s->keys[at] == NULL) {
        s->keys[at] = key;
        s->values[at] = value;
        s->n++;
    }
    return s->values[at];
}

/* --- WITH queries -------------------------------------------------------------------------------------------------- */

const struct pr_with *pr_with_push(struct pr_arena *a, const struct pr_with *up, const char *name) {
    struct pr_with *w = PR_NEW(a, struct pr_with);
    *w = (struct pr_with){.name = name, .up = up};
    return w;
}

bool pr_with_has(const struct pr_with *w, const RangeVar *v) {
    for (; v->schemaname == NULL && w != NULL; w = w->up) {
        if (strcmp(w->name, v->relname) == 0) return true;
    }
    return false;
}

/* --- qualified names ----------------------------------------------------------------------------------------------- */

static const char *part(const List *names, int i) {
    const Node *n = list_nth(names, i);
    return n != NULL && IsA(n, String) ? strVal(n) : NULL;
}

void pr_name_parts(const List *names, int drop, const char **schema, const char **name) {
    const int n = list_length(names) - drop;
    *name = n >= 1 ? part(names, n - 1) : NULL;
    *schema = n >= 2 ? part(names, n - 2) : NULL;
}

/* Types that PostgreSQL brings along and that have no keyword (those come qualified with pg_catalog), sorted. */
static const char *const built_in[] = {
    "bigserial", "bool", "box", "bpchar", "bytea", "char", "cidr", "circle", "date", "datemultirange", "daterange", "float4",
    "float8", "inet", "int2", "int4", "int4multirange", "int4range", "int8", "int8multirange", "int8range", "json",
    "jsonb", "jsonpath", "line", "lseg", "macaddr", "macaddr8", "money", "name", "numeric", "nummultirange", "numrange", "oid",
    "path", "pg_lsn", "pg_snapshot", "point", "polygon", "record", "regclass", "regcollation", "regconfig", "regdictionary",
    "regnamespace", "regoper", "regoperator", "regproc", "regprocedure", "regrole", "regtype", "serial", "serial2", "serial4",
    "serial8", "smallserial", "text", "timestamptz", "timetz", "trigger", "tsmultirange", "tsquery", "tsrange",
    "tstzmultirange", "tstzrange", "tsvector", "txid_snapshot", "uuid", "varbit", "varchar", "void", "xid", "xid8", "xml",
};

bool pr_type_is_ours(const TypeName *t) {
    const char *schema = NULL, *name = NULL;
    if (t == NULL || t->names == NIL) return false;
    pr_name_parts(t->names, 0, &schema, &name);
    if (name == NULL || pr_eq(schema, "pg_catalog")) return false;
    return schema != NULL || bsearch(&name, built_in, PR_COUNT(built_in), sizeof built_in[0], pr_by_text) == NULL;
}
