/* types.c: type names from trees and from format_type(), and what a change from one to another costs.
 * Source  PostgreSQL, src/backend/commands/tablecmds.c, ATColumnChangeRequiresRewrite: a change is free when the new value is the
 *         old one relabelled, also through a length coercion that the planner knows to be a no-op. */
#include "footprint/fx.h"

/* What format_type prints ↔ the type's name in pg_type, and the names that SQL allows besides. */
static const struct { const char *sql, *name; } spellings[] = {
    {"integer", "int4"}, {"bigint", "int8"}, {"smallint", "int2"}, {"boolean", "bool"}, {"real", "float4"},
    {"double precision", "float8"}, {"numeric", "numeric"}, {"decimal", "numeric"}, {"character varying", "varchar"},
    {"character", "bpchar"}, {"bit varying", "varbit"}, {"bit", "bit"}, {"timestamp without time zone", "timestamp"},
    {"timestamp with time zone", "timestamptz"}, {"time without time zone", "time"}, {"time with time zone", "timetz"},
    {"interval", "interval"}, {"text", "text"}, {"uuid", "uuid"}, {"json", "json"}, {"jsonb", "jsonb"}, {"date", "date"},
    {"bytea", "bytea"}, {"inet", "inet"}, {"cidr", "cidr"}, {"xml", "xml"}, {"oid", "oid"}, {"name", "name"},
    {"money", "money"}, {"\"char\"", "char"}, {"macaddr", "macaddr"}, {"macaddr8", "macaddr8"}, {"point", "point"},
    {"tsvector", "tsvector"}, {"tsquery", "tsquery"}, {"regclass", "regclass"}, {"int4range", "int4range"},
    {"int8range", "int8range"}, {"numrange", "numrange"}, {"tsrange", "tsrange"}, {"tstzrange", "tstzrange"},
    {"daterange", "daterange"}, {"box", "box"}, {"line", "line"}, {"lseg", "lseg"}, {"path", "path"},
    {"polygon", "polygon"}, {"circle", "circle"}, {"pg_lsn", "pg_lsn"}, {"regtype", "regtype"}, {"regproc", "regproc"},
    {"jsonpath", "jsonpath"}, {"xid", "xid"},
};

static const char *builtin_name(const char *name) {
    for (size_t i = 0; i < PR_COUNT(spellings); i++)
        if (pr_eq(spellings[i].name, name)) return spellings[i].name;
    return NULL;
}

static void resolve(struct fx *x, struct fx_type *t) {
    const char *builtin = t->schema == NULL || pr_eq(t->schema, "pg_catalog") ? builtin_name(t->name) : NULL;
    if (builtin != NULL) {
        t->name = builtin;
        t->schema = "pg_catalog";
        t->known = true;
        return;
    }
    t->user = w_find_type(x->w, t->schema, t->name);
    t->known = t->user != NULL;
}

static int typmod_at(const List *mods, int at) {
    if (list_length(mods) <= at) return -1;
    const Node *n = list_nth(mods, at);
    if (!IsA(n, A_Const) || FX_NODE(A_Const, n)->isnull || nodeTag(&FX_NODE(A_Const, n)->val) != T_Integer) return -1;
    return intVal(&FX_NODE(A_Const, n)->val);
}

struct fx_type fx_type_of_node(struct fx *x, const TypeName *node) {
    struct fx_type t = {.mod1 = -1, .mod2 = -1};
    if (node == NULL) return t;
    fx_parts(node->names, &t.schema, &t.name);
    t.array = node->arrayBounds != NIL;
    static const struct { const char *serial, *name; } serials[] = {
        {"serial", "int4"}, {"serial4", "int4"}, {"bigserial", "int8"}, {"serial8", "int8"}, {"smallserial", "int2"},
        {"serial2", "int2"},
    };
    for (size_t i = 0; i < PR_COUNT(serials) && t.schema == NULL && !t.serial; i++) {
        if (!pr_eq(t.name, serials[i].serial)) continue;
        t.serial = true;
        t.name = serials[i].name;
    }
    resolve(x, &t);
    if (!t.known || t.user != NULL) {                      /* of the others the texts are ours for ever */
        t.name = fx_str(x, t.name);
        t.schema = fx_str(x, t.schema);
    }
    const bool fields_first = pr_eq(t.name, "interval");   /* typmods are (fields, precision) there */
    t.mod1 = typmod_at(node->typmods, fields_first ? 1 : 0);
    t.mod2 = fields_first ? -1 : typmod_at(node->typmods, 1);
    if (fields_first && typmod_at(node->typmods, 0) != -1 && typmod_at(node->typmods, 0) != 0x7FFF)
        t.mod2 = typmod_at(node->typmods, 0);              /* INTERVAL YEAR TO MONTH … */
    if (pr_eq(t.name, "numeric") && t.mod1 >= 0 && t.mod2 < 0) t.mod2 = 0;
    if ((pr_eq(t.name, "bpchar") || pr_eq(t.name, "bit")) && t.schema != NULL && node->typmods == NIL && !t.array)
        t.mod1 = pr_eq(t.name, "bit") ? 1 : t.mod1;
    return t;
}

