/* project.h: pgrail.conf and the migrations folder. */
#ifndef PR_PROJECT_PROJECT_H
#define PR_PROJECT_PROJECT_H

#include "base/base.h"
#include "sql/sql.h"

struct pr_environment {
    const char *name, *service, *env;      /* exactly one of service and env is set */
    bool is_protected;             /* `protected`: needs the seam */
    const char *workload; int64_t workload_rate;           /* script of pgbench for rehearsals, absolute; NULL = none named */
};

/* "rule = level" of [rules], or of [rules GLOB]: for the files whose path, as shown, the glob is like. */
struct pr_rule_level {
    const char *glob;              /* NULL = every file */
    const char *rule;              /* a rule, a family, or "*" */
    const char *level;             /* "off", "note", "warning", "error" */
    int section, line;             /* of the file; sections count in its order, [rules] is 0 wherever it stands */
};

/* "sign = class" of [review]. */
struct pr_review_level { const char *sign, *review; int line; };

/* [conventions]: how new objects look in this project. NULL or false = not asked for. Patterns hold {table}, {columns},
 * {ref_table} and * for anything. */
struct pr_conventions {
    const char *key_type, *timestamp_type, *names, *columns, *gin_index;
    const char *index_name, *unique_name, *foreign_key_name, *check_name;
    bool foreign_key_on_delete, boolean_default, redundant_index;
};

/* Every setting is one entry in the table of settings.c: section, key, type, range, unit, default, why. */
struct pr_config {
    const char *path, *shown;      /* of pgrail.conf, and as messages name it; its folder is the project's root */
    const char *root;
    const char *migrations;        /* absolute */
    const char *layout;            /* "auto" or a layout's name */
    const char *approvers;         /* allowed_signers file, absolute; NULL = none named */
    const char *signing_key;       /* private key that approve uses by default; NULL = ssh's own choice */
    struct pr_environment *environments; size_t n_environments;
    int64_t max_inline_rows;
    int64_t max_block_ms;          /* longest that writers or readers may wait */
    int64_t orphans_timeout_ms;    /* to count orphans before a constraint or a drop; 0 = not at all */
    int64_t rehearsal_max_age_ms, grounding_max_age_ms, approval_max_age_ms;
    int64_t approvals;
    int64_t lock_timeout_ms, lock_attempts, retry_max_ms;
    int64_t sample_ms;             /* rehearsal's sampler */
    const char *baseline;          /* of check, absolute; NULL = none named */
    struct pr_rule_level *rule_levels; size_t n_rule_levels;
    struct pr_review_level *review_levels; size_t n_review_levels;
    struct pr_conventions conventions;
};

/* Reads pgrail.conf: path NULL = $PGRAIL_CONF, else upwards from the working folder. Environment variables
 * PGRAIL_<SECTION>_<KEY> override the file. Errors CONFIG: none found (hint: pgrail init), unknown key with the nearest
 * known one, wrong value with file and line, a password. */
PR_NODISCARD enum pr_code pr_config_load(const char *path, struct pr_arena *a, struct pr_config **out, struct pr_err *e);

/* An environment by name; NULL name = the only one, or the one called "production". Errors CONFIG with the known names. */
PR_NODISCARD enum pr_code pr_config_env(const struct pr_config *c, const char *name, const struct pr_environment **out,
                                        struct pr_err *e);

/* The settings table, for docs, `init` and tests. */
enum pr_setting_type { PR_SET_STR, PR_SET_BOOL, PR_SET_INT, PR_SET_DURATION, PR_SET_PATH };
struct pr_setting {
    const char *section, *key;     /* section "environment" stands for every [environment NAME], "rules" for every [rules GLOB] too; key
                                    * "*" for any key: who knows the keys checks them (pr_rule_levels_check, pr_review_levels_check) */
    enum pr_setting_type type;
    size_t offset;                 /* of the field in pr_config, or in pr_environment */
    int64_t min, max;              /* integers; milliseconds for durations */
    const char *fallback;          /* as text; NULL = none */
    const char *unit;
    const char *const *choices;    /* NULL-terminated; NULL = any */
    bool file_only;                /* guards somebody: an environment variable may not set it, since nobody reviews those */
    const char *why;               /* one line */
};
const struct pr_setting *pr_settings(size_t *n);
/* "PGRAIL_POLICY_MAX_BLOCK"; environment is the NAME of [environment NAME], else NULL. */
const char *pr_setting_env_name(const struct pr_setting *s, const char *environment, struct pr_arena *a);

