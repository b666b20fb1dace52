/* internal.h: what the files of sql/ share and others do not need. After sql/nodes.h. */
#ifndef PR_SQL_INTERNAL_H
#define PR_SQL_INTERNAL_H

#include "sql/sql.h"

/* The parser's memory, and one text read into it. Between calls libpg_query's current context is the top one: its own functions
 * expect that, and scripts may overlap. */
MemoryContext pr_grammar_open(void);
void pr_grammar_close(MemoryContext m);
struct pr_parsed {
    List *tree;                /* of RawStmt */
    const char *problem;       /* in the arena; NULL when parsed */
    int at_char;               /* 1-based character of the problem, 0 = not known */
};
struct pr_parsed pr_grammar_parse(MemoryContext m, const char *sql, struct pr_arena *a);

/* --- group.c: statements whose trees come and go --- */

/* A part of the text that the grammar accepts alone, and its statements. */
struct pr_group { size_t from, to, first, n; };
struct pr_groups {
    struct pr_group *items; size_t n, cap;
    size_t awake;              /* of items; SIZE_MAX = none */
    MemoryContext over, memory;        /* memory: the trees of one group, in `over`, which is the script's */
    struct pr_arena *texts;    /* of that group */
};
struct pr_groups *pr_groups_new(MemoryContext over, struct pr_arena *a);
void pr_groups_free(struct pr_groups *g);                   /* NULL is fine; before `over` is closed */
/* Empty memory for the next group. */
void pr_groups_next(struct pr_groups *g);
/* The statements of a group that has just been read pass, but for those that stay and those that are not judged. */
void pr_groups_pass(struct pr_groups *g, const struct pr_group *group, struct pr_stmt *stmts, const struct pr_passing *how, struct pr_arena *a);

/* Tree deeper than PR_CAP_SQL_DEPTH, or than the stack; len: bytes of the text that it was read from. */
bool pr_tree_too_deep(const void *node, size_t len);

/* Command tag of a raw statement, as the server's CreateCommandTag would give it; static text. */
const char *pr_node_tag(const Node *node);

/* A boolean option of a parenthesised list: (concurrently), (create_slot = false). Absent gives fallback. */
bool pr_node_option(const List *options, const char *name, bool fallback);

/* Where a name stands in a statement, for names of which the tree keeps no location. Each search goes on from the last one and
 * starts again at the front when it finds nothing, so that names asked for in the order of the text cost one pass. */
struct pr_finder {
    const struct pr_stmt *s;
    size_t done;               /* bytes of s->text that are behind us */
};
size_t pr_finder_next(struct pr_finder *f, const char *name);  /* offset in the script's text; the statement's when absent */
/* Goes on from a node's location, past `name` there (NULL: past nothing); -1 changes nothing. */
void pr_finder_past(struct pr_finder *f, int location, const char *name);

/* A set of texts, each with the number that it was put in with. Linear in what is put in. */
struct pr_seen {
    struct pr_arena *a;
    const char **keys;
    size_t *values;
    size_t n, cap;
};
/* The number of key; puts it in with `value` when it is new. key must live as long as the set. */
size_t pr_seen_put(struct pr_seen *s, const char *key, size_t value);

/* The names of WITH queries that are visible, innermost first. */
struct pr_with {
    const char *name;
    const struct pr_with *up;
};
const struct pr_with *pr_with_push(struct pr_arena *a, const struct pr_with *up, const char *name);
bool pr_with_has(const struct pr_with *w, const RangeVar *v);  /* the range variable means one of them */

/* A qualified name given as strings, the last `drop` of them left out: schema (NULL when not qualified) and name (NULL when
 * nothing is left). */
void pr_name_parts(const List *names, int drop, const char **schema, const char **name);

/* False for type names of PostgreSQL itself: text, uuid, serial … */
bool pr_type_is_ours(const TypeName *t);

#endif
