/* secret.c: which statements hold a password, and their text without it. */
#include "sql/nodes.h"

#include "sql/internal.h"
#include "sql/lex.h"

static bool is_password(const char *name) {
    static const char *const names[] = {"password", "passwd", "passfile_password", "sslpassword", "secret", "token"};
    for (size_t i = 0; i < PR_COUNT(names); i++)
        if (name != NULL && strcasecmp(name, names[i]) == 0) return true;
    return false;
}

static bool has_text(const Node *n) { return n != NULL && IsA(n, String) && strVal(n)[0] != '\0'; }

static bool in_options(const List *options) {
    ListCell *lc;
    foreach (lc, options) {
        const DefElem *d = pr_as(DefElem, lfirst(lc));
        if (d != NULL && is_password(d->defname) && has_text(d->arg)) return true;
    }
    return false;
}

/* user:secret@host in a string of any statement; password=… only where a connection string is expected. */
static bool in_string(Node *node, void *ctx) {
    if (node == NULL) return false;
    const A_Const *k = pr_as(A_Const, node);
    if (k != NULL && !k->isnull && nodeTag(&k->val) == T_String && pr_uri_has_password(strVal(&k->val))) return true;
    const FuncCall *f = pr_as(FuncCall, node);
    if (f != NULL && pr_starts(strVal(llast(f->funcname)), "dblink")) {
        ListCell *lc;
        foreach (lc, f->args) {
            const A_Const *arg = pr_as(A_Const, lfirst(lc));
            if (arg != NULL && !arg->isnull && nodeTag(&arg->val) == T_String && pr_looks_secret(strVal(&arg->val))) return true;
        }
    }
    return pr_tree_walk(node, in_string, ctx);
}

static bool says_with(const struct pr_stmt *s, const char *word, size_t n, char last) {
    const char *end = s->text + s->len, *at = s->text;
    for (at = memchr(at, last, s->len); at != NULL; at = memchr(at, last, (size_t)(end - at))) {
        at++;
        if ((size_t)(at - s->text) >= n && strncasecmp(at - n, word, n) == 0) return true;
    }
    return false;
}

bool pr_stmt_says(const struct pr_stmt *s, const char *word) {
    const size_t n = strlen(word);
    const char last = word[n - 1];
    return says_with(s, word, n, last) || says_with(s, word, n, (char)(last - 'a' + 'A'));
}

/* Most texts have no colon: memchr says so at once, and memmem builds a table first. */
static bool has_uri(const struct pr_stmt *s) {
    const char *end = s->text + s->len, *at = memchr(s->text, ':', s->len);
    while (at != NULL && (at[1] != '/' || at[2] != '/')) at = memchr(at + 1, ':', (size_t)(end - at - 1));     /* a NUL stands behind the text */
    return at != NULL;
}

bool pr_stmt_has_secret(const struct pr_stmt *s) {
    const Node *n = s->node;
    if (s->passing) return s->passing_secret;
    if (n == NULL) return strcasestr(s->text, "password") != NULL || strcasestr(s->text, "passwd") != NULL || pr_uri_has_password(s->text);
    switch ((int)nodeTag(n)) {
    case T_CreateRoleStmt: return in_options(pr_cast(CreateRoleStmt, n)->options);
    case T_AlterRoleStmt: return in_options(pr_cast(AlterRoleStmt, n)->options);
    case T_CreateUserMappingStmt: return in_options(pr_cast(CreateUserMappingStmt, n)->options);
    case T_AlterUserMappingStmt: return in_options(pr_cast(AlterUserMappingStmt, n)->options);
    case T_CreateForeignServerStmt: return in_options(pr_cast(CreateForeignServerStmt, n)->options);
    case T_AlterForeignServerStmt: return in_options(pr_cast(AlterForeignServerStmt, n)->options);
    case T_CreateSubscriptionStmt: return pr_looks_secret(pr_cast(CreateSubscriptionStmt, n)->conninfo);
    case T_AlterSubscriptionStmt: {
        const char *conninfo = pr_cast(AlterSubscriptionStmt, n)->conninfo;
        return conninfo != NULL && pr_looks_secret(conninfo);
    }
    default: break;
    }
    const bool worth_it = has_uri(s) || pr_stmt_says(s, "dblink");
    return worth_it && in_string((Node *)(uintptr_t)n, NULL);
}

const char *pr_stmt_shown(const struct pr_stmt *s, struct pr_arena *a) {
    if (!pr_stmt_has_secret(s)) return s->text;
    char *text = pr_dup(a, s->text);
    struct pr_lex lex = {.text = s->text, .end = strlen(s->text)};
    for (struct pr_token t = pr_lex_next(&lex); t.kind != PR_LEX_END; t = pr_lex_next(&lex)) {
        if (t.kind != PR_LEX_STRING && t.kind != PR_LEX_COMMENT && t.kind != PR_LEX_UNTERMINATED) continue;
        for (size_t i = t.start; i < t.end; i++)
            if (text[i] != '\n' && text[i] != '\'') text[i] = '*';
    }
    return text;
}
