#include "face/cli.h"

#include <errno.h>
#include <locale.h>
#include <unistd.h>

#include "face/lsp.h"
#include "face/term.h"
#include "face/words.h"
#include "sql/sql.h"

struct words {
    struct pr_arena *a;
    char **argv;
    int argc;
    int at;                        /* next word */
    bool only_positional;          /* after -- */
    const struct pr_op *op;        /* NULL before the command is known */
    bool json, no_color, debug, help, version;
    bool machine;                  /* standard output is for a program: --json, or --format with anything but text */
    struct pr_wanted wanted;       /* --format and --report, once they are bound */
    const char *config;
    const char *wrong;             /* why an option of every command is wrong: "--json takes no value"; NULL when none is */
};

static bool is_flag(const struct pr_op *op, const char *name) {
    for (size_t i = 0; op != NULL && i < op->n_params; i++)
        if (pr_eq(op->params[i].name, name)) return op->params[i].type == PR_T_BOOL;
    return false;
}

/* One of the options that every command takes. */
static bool take_global(struct words *w, const char *word) {
    if (pr_eq(word, "--json")) w->json = true;
    else if (pr_eq(word, "--no-color")) w->no_color = true;
    else if (pr_eq(word, "--debug")) w->debug = true;
    else if (pr_eq(word, "--help") || pr_eq(word, "-h")) w->help = true;
    else if (pr_starts(word, "--config=")) w->config = word + strlen("--config=");
    else if (pr_eq(word, "--config") && w->at < w->argc) w->config = w->argv[w->at++];
    else return false;
    return true;
}

/* Yields the words of the command as (name, value): the source of pr_bind. */
static bool next_word(void *ctx, const char **name, const char **value) {
    struct words *w = ctx;
    while (w->at < w->argc) {
        const char *word = w->argv[w->at++];
        if (!w->only_positional && pr_eq(word, "--")) {
            w->only_positional = true;
            continue;
        }
        if (!w->only_positional && take_global(w, word)) continue;
        if (w->only_positional || !pr_starts(word, "--")) {
            *name = NULL;
            *value = word;
            return true;
        }
        const char *eq = strchr(word, '=');
        *name = eq == NULL ? word + 2 : pr_dupn(w->a, word + 2, (size_t)(eq - word - 2));
        *value = eq != NULL ? eq + 1 : NULL;
        if (*value == NULL && !is_flag(w->op, *name) && w->at < w->argc) *value = w->argv[w->at++];
        return true;
    }
    return false;
}

static bool is_valued_flag(const char *word) {
    static const char *const flags[] = {"--json=", "--no-color=", "--debug=", "--help="};
    for (size_t i = 0; i < PR_COUNT(flags); i++)
        if (pr_starts(word, flags[i])) return true;
    return false;
}

/* "--format sarif" or "--format=sarif" of an operation that has formats. */
static void scan_format(struct words *w, int i) {
    const char *word = w->argv[i], *value = NULL;
    if (w->op == NULL || w->op->formats == NULL) return;
    if (pr_starts(word, "--format=")) value = word + strlen("--format=");
    else if (pr_eq(word, "--format") && i + 1 < w->argc) value = w->argv[i + 1];
    if (value == NULL || pr_eq(value, "text")) return;
    if (w->json && !pr_eq(value, "json")) w->wrong = "--json and --format exclude each other";
    w->machine = true;
    w->json = w->json || pr_eq(value, "json");
}

/* Help and the way errors are shown must be known before the words are judged. */
static void scan_globals(struct words *w) {
    for (int i = w->at; i < w->argc && !pr_eq(w->argv[i], "--"); i++) {
        if (pr_eq(w->argv[i], "--help") || pr_eq(w->argv[i], "-h")) w->help = true;
        if (pr_eq(w->argv[i], "--json")) w->json = true;
        if (pr_eq(w->argv[i], "--no-color")) w->no_color = true;
        if (pr_eq(w->argv[i], "--debug")) w->debug = true;
        if (is_valued_flag(w->argv[i])) w->wrong = pr_fmt(w->a, "%.*s takes no value", (int)strcspn(w->argv[i], "="), w->argv[i]);
        if (pr_eq(w->argv[i], "--config") && i + 1 == w->argc) w->wrong = "--config wants a value";
    }
    w->machine = w->json;
    for (int i = w->at; i < w->argc && !pr_eq(w->argv[i], "--"); i++) scan_format(w, i);
}