enum pr_tx_mode {
    PR_TX_ONE,                     /* the runner wraps the whole file in one transaction */
    PR_TX_EACH,                    /* every statement by itself */
    PR_TX_OWN                      /* the script steers its own BEGIN and COMMIT */
};
const char *pr_tx_mode_name(enum pr_tx_mode m);            /* "one transaction", "no transaction", "its own transactions" */

/* How a runner treats transactions. In all but WRAPPED, a script with a BEGIN, COMMIT or ROLLBACK of its own is PR_TX_OWN. */
enum pr_tx_rule {
    PR_TX_RULE_PGRAIL,             /* pgrail runs it: PR_TX_EACH when any statement must stand outside a transaction, else PR_TX_ONE */
    PR_TX_RULE_WRAPPED,            /* BEGIN and COMMIT round the file, whatever is in it: PR_TX_ONE */
    PR_TX_RULE_ALONE,              /* told not to (transaction:false, NO TRANSACTION …): PR_TX_EACH */
    PR_TX_RULE_QUERY,              /* the file as one query (Prisma): an implicit transaction, unless it is a single statement */
    PR_TX_RULE_FLYWAY              /* outside a transaction when all its statements must be, else wrapped */
};
enum pr_tx_mode pr_tx_mode_of(enum pr_tx_rule rule, const struct pr_script *s);

struct pr_side {                   /* up or down */
    const char *path;              /* of the file, as shown: relative to the root when below it; NULL = there is none */
    const char *text; size_t len;  /* the SQL of this side alone */
    int first_line;                /* of text in the file, 1-based (markers in one file) */
    struct pr_tx *tx;              /* ask pr_side_tx; NULL = PR_TX_ONE */
};
/* The mode of a side, which the statements may decide: found when it is first asked for, since it takes a reading of the whole text.
 * One that cannot be read as SQL at all counts as wrapped: check says what is wrong with it. */
struct pr_tx { enum pr_tx_rule rule; bool known; enum pr_tx_mode mode; };
enum pr_tx_mode pr_side_tx(const struct pr_side *s);
enum pr_tx_mode pr_side_tx_as(const struct pr_side *s, const struct pr_script *read);      /* by who has read it anyway */
const char *pr_side_sha256(const struct pr_side *s, struct pr_arena *a);                   /* of its bytes; NULL where there is none */

struct pr_migration {
    const char *version;           /* digits as written: "0247", "20240102030405", "V2.1" */
    const char *name;              /* "index_unpaid_items" */
    const char *id;                /* "0247_index_unpaid_items" */
    struct pr_side up, down;
    const char *sha256;            /* identity: SHA-256 over up's and down's bytes, each with its length in front */
    const char *rationale, *author, *grounding;            /* from the header comment, or NULL */
    bool repeatable;               /* Flyway R__ */
};

/* Something wrong with the folder, in check's own finding form. also: another file that it is about, or NULL. */
struct pr_problem { const char *rule, *path, *also, *message, *hint; int line; bool is_error; };

/* What can be wrong with a folder, beside the rules about statements. */
struct pr_problem_rule { const char *id; bool is_error; const char *title, *why, *safe_way; };
extern const struct pr_problem_rule pr_problem_rules[];
extern const size_t pr_n_problem_rules;

struct pr_folder {
    const char *root;              /* of the project; paths below it are shown relative to it */
    const char *path, *layout;     /* path is absolute. layout: detected or asked for: golang-migrate, sqlx, diesel, dbmate, goose, prisma, drizzle, flyway */
    const char *why;               /* how it was detected */
    bool team;                     /* another runner's form: its transaction modes, not pgrail's */
    struct pr_migration *migrations; size_t n;             /* in the order in which the runner runs them */
    struct pr_backfill_file *backfills; size_t n_backfills;    /* by name; project/backfills.h */
    struct pr_problem *problems; size_t n_problems;        /* duplicates, gaps, missing downs, bad names, empty files */
};

/* Reads a migrations folder. layout NULL or "auto" detects. Errors NO_FILE (hint: pgrail new), BAD_INPUT (NUL, not UTF-8,
 * too big: with the file), CONFIG (unknown layout with the nearest). An empty folder is PR_OK with n 0. */
PR_NODISCARD enum pr_code pr_folder_read(const char *path, const char *root, const char *layout, struct pr_arena *a,
                                         struct pr_folder **out, struct pr_err *e);

