/* fix_build.c: the files of a migration when its fixes are taken. What must stand in a transaction of its own, or outside of any,
 * goes into migrations of its own, directly behind; what is left keeps every byte. */
#include <ctype.h>

#include "rules/fix_impl.h"
#include "sql/lex.h"

struct placed { struct pr_edit edit; const char *path; size_t order; };

/* A step that goes into a migration of its own. */
struct later { const char *sql, *undo, *word; bool joins, absorbs; size_t phase, order, nth; };

struct build {
    struct pr_fix_work *w;
    struct pr_arena *a;
    struct placed *edits; size_t n_edits, cap_edits;       /* in files */
    struct later *later; size_t n_later, cap_later;
    bool alone[2];                 /* the side must run outside of a transaction */
    bool in_place;                 /* every statement of up is a transaction of its own, or can be */
    size_t n_kept;                 /* statements of up that stay and may share a transaction */
    bool first_stays;              /* nothing else is left in up: the first that would move stays */
    bool refused;
};

static bool refuse(struct build *b, struct pr_take *t, const char *why) {
    t->off = b->refused = true;
    t->why = why;
    return false;
}

const struct pr_side *pr_fix_side(const struct pr_migration *m, bool is_down) { return is_down ? &m->down : &m->up; }

static const struct pr_script *script_of(const struct build *b, bool is_down) { return &b->w->sides[is_down].script; }

/* An edit in a side's text. */
static void edit(struct build *b, bool is_down, size_t from, size_t to, const char *text) {
    *PR_PUSH(b->a, b->edits, b->n_edits, b->cap_edits) = (struct placed){
        .edit = {.from = from, .to = to, .text = text}, .path = is_down ? "down" : "up", .order = b->n_edits};
}

/* The statement with the edits of all its fixes. */
static const char *edited(const struct build *b, const struct pr_stmt *s, const struct pr_fix *fix) {
    struct pr_buf out = {.a = b->a, .cap = PR_CAP_SQL + 4096};
    size_t at = s->offset;
    const char *text = script_of(b, false)->text;
    for (size_t i = 0; i < fix->n_edits; i++) {
        pr_addn(&out, text + at, fix->edits[i].from - at);
        pr_add(&out, fix->edits[i].text);
        at = fix->edits[i].to;
    }
    pr_addn(&out, text + at, s->offset + s->len - at);
    return pr_buf_text(&out);
}

/* Behind the statement's semicolon; where there is none, behind the statement, and *open is true. */
static size_t behind(const struct pr_script *s, const struct pr_stmt *stmt, bool *open) {
    struct pr_lex lex = {.text = s->text, .pos = stmt->offset + stmt->len, .end = s->len};
    const struct pr_token t = pr_lex_next(&lex);
    *open = t.kind != PR_LEX_SEMI;
    return *open ? stmt->offset + stmt->len : t.end;
}

static bool is_header(const char *line, size_t n) {
    static const char *const words[] = {"rationale:", "author:", "grounding:", "migrate:", "+goose", "no-transaction"};
    size_t at = 0;
    while (at < n && (line[at] == '-' || line[at] == ' ' || line[at] == '\t')) at++;
    for (size_t i = 0; i < PR_COUNT(words); i++)
        if (n - at >= strlen(words[i]) && strncmp(line + at, words[i], strlen(words[i])) == 0) return true;
    return false;
}

/* First byte of the comment lines directly above a statement that begins its line; else of the statement. */
static size_t with_comments(const struct pr_script *s, const struct pr_stmt *stmt, size_t floor) {
    size_t start = stmt->offset;
    while (start > floor && (s->text[start - 1] == ' ' || s->text[start - 1] == '\t')) start--;
    if (start > 0 && s->text[start - 1] != '\n') return stmt->offset;
    while (start > floor + 1) {
        size_t line = start - 1;
        while (line > floor && s->text[line - 1] != '\n') line--;
        size_t word = line;
        while (word < start && (s->text[word] == ' ' || s->text[word] == '\t')) word++;
        if (s->text[word] != '-' || s->text[word + 1] != '-' || is_header(s->text + line, start - line)) break;
        start = line;
    }
    return start;
}

/* What goes when a statement goes: the comments above it, itself with its semicolon, and a comment behind it on its line; with the
 * line's end when nothing else stands on the line. */
