/* sql.h: PostgreSQL's own grammar (libpg_query). A script is a text cut into statements, each with its raw parse tree.
 * The tree is opaque here; footprint/ and rules/ include sql/nodes.h (as their first header) and cast pr_stmt.node.
 * Source  libpg_query, https://github.com/pganalyze/libpg_query; PostgreSQL, src/backend/parser/gram.y */
#ifndef PR_SQL_SQL_H
#define PR_SQL_SQL_H

#include "base/base.h"

#define PR_CAP_SQL ((size_t)16 << 20)          /* text of a script: its tree takes up to sixty times as much memory */
#define PR_CAP_STATEMENTS ((size_t)200000)     /* of a script */
/* Levels of a tree: every walker recurses once per level. Frames are several times larger under AddressSanitizer. */
#if defined(__SANITIZE_ADDRESS__)
#define PR_CAP_SQL_DEPTH 1000
#else
#define PR_CAP_SQL_DEPTH 4000
#endif

struct pr_stmt {
    int index;                 /* 0-based, in the order of the file */
    int top;                   /* index, and of what stands in a body (pr_script_flat) that of the file's own statement round it */
    const void *node;          /* Node * (the stmt of a RawStmt); NULL when the grammar does not accept the text */
    const char *text;          /* the statement alone: no leading blanks or comments, no semicolon */
    size_t offset, len;        /* bytes in the script's text */
    size_t base;               /* what a node's location counts from: see pr_stmt_at */
    int line, end_line;        /* 1-based lines of its first and last byte */
    const struct pr_inside *inside;    /* NULL: a statement of the file itself */
    const char *tag;           /* command tag as the server would give it: "CREATE INDEX", "ALTER TABLE"; "?" when unparsed */
    const char *comment;       /* comments directly above it, without their marks, or NULL */
    /* Why it is not judged; set only when node is NULL. */
    const char *problem;       /* the grammar's message, e.g. syntax error at or near "FORM" */
    int problem_line, problem_col;
    enum pr_unjudged { PR_JUDGED = 0, PR_UNPARSED, PR_PSQL_COMMAND, PR_COPY_DATA, PR_TEMPLATE, PR_DYNAMIC } unjudged;
    bool opened;               /* its body follows in the flat script */
    /* Of a script that is passed through (pr_script_pass): node and text are there while its group is awake, NULL before and after. */
    bool passing, passing_outside_tx, passing_secret;      /* what pr_stmt_outside_tx and pr_stmt_has_secret say all the time */
};

struct pr_script {
    const char *text;          /* whole, as read */
    size_t len;
    struct pr_stmt *stmts;
    size_t n;
    size_t n_unjudged;         /* statements with node NULL */
    void *memory;              /* parser's memory; pr_script_done frees it, and every node with it */
    const struct pr_shift *shifts; size_t n_shifts;        /* flat scripts: see pr_script_place */
    struct pr_groups *groups;  /* of one that is passed through; NULL: all trees are there */
    struct pr_arena *a;
};

/* Cuts and parses a text, at most PR_CAP_SQL bytes. A statement that does not parse does not stop the others: it is there
 * with node NULL and its problem; so is one that is nested deeper than PR_CAP_SQL_DEPTH. psql commands (\i), COPY … FROM stdin
 * data and template braces are recognised and named. A byte-order mark at the start is skipped. Scripts are independent of each
 * other: any number may live at once. O(len).
 * Errors  BAD_INPUT: NUL byte, invalid UTF-8, too long, too many statements. */
PR_NODISCARD enum pr_code pr_script_parse(const char *text, size_t len, struct pr_arena *a, struct pr_script *out,
                                          struct pr_err *e);
/* The same of a text that is borrowed: it outlives out, and a NUL stands behind it. */
PR_NODISCARD enum pr_code pr_script_read(const char *text, size_t len, struct pr_arena *a, struct pr_script *out, struct pr_err *e);
void pr_script_done(struct pr_script *s);                   /* for PR_CLEANUP; a zeroed one is fine */

/* For who goes through a script once, in its order: trees take up to sixty times as much memory as their text, so a longer one than
 * group_bytes is read in groups of statements, and the trees and texts of one group alone are there at a time. All else about a
 * statement stays. The text is borrowed as by pr_script_read, and what is read is the same. Errors as pr_script_parse.
 * stays   asked of each statement while it is being read: true keeps its tree and text for good, as those of BEGIN and its like are kept
 *         anyway. s is valid during the call. */