static json_t *error_json(const struct pr_err *e) {
    const struct pr_code_info *info = pr_code_info(e->code);
    json_t *j = json_object();
    pr_set_str(j, "code", info->name);
    pr_set_str(j, "message", e->msg);
    pr_set_str(j, "hint", e->hint[0] == '\0' ? NULL : e->hint);
    pr_set_str(j, "sqlstate", e->sqlstate[0] == '\0' ? NULL : e->sqlstate);
    pr_set_int(j, "exit_status", info->exit_status);
    pr_set_bool(j, "retryable", info->retryable);
    return j;
}

/* Server and file names come into messages: made printable, so that an error cannot drive the terminal. */
static void print_error(const struct pr_term *t, const struct words *w, const struct pr_err *e) {
    struct pr_term err = *t;
    err.color = t->color && t->bar;
    pr_term_put(&err, stderr, "\001bpgrail:\002 ");
    (void)fprintf(stderr, "%s%s%s%s\n", pr_printable(w->a, e->msg, 1000), e->sqlstate[0] == '\0' ? "" : " (SQLSTATE ", e->sqlstate,
                  e->sqlstate[0] == '\0' ? "" : ")");
    if (e->hint[0] != '\0') (void)fprintf(stderr, "hint: %s\n", pr_printable(w->a, e->hint, 1000));
    if (w->debug) (void)fprintf(stderr, "where: %s: %s\n", pr_code_info(e->code)->name, e->where);
}

static void print_part(void *ctx, const char *painted) { pr_term_put(ctx, stdout, painted); }

static void print_doc(const struct pr_term *t, const struct words *w, const json_t *doc) {
    if (w->json) {
        pr_json_put(stdout, doc);
        return;
    }
    struct pr_term plain = *t;
    plain.color = t->color && !w->machine;
    pr_format_to(w->op, w->wanted.format, doc, t->width, &(struct pr_taker){.taken = print_part, .ctx = &plain}, w->a);
}

/* The exit status, when all of the output has reached its reader. Who closed the pipe (head) knows it; a full disk must be said. */
static int written(int status) {
    const bool earlier = ferror(stdout) != 0;
    if (fflush(stdout) == 0 && !earlier) return status;
    if (errno != EPIPE) (void)fprintf(stderr, "pgrail: the output could not be written: %s\nhint: what was asked for may be done: pgrail status\n", strerror(errno));
    return pr_code_info(PR_ERR_PROC)->exit_status;
}

/* The process ends when it has answered, and the kernel takes all back at once: to free hundreds of thousands of values one by one took
 * a seventh of a check's time. Kept where leak checkers find it. */
static json_t *volatile answered;             /* volatile: nobody reads it, and a compiler would leave it out */

/* The document first, then the error; with --json both are one document. */
static int answer(const struct pr_term *t, const struct words *w, struct pr_call *c, enum pr_code code, const struct pr_err *e) {
    json_t *doc = c->doc;
    if (code != PR_OK && w->json) {
        if (doc == NULL) {
            doc = json_object();
            pr_set_str(doc, "schema", "pgrail.error/1");
        }
        pr_set(doc, "error", error_json(e));
    }
    struct pr_err unwritten = {0};
    const enum pr_code reports = doc != NULL && code == PR_OK ? pr_reports_write(w->op, &w->wanted, doc, w->a, &unwritten) : PR_OK;
    answered = doc;
    if (doc != NULL) print_doc(t, w, doc);
    if (code != PR_OK) print_error(t, w, e);
    if (reports != PR_OK) print_error(t, w, &unwritten);
    return written(pr_code_info(code != PR_OK ? code : reports != PR_OK ? reports : c->outcome)->exit_status);
}

static const char *as_typed(struct pr_arena *a, int argc, char **argv) {
    struct pr_buf b = {.a = a, .cap = 4096};
    pr_add(&b, "pgrail");
    for (int i = 1; i < argc; i++) pr_addf(&b, " %s", pr_printable(a, argv[i], 400));
    return pr_buf_text(&b);
}

/* The face for editors takes over standard input and output; what fails before it begins is said as any error. */
static int speak_lsp(const struct pr_term *t, const struct words *w, struct pr_call *c, const void *args) {
    struct pr_err e = {0};
    struct pr_lsp_start start = {0};
    c->args = args;
    c->config_path = w->config;
    const enum pr_code code = pr_lsp_prepare(c, &start, &e);
    return code == PR_OK ? pr_lsp_main(&start, STDIN_FILENO, STDOUT_FILENO) : answer(t, w, c, code, &e);
}