/* "character varying(20)[]" → base, numbers, array. "timestamp(3) without time zone" has its number in the middle. */
struct fx_type fx_type_of_text(struct fx *x, const char *text, const char *schema) {
    struct fx_type t = {.mod1 = -1, .mod2 = -1, .schema = schema};
    if (text == NULL) return t;
    const char *open = strchr(text, '('), *close = open != NULL ? strchr(open, ')') : NULL, *base = text;
    if (open != NULL && close != NULL) {
        char *end = NULL;
        base = pr_fmt(x->a, "%.*s%s", (int)(open - text), text, close + 1);
        t.mod1 = (int)strtol(open + 1, &end, 10);
        if (end != NULL && *end == ',') t.mod2 = (int)strtol(end + 1, NULL, 10);
    }
    while (pr_ends(base, "[]")) {
        t.array = true;
        base = pr_dupn(x->a, base, strlen(base) - 2);
    }
    for (size_t i = 0; i < PR_COUNT(spellings); i++) {
        if (!pr_eq(spellings[i].sql, base)) continue;
        t.name = spellings[i].name;
        t.schema = "pg_catalog";
        t.known = true;
        return t;
    }
    const char *dot = strrchr(base, '.');
    t.name = dot != NULL ? dot + 1 : base;
    if (dot != NULL) t.schema = pr_dupn(x->a, base, (size_t)(dot - base));
    const size_t len = strlen(t.name);
    if (len > 2 && t.name[0] == '"' && t.name[len - 1] == '"') t.name = pr_dupn(x->a, t.name + 1, len - 2);
    resolve(x, &t);
    return t;
}

const char *fx_type_text(struct fx *x, const struct fx_type *t) {
    const char *base = t->name;
    for (size_t i = 0; i < PR_COUNT(spellings) && t->user == NULL; i++)
        if (pr_eq(spellings[i].name, t->name)) {
            base = spellings[i].sql;
            break;
        }
    const char *mods = "";
    if (t->mod1 >= 0 && t->mod2 >= 0) mods = pr_fmt(x->o, "(%d,%d)", t->mod1, t->mod2);
    else if (t->mod1 >= 0) mods = pr_fmt(x->o, "(%d)", t->mod1);
    const char *array = t->array ? "[]" : "";
    const char *with = strstr(base, " with");
    if (*mods != '\0' && with != NULL)
        return pr_fmt(x->a, "%.*s%s%s%s", (int)(with - base), base, mods, with, array);
    if (*mods == '\0' && !t->array) return base == t->name ? pr_dup(x->a, base) : base;
    return pr_fmt(x->a, "%s%s%s", base, mods, array);
}

static bool is(const struct fx_type *t, const char *name) {
    return pr_eq(t->name, name) && pr_eq(t->schema, "pg_catalog");
}

static bool one_of(const struct fx_type *t, const char *const *names) {
    for (; *names != NULL; names++)
        if (is(t, *names)) return true;
    return false;
}