struct pr_passing { size_t group_bytes; bool (*stays)(void *ctx, const struct pr_stmt *s); void *ctx; };
PR_NODISCARD enum pr_code pr_script_pass(const char *text, size_t len, const struct pr_passing *how, struct pr_arena *a, struct pr_script *out,
                                         struct pr_err *e);
/* Brings tree and text of statement i, with those of its group, and takes those of the group before. Does nothing where all are there. */
void pr_script_wake(const struct pr_script *s, size_t i);
/* Brings all of them, for good. */
void pr_script_wake_all(const struct pr_script *s);

/* Offset in the script's text of a node's location; the statement's own offset when the node has none (-1). */
size_t pr_stmt_at(const struct pr_stmt *s, int location);

/* What is known of a statement that stands in the body of a DO, a function or a procedure, or in a constant that EXECUTE runs. */
struct pr_inside {
    enum pr_inside_kind {
        PR_INSIDE_SQL,         /* a statement as it stands there */
        PR_INSIDE_EXPRESSION,  /* what a condition, an assignment, a PERFORM or a loop reads, as a SELECT */
        PR_INSIDE_EXECUTED,    /* out of a constant that EXECUTE runs */
        PR_INSIDE_COMMIT       /* COMMIT or ROLLBACK of the block itself */
    } kind;
    bool later;                /* in a function that is only created here: it runs when somebody calls it */
    bool at_creation;          /* with later: the server looks its names up when the function is created (LANGUAGE sql) */
    bool maybe;                /* under a condition, in a loop, or in a handler: it may run */
    bool caught;               /* in a block with EXCEPTION: its failure may be caught */
    bool takes_rows;           /* SELECT … INTO, a loop over it, RETURN QUERY: its rows have somewhere to go */
    bool composed;             /* put together from constants: its text does not stand in the file */
    bool own_path;             /* the function sets its search_path: unqualified names may be elsewhere */
    bool may_make;             /* not judged: it may make or rename relations for all that is known of it */
    bool settled;              /* #variable_conflict: a name that is a variable and a column is no error */
    const char *const *vars; size_t n_vars;                /* variables and parameters: names that need not be columns */
};

/* A function that is there before the script: arguments as pg_get_function_arguments gives them; the body as in
 * pg_proc.prosrc, or the whole CREATE FUNCTION where that is empty. */
struct pr_known_body { const char *name, *args, *language, *body; };

/* The script with what stands in bodies: after each DO, CREATE FUNCTION, and CALL, SELECT, INSERT, UPDATE or DELETE that
 * calls a function that the script made or that is known, the statements of its body, in their order, each with `inside`; bodies in bodies too, to PR_CAP_BODIES levels. What
 * is put together when it runs is there with node NULL and unjudged PR_DYNAMIC. PL/pgSQL, SQL and EXECUTE of constants are
 * looked into. The trees of s are borrowed: s must outlive out. text goes on behind len with the bodies that had to be
 * unquoted; pr_script_place leads back. O(len). */
#define PR_CAP_BODIES 8
void pr_script_flat(const struct pr_script *s, const struct pr_known_body *known, size_t n_known, struct pr_arena *a,
                    struct pr_script *out);

/* Place in the script as read of an offset of its (flat) text: the same for what stands there word for word. */
size_t pr_script_place(const struct pr_script *s, size_t offset);

/* "18" and "18.1.0 (Debian sid)": the grammar that was built in. */
int pr_grammar_major(void);
const char *pr_grammar_version(void);

/* The statement as PostgreSQL would print it, in arena; NULL node is not allowed. Errors BUG when deparse fails. */
PR_NODISCARD enum pr_code pr_stmt_deparse(const struct pr_stmt *s, struct pr_arena *a, const char **out, struct pr_err *e);

/* Fingerprint of a statement's shape (constants left out), 16 hex digits. Errors PARSE. */
PR_NODISCARD enum pr_code pr_sql_fingerprint(const char *sql, struct pr_arena *a, const char **out, struct pr_err *e);

