#include "face/words.h"

const struct pr_global pr_globals[] = {
    {"config", "FILE", "Read this pgrail.conf instead of the nearest one upwards."},
    {"json", NULL, "Print the result document as JSON; its schema is named in it."},
    {"no-color", NULL, "Plain text; so does NO_COLOR, and so does output that is not a terminal."},
    {"debug", NULL, "With an error, say which functions it came through."},
    {"help", NULL, "Show help with an example."},
};
const size_t pr_n_globals = PR_COUNT(pr_globals);

const char *pr_words_value(const struct pr_param *p, struct pr_arena *a) {
    if (p->choices != NULL) {
        struct pr_buf b = {.a = a};
        for (size_t i = 0; p->choices[i] != NULL; i++) pr_addf(&b, "%s%s", i == 0 ? "" : "|", p->choices[i]);
        return pr_buf_text(&b);
    }
    switch (p->type) {
    case PR_T_INT: return "N";
    case PR_T_DURATION: return "DURATION";
    case PR_T_PATH: return "FILE";
    case PR_T_BOOL: return "";
    case PR_T_LIST:
        if (p->unit != NULL) return p->unit;
        return pr_eq(p->complete, "environment") ? "NAME" : "TEXT";
    case PR_T_STR: return p->unit != NULL ? p->unit : pr_eq(p->complete, "environment") ? "NAME" : "TEXT";
    }
    return "TEXT";
}

static const char *upper(struct pr_arena *a, const char *name) {
    char *u = pr_dup(a, name);
    for (char *p = u; *p != '\0'; p++)
        if (*p >= 'a' && *p <= 'z') *p = (char)(*p - 'a' + 'A');
    return u;
}

/* "--max-rows N", "MIGRATION…" */
static const char *spelled(const struct pr_param *p, struct pr_arena *a) {
    if (p->positional) return pr_fmt(a, "%s%s", upper(a, p->name), p->type == PR_T_LIST ? "..." : "");
    const char *v = pr_words_value(p, a);
    return pr_fmt(a, "--%s%s%s", p->name, *v == '\0' ? "" : " ", v);
}

const char *pr_words_synopsis(const struct pr_op *op, struct pr_arena *a) {
    struct pr_buf b = {.a = a};
    pr_addf(&b, "pgrail %s", op->name);
    for (int positional = 1; positional >= 0; positional--)
        for (size_t i = 0; i < op->n_params; i++) {
            const struct pr_param *p = &op->params[i];
            if (p->positional != (positional == 1)) continue;
            pr_addf(&b, p->required ? " %s" : " [%s]", spelled(p, a));
        }
    return pr_buf_text(&b);
}

#define LINE 80

/* Words of a paragraph into lines of at most LINE columns, each behind an indent; the first line goes on at column `at`. */
static void add_wrapped(struct pr_buf *b, const char *text, size_t at, size_t indent) {
    const char **words = NULL;
    const size_t n = pr_split(b->a, text, ' ', &words);
    for (size_t i = 0; i < n; i++) {
        const size_t w = strlen(words[i]);
        if (i > 0 && at + 1 + w > LINE) {
            pr_addf(b, "\n%*s", (int)indent, "");
            at = indent;
        } else if (i > 0) {
            pr_add(b, " ");
            at++;
        }
        pr_add(b, words[i]);
        at += w;
    }
    pr_add(b, "\n");
}

static void add_row(struct pr_buf *b, const char *left, const char *right) {
    const size_t n = (size_t)pr_columns(left, strlen(left)), column = 28;
    if (n + 4 > column) pr_addf(b, "  %s\n%*s", left, (int)column, "");
    else pr_addf(b, "  %s%*s", left, (int)(column - 2 - n), "");
    add_wrapped(b, right, column, column);
}

static const char *with_default(const struct pr_param *p, struct pr_arena *a) {
    if (p->fallback == NULL) return p->help;
    return pr_fmt(a, "%s [%s%s%s]", p->help, p->fallback, p->unit == NULL ? "" : " ", p->unit == NULL ? "" : p->unit);
}

const char *pr_words_help(const struct pr_op *plain, struct pr_arena *a) {
    const struct pr_op *op = pr_words_op(plain, a);
    struct pr_buf b = {.a = a};
    pr_addf(&b, "%s\n\nusage: ", op->summary);
    add_wrapped(&b, pr_words_synopsis(op, a), 7, 11 + strlen(op->name));
    pr_add(&b, "\n");
    add_wrapped(&b, op->detail, 0, 0);
    if (op->n_params > 0) pr_add(&b, "\narguments and options:\n");
    for (size_t i = 0; i < op->n_params; i++) add_row(&b, spelled(&op->params[i], a), with_default(&op->params[i], a));
    pr_add(&b, "\neverywhere:\n");
    for (size_t i = 0; i < pr_n_globals; i++) {
        const struct pr_global *g = &pr_globals[i];
        add_row(&b, pr_fmt(a, "--%s%s%s", g->name, g->value == NULL ? "" : " ", g->value == NULL ? "" : g->value), g->help);
    }
    pr_add(&b, "\nexamples:\n");
    for (size_t i = 0; op->examples[i] != NULL; i++) pr_addf(&b, "  %s\n", op->examples[i]);
    return pr_buf_text(&b);
}

/* In the order of the way of a migration, then the rest as they come. */
static const char *const way[] = {"init", "doctor", "new", "ground", "check", "rehearse", "approve", "apply", "verify", "status", "rollback"};

static bool on_the_way(const char *name) {
    for (size_t i = 0; i < PR_COUNT(way); i++)
        if (pr_eq(way[i], name)) return true;
    return false;
}

const char *pr_words_usage(struct pr_arena *a) {
    struct pr_buf b = {.a = a};
    pr_add(&b, "pgrail: a guarded operator for production PostgreSQL\n\nusage: pgrail COMMAND [ARGUMENTS] [OPTIONS]\n\n"
               "the way of a migration:\n");
    for (size_t i = 0; i < PR_COUNT(way); i++) {
        const struct pr_op *op = pr_op_find(way[i]);
        if (op != NULL) add_row(&b, op->name, op->summary);
    }
    pr_add(&b, "\nalso:\n");
    for (size_t i = 0; i < pr_n_ops; i++)
        if (!on_the_way(pr_ops[i]->name)) add_row(&b, pr_ops[i]->name, pr_ops[i]->summary);
    add_row(&b, "completion", "Print the completion script of bash, zsh or fish");
    add_row(&b, "help", "Show help of a command");
    pr_add(&b, "\nexit status: 0 done, 1 found wanting, 2 wrong usage or configuration, 3 refused by policy, 4 database error,\n"
               "  5 could not connect, 6 timed out, 7 aborted by a watch, 8 interrupted, 9 needs a person, 70 bug\n"
               "\nhelp with an example: pgrail COMMAND --help      see it all work: pgrail demo\n");
    return pr_buf_text(&b);
}
