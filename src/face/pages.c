#include "face/words.h"

/* roff: a leading dot or quote would be a request, a backslash an escape, a bare minus a hyphen. */
static const char *roff(struct pr_arena *a, const char *s) {
    struct pr_buf b = {.a = a};
    if (*s == '.' || *s == '\'') pr_add(&b, "\\&");
    for (; *s != '\0'; s++) {
        if (*s == '\\') pr_add(&b, "\\e");
        else if (*s == '-') pr_add(&b, "\\-");
        else pr_addn(&b, s, 1);
        if (*s == '\n' && (s[1] == '.' || s[1] == '\'')) pr_add(&b, "\\&");
    }
    return pr_buf_text(&b);
}

static void man_options(struct pr_buf *b, const struct pr_op *op) {
    for (size_t i = 0; op != NULL && i < op->n_params; i++) {
        const struct pr_param *p = &op->params[i];
        pr_addf(b, ".TP\n.B %s%s %s\n%s", p->positional ? "" : "\\-\\-", roff(b->a, p->name), p->positional ? "" : roff(b->a, pr_words_value(p, b->a)),
                roff(b->a, p->help));
        if (p->fallback != NULL) pr_addf(b, " Default: %s.", roff(b->a, p->fallback));
        pr_add(b, "\n");
    }
    for (size_t i = 0; i < pr_n_globals; i++)
        pr_addf(b, ".TP\n.B \\-\\-%s %s\n%s\n", roff(b->a, pr_globals[i].name), pr_globals[i].value == NULL ? "" : pr_globals[i].value,
                roff(b->a, pr_globals[i].help));
}

const char *pr_words_man(const struct pr_op *plain, struct pr_arena *a) {
    const struct pr_op *op = plain != NULL ? pr_words_op(plain, a) : NULL;
    struct pr_buf b = {.a = a};
    const char *name = op == NULL ? "pgrail" : pr_fmt(a, "pgrail-%s", op->name);
    pr_addf(&b, ".TH \"%s\" 1 \"\" \"pgrail %s\" \"pgrail manual\"\n.SH NAME\n%s \\- %s\n", name, PR_VERSION, roff(a, name),
            roff(a, op == NULL ? "a guarded operator for production PostgreSQL" : op->summary));
    pr_addf(&b, ".SH SYNOPSIS\n%s\n", roff(a, op == NULL ? "pgrail COMMAND [ARGUMENTS] [OPTIONS]" : pr_words_synopsis(op, a)));
    if (op != NULL) pr_addf(&b, ".SH DESCRIPTION\n%s\n", roff(a, op->detail));
    if (op == NULL) {
        pr_add(&b, ".SH COMMANDS\n");
        for (size_t i = 0; i < pr_n_ops; i++) pr_addf(&b, ".TP\n.BR pgrail\\-%s (1)\n%s\n", roff(a, pr_ops[i]->name), roff(a, pr_ops[i]->summary));
    }
    pr_add(&b, ".SH OPTIONS\n");
    man_options(&b, op);
    if (op != NULL) {
        pr_add(&b, ".SH EXAMPLES\n.nf\n");
        for (size_t i = 0; op->examples[i] != NULL; i++) pr_addf(&b, "%s\n", roff(a, op->examples[i]));
        pr_add(&b, ".fi\n");
    }
    pr_add(&b, ".SH EXIT STATUS\n0 done; 1 judged and found wanting; 2 wrong usage or configuration; 3 refused by policy; 4 database error; "
               "5 could not connect; 6 timed out; 7 aborted by a watch; 8 interrupted, state clean; 9 needs a person; 70 bug.\n");
    return pr_buf_text(&b);
}

const char *pr_words_reference(const struct pr_op *plain, struct pr_arena *a) {
    const struct pr_op *op = pr_words_op(plain, a);
    static const char *const who[] = {[PR_OBSERVE] = "observes", [PR_PROPOSE] = "proposes: writes files of the project", [PR_REHEARSE] = "rehearses: writes to copies alone",
                                      [PR_APPROVE] = "approves", [PR_APPLY] = "applies: changes the target"};
    struct pr_buf b = {.a = a};
    pr_addf(&b, "# pgrail %s\n\n%s.\n\n    %s\n\n%s\n\nIt %s.%s\n\n", op->name, op->summary, pr_words_synopsis(op, a), op->detail, who[op->capability],
            op->person_only ? " For a person alone: it is never offered to an agent." : "");
    if (op->n_params > 0) pr_add(&b, "| argument or option | value | default | what |\n|---|---|---|---|\n");
    for (size_t i = 0; i < op->n_params; i++) {
        const struct pr_param *p = &op->params[i];
        pr_addf(&b, "| `%s%s` | %s | %s | %s |\n", p->positional ? "" : "--", p->name, pr_words_value(p, a), p->fallback == NULL ? "" : p->fallback, p->help);
    }
    pr_addf(&b, "\nResult document: `%s`.\n\nExamples:\n\n", op->schema);
    for (size_t i = 0; op->examples[i] != NULL; i++) pr_addf(&b, "    %s\n", op->examples[i]);
    return pr_buf_text(&b);
}

/* "PGRAIL_POLICY_MAX_BLOCK", or nothing for what only the file may say. */
static const char *variable(const struct pr_setting *s, struct pr_arena *a) {
    if (s->file_only) return "";
    return pr_setting_env_name(s, pr_eq(s->section, "environment") ? "NAME" : NULL, a);
}

const char *pr_words_settings_man(struct pr_arena *a) {
    struct pr_buf b = {.a = a};
    size_t n = 0;
    const struct pr_setting *s = pr_settings(&n);
    pr_addf(&b, ".TH \"pgrail.conf\" 5 \"\" \"pgrail %s\" \"pgrail manual\"\n.SH NAME\npgrail.conf \\- settings of a project\n", PR_VERSION);
    pr_add(&b, ".SH DESCRIPTION\nAn INI file at the root of the project; pgrail looks for it from the working folder upwards. A flag wins over an environment "
               "variable, that over the file, and that over the default. Unknown keys are errors. A password here is refused: libpq finds it in its own ways.\n"
               ".SH SETTINGS\n");
    for (size_t i = 0; i < n; i++) {
        pr_addf(&b, ".TP\n.B [%s%s] %s\n%s.", roff(a, s[i].section), pr_eq(s[i].section, "environment") ? " NAME" : "", roff(a, s[i].key), roff(a, s[i].why));
        if (s[i].fallback != NULL) pr_addf(&b, " Default: %s.", roff(a, s[i].fallback));
        if (*variable(&s[i], a) != '\0') pr_addf(&b, " Variable: %s.", roff(a, variable(&s[i], a)));
        pr_add(&b, "\n");
    }
    return pr_buf_text(&b);
}

const char *pr_words_settings(struct pr_arena *a) {
    struct pr_buf b = {.a = a};
    size_t n = 0;
    const struct pr_setting *s = pr_settings(&n);
    pr_add(&b, "# pgrail.conf\n\n| section | key | default | environment variable | what |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < n; i++)
        pr_addf(&b, "| %s%s | `%s` | %s | %s | %s |\n", s[i].section, pr_eq(s[i].section, "environment") ? " NAME" : "", s[i].key,
                s[i].fallback == NULL ? "" : s[i].fallback, variable(&s[i], a), s[i].why);
    return pr_buf_text(&b);
}