/* True for what PostgreSQL refuses inside a transaction block (25001): CREATE/DROP/REINDEX … CONCURRENTLY, VACUUM, ALTER
 * SYSTEM, CREATE/DROP DATABASE, REINDEX SCHEMA/DATABASE/SYSTEM, DETACH CONCURRENTLY, CREATE SUBSCRIPTION with a slot … */
bool pr_stmt_outside_tx(const struct pr_stmt *s);

/* CREATE/DROP/REINDEX INDEX … CONCURRENTLY and DETACH … CONCURRENTLY: leaves an invalid object when it dies. */
bool pr_stmt_concurrent(const struct pr_stmt *s);

/* Does the statement's text hold the word, which is lower case ASCII, in any case? Wherever it stands: to see what is worth a look. */
bool pr_stmt_says(const struct pr_stmt *s, const char *word);

/* A password in the statement's text: of a role, a user mapping, a subscription, a URI; text that does not parse counts when it
 * speaks of one. pr_stmt_shown gives the text for people: strings and comments of such a statement as asterisks, byte for byte. */
bool pr_stmt_has_secret(const struct pr_stmt *s);
const char *pr_stmt_shown(const struct pr_stmt *s, struct pr_arena *a);

/* BEGIN, COMMIT, ROLLBACK … : the script steers transactions itself. */
enum pr_tx_word { PR_TX_NONE, PR_TX_BEGIN, PR_TX_COMMIT, PR_TX_ROLLBACK, PR_TX_SAVEPOINT };
enum pr_tx_word pr_stmt_tx_word(const struct pr_stmt *s);

/* Relations that a statement names, in order of appearance, without duplicates. */
struct pr_name {
    const char *schema;        /* NULL when not qualified: search_path decides */
    const char *name;
    size_t offset;             /* of the name in the script's text */
    enum pr_name_role {
        PR_NAME_TARGET,        /* altered, indexed, dropped, written */
        PR_NAME_CREATED,       /* a new table, view, index, sequence */
        PR_NAME_REFERENCED,    /* REFERENCES r, LIKE t, INHERITS, PARTITION OF, ATTACH */
        PR_NAME_READ           /* FROM, JOIN, a view's body, USING of a policy */
    } role;
    enum pr_name_kind { PR_NAME_RELATION, PR_NAME_INDEX, PR_NAME_SEQUENCE, PR_NAME_VIEW, PR_NAME_TYPE, PR_NAME_FUNCTION,
                        PR_NAME_OTHER /* a schema, statistics: leads to relations, is none */ } kind;
    bool missing_ok;           /* IF EXISTS; of a new one IF NOT EXISTS: it may be there already */
};
size_t pr_stmt_names(const struct pr_stmt *s, struct pr_arena *a, struct pr_name **out);

/* Columns that a statement names where the relation is certain: ALTER TABLE t ALTER c, CREATE INDEX ON t (c, expr(c)),
 * constraints, UPDATE/INSERT target columns, qualified and unqualified references in single-relation queries … */
struct pr_column_name {
    const char *schema, *relation;     /* as in the statement (schema may be NULL) */
    const char *column;
    size_t offset;                     /* in the script's text */
    bool created;                      /* this statement adds it (ADD COLUMN, RENAME … TO) */
    bool missing_ok;
};
size_t pr_stmt_columns(const struct pr_stmt *s, struct pr_arena *a, struct pr_column_name **out);

/* What of a statement stays in the session when its transaction is over, in words: "the setting work_mem", "an advisory lock of the
 * session". NULL = nothing is seen to. */
const char *pr_stmt_leaves(const struct pr_stmt *s, struct pr_arena *a);
/* Does a later statement of the script take that away: the temporary table is dropped, the advisory lock given back? */
bool pr_stmt_cleared(const struct pr_script *script, size_t i, struct pr_arena *a);

/* Functions that a statement calls by name, without their schema, as often as it does; offset in the script's text. Calls that
 * have no name in the tree (operators, casts, views, SQL in strings) are not seen. */
struct pr_called { const char *name; size_t offset; };
size_t pr_stmt_calls(const struct pr_stmt *s, struct pr_arena *a, struct pr_called **out);

/* Whether a text is the name of one type as SQL writes it, "numeric(5,2)", and nothing that would go on after it. Errors USAGE. */
PR_NODISCARD enum pr_code pr_type_check(const char *text, struct pr_arena *a, struct pr_err *e);

#endif
