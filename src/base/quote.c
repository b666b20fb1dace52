#include "base/base.h"

/* Words that PostgreSQL reserves, fully or as type and function names, in any of 13 to 18 (pg_get_keywords, catcode R and T).
 * A word that is not here and looks plain needs no quotes as a name of a relation or column. */
static const char *const reserved[] = {
    "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "authorization", "between", "binary", "both",
    "case", "cast", "check", "collate", "collation", "column", "concurrently", "constraint", "create", "cross", "current_catalog",
    "current_date", "current_role", "current_schema", "current_time", "current_timestamp", "current_user", "default",
    "deferrable", "desc", "distinct", "do", "else", "end", "except", "exists", "false", "fetch", "for", "foreign", "freeze",
    "from", "full", "grant", "group", "having", "ilike", "in", "initially", "inner", "intersect", "into", "is", "isnull", "join",
    "lateral", "leading", "left", "like", "limit", "localtime", "localtimestamp", "natural", "not", "notnull", "null", "offset",
    "on", "only", "or", "order", "outer", "overlaps", "placing", "primary", "references", "returning", "right", "select",
    "session_user", "similar", "some", "symmetric", "system_user", "table", "tablesample", "then", "to", "trailing", "true",
    "union", "unique", "user", "using", "variadic", "verbose", "when", "where", "window", "with",
};

static bool plain(const char *name) {
    if (!((name[0] >= 'a' && name[0] <= 'z') || name[0] == '_')) return false;
    for (const char *p = name; *p != '\0'; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_')) return false;
    return bsearch(&name, reserved, PR_COUNT(reserved), sizeof reserved[0], pr_by_text) == NULL;
}

static const char *quoted(struct pr_arena *a, const char *text, char quote, bool double_backslash) {
    struct pr_buf b = {.a = a};
    pr_addn(&b, &quote, 1);
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == quote || (double_backslash && *p == '\\')) pr_addn(&b, p, 1);
        pr_addn(&b, p, 1);
    }
    pr_addn(&b, &quote, 1);
    return pr_buf_text(&b);
}

const char *pr_quote_ident(struct pr_arena *a, const char *name) { return plain(name) ? pr_dup(a, name) : quoted(a, name, '"', false); }

const char *pr_quote_literal(struct pr_arena *a, const char *text) {
    const bool backslash = strchr(text, '\\') != NULL;
    const char *q = quoted(a, text, '\'', backslash);
    return backslash ? pr_fmt(a, "E%s", q) : q;
}

const char *pr_qualified(struct pr_arena *a, const char *schema, const char *name) {
    return schema == NULL ? pr_quote_ident(a, name) : pr_fmt(a, "%s.%s", pr_quote_ident(a, schema), pr_quote_ident(a, name));
}