/* Same type, other length or precision: is the coercion a no-op for every value that is there? */
static enum fx_change typmod_change(const struct fx_type *from, const struct fx_type *to) {
    if (from->mod1 == to->mod1 && from->mod2 == to->mod2) return FX_SAME;
    if (to->array) return to->mod1 < 0 ? FX_FREE : FX_REWRITE;
    if (is(to, "numeric")) {
        if (to->mod1 < 0) return FX_FREE;
        return from->mod1 >= 0 && to->mod2 == from->mod2 && to->mod1 >= from->mod1 ? FX_FREE : FX_REWRITE;
    }
    if (is(to, "bpchar") || is(to, "bit")) return to->mod1 < 0 ? FX_FREE : FX_REWRITE;
    if (is(to, "interval") && (from->mod2 != to->mod2) && to->mod2 >= 0) return FX_REWRITE;
    static const char *const widening[] = {"varchar", "varbit", "time", "timetz", "timestamp", "timestamptz", "interval", NULL};
    if (!one_of(to, widening)) return FX_UNSURE;
    if (to->mod1 < 0) return FX_FREE;
    const bool is_time = !is(to, "varchar") && !is(to, "varbit");
    if (is_time && to->mod1 >= 6) return FX_FREE;
    return from->mod1 >= 0 && to->mod1 >= from->mod1 ? FX_FREE : FX_REWRITE;
}

/* Casts marked binary coercible in pg_cast. `indexes`: the operator class differs, so plain indexes are built anew. */
static const struct { const char *from, *to; bool indexes; } relabels[] = {
    {"text", "varchar", false}, {"varchar", "text", false}, {"text", "bpchar", true}, {"varchar", "bpchar", true},
    {"cidr", "inet", false}, {"xml", "text", true}, {"xml", "varchar", true}, {"bit", "varbit", true},
    {"varbit", "bit", true}, {"int4", "oid", true}, {"oid", "int4", true}, {"regclass", "oid", false},
    {"oid", "regclass", false}, {"int4", "regclass", true}, {"regclass", "int4", true},
    {"text", "citext", true}, {"varchar", "citext", true}, {"citext", "text", true}, {"citext", "varchar", true},
};

/* The one type of an extension whose casts are worth knowing: its bytes are those of text. */
static bool is_citext(const struct fx_type *t) { return !t->known && pr_eq(t->name, "citext"); }
static bool is_either(const struct fx_type *t, const char *name) { return is(t, name) || (is_citext(t) && pr_eq(name, "citext")); }

static bool time_zone_is_utc(const struct pr_world *w) {
    static const char *const utc[] = {"UTC", "Etc/UTC", "GMT", "Etc/GMT", "UCT", "Zulu", "Universal", "Etc/UCT", "Etc/Zulu"};
    for (size_t i = 0; i < PR_COUNT(utc); i++)
        if (pr_eq_nocase(w->time_zone, utc[i])) return true;
    return false;
}

/* The base of a domain, as far as it is known. */
struct fx_type fx_base_type(struct fx *x, const struct fx_type *t) {
    if (t->user == NULL || t->user->t.kind != 'd' || t->array) return *t;
    return fx_type_of_text(x, t->user->t.base_type, NULL);
}

static bool zoned_pair(const struct fx_type *f, const struct fx_type *t) {
    return (is(f, "timestamp") && is(t, "timestamptz")) || (is(f, "timestamptz") && is(t, "timestamp"));
}

/* Between two types: free when the bytes mean the same in both. */
static enum fx_change relabel_change(struct fx *x, const struct fx_type *f, const struct fx_type *t, bool *indexes) {
    if (zoned_pair(f, t) && !f->array) {
        if (x->w->time_zone == NULL) return FX_UNSURE;
        *indexes = true;
        const bool fits = t->mod1 < 0 || t->mod1 >= 6 || (f->mod1 >= 0 && t->mod1 >= f->mod1);
        return time_zone_is_utc(x->w) && fits ? FX_FREE : FX_REWRITE;
    }
    for (size_t i = 0; i < PR_COUNT(relabels); i++) {
        if (!is_either(f, relabels[i].from) || !is_either(t, relabels[i].to)) continue;
        if (f->array) return FX_REWRITE;
        *indexes = relabels[i].indexes;
        return t->mod1 < 0 ? FX_FREE : FX_REWRITE;
    }
    return FX_REWRITE;
}

const char *pr_world_type(const struct pr_world *w, const void *type_name) {
    struct fx x = {.w = (struct pr_world *)(uintptr_t)w, .a = w->a, .o = w->a};
    const struct fx_type t = fx_type_of_node(&x, type_name);
    return t.known ? fx_type_text(&x, &t) : NULL;
}