static int run_op(struct words *w) {
    struct pr_term t;
    scan_globals(w);
    pr_term_init(&t, w->no_color, w->machine);
    if (w->json && w->op->person_only) t.lines = stderr;    /* what a person signs is shown, whatever form the answer has */
    if (w->help) {
        (void)fputs(pr_words_help(w->op, w->a), stdout);
        return written(0);
    }
    struct pr_talk talk;
    pr_term_talk(&t, &talk);
    struct pr_err e = {0};
    void *args = NULL;
    struct pr_arg_src src = {.ctx = w, .next = next_word};
    struct pr_call c = {.a = w->a, .talk = &talk, .command = as_typed(w->a, w->argc, w->argv)};
    enum pr_code code = w->wrong != NULL ? PR_FAIL(&e, PR_ERR_USAGE, "%s", w->wrong) : pr_bind(w->op, w->a, &src, &args, &e);
    if (w->wrong != NULL) (void)pr_hint(&e, "pgrail %s --help", w->op->name);
    if (code == PR_OK && pr_eq(w->op->name, "lsp")) return speak_lsp(&t, w, &c, args);
    if (code == PR_OK) code = pr_formats_of(w->op, args, w->a, &w->wanted, &e);
    if (code == PR_OK) {
        c.args = args;
        c.config_path = w->config;
        code = w->op->run(&c, &e);
    }
    return answer(&t, w, &c, code, &e);
}

static int unknown_command(struct words *w, const char *word) {
    const char **names = NULL;
    size_t n = 0, cap = 0;
    for (size_t i = 0; i < pr_n_ops; i++) *PR_PUSH(w->a, names, n, cap) = pr_ops[i]->name;
    const char *near = n == 0 ? NULL : pr_nearest(word, names, n);
    struct pr_err e = {0};
    (void)PR_FAIL(&e, PR_ERR_USAGE, "there is no command %.60s", word);
    if (near != NULL) (void)pr_hint(&e, "did you mean: pgrail %s", near);
    else (void)pr_hint(&e, "all commands: pgrail --help");
    struct pr_term t;
    scan_globals(w);
    pr_term_init(&t, w->no_color, w->json);
    struct pr_call c = {.a = w->a};
    return answer(&t, w, &c, e.code, &e);
}

static void print_lines(const char *const *items, size_t n) {
    for (size_t i = 0; i < n; i++) (void)printf("%s\n", items[i]);
}

/* What completion scripts ask for: names that depend on the project. Silence when there is no project: a completion must not
 * print errors into somebody's command line. */
static int list_names(struct words *w, const char *what) {
    struct pr_err e = {0};
    struct pr_config *conf = NULL;
    if (pr_config_load(w->config, w->a, &conf, &e) != PR_OK) return 0;
    const char **names = NULL;
    size_t n = 0, cap = 0;
    struct pr_folder *f = NULL;
    if (pr_eq(what, "environment"))
        for (size_t i = 0; i < conf->n_environments; i++) *PR_PUSH(w->a, names, n, cap) = conf->environments[i].name;
    else if (pr_eq(what, "migration") && pr_folder_read(conf->migrations, conf->root, conf->layout, w->a, &f, &e) == PR_OK)
        for (size_t i = 0; i < f->n; i++) *PR_PUSH(w->a, names, n, cap) = f->migrations[i].id;
    print_lines(names, n);
    return 0;
}

static int completion(struct words *w) {
    const char *shell = w->at < w->argc ? w->argv[w->at] : "";
    if (pr_eq(shell, "--list") && w->at + 1 < w->argc) return list_names(w, w->argv[w->at + 1]);
    const char *script = pr_words_completion(shell, w->a);
    if (script == NULL) {
        (void)fprintf(stderr, "pgrail: completion wants the name of a shell: bash, zsh or fish\nhint: source <(pgrail completion bash)\n");
        return pr_code_info(PR_ERR_USAGE)->exit_status;
    }
    (void)fputs(script, stdout);
    return written(0);
}

static enum pr_code write_page(struct pr_arena *a, const char *dir, const char *name, const char *text, struct pr_err *e) {
    return pr_write_text(pr_fmt(a, "%s/%s", dir, name), text, strlen(text), 0644, false, e);
}