struct span { size_t from, to; const char *above, *beside; };

static struct span span_of(const struct build *b, const struct pr_script *s, int i) {
    bool open = false;
    const size_t floor = i > 0 ? behind(s, &s->stmts[i - 1], &open) : 0;
    struct span x = {.from = with_comments(s, &s->stmts[i], floor), .to = behind(s, &s->stmts[i], &open), .beside = ""};
    x.above = pr_dupn(b->a, s->text + x.from, s->stmts[i].offset - x.from);
    size_t end = x.to;
    while (end < s->len && (s->text[end] == ' ' || s->text[end] == '\t' || s->text[end] == '\r')) end++;
    if (end + 1 < s->len && s->text[end] == '-' && s->text[end + 1] == '-') {
        while (end < s->len && s->text[end] != '\n' && s->text[end] != '\r') end++;
        x.beside = pr_dupn(b->a, s->text + x.to, end - x.to);
        x.to = end;
        end += end < s->len && s->text[end] == '\r';
    }
    const bool own_line = x.from == 0 || s->text[x.from - 1] == '\n';
    if (end < s->len && s->text[end] == '\n' && own_line) x.to = end + 1;
    return x;
}

static void push_later(struct build *b, size_t order, size_t phase, const struct pr_fix_step *step, const char *sql) {
    *PR_PUSH(b->a, b->later, b->n_later, b->cap_later) = (struct later){
        .sql = sql != NULL ? sql : step->sql, .undo = step->undo, .word = step->word, .joins = step->joins, .absorbs = step->absorbs, .phase = phase, .order = order, .nth = b->n_later};
}

/* --- one statement -------------------------------------------------------------------------------------------------- */

static bool stays_first(const struct pr_fix *fix) { return fix->n_steps == 0 || !fix->steps[0].outside; }

static void edit_statement(struct build *b, const struct pr_take *t) {
    for (size_t i = 0; i < t->fix->n_edits; i++) edit(b, t->is_down, t->fix->edits[i].from, t->fix->edits[i].to, t->fix->edits[i].text);
}

/* All steps at the place of the statement, one after the other. */
static void put_in_place(struct build *b, const struct pr_take *t) {
    const struct pr_script *s = script_of(b, t->is_down);
    const struct pr_stmt *stmt = &s->stmts[t->finding->stmt];
    bool self_seen = t->fix->n_steps == 0, open = false;
    struct pr_buf after = {.a = b->a};
    const size_t end = behind(s, stmt, &open);
    for (size_t i = 0; i < t->fix->n_steps; i++) {
        const struct pr_fix_step *step = &t->fix->steps[i];
        if (step->sql == NULL) self_seen = true;
        else if (!self_seen) edit(b, t->is_down, stmt->offset, stmt->offset, pr_fmt(b->a, "%s\n", step->sql));
        else pr_addf(&after, "%s\n%s", open && after.len == 0 ? ";" : "", step->sql);
        if (step->outside) b->alone[t->is_down] = true;
    }
    edit_statement(b, t);
    if (after.len > 0) edit(b, t->is_down, end, end, pr_buf_text(&after));
}

static bool can_wait(struct build *b, struct pr_take *t, bool gone) {
    const struct pr_script *s = script_of(b, false);
    for (size_t j = (size_t)t->finding->stmt + 1; j < s->n; j++) {
        bool moves = false;
        for (size_t k = 0; k < b->w->n; k++) {
            const struct pr_take *o = &b->w->takes[k];
            moves |= !o->off && !o->is_down && o->finding->stmt == (int)j && !stays_first(o->fix);
        }
        if (!moves && !pr_fix_passes(s, t->finding->stmt, (int)j, t->fix->undo_name, gone, b->a))
            return refuse(b, t, pr_fmt(b->a, "it would have to move behind line %d, which may need it", s->stmts[j].line + pr_fix_side(b->w->job->migration, false)->first_line - 1));
    }
    return true;
}

