/* ops.h: operations: what a person or an agent can ask for. One struct, declared beside its run() in o_<name>.c, from which
 * come the subcommand and its --help, completion, man page, reference page (and later the MCP tool). run() returns a result
 * document or an error; it never prints, exits or reads globals. */
#ifndef PR_OPS_OPS_H
#define PR_OPS_OPS_H

#include "base/base.h"
#include "ledger/ledger.h"
#include "pg/pg.h"
#include "project/project.h"

enum pr_param_type {
    PR_T_STR,                      /* const char * */
    PR_T_INT,                      /* int64_t */
    PR_T_BOOL,                     /* bool; a flag without a value */
    PR_T_DURATION,                 /* int64_t milliseconds; "250ms", "5s", "24h" */
    PR_T_PATH,                     /* const char *; completion offers files */
    PR_T_LIST                      /* struct pr_list; repeatable, or the rest of the positional words */
};
struct pr_list { const char **items; size_t n; };

struct pr_param {
    const char *name;              /* "max-rows": long option --max-rows; positional ones are shown as MAX-ROWS */
    enum pr_param_type type;
    size_t offset;                 /* in the args struct */
    bool required, positional;
    int64_t min, max;              /* PR_T_INT and PR_T_DURATION; max 0 = no bound given */
    const char *fallback;          /* as text, shown in help; NULL = zero */
    const char *unit;              /* of a number; of a PR_T_LIST or PR_T_STR the form: "FORMAT=FILE" */
    const char *const *choices;    /* NULL-terminated, for PR_T_STR */
    const char *complete;          /* "migration", "environment", "relation", "rule": what completion offers */
    const char *help;              /* one sentence */
};

/* offset of a field, refusing at compile time a field of the wrong C type. */
#define PR_FIELD(T, S, f)                                                                                               \
    .type = (T), .offset = offsetof(S, f) + 0 * sizeof(char[_Generic(((S *)0)->f, const char *: (T) == PR_T_STR || (T) == PR_T_PATH, \
    int64_t: (T) == PR_T_INT || (T) == PR_T_DURATION, bool: (T) == PR_T_BOOL, struct pr_list: (T) == PR_T_LIST) ? 1 : -1])

enum pr_capability { PR_OBSERVE, PR_PROPOSE, PR_REHEARSE, PR_APPROVE, PR_APPLY };

struct pr_call {
    struct pr_arena *a;
    const void *args;              /* the operation's struct */
    const char *config_path;       /* --config, or NULL */
    const char *command;           /* as typed, for the seam and the record */
    const struct pr_talk *talk;    /* never NULL; members may be */
    json_t *doc;                   /* the result; set with pr_call_return */
    enum pr_code outcome;          /* PR_OK, or a judged-and-found-wanting class: the answer is whole, the exit status its class */
};
/* Hands the document over (steals it). */
void pr_call_return(struct pr_call *c, json_t *doc);

/* Writes the document for a terminal: plain words and lines; colour marks are pr_paint's (face/), as "\001k" … "\002" with k =
 * one of g(ood) w(arn) b(ad) h(ead) d(im) c(ode): the face turns them into escapes or drops them. */
struct pr_render {
    struct pr_buf *out; struct pr_arena *a; int width;
    void (*taken)(void *ctx, const char *text); void *ctx;             /* where long texts go part by part; NULL: they stay in out */
};
/* Between two parts of a text that may be long: the face may take what out has by now. Marks are never cut. */
void pr_render_pause(const struct pr_render *r);

/* A further rendering of the document, for a program: the face offers it as --format NAME and --report NAME=FILE, beside text
 * and json. Colour marks are dropped. */
struct pr_format { const char *name; void (*write)(const json_t *doc, const struct pr_render *r); };

struct pr_op {
    const char *name, *summary, *detail;
    const char *const *examples;   /* NULL-terminated command lines, at least one */
    enum pr_capability capability;
    bool person_only;              /* never offered to an agent */
    const struct pr_param *params; size_t n_params;
    size_t args_size;
    const char *schema;            /* "pgrail.check/1": of the document */
    enum pr_code (*run)(struct pr_call *c, struct pr_err *e);
    void (*render)(const json_t *doc, const struct pr_render *r);      /* NULL = generic */
    const struct pr_format *formats;   /* up to one without a name; NULL: the op has no --format and no --report */
};
#define PR_OP(id) extern const struct pr_op pr_op_##id; const struct pr_op pr_op_##id

extern const struct pr_op *const pr_ops[];
extern const size_t pr_n_ops;
/* NULL when there is none of that name. */
const struct pr_op *pr_op_find(const char *name);

/* Binding, the same for every face: `get` yields (name, value) pairs in order, false at the end; value NULL for a flag given
 * without one. Fills defaults, checks types, ranges, choices, required ones. Errors USAGE, with the nearest known name. */
struct pr_arg_src { void *ctx; bool (*next)(void *ctx, const char **name, const char **value); };
PR_NODISCARD enum pr_code pr_bind(const struct pr_op *op, struct pr_arena *a, struct pr_arg_src *src, void **args,
                                  struct pr_err *e);

/* What most operations begin with. */
struct pr_context {
    struct pr_config *config;
    const struct pr_environment *env;
    struct pr_ledger *ledger;      /* closed by pr_context_done */
    struct pr_pg *pg;              /* only after pr_context_connect */
    struct pr_folder *folder;      /* only after pr_context_migration, when the folder could be read */
};
/* Configuration, environment and ledger. Errors CONFIG, STORE. */
PR_NODISCARD enum pr_code pr_context_open(struct pr_call *c, const char *env_name, struct pr_context *out, struct pr_err *e);
/* Connects to the environment as "pgrail/OP". Errors CONNECT, CONFIG, TIMEOUT. */
PR_NODISCARD enum pr_code pr_context_connect(struct pr_call *c, struct pr_context *x, const char *op_name, struct pr_err *e);
void pr_context_done(struct pr_context *x);                 /* for PR_CLEANUP */

/* The folder of migrations and one of them by version, id or path. Errors NO_FILE with the nearest id, BAD_INPUT. */
PR_NODISCARD enum pr_code pr_context_migration(struct pr_call *c, struct pr_context *x, const char *what,
                                               const struct pr_migration **out, struct pr_err *e);
/* "Name <mail>" as git knows it in this folder; NULL without git or a name. */
const char *pr_git_author(const char *root, struct pr_arena *a);
/* The same, or a backfill: what is grounded, rehearsed and approved. Errors as pr_context_migration. */
PR_NODISCARD enum pr_code pr_context_target(struct pr_call *c, struct pr_context *x, const char *what, const struct pr_migration **out, struct pr_err *e);
/* pr_pg_where of an environment for an operation; Ctrl-C ends connecting and our own statements. */
struct pr_pg_where pr_env_where(const struct pr_call *c, const struct pr_environment *env, const char *op_name);

#endif
