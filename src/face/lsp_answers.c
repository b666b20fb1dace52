/* lsp_answers.c: what an editor asks about a place: the rule (hover), the fix and the ignore (code actions), rule names (completion). */
#include "face/lsp_impl.h"

static struct pr_lsp_doc *doc_of(const struct pr_lsp_turn *t, const json_t *params) { return pr_lsp_doc(t->s, pr_get_str(pr_get(params, "textDocument"), "uri")); }

/* --- hover ----------------------------------------------------------------------------------------------------------- */

static void add_rule(struct pr_buf *b, const char *id, const char *what, const char *safe_way, const char *safe_sql) {
    const struct pr_rule *rule = pr_rule_find(id);
    pr_addf(b, "### %s\n\n", id);
    if (rule != NULL) pr_addf(b, "*%s:* %s\n\n", pr_family_name(rule->family), rule->title);
    if (what != NULL) pr_addf(b, "%s\n\n", what);
    if (rule != NULL && !pr_eq(what, rule->why)) pr_addf(b, "%s\n\n", rule->why);
    if (safe_way == NULL && rule != NULL) safe_way = rule->safe_way;
    if (safe_way != NULL) pr_addf(b, "**Instead:** %s\n\n", safe_way);
    if (safe_sql != NULL) pr_addf(b, "```sql\n%s\n```\n\n", safe_sql);
    if (rule != NULL && pr_starts(rule->source, "https://")) pr_addf(b, "[PostgreSQL's manual](%s)\n", rule->source);
}

/* The word of rule names at a byte. */
static const char *word_at(const struct pr_lsp_doc *d, size_t at, struct pr_arena *a, size_t *from) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    size_t begin = at, end = at;
    while (begin > 0 && d->text[begin - 1] != '\0' && strchr(letters, d->text[begin - 1]) != NULL) begin--;
    while (end < d->len && strchr(letters, d->text[end]) != NULL) end++;
    *from = begin;
    return pr_dupn(a, d->text + begin, end - begin);
}

json_t *pr_lsp_hover(struct pr_lsp_turn *t, const json_t *params) {
    const struct pr_lsp_doc *d = doc_of(t, params);
    if (d == NULL) return json_null();
    const size_t at = pr_lsp_offset(t->s, d->text, d->len, pr_get(params, "position"));
    struct pr_buf b = {.a = t->a};
    const struct pr_lsp_found *first = NULL;
    size_t from = 0;
    for (size_t i = 0; i < d->n_found; i++) {
        const struct pr_lsp_found *f = &d->found[i];
        if (at < f->from || at > f->to) continue;
        if (b.len > 0) pr_add(&b, "\n---\n\n");
        else first = f;
        add_rule(&b, f->rule, f->what, f->safe_way, f->safe_sql);
    }
    const char *word = word_at(d, at, t->a, &from);
    if (b.len == 0 && pr_rule_find(word) != NULL) add_rule(&b, word, NULL, NULL, NULL);         /* a name in pgrail:ignore */
    if (b.len == 0) return json_null();
    json_t *h = json_object(), *contents = pr_set_object(h, "contents");
    pr_set_str(contents, "kind", "markdown");
    pr_set_str(contents, "value", pr_buf_text(&b));
    pr_set(h, "range", first != NULL ? pr_lsp_range(t->s, d->text, d->len, first->from, first->to) : pr_lsp_range(t->s, d->text, d->len, from, from + strlen(word)));
    return h;
}

/* --- code actions ---------------------------------------------------------------------------------------------------- */

static json_t *text_edit(const struct pr_lsp *s, const char *text, size_t len, size_t from, size_t to, const char *with, size_t n) {
    json_t *e = json_object();
    pr_set(e, "range", pr_lsp_range(s, text, len, from, to));
    pr_set(e, "newText", json_stringn(with, n));
    return e;
}

static bool is_tail(char c) { return ((unsigned char)c & 0xC0) == 0x80; }