/* The down script's statement that takes back what moves goes with it; what changes there changes. */
static bool mend_down(struct build *b, struct pr_take *t, const char *becomes, struct span *gone) {
    const struct pr_script *down = script_of(b, true);
    if (t->fix->undo_kind == PR_UNDO_KEPT || down->n == 0) return true;
    const struct pr_undone u = pr_fix_undone(down, t->fix, b->a);
    const bool command = t->fix->undo_becomes != NULL;
    if (u.how == PR_UNDONE_NOWHERE && command) return refuse(b, t, "its down script does not take it back, so that of the new migrations could not either");
    if (u.how == PR_UNDONE_NOWHERE || u.how == PR_UNDONE_COVERED) return becomes == NULL || refuse(b, t, "its down script does not take it back by itself");
    if (command) {
        edit(b, true, u.from, u.to, t->fix->undo_becomes);
        return true;
    }
    if (u.how == PR_UNDONE_AMONG) return refuse(b, t, "its down script takes it back together with something else");
    if (becomes != NULL) {
        edit(b, true, u.from, u.to, becomes);
    } else {
        *gone = span_of(b, down, u.stmt);
        edit(b, true, gone->from, gone->to, "");
    }
    for (size_t k = 0; k < b->w->n; k++)                    /* its own fix has nothing left to mend */
        if (b->w->takes[k].is_down && !b->w->takes[k].off && b->w->takes[k].finding->stmt == u.stmt)
            return refuse(b, &b->w->takes[k], "what it is about goes into a down script of its own");
    return true;
}

static const char *sans_semicolon(struct pr_arena *a, const char *sql) { return pr_dupn(a, sql, strlen(sql) - (pr_ends(sql, ";") ? 1 : 0)); }

/* The first statement that would move, in a file that would be left empty: its first step stays. */
static bool keep_first(struct build *b, struct pr_take *t, const struct pr_stmt *stmt, const char *self) {
    const struct pr_fix *fix = t->fix;
    b->alone[0] = true;
    b->first_stays = false;
    if (fix->steps[0].sql == NULL) edit_statement(b, t);
    else edit(b, false, stmt->offset, stmt->offset + stmt->len, sans_semicolon(b->a, fix->steps[0].sql));
    for (size_t i = 1; i < fix->n_steps; i++) push_later(b, (size_t)stmt->index, i, &fix->steps[i], fix->steps[i].sql == NULL ? self : NULL);
    return fix->steps[0].sql == NULL || mend_down(b, t, sans_semicolon(b->a, fix->steps[0].undo), NULL);
}

static bool can_stand_alone(struct build *b, struct pr_take *t, size_t from) {
    for (size_t i = from; i < t->fix->n_steps; i++)
        if (t->fix->steps[i].undo == NULL || t->fix->steps[i].word == NULL)
            return refuse(b, t, "it shares its file with statements that need the transaction: give it a migration of its own");
    if (b->w->job->folder == NULL) return refuse(b, t, "it takes a migration of its own, and this file lies outside of a migrations folder");
    return true;
}

static bool take_up(struct build *b, struct pr_take *t) {
    const struct pr_script *s = script_of(b, false);
    const struct pr_stmt *stmt = &s->stmts[t->finding->stmt];
    const struct pr_fix *fix = t->fix;
    if (fix->n_steps == 0 || b->in_place) {
        put_in_place(b, t);
        return true;
    }
    if (pr_side_tx(pr_fix_side(b->w->job->migration, false)) == PR_TX_OWN) return refuse(b, t, "the script steers its own transactions");
    const bool stays = stays_first(fix);
    const char *self = pr_fmt(b->a, "%s;", edited(b, stmt, fix));
    if (!stays && b->first_stays) return can_stand_alone(b, t, 1 + (fix->n_steps < 2)) && keep_first(b, t, stmt, self);
    struct span undo = {.above = "", .beside = ""};
    if (!can_stand_alone(b, t, stays ? 1 : 0) || !can_wait(b, t, fix->leaned_on) || !mend_down(b, t, NULL, &undo)) return false;
    if (stays) {
        edit_statement(b, t);
        for (size_t i = 1; i < fix->n_steps; i++) push_later(b, (size_t)stmt->index, i, &fix->steps[i], NULL);
        return true;
    }
    const struct span x = span_of(b, s, stmt->index);       /* comments go along with what they are about */
    for (size_t i = 0; i < fix->n_steps; i++) {
        struct pr_fix_step step = fix->steps[i];
        const char *sql = step.sql != NULL ? step.sql : self;
        if (i + 1 == fix->n_steps) step.undo = pr_fmt(b->a, "%s%s%s", undo.above, step.undo, undo.beside);
        push_later(b, (size_t)stmt->index, i, &step, i == 0 ? pr_fmt(b->a, "%s%s%s", x.above, sql, x.beside) : sql);
    }
    edit(b, false, x.from, x.to, "");
    return true;
}

