/* formats.c: --format and --report of operations that have formats: all of them renderings of one document. */
#include <sys/stat.h>

#include "face/words.h"

/* What is bound behind the operation's own arguments. */
struct outputs {
    const char *format;
    struct pr_list report;
};

static size_t outputs_at(const struct pr_op *op) {
    const size_t unit = _Alignof(struct outputs);
    return (op->args_size + unit - 1) / unit * unit;
}

/* "text", "json" and the operation's own, up to a NULL. */
static const char *const *names_of(const struct pr_op *op, size_t *n, struct pr_arena *a) {
    const char **names = NULL;
    size_t cap = 0;
    *n = 0;
    *PR_PUSH(a, names, *n, cap) = "text";
    *PR_PUSH(a, names, *n, cap) = "json";
    for (const struct pr_format *f = op->formats; f->name != NULL; f++) *PR_PUSH(a, names, *n, cap) = f->name;
    *PR_PUSH(a, names, *n, cap) = NULL;
    (*n)--;
    return names;
}

static bool is_extended(const struct pr_op *op) { return op->n_params > 0 && pr_eq(op->params[op->n_params - 1].unit, "FORMAT=FILE"); }

const struct pr_op *pr_words_op(const struct pr_op *op, struct pr_arena *a) {
    if (op->formats == NULL || is_extended(op)) return op;
    const size_t at = outputs_at(op), n = op->n_params;
    size_t n_names = 0;
    struct pr_param *params = PR_NEW_ARRAY(a, struct pr_param, n + 2);
    for (size_t i = 0; i < n; i++) params[i] = op->params[i];
    params[n] = (struct pr_param){.name = "format", .type = PR_T_STR, .offset = at + offsetof(struct outputs, format), .fallback = "text",
                                  .choices = names_of(op, &n_names, a), .help = "Form of the answer on standard output."};
    params[n + 1] = (struct pr_param){.name = "report", .type = PR_T_LIST, .offset = at + offsetof(struct outputs, report), .unit = "FORMAT=FILE",
                                      .help = "Write the answer in that form into a file as well; may be given several times."};
    struct pr_op *with = PR_NEW(a, struct pr_op);
    *with = *op;
    with->params = params;
    with->n_params = n + 2;
    with->args_size = at + sizeof(struct outputs);
    return with;
}

static const struct pr_format *format_named(const struct pr_op *op, const char *name) {
    for (const struct pr_format *f = op->formats; f != NULL && f->name != NULL; f++)
        if (pr_eq(f->name, name)) return f;
    return NULL;
}

static enum pr_code take_report(const struct pr_op *op, const char *word, struct pr_arena *a, struct pr_wanted *w, struct pr_err *e) {
    const char *eq = strchr(word, '=');
    if (eq == NULL || eq == word || eq[1] == '\0') {
        (void)PR_FAIL(e, PR_ERR_USAGE, "--report: expected FORMAT=FILE, got \"%.60s\"", word);
        return pr_hint(e, "for example: --report sarif=pgrail.sarif");
    }
    const struct pr_report r = {.format = pr_dupn(a, word, (size_t)(eq - word)), .path = eq + 1};
    if (!pr_eq(r.format, "text") && !pr_eq(r.format, "json") && format_named(op, r.format) == NULL) {
        size_t n = 0;
        const char *const *names = names_of(op, &n, a);
        const char *near = pr_nearest(r.format, names, n);
        (void)PR_FAIL(e, PR_ERR_USAGE, "--report: there is no format \"%.30s\"", r.format);
        return near != NULL ? pr_hint(e, "did you mean: --report %s=%s", near, r.path) : pr_hint(e, "pgrail %s --help lists them", op->name);
    }
    for (size_t i = 0; i < w->n; i++)
        if (pr_eq(w->reports[i].path, r.path)) return PR_FAIL(e, PR_ERR_USAGE, "--report: two reports cannot be one file: %s", r.path);
    w->reports[w->n++] = r;
    return PR_OK;
}

enum pr_code pr_formats_of(const struct pr_op *op, const void *args, struct pr_arena *a, struct pr_wanted *out, struct pr_err *e) {
    struct pr_wanted w = {.format = "text"};
    if (is_extended(op)) {
        const struct outputs *in = (const void *)((const unsigned char *)args + op->params[op->n_params - 2].offset);
        w.format = in->format;
        w.reports = PR_NEW_ARRAY(a, struct pr_report, in->report.n + 1);
        for (size_t i = 0; i < in->report.n; i++) PR_TRY(e, take_report(op, in->report.items[i], a, &w, e));
    }
    *out = w;
    return PR_OK;
}

static void render(const struct pr_op *op, const char *format, const json_t *doc, const struct pr_render *r) {
    const struct pr_format *f = format_named(op, format);
    if (f != NULL) f->write(doc, r);
    else (op->render != NULL ? op->render : pr_words_generic)(doc, r);
    PR_ASSERT(!r->out->over);                               /* findings are capped; half an answer would look like a clean one */
}

enum { LONGEST_TEXT = 256 << 20 };

const char *pr_formatted(const struct pr_op *op, const char *format, const json_t *doc, int width, struct pr_arena *a) {
    if (pr_eq(format, "json")) return pr_json_text(a, doc, true);
    struct pr_buf b = {.a = a, .cap = LONGEST_TEXT};
    render(op, format, doc, &(struct pr_render){.out = &b, .a = a, .width = width});
    return pr_buf_text(&b);
}

void pr_format_to(const struct pr_op *op, const char *format, const json_t *doc, int width, const struct pr_taker *to, struct pr_arena *a) {
    struct pr_buf b = {.a = a, .cap = LONGEST_TEXT};
    if (pr_eq(format, "json")) pr_add(&b, pr_json_text(a, doc, true));
    else render(op, format, doc, &(struct pr_render){.out = &b, .a = a, .width = width, .taken = to->taken, .ctx = to->ctx});
    to->taken(to->ctx, pr_buf_text(&b));
}

static const char *without_marks(const char *painted, struct pr_arena *a) {
    struct pr_buf b = {.a = a};
    for (const char *p = painted; *p != '\0';) {
        const size_t n = strcspn(p, "\001\002");
        pr_addn(&b, p, n);
        p += n;
        if (*p != '\0') p += *p == '\001' && p[1] != '\0' ? 2 : 1;
    }
    return pr_buf_text(&b);
}

enum pr_code pr_reports_write(const struct pr_op *op, const struct pr_wanted *w, const json_t *doc, struct pr_arena *a, struct pr_err *e) {
    for (size_t i = 0; i < w->n; i++) {
        const char *path = w->reports[i].path, *text = without_marks(pr_formatted(op, w->reports[i].format, doc, 100, a), a);
        struct stat st;
        if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {       /* the file is put in place by a rename: a device must not be replaced */
            (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "--report: %s is not a file", path);
            return pr_hint(e, "for standard output: --format %s", w->reports[i].format);
        }
        const enum pr_code code = pr_write_text(path, text, strlen(text), 0644, false, e);
        if (code != PR_OK) return pr_prefix(e, "--report");
    }
    return PR_OK;
}