/* The bytes that differ, and no half of a character. */
static json_t *difference(const struct pr_lsp *s, const struct pr_fix_file *f) {
    size_t head = 0, tail = 0;
    while (head < f->before_len && head < f->after_len && f->before[head] == f->after[head]) head++;
    while (head > 0 && ((head < f->before_len && is_tail(f->before[head])) || (head < f->after_len && is_tail(f->after[head])))) head--;
    while (tail < f->before_len - head && tail < f->after_len - head && f->before[f->before_len - 1 - tail] == f->after[f->after_len - 1 - tail]) tail++;
    while (tail > 0 && is_tail(f->before[f->before_len - tail])) tail--;
    return text_edit(s, f->before, f->before_len, head, f->before_len - tail, f->after + head, f->after_len - tail - head);
}

static void push(json_t *list, json_t *stolen) { PR_ASSERT(json_array_append_new(list, stolen) == 0); }

static void put_text_edit(json_t *changes, const char *uri, const json_t *version, json_t *edit) {
    json_t *o = pr_push_object(changes), *doc = pr_set_object(o, "textDocument");
    pr_set_str(doc, "uri", uri);
    pr_set(doc, "version", version != NULL ? json_deep_copy(version) : json_null());
    push(pr_set_array(o, "edits"), edit);
}

static const struct pr_lsp_doc *open_at(const struct pr_lsp *s, const char *path) {
    for (const struct pr_lsp_doc *d = s->docs; d != NULL; d = d->next)
        if (pr_eq(d->path, path)) return d;
    return NULL;
}

static json_t *workspace_edit(struct pr_lsp_turn *t, const struct pr_fix_plan *plan) {
    json_t *edit = json_object(), *changes = pr_set_array(edit, "documentChanges");
    for (size_t i = 0; i < plan->n; i++) {
        const struct pr_fix_file *f = &plan->files[i];
        const struct pr_lsp_doc *open = open_at(t->s, f->path);
        const char *uri = open != NULL ? open->uri : f->path[0] == '/' ? pr_lsp_uri(t->a, f->path) : f->path;
        if (f->before == NULL) {
            json_t *create = pr_push_object(changes);
            pr_set_str(create, "kind", "create");
            pr_set_str(create, "uri", uri);
            pr_set_bool(pr_set_object(create, "options"), "overwrite", false);
            put_text_edit(changes, uri, NULL, text_edit(t->s, "", 0, 0, 0, f->after, f->after_len));
        } else {
            json_t *version PR_CLEANUP(pr_json_freep) = open != NULL ? json_integer(open->version) : NULL;
            put_text_edit(changes, uri, version, difference(t->s, f));
        }
    }
    return edit;
}

/* For clients that know one form alone: only files that are there. */
static json_t *plain_edit(struct pr_lsp_turn *t, const struct pr_fix_plan *plan) {
    json_t *edit = json_object(), *changes = pr_set_object(edit, "changes");
    for (size_t i = 0; i < plan->n; i++) {
        const struct pr_fix_file *f = &plan->files[i];
        const struct pr_lsp_doc *open = open_at(t->s, f->path);
        push(pr_set_array(changes, open != NULL ? open->uri : f->path[0] == '/' ? pr_lsp_uri(t->a, f->path) : f->path), difference(t->s, f));
    }
    return edit;
}

static bool is_applied(const struct pr_lsp *s, const struct pr_lsp_place *p) {
    return p->folder != NULL && s->start->applied_on != NULL && pr_history_applied(s->start->rows, s->start->n_rows, p->m->version) != NULL;
}

static json_t *action(struct pr_lsp_turn *t, const struct pr_lsp_doc *d, const struct pr_lsp_found *f, const char *title, json_t *edit) {
    json_t *o = json_object();
    pr_set_str(o, "title", title);
    pr_set_str(o, "kind", "quickfix");
    push(pr_set_array(o, "diagnostics"), pr_lsp_diagnostic(t->s, d, f));
    pr_set(o, "edit", edit);
    return o;
}