/* One migration by version ("247" finds "0247"), id, name when only one has it, or path of its file in the folder. A file
 * outside it is pr_migration_from_file's. Errors NO_FILE with the nearest id. */
PR_NODISCARD enum pr_code pr_folder_find(const struct pr_folder *f, const char *what, const struct pr_migration **out,
                                         struct pr_err *e);
/* A single file outside any folder: NAME.up.sql finds its NAME.down.sql beside it; any other .sql file is an up. */
PR_NODISCARD enum pr_code pr_migration_from_file(const char *path, const char *root, struct pr_arena *a,
                                                 struct pr_migration **out, struct pr_err *e);

/* A text that stands alone, as pgrail would run it; shown is its path in messages. text must live as long. Never fails: text that
 * cannot be read is check's finding. */
struct pr_migration *pr_migration_from_text(const char *shown, const char *text, size_t len, struct pr_arena *a);

/* Writes NNNN_name.up.sql and .down.sql with a header; refuses to overwrite. paths are given back.
 * Errors BAD_INPUT (bad name, file exists), NO_FILE. */
struct pr_new { const char *name, *rationale, *author, *up_sql, *down_sql; };
PR_NODISCARD enum pr_code pr_migration_new(const struct pr_folder *f, const struct pr_new *n, struct pr_arena *a,
                                           const char **up_path, const char **down_path, struct pr_err *e);

/* The migration that would stand directly behind `after`, the nth of those (from 1): its files as pr_migration_new would write them.
 * Nothing is written. out holds at most 3 files, the up script first; paths are absolute.
 * Errors BAD_INPUT: the folder has no number free there, the name is taken, the layout alone can write one. */
struct pr_change { const char *path, *text; size_t len; }; /* a file with other or new bytes */
PR_NODISCARD enum pr_code pr_migration_plan(const struct pr_folder *f, const struct pr_migration *after, int nth, const struct pr_new *n,
                                            struct pr_arena *a, struct pr_change *out, size_t *n_out, const char **id, struct pr_err *e);

/* The folder as its layout reads it when some files have other bytes: of these files and what belongs to their migrations alone, so
 * that it costs what they cost. Paths of changes are absolute, and below the folder. Errors as pr_folder_read. */
PR_NODISCARD enum pr_code pr_folder_with(const struct pr_folder *f, const struct pr_change *changes, size_t n, struct pr_arena *a,
                                         struct pr_folder **out, struct pr_err *e);

/* What has to change in the folder so that a side runs outside of a transaction, one text of which a line is put into or a file that
 * is new. in: the file's text as it is. *n_out 0 = nothing. pair: the layout can do it for both sides together alone.
 * Errors BAD_INPUT: the layout cannot. */
struct pr_alone { const char *path; size_t at; const char *text; bool pair; };
PR_NODISCARD enum pr_code pr_migration_alone(const struct pr_folder *f, const struct pr_migration *m, bool is_down, const char *text, size_t len,
                                             struct pr_arena *a, struct pr_alone *out, size_t *n_out, struct pr_err *e);
/* Does the layout's runner send statements one by one, so that any may stand side by side in a file without a transaction? Flyway
 * does, but wants a file of its own for what must be outside of one. */
bool pr_folder_runs_each(const struct pr_folder *f, const char *runner);
/* Byte of the file at which a side's text begins. */
size_t pr_side_start(const struct pr_side *s, const char *file_text, size_t len);

/* Puts or replaces the line "-- grounding: FINGERPRINT at TIME on ENVIRONMENT" in the header of the up file.
 * The bytes, and so the identity, change: it is done before rehearsal. Errors NO_FILE, BAD_INPUT. */
PR_NODISCARD enum pr_code pr_migration_note_grounding(const struct pr_migration *m, const char *root, const char *line,
                                                      struct pr_err *e);

/* The identity with the grounding line left out: what pr_grounding.sha256 holds, since noting a grounding changes bytes. */
const char *pr_migration_body_sha256(const struct pr_migration *m, struct pr_arena *a);

/* What an approval binds beside the bytes: SHA-256 over the transaction mode and each statement's text in order, each with its
 * length in front. Errors BAD_INPUT. */
PR_NODISCARD enum pr_code pr_side_statements_sha256(const struct pr_side *s, struct pr_arena *a, const char **out,
                                                    struct pr_err *e);

#endif
