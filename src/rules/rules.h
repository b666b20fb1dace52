/* rules.h: findings. A rule is one file r_<id>.c (dashes as underscores) that carries its own proof; see style.md. */
#ifndef PR_RULES_RULES_H
#define PR_RULES_RULES_H

#include "footprint/footprint.h"

struct pr_fix;

enum pr_level { PR_NOTE, PR_WARNING, PR_ERROR, PR_LEVEL_COUNT };
const char *pr_level_name(enum pr_level l);                 /* "note", "warning", "error" */

struct pr_finding {
    const char *rule, *family;     /* family: as pr_family_of tells it */
    enum pr_level level;
    const char *path;              /* file, as shown */
    int line, col, end_line;       /* 1-based; in the file */
    int stmt;                      /* index in the script; -1 = the whole file */
    size_t offset, len;            /* of the place in the script's text */
    int col16, width16;            /* col and width in UTF-16 code units, as editors and SARIF count */
    const char *source;            /* the line of the file at `line`, without its end; of a long line 500 bytes round the place */
    int source_col, width;         /* column of its first character, 1 unless the line is long; characters to underline, at least 1 */
    const char *fingerprint;       /* the same finding in another version of the file has the same: see pr_fingerprints */
    const char *title;             /* what is wrong, with names */
    const char *what;              /* what happens, who is hurt and for how long, with the numbers used */
    const char *safe_way;          /* what to write instead */
    const char *safe_sql;          /* the same as SQL with the real names, or NULL */
    bool unknown_size;             /* the level would be another if the size were known */
    const char *ignored;           /* reason of the pgrail:ignore that hides it; NULL = none does */
    const struct pr_fix *fix;      /* rules/fix.h; NULL = none */
};

/* At most PR_CAP_FINDINGS are kept of one side; the others are counted in left_out. */
#define PR_CAP_FINDINGS 20000
struct pr_findings {
    struct pr_finding *items; size_t n, cap, left_out;
    struct pr_arena *a, *scratch;  /* scratch: for what rules write while they judge a statement; NULL = a. With it no finding has a fix */
    struct pr_cursor { size_t offset, line_begin; int chars, units; } cursor;      /* of the place found last */
    const struct pr_config *config;    /* whose levels they have; NULL = defaults */
};

/* What the open transaction has done before this statement. Statements are indexes in the script, -1 = none. */
struct pr_tx_so_far {
    bool open;                     /* statements share a transaction here */
    int first;                     /* first statement of it */
    int ddl;                       /* that holds a lock against writers, readers or DDL on somebody's table */
    int exclusive;                 /* that holds ACCESS EXCLUSIVE on somebody's table */
    const char *exclusive_on;
    bool exclusive_dropped;        /* it dropped that table */
    int dml;                       /* that wrote rows of somebody's table */
    int enum_value;                /* that added a value to an enum */
    int lock_timeout; bool lock_timeout_local;             /* that set one which holds here, to the end of the transaction if local */
    int role;                      /* SET ROLE or SET SESSION AUTHORIZATION that holds here */
};

struct pr_rule;
struct pr_rule_ctx {
    const struct pr_rule *rule;
    const struct pr_stmt *stmt;
    const void *node;              /* Node *; never NULL */
    const struct pr_footprint *fp; /* of this statement, predicted before it ran */
    const struct pr_world *before; /* for pr_world_created and its like: as this statement found it */
    const struct pr_facts *facts;  /* of that world; NULL = none */
    int version_num;               /* 0 = any of 13 to 18 */
    enum pr_tx_mode tx;
    struct pr_tx_so_far so_far;
    const struct pr_migration *migration;
    const struct pr_config *config;    /* NULL = defaults */
    const struct pr_script *script;
    const struct pr_side *side;
    bool is_down;
    const char *runner;            /* "pgrail", "psql" or "other" */
    struct pr_abouts *abouts;      /* ask pr_about */
    bool failure_named;            /* a rule that names_failure has spoken of this statement */
    struct pr_findings *out;
};
#define PR_A(c) ((c)->out->scratch != NULL ? (c)->out->scratch : (c)->out->a)      /* for what a rule writes */

