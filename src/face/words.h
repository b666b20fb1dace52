/* words.h: texts built from the declarations of operations: help, completions, man pages, reference pages. Nothing here is
 * written by hand for one operation. */
#ifndef PR_FACE_WORDS_H
#define PR_FACE_WORDS_H

#include "ops/ops.h"

/* Options that every command takes. */
struct pr_global { const char *name; const char *value; const char *help; };
extern const struct pr_global pr_globals[];
extern const size_t pr_n_globals;

const char *pr_words_usage(struct pr_arena *a);                                     /* pgrail --help */
const char *pr_words_help(const struct pr_op *op, struct pr_arena *a);              /* pgrail OP --help */
const char *pr_words_synopsis(const struct pr_op *op, struct pr_arena *a);          /* "pgrail check [MIGRATION…] [--env NAME]" */

/* Completion script of a shell: "bash", "zsh", "fish"; NULL for another. */
const char *pr_words_completion(const char *shell, struct pr_arena *a);

const char *pr_words_man(const struct pr_op *op, struct pr_arena *a);               /* pgrail-OP.1; op NULL = pgrail.1 */
const char *pr_words_reference(const struct pr_op *op, struct pr_arena *a);         /* Markdown page */
const char *pr_words_settings_man(struct pr_arena *a);                              /* pgrail.conf.5 */
const char *pr_words_settings(struct pr_arena *a);                                  /* the same as Markdown */

const char *pr_words_rule(const json_t *rule, struct pr_arena *a);                  /* Markdown page of a rule of the document of `rules` */
const char *pr_words_rules(const json_t *doc, struct pr_arena *a);                  /* the page that lists them by family */

/* The operation with the options that the face adds where there are formats: --format and --report. op itself when there are
 * none; the options' fields lie behind the operation's own in the args (pr_formats_of). */
const struct pr_op *pr_words_op(const struct pr_op *op, struct pr_arena *a);

/* What --format and --report said; args as bound for pr_words_op(op). text when op has no formats.
 * Errors USAGE: a report that is no FORMAT=FILE, an unknown format, one file twice. */
struct pr_report { const char *format, *path; };
struct pr_wanted { const char *format; struct pr_report *reports; size_t n; };
PR_NODISCARD enum pr_code pr_formats_of(const struct pr_op *op, const void *args, struct pr_arena *a, struct pr_wanted *out,
                                        struct pr_err *e);

/* The document in a format, colour marks in it; width in columns. pr_format_to hands a long text over part by part. */
const char *pr_formatted(const struct pr_op *op, const char *format, const json_t *doc, int width, struct pr_arena *a);
struct pr_taker { void (*taken)(void *ctx, const char *text); void *ctx; };
void pr_format_to(const struct pr_op *op, const char *format, const json_t *doc, int width, const struct pr_taker *to, struct pr_arena *a);

/* Writes each report into its file, without marks, for 100 columns. Errors NO_FILE, BAD_INPUT. */
PR_NODISCARD enum pr_code pr_reports_write(const struct pr_op *op, const struct pr_wanted *w, const json_t *doc, struct pr_arena *a,
                                           struct pr_err *e);

/* A document without a renderer of its own: keys and values, indented. */
void pr_words_generic(const json_t *doc, const struct pr_render *r);

/* The word after which a person sees what an option wants: "N", "DURATION", "FILE", "a|b". */
const char *pr_words_value(const struct pr_param *p, struct pr_arena *a);

#endif
