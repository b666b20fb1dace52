/* print.c: a tree as text again, the fingerprint of a text, and which grammar this is. */
#include "sql/nodes.h"

#include "sql/internal.h"

#if PR_GRAMMAR_MAJOR == 17
/* The library of 17 exports it and ships no header that says so; 18 does. */
extern void deparseRawStmt(StringInfo str, struct RawStmt *raw_stmt);
#endif

int pr_grammar_major(void) { return PR_GRAMMAR_MAJOR; }

const char *pr_grammar_version(void) { return PR_GRAMMAR_VERSION " (" PR_GRAMMAR_ORIGIN ")"; }

#if PR_GRAMMAR_MAJOR < 17
/* The library of 15 keeps its deparser to itself, behind protobuf: a tree cannot be handed to it. */
static const char *deparse(const struct pr_stmt *s, MemoryContext memory) {
    (void)s;
    (void)memory;
    return NULL;
}
#else
/* Runs libpg_query's deparser, which reports by PostgreSQL's own errors. The result is in memory; NULL = it failed. */
static const char *deparse(const struct pr_stmt *s, MemoryContext memory) {
    StringInfoData *volatile text = NULL;
    (void)MemoryContextSwitchTo(memory);
    PG_TRY();
    {
        RawStmt *raw = palloc0(sizeof *raw);
        raw->type = T_RawStmt;
        raw->stmt = (Node *)(uintptr_t)s->node;
        StringInfoData *buffer = palloc0(sizeof *buffer);               /* 17 has no makeStringInfo in it */
        initStringInfo(buffer);
        deparseRawStmt(buffer, raw);
        text = buffer;
    }
    PG_CATCH();
    {
        (void)MemoryContextSwitchTo(memory);
        FlushErrorState();
    }
    PG_END_TRY();
    (void)MemoryContextSwitchTo(TopMemoryContext);
    return text == NULL ? NULL : text->data;
}
#endif

enum pr_code pr_stmt_deparse(const struct pr_stmt *s, struct pr_arena *a, const char **out, struct pr_err *e) {
    PR_ASSERT(s->node != NULL);
    const MemoryContext memory = pg_query_enter_memory_context();
    const char *text = deparse(s, memory);
    const char *copy = pr_dup(a, text);
    (void)MemoryContextSwitchTo(memory);
    pg_query_exit_memory_context(memory);
    if (copy == NULL) return PR_FAIL(e, PR_ERR_BUG, "%s cannot be printed from its tree (grammar %d)", s->tag, PR_GRAMMAR_MAJOR);
    *out = copy;
    return PR_OK;
}

static void fingerprint_freep(PgQueryFingerprintResult *r) { pg_query_free_fingerprint_result(*r); }

enum pr_code pr_sql_fingerprint(const char *sql, struct pr_arena *a, const char **out, struct pr_err *e) {
    struct pr_script s PR_CLEANUP(pr_script_done) = {0};
    PR_TRY(e, pr_script_parse(sql, strlen(sql), a, &s, e));
    if (s.n_unjudged > 0) {                        /* also what is nested too deep for the library's own walk */
        const struct pr_stmt *bad = s.stmts;
        while (bad->node != NULL) bad++;
        return PR_FAIL(e, PR_ERR_PARSE, "line %d: %s", bad->problem_line, bad->problem);
    }
    PgQueryFingerprintResult r PR_CLEANUP(fingerprint_freep) = pg_query_fingerprint(sql);
    if (r.error != NULL || r.fingerprint_str == NULL) return PR_FAIL(e, PR_ERR_PARSE, "SQL that cannot be fingerprinted");
    *out = pr_dup(a, r.fingerprint_str);
    return PR_OK;
}