/* What the proof run must show on a real server for each of bad[] (the first effect on relation `on`). */
struct pr_claim {
    const char *on;                /* relation, default "t" */
    enum pr_lock lock;             /* exactly this mode; PR_LOCK_NONE = says nothing about locks */
    bool rewrites, scans, builds;
    const char *fails;             /* SQLSTATE that the statement must fail with, NULL = must succeed */
    const char *query, *answer;    /* run after bad: must give answer (one cell) */
};

struct pr_rule {
    const char *id;                /* "index-not-concurrent" */
    enum pr_family { PR_F_BLOCKING, PR_F_COMPATIBILITY, PR_F_LOSS, PR_F_FAILURE, PR_F_MIXING, PR_F_GROUNDING, PR_F_ACCESS,
                     PR_F_CONVENTION, PR_F_REPLICATION } family;
    enum pr_level level;           /* without numbers; with them the level follows what others suffer */
    int pg_from, pg_to;            /* majors that the rule is about; 0 = no bound */
    int version_to;                /* last server version that it is about, as 140003; 0 = no bound */
    bool own_tx;                   /* examples run without a transaction round them, statement by statement */
    bool needs_facts;              /* silent without facts */
    bool names_failure;            /* says why the statement fails: what speaks after it need not */
    bool after_others;             /* asked when all others have been: it sees failure_named */
    void (*check)(const struct pr_rule_ctx *c);            /* called per statement; all above is read for each, and lies together */
    const char *title, *why, *safe_way, *source;
    struct pr_claim claim;
    const char *setup;             /* SQL that makes the world of the examples */
    const char *const *bad;        /* scripts, NULL-terminated: each must be found */
    const char *const *good;       /* scripts: none may be found by this rule */
    const char *runner;            /* that the examples are judged for; NULL = "pgrail" */
    const char *conventions;       /* lines of [conventions] that the examples are judged under; NULL = none */
};
#define PR_RULE(id) extern const struct pr_rule pr_rule_##id; const struct pr_rule pr_rule_##id

extern const struct pr_rule *const pr_rules[];
extern const size_t pr_n_rules;
const struct pr_rule *pr_rule_find(const char *id);
const char *pr_family_name(enum pr_family f);               /* "blocking" */

/* Has a name the form of a pattern of [conventions]? NULL for columns or ref_table: anything may stand there. A name that the server
 * must have cut always fits. */
struct pr_named { const char *name, *table, *columns, *ref_table; };
bool pr_name_fits(const char *pattern, const struct pr_named *n, struct pr_arena *a);

/* What the judge itself reports, beside the rules: not-judged, ignore-no-reason, ignore-expired, ignore-hides-nothing, baseline-hides-nothing. */
struct pr_judge_note { const char *id; enum pr_level level; const char *title, *why, *safe_way; };
extern const struct pr_judge_note pr_judge_notes[];
extern const size_t pr_n_judge_notes;

/* Levels of pgrail.conf: [rules], then each [rules GLOB] in the order of the file, the last one that speaks decides; in one
 * section a rule's own name weighs more than its family's, and that more than "*". path as shown; NULL = none.
 * level   in: what it is without them; false = off, and then it is untouched. */
bool pr_level_of_project(const struct pr_config *c, const char *rule, const char *path, enum pr_level *level);

/* The family's name: of a rule, "folder" of what is wrong with a folder, NULL for the judge's own notes. */
const char *pr_family_of(const char *rule);

/* Every name in [rules] and [review] is known. Errors CONFIG with file, line and the nearest. */
PR_NODISCARD enum pr_code pr_rule_levels_check(const struct pr_config *c, struct pr_arena *a, struct pr_err *e);

/* The name of everything that can be found: rules, problems of a folder, notes of the judge. Returns how many. */
size_t pr_finding_names(struct pr_arena *a, const char ***out);