/* A down script stays one file: only what fits into it. */
static bool take_down(struct build *b, struct pr_take *t) {
    const struct pr_side *side = pr_fix_side(b->w->job->migration, true);
    const bool each = pr_side_tx(side) == PR_TX_EACH && b->w->runs_each;
    if (t->fix->n_steps > 0 && !each && (script_of(b, true)->n > 1 || t->fix->n_steps > 1))
        return refuse(b, t, "a down script is one file, and this takes more than one transaction");
    put_in_place(b, t);
    return true;
}

/* --- files ---------------------------------------------------------------------------------------------------------- */

static int by_phase(const void *x, const void *y) {
    const struct later *a = x, *b = y;
    if (a->phase != b->phase) return a->phase < b->phase ? -1 : 1;
    if (a->joins != b->joins) return a->joins ? -1 : 1;
    if (a->order != b->order) return a->order < b->order ? -1 : 1;
    return a->nth < b->nth ? -1 : a->nth > b->nth;
}

static int by_offset(const void *x, const void *y) {
    const struct placed *a = x, *b = y;
    const int c = strcmp(a->path, b->path);
    if (c != 0) return c;
    if (a->edit.from != b->edit.from) return a->edit.from < b->edit.from ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

/* The name of a migration that holds a step: that of the one that it comes from, and the step's word. */
static const char *name_of(const struct build *b, const struct later *l) {
    struct pr_buf out = {.a = b->a};
    const char *from = b->w->job->migration->name, *word = l->word;
    pr_addn(&out, from, strnlen(from, 50));
    pr_add(&out, "_");
    for (size_t i = 0; word[i] != '\0' && i < 45; i++) {
        const char ch = isalnum((unsigned char)word[i]) && (unsigned char)word[i] < 0x80 ? word[i] : '_';
        pr_addn(&out, &ch, 1);
    }
    return pr_buf_text(&out);
}

static bool has_down(const struct pr_fix_job *job) {
    const struct pr_migration *m = job->migration;
    const char *layout = job->folder->layout;
    return m->down.path != NULL || pr_eq(layout, "golang-migrate") || pr_eq(layout, "dbmate") || pr_eq(layout, "goose") || pr_eq(layout, "diesel");
}

/* One new migration from later[*at] on; steps that may share it are taken with it. */
static enum pr_code put_migration(struct build *b, struct pr_fix_plan *plan, size_t *at, int *nth, struct pr_err *e) {
    const struct pr_fix_job *job = b->w->job;
    const struct later *first = &b->later[*at];
    struct pr_buf up = {.a = b->a}, down = {.a = b->a};
    pr_add(&up, first->sql);
    pr_add(&down, first->undo);
    for (++*at; *at < b->n_later; ++*at) {
        const struct later *l = &b->later[*at];
        const bool joined = l->joins && first->joins && pr_eq(l->word, first->word) && l->phase == first->phase;
        const bool absorbed = l->absorbs && l->order == first->order && b->w->runs_each;
        if (!joined && !absorbed) break;
        pr_addf(&up, "\n%s", l->sql);
        const char *undo = absorbed ? l->undo : pr_fmt(b->a, "%s\n%s", l->undo, pr_buf_text(&down));
        down = (struct pr_buf){.a = b->a};
        pr_add(&down, undo);
    }
    const struct pr_new n = {.name = name_of(b, first), .author = job->migration->author, .up_sql = pr_buf_text(&up), .down_sql = has_down(job) ? pr_buf_text(&down) : NULL,
                             .rationale = pr_fmt(b->a, "split from %s: it takes a transaction of its own", job->migration->id)};
    struct pr_change files[3];
    size_t count = 0;
    const char *id = NULL;
    PR_TRY(e, pr_migration_plan(job->folder, job->migration, ++*nth, &n, b->a, files, &count, &id, e));
    for (size_t i = 0; i < count; i++)
        *PR_PUSH(b->a, plan->files, plan->n, plan->cap) = (struct pr_fix_file){.path = files[i].path, .after = files[i].text, .after_len = files[i].len};
    return PR_OK;
}

/* The index and what takes it over stand side by side where they can share a file. */
static void absorb(struct build *b) {
    for (size_t i = 0; i < b->n_later; i++)
        if (b->later[i].absorbs && b->w->runs_each) b->later[i].phase = 0;
}

enum pr_code pr_fix_text(const struct pr_fix_work *w, const char *shown, const char **path, const char **text, size_t *len, struct pr_err *e) {
    const struct pr_fix_job *job = w->job;
    *path = shown[0] == '/' ? shown : pr_fmt(w->a, "%s/%s", job->root, shown);
    for (size_t i = 0; i < job->n_overlay; i++) {
        if (!pr_eq(job->overlay[i].path, *path) && !pr_eq(job->overlay[i].path, shown)) continue;
        *text = job->overlay[i].text;
        *len = job->overlay[i].len;
        return PR_OK;
    }
    return pr_read_text(w->a, *path, PR_CAP_FILE, text, len, e);
}

/* What needs what cannot be had: a number for a migration of its own, or a way out of the transaction. */
static enum pr_code turn_off(struct build *b, bool outside, struct pr_err *e) {
    const char *why = pr_dup(b->a, e->msg);
    for (size_t i = 0; i < b->w->n; i++) {
        struct pr_take *t = &b->w->takes[i];
        if (!t->off && (outside ? t->fix->n_steps > 0 : !t->is_down && (t->fix->n_steps > 1 || !stays_first(t->fix)))) (void)refuse(b, t, why);
    }
    if (!b->refused) return e->code;
    *e = (struct pr_err){0};
    return PR_OK;
}

/* Edits of a side's text become edits of its file, which must be what was judged. */
static enum pr_code to_file(struct build *b, bool is_down, struct pr_err *e) {
    const struct pr_side *side = pr_fix_side(b->w->job->migration, is_down);
    const char *path = NULL, *text = NULL;
    size_t len = 0;
    PR_TRY(e, pr_fix_text(b->w, side->path, &path, &text, &len, e));
    const size_t start = pr_side_start(side, text, len);
    bool same = side->len <= len - start;
    for (size_t i = 0; same && i < side->len; i++) same = side->text[i] == text[start + i] || side->text[i] == ' ';
    if (!same) return PR_FAIL(e, PR_ERR_BAD_INPUT, "%s: changed while it was being judged", side->path);
    for (size_t i = 0; i < b->n_edits; i++) {
        if (!pr_eq(b->edits[i].path, is_down ? "down" : "up")) continue;
        b->edits[i].path = path;
        b->edits[i].edit.from += start;
        b->edits[i].edit.to += start;
    }
    if (!b->alone[is_down] || pr_side_tx(side) == PR_TX_EACH) return PR_OK;
    struct pr_alone how = {0};
    size_t n = 0;
    if (pr_migration_alone(b->w->job->folder, b->w->job->migration, is_down, text, len, b->a, &how, &n, e) != PR_OK) return turn_off(b, true, e);
    if (n > 0 && how.pair && script_of(b, !is_down)->n > 1 && pr_side_tx(pr_fix_side(b->w->job->migration, !is_down)) == PR_TX_ONE) {
        (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "its runner would do the other side without a transaction too, and that has several statements");
        return turn_off(b, true, e);
    }
    const char *to = how.path != NULL ? how.path : path;
    for (size_t i = 0; i < b->n_edits; i++)                 /* the other side has said so already, for both */
        if (n > 0 && pr_eq(b->edits[i].path, to) && b->edits[i].edit.from == how.at && pr_eq(b->edits[i].edit.text, how.text)) n = 0;
    if (n > 0) *PR_PUSH(b->a, b->edits, b->n_edits, b->cap_edits) = (struct placed){.edit = {.from = how.at, .to = how.at, .text = how.text}, .path = to, .order = b->n_edits};
    return PR_OK;
}

/* The edits of one file, sorted, become its new text. */
static enum pr_code put_file(struct build *b, struct pr_fix_plan *plan, size_t *at, struct pr_err *e) {
    const char *path = b->edits[*at].path, *text = NULL, *ignored = NULL;
    size_t len = 0, done = 0;
    struct pr_err none = {0};
    const bool there = pr_fix_text(b->w, path, &ignored, &text, &len, &none) == PR_OK;
    if (!there) text = "";
    struct pr_buf out = {.a = b->a, .cap = PR_CAP_FILE + ((size_t)1 << 20)};
    for (; *at < b->n_edits && pr_eq(b->edits[*at].path, path); ++*at) {
        const struct pr_edit *x = &b->edits[*at].edit;
        if (x->from < done || x->to > len) return PR_FAIL(e, PR_ERR_BAD_INPUT, "two fixes change the same words");
        pr_addn(&out, text + done, x->from - done);
        pr_add(&out, x->text);
        done = x->to;
    }
    pr_addn(&out, text + done, len - done);
    if (out.over) return PR_FAIL(e, PR_ERR_BAD_INPUT, "%s: the file becomes too long", path);
    *PR_PUSH(b->a, plan->files, plan->n, plan->cap) = (struct pr_fix_file){.path = path, .before = there ? text : NULL, .before_len = len, .after = pr_buf_text(&out), .after_len = out.len};
    return PR_OK;
}

static enum pr_code put_files(struct build *b, struct pr_fix_plan *plan, struct pr_err *e) {
    const struct pr_migration *m = b->w->job->migration;
    int nth = 0;
    PR_TRY(e, to_file(b, false, e));
    if (m->down.path != NULL) PR_TRY(e, to_file(b, true, e));
    if (b->refused) return PR_OK;
    if (b->n_edits > 1) qsort(b->edits, b->n_edits, sizeof *b->edits, by_offset);
    for (size_t at = 0; at < b->n_edits;) PR_TRY(e, put_file(b, plan, &at, e));
    absorb(b);
    if (b->n_later > 1) qsort(b->later, b->n_later, sizeof *b->later, by_phase);
    for (size_t at = 0; at < b->n_later;) {
        if (put_migration(b, plan, &at, &nth, e) == PR_OK) continue;
        if (e->code != PR_ERR_BAD_INPUT) return e->code;
        return turn_off(b, false, e);
    }
    return PR_OK;
}

/* --- a migration ---------------------------------------------------------------------------------------------------- */

/* A second fix of a statement that leaves its place, or that changes the same words, waits for the next time. */
static bool is_second(struct build *b, size_t i) {
    struct pr_take *t = &b->w->takes[i];
    for (size_t k = 0; k < i; k++) {
        const struct pr_take *o = &b->w->takes[k];
        if (o->off || o->is_down != t->is_down || o->finding->stmt != t->finding->stmt) continue;
        if (!stays_first(o->fix) || !stays_first(t->fix)) return !refuse(b, t, "another fix of the same statement comes first");
    }
    return false;
}

static void look_at_up(struct build *b) {
    const struct pr_script *s = script_of(b, false);
    const struct pr_side *side = pr_fix_side(b->w->job->migration, false);
    size_t moving = 0;
    for (size_t i = 0; i < b->w->n; i++) {
        const struct pr_take *t = &b->w->takes[i];
        moving += !t->off && !t->is_down && !stays_first(t->fix);
    }
    b->n_kept = s->n > moving ? s->n - moving : 0;
    b->in_place = b->w->runs_each && pr_side_tx(side) != PR_TX_OWN && (pr_side_tx(side) == PR_TX_EACH || (b->n_kept == 0 && moving > 0));
    b->first_stays = b->n_kept == 0;
}

enum pr_code pr_fix_build(struct pr_fix_work *w, struct pr_fix_plan *plan, bool *again, struct pr_err *e) {
    struct build b = {.w = w, .a = w->a};
    for (size_t i = 0; i < w->n; i++)
        if (!w->takes[i].off) (void)is_second(&b, i);
    look_at_up(&b);
    for (size_t i = 0; i < w->n && !b.refused; i++) {
        struct pr_take *t = &w->takes[i];
        if (!t->off) (void)(t->is_down ? take_down(&b, t) : take_up(&b, t));
    }
    *again = b.refused;
    if (b.refused || (b.n_edits == 0 && b.n_later == 0)) return PR_OK;
    struct pr_fix_plan p = *plan;
    PR_TRY(e, put_files(&b, &p, e));
    *again = b.refused;
    if (!b.refused) *plan = p;
    return PR_OK;
}