/* The rules' pages are one more rendering of what `pgrail rules` says. */
static enum pr_code write_rule_pages(struct pr_arena *a, const char *dir, struct pr_err *e) {
    const struct pr_op *op = pr_op_find("rules");
    struct pr_call c = {.a = a, .args = pr_alloc(a, op->args_size), .command = "pgrail rules", .talk = &(struct pr_talk){0}};
    PR_TRY(e, op->run(&c, e));
    json_t *doc PR_CLEANUP(pr_json_freep) = c.doc;
    PR_TRY(e, pr_mkdirs(dir, 0755, e));
    PR_TRY(e, write_page(a, dir, "index.md", pr_words_rules(doc, a), e));
    static const char *const lists[] = {"rules", "notes", "folder"};
    for (size_t l = 0; l < PR_COUNT(lists); l++) {
        size_t i = 0;
        json_t *rule = NULL;
        json_array_foreach(pr_get(doc, lists[l]), i, rule)
            PR_TRY(e, write_page(a, dir, pr_fmt(a, "%s.md", pr_get_str(rule, "rule")), pr_words_rule(rule, a), e));
    }
    return PR_OK;
}

static enum pr_code write_pages(struct pr_arena *a, const char *dir, struct pr_err *e) {
    PR_TRY(e, pr_mkdirs(dir, 0755, e));
    PR_TRY(e, write_page(a, dir, "pgrail.1", pr_words_man(NULL, a), e));
    PR_TRY(e, write_page(a, dir, "pgrail.conf.5", pr_words_settings_man(a), e));
    PR_TRY(e, write_page(a, dir, "pgrail.conf.md", pr_words_settings(a), e));
    static const char *const shells[] = {"bash", "zsh", "fish"};
    for (size_t i = 0; i < PR_COUNT(shells); i++)
        PR_TRY(e, write_page(a, dir, pr_fmt(a, "pgrail.%s", shells[i]), pr_words_completion(shells[i], a), e));
    for (size_t i = 0; i < pr_n_ops; i++) {
        PR_TRY(e, write_page(a, dir, pr_fmt(a, "pgrail-%s.1", pr_ops[i]->name), pr_words_man(pr_ops[i], a), e));
        PR_TRY(e, write_page(a, dir, pr_fmt(a, "%s.md", pr_ops[i]->name), pr_words_reference(pr_ops[i], a), e));
    }
    return write_rule_pages(a, pr_fmt(a, "%s/rules", dir), e);
}

/* `pgrail help --pages DIR`: what the build installs as documentation. */
static int help(struct words *w) {
    const char *word = w->at < w->argc ? w->argv[w->at++] : NULL;
    if (pr_eq(word, "--pages") && w->at < w->argc) {
        struct pr_err e = {0};
        if (write_pages(w->a, w->argv[w->at], &e) == PR_OK) return 0;
        (void)fprintf(stderr, "pgrail: %s\n", e.msg);
        return pr_code_info(e.code)->exit_status;
    }
    const struct pr_op *op = word == NULL ? NULL : pr_op_find(word);
    if (word != NULL && op == NULL) return unknown_command(w, word);
    (void)fputs(op == NULL ? pr_words_usage(w->a) : pr_words_help(op, w->a), stdout);
    return written(0);
}

static int version(void) {
    (void)printf("pgrail %s\ngrammar: PostgreSQL %d (libpg_query %s)\n", PR_VERSION, pr_grammar_major(), pr_grammar_version());
    return written(0);
}

int pr_cli_main(int argc, char **argv) {
    (void)setlocale(LC_CTYPE, "");
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    struct words w = {.a = a, .argc = argc, .argv = argv, .at = 1};
    while (w.at < argc && pr_starts(argv[w.at], "-") && !pr_eq(argv[w.at], "--version") && !pr_eq(argv[w.at], "-V")) {
        const char *word = argv[w.at++];
        if (!take_global(&w, word)) {
            (void)fprintf(stderr, "pgrail: there is no option %s\nhint: pgrail --help\n", pr_printable(a, word, 60));
            return pr_code_info(PR_ERR_USAGE)->exit_status;
        }
    }
    if (w.help && w.at >= argc) return help(&w);
    if (w.at >= argc) {
        (void)fputs(pr_words_usage(a), stderr);
        return pr_code_info(PR_ERR_USAGE)->exit_status;
    }
    const char *word = argv[w.at++];
    if (pr_eq(word, "--version") || pr_eq(word, "-V")) return version();
    if (pr_eq(word, "help")) return help(&w);
    if (pr_eq(word, "completion")) return completion(&w);
    const struct pr_op *op = pr_op_find(word);
    w.op = op != NULL ? pr_words_op(op, a) : NULL;
    return w.op == NULL ? unknown_command(&w, word) : run_op(&w);
}