/* Reports a finding of c->rule on the statement. level: what numbers say. title, what and safe_sql may be NULL (then the
 * rule's own texts). Strings are copied. */
struct pr_hit {
    enum pr_level level; size_t offset, len; bool unknown_size; const char *title, *what, *safe_way, *safe_sql;
    const struct pr_fix *fix;      /* in the same arena; not copied */
};
void pr_report(const struct pr_rule_ctx *c, const struct pr_hit *h);

/* The level of blocking work from numbers: note when it blocks for less than max_block, error when longer, warning when the
 * size is not known; *what gets the sentence with the numbers ("invoice_items: 2,400,000 rows, 1.8 GB; SHARE lock; writers
 * wait 12 s to 40 s"). false = nobody is hurt (own or empty table, or a lock that lets readers and writers pass). */
bool pr_blocking_level(const struct pr_rule_ctx *c, const struct pr_effect *f, enum pr_level *level, bool *unknown,
                       const char **what);

/* Judges one side of a migration: every rule on every statement, unjudged statements as findings of their own. Ignores
 * (`-- pgrail:ignore RULE reason…`) are applied; one without a reason or that hides nothing is a finding. */
struct pr_judge {
    const struct pr_migration *migration;
    const struct pr_side *side;
    bool is_down;
    const struct pr_facts *facts;      /* NULL = none */
    struct pr_world *world;        /* to begin in, instead of facts; afterwards it is as this side leaves it. NULL = one of the facts */
    int version_num;               /* 0: from facts, else any */
    const struct pr_config *config;    /* NULL = defaults */
    const char *runner;            /* NULL = "pgrail" */
    bool lean;                     /* only findings, without fixes, review and counts are wanted; the text, with a NUL behind it, is borrowed */
    size_t group_bytes;            /* lean: so much text has its trees in memory at a time; 0 = the usual */
};
/* How much of a person's attention a migration needs (review.h has the table). */
enum pr_review { PR_REVIEW_SPOT, PR_REVIEW_THOROUGH, PR_REVIEW_MANDATORY, PR_REVIEW_COUNT };
const char *pr_review_name(enum pr_review r);               /* "spot check", "thorough", "mandatory" */
struct pr_reviewed {
    enum pr_review review;
    const char *sign, *why;        /* what decided: "loss", "data is lost" */
    const char *of;                /* what that is about: "invoices.note"; NULL = not named */
    int line;                      /* of the statement that decided; 0 = none */
    const struct pr_shown *shown;  /* all its signs; NULL = not judged */
};

struct pr_judged {
    struct pr_reviewed review;
    struct pr_script script;       /* free with pr_judged_done */
    struct pr_run_footprint run;
    struct pr_findings findings;
    int counts[PR_LEVEL_COUNT];
    struct pr_findings hidden;     /* by a pgrail:ignore; not in findings and not in counts */
    struct pr_world *after;        /* as this side leaves it */
};
/* Findings of a down script weigh less than those of the up script: loss and compatibility are notes there (undoing the up
 * is what it is for), failure and grounding keep their level, all others are one level lower.
 * Errors BAD_INPUT (the text cannot be read at all). out in a. */
PR_NODISCARD enum pr_code pr_judge_side(const struct pr_judge *j, struct pr_arena *a, struct pr_judged *out, struct pr_err *e);

void pr_judged_done(struct pr_judged *j);                   /* for PR_CLEANUP; a zeroed one is fine */

/* Gives each finding of a script that has none its fingerprint: of rule, side, file, statement (its blanks made one) and place in it, and which of
 * equal ones it is. Lines that move, other statements and another wording of the rule change nothing. */
void pr_fingerprints(const struct pr_script *script, bool is_down, struct pr_findings *findings);

/* As in docs/schema/check.json; a new reference. texts: an object for the texts that findings share (pr_set_shared), or NULL. */
json_t *pr_finding_json(const struct pr_finding *f, json_t *texts);

#endif