enum fx_change fx_type_change(struct fx *x, const struct fx_type *from, const struct fx_type *to, bool *indexes) {
    *indexes = false;
    if (pr_eq(from->name, to->name) && from->array == to->array &&
        (from->schema == NULL || to->schema == NULL || pr_eq(from->schema, to->schema)))
        return typmod_change(from, to);
    if (to->user != NULL && to->user->t.kind == 'd' && to->user->t.constrained) return FX_REWRITE;
    const struct fx_type f = fx_base_type(x, from), t = fx_base_type(x, to);
    if ((!f.known && !is_citext(&f)) || (!t.known && !is_citext(&t))) return FX_UNSURE;
    if (f.array != t.array) return FX_REWRITE;
    if (pr_eq(f.name, t.name) && pr_eq(f.schema, t.schema)) {
        const enum fx_change c = typmod_change(&f, &t);
        return c == FX_SAME ? FX_FREE : c;
    }
    return relabel_change(x, &f, &t, indexes);
}

static const char *const integers[] = {"int2", "int4", "int8", NULL};
static const char *const numbers[] = {"int2", "int4", "int8", "numeric", "float4", "float8", "money", NULL};
static const char *const strings[] = {"text", "varchar", "bpchar", "name", NULL};
static const char *const times[] = {"date", "timestamp", "timestamptz", NULL};
static const char *const clocks[] = {"time", "timetz", "interval", NULL};
static const char *const nets[] = {"inet", "cidr", NULL};
static const char *const documents[] = {"json", "jsonb", NULL};
static const char *const bits[] = {"bit", "varbit", NULL};
static const char *const oids[] = {"oid", "regclass", "regtype", "regproc", "int4", "int8", "int2", NULL};

static int number_rank(const struct fx_type *t) {
    for (int i = 0; integers[i] != NULL; i++)
        if (is(t, integers[i])) return i;
    return 99;
}

bool fx_lossy(const struct fx_type *from, const struct fx_type *to) {
    if (pr_eq(from->name, to->name)) {
        if (is(to, "bit")) return to->mod1 != from->mod1;
        if (to->mod1 < 0) return false;
        return from->mod1 < 0 || to->mod1 < from->mod1 || (to->mod2 >= 0 && to->mod2 < from->mod2);
    }
    if (one_of(from, integers) && one_of(to, integers)) return number_rank(to) < number_rank(from);
    if (one_of(from, numbers) && one_of(to, integers)) return true;
    if (one_of(from, strings) && one_of(to, strings)) return to->mod1 >= 0;
    return (is(from, "timestamp") || is(from, "timestamptz")) && is(to, "date");
}

static bool same_group(const struct fx_type *from, const struct fx_type *to) {
    static const char *const *const groups[] = {numbers, strings, times, clocks, nets, documents, bits, oids};
    for (size_t i = 0; i < PR_COUNT(groups); i++)
        if (one_of(from, groups[i]) && one_of(to, groups[i])) return true;
    return false;
}

/* Assignment casts among built-in types; anything goes to text. */
bool fx_castable(const struct fx_type *from, const struct fx_type *to) {
    static const char *const odd[] = {"char", "macaddr", "macaddr8", "point", "box", "lseg", "path", "polygon", "circle", NULL};
    if (!from->known || !to->known) return true;
    if (pr_eq(from->name, to->name) && pr_eq(from->schema, to->schema)) return from->array == to->array;
    const bool enums = (from->user == NULL || from->user->t.kind == 'e') && (to->user == NULL || to->user->t.kind == 'e');
    if (!enums || (!to->array && one_of(to, strings))) return true;
    if (from->array != to->array || from->user != NULL || to->user != NULL) return false;
    if (same_group(from, to) || one_of(from, odd) || is(to, "char")) return true;
    return one_of(from, times) && one_of(to, clocks) && !is(to, "interval") && !is(from, "date");
}

bool fx_is_number(const struct fx_type *t) { return !t->array && one_of(t, numbers); }
bool fx_is_string(const struct fx_type *t) { return !t->array && one_of(t, strings); }

bool fx_fk_comparable(const struct fx_type *a, const struct fx_type *b) {
    if (!a->known || !b->known || a->user != NULL || b->user != NULL) return true;
    if (a->array != b->array) return false;
    if (pr_eq(a->name, b->name)) return true;
    static const char *const *const groups[] = {numbers, strings, times, clocks, nets, bits, oids};
    for (size_t i = 0; i < PR_COUNT(groups); i++)
        if (one_of(a, groups[i]) && one_of(b, groups[i])) return true;
    return false;
}