static void add_fix(struct pr_lsp_turn *t, const struct pr_lsp_doc *d, const struct pr_lsp_found *f, json_t *list) {
    struct pr_lsp_place p = {0};
    struct pr_fix_plan plan = {0};
    struct pr_err ignored = {0};
    const struct pr_lsp *s = t->s;
    if (!f->fixable || pr_lsp_place(s, d, t->a, &p, &ignored) != PR_OK || is_applied(s, &p)) return;
    /* The folder as it is on disk: it says which numbers are free. */
    const struct pr_fix_job job = {.migration = p.m, .folder = p.folder != NULL ? s->folder : NULL, .root = p.root, .facts = s->start->facts,
                                   .version_num = s->start->version_num, .config = s->config, .runner = s->start->runner, .overlay = p.open, .n_overlay = p.n_open,
                                   .rule = f->rule, .line = f->line};
    if (pr_fix_migration(&job, t->a, &plan, &ignored) != PR_OK || plan.n == 0 || plan.n_taken == 0) return;
    bool creates = false;
    for (size_t i = 0; i < plan.n; i++) creates |= plan.files[i].before == NULL;
    if (creates && !s->creates) return;
    const struct pr_fix_note *note = &plan.taken[0];
    const char *title = note->assumes == NULL ? note->text : pr_fmt(t->a, "%s (right when %s)", note->text, note->assumes);
    json_t *o = action(t, d, f, title, s->creates ? workspace_edit(t, &plan) : plain_edit(t, &plan));
    pr_set_bool(o, "isPreferred", note->assumes == NULL);
    push(list, o);
}

/* Without a reason an ignore hides nothing: the person writes it. */
static void add_ignore(struct pr_lsp_turn *t, const struct pr_lsp_doc *d, const struct pr_lsp_found *f, json_t *list) {
    if (pr_rule_find(f->rule) == NULL) return;
    size_t line = f->stmt;
    while (line > 0 && d->text[line - 1] != '\n' && d->text[line - 1] != '\r') line--;
    const size_t indent = strspn(d->text + line, " \t");
    const char *text = pr_fmt(t->a, "%.*s-- pgrail:ignore %s \n", (int)indent, d->text + line, f->rule);
    json_t *edit = json_object(), *changes = pr_set_object(edit, "changes");
    push(pr_set_array(changes, d->uri), text_edit(t->s, d->text, d->len, line, line, text, strlen(text)));
    push(list, action(t, d, f, pr_fmt(t->a, "ignore %s here (write the reason behind it)", f->rule), edit));
}

json_t *pr_lsp_actions(struct pr_lsp_turn *t, const json_t *params) {
    enum { MOST = 20 };                                     /* findings of one place */
    json_t *list = json_array();
    const struct pr_lsp_doc *d = doc_of(t, params);
    const json_t *range = pr_get(params, "range");
    if (d == NULL || range == NULL) return list;
    const size_t from = pr_lsp_offset(t->s, d->text, d->len, pr_get(range, "start")), to = pr_lsp_offset(t->s, d->text, d->len, pr_get(range, "end"));
    int n = 0;
    for (size_t i = 0; i < d->n_found && n < MOST; i++) {
        const struct pr_lsp_found *f = &d->found[i];
        if (f->to < from || f->from > to) continue;
        n++;
        add_fix(t, d, f, list);
        add_ignore(t, d, f, list);
    }
    return list;
}

/* --- completion ------------------------------------------------------------------------------------------------------ */

/* Is the place one of a rule's name: behind "pgrail:ignore ", as the first word, or after a comma? */
static bool wants_rule(const struct pr_lsp_doc *d, size_t at) {
    static const char mark[] = "pgrail:ignore";
    size_t line = at;
    while (line > 0 && d->text[line - 1] != '\n') line--;
    const char *hit = memmem(d->text + line, at - line, mark, sizeof mark - 1);
    if (hit == NULL) return false;
    const size_t after = (size_t)(hit - d->text) + sizeof mark - 1;
    if (after >= at || d->text[after] != ' ') return false;
    size_t word = after;
    while (word < at && d->text[word] == ' ') word++;
    return memchr(d->text + word, ' ', at - word) == NULL;
}

json_t *pr_lsp_completion(struct pr_lsp_turn *t, const json_t *params) {
    json_t *list = json_array();
    const struct pr_lsp_doc *d = doc_of(t, params);
    if (d == NULL || !wants_rule(d, pr_lsp_offset(t->s, d->text, d->len, pr_get(params, "position")))) return list;
    for (size_t i = 0; i < pr_n_rules; i++) {
        json_t *o = pr_push_object(list);
        pr_set_str(o, "label", pr_rules[i]->id);
        pr_set_int(o, "kind", 12);                          /* Value */
        pr_set_str(o, "detail", pr_rules[i]->title);
        pr_set_str(o, "documentation", pr_rules[i]->why);
    }
    return list;
}
