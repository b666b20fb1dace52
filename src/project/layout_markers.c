/* layout_markers.c: both sides in one file, parted by comment lines: dbmate and goose.
 * Sources dbmate pkg/dbmate/migration.go, goose internal/sqlparser/parser.go. */
#include <ctype.h>

#include "project/folder.h"

/* Blanks the lines that belong to another side, so that the lines of this one keep their numbers. */
static void blank(char *text, size_t from, size_t to) {
    for (size_t i = from; i < to; i++)
        if (text[i] != '\n') text[i] = ' ';
}

static void cut_one(struct pr_arena *a, const char *shown, const struct pr_file *file, const enum pr_mark *of_line, const size_t *starts,
                    size_t n_lines, enum pr_mark mine, struct pr_side *side) {
    size_t first = n_lines, last = 0;
    for (size_t i = 0; i < n_lines; i++) {
        if (of_line[i] != mine) continue;
        if (first == n_lines) first = i;
        last = i;
    }
    if (first == n_lines) return;
    char *text = pr_dupn(a, file->text + starts[first], starts[last + 1] - starts[first]);
    for (size_t i = first; i <= last; i++)
        if (of_line[i] != mine) blank(text, starts[i] - starts[first], starts[i + 1] - starts[first]);
    pr_side_fill(a, side, shown, text, starts[last + 1] - starts[first], (int)first + 1, PR_TX_RULE_WRAPPED);
}

void pr_cut_sides(struct pr_arena *a, const char *shown, const struct pr_file *file, enum pr_mark (*mark)(const char *line, size_t n),
                  struct pr_cut *out) {
    struct pr_arena *scratch PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    size_t n = 0;
    for (size_t i = 0; i < file->len; i++) n += file->text[i] == '\n';
    enum pr_mark *of_line = PR_NEW_ARRAY(scratch, enum pr_mark, n + 1);
    size_t *starts = PR_NEW_ARRAY(scratch, size_t, n + 2);
    enum pr_mark now = PR_MARK_UP;                             /* the header above the first marker is up's */
    size_t at = 0, lines = 0;
    for (; at < file->len; lines++) {
        const char *nl = memchr(file->text + at, '\n', file->len - at);
        const size_t end = nl != NULL ? (size_t)(nl - file->text) : file->len;
        const enum pr_mark m = mark(file->text + at, end - at);
        if (m != PR_MARK_NONE) now = m;
        if (m == PR_MARK_UP && out->n_up++ == 0) out->up_line = (int)lines + 1;
        out->n_down += m == PR_MARK_DOWN;
        of_line[lines] = now;
        starts[lines] = at;
        at = nl != NULL ? end + 1 : file->len;
    }
    starts[lines] = file->len;
    if (out->n_up > 0) cut_one(a, shown, file, of_line, starts, lines, PR_MARK_UP, &out->up);
    if (out->n_down > 0) cut_one(a, shown, file, of_line, starts, lines, PR_MARK_DOWN, &out->down);
}

/* N_name.sql → version and name; id is the file's name without its end. */
static bool take_apart(struct pr_arena *a, const char *file, const char **version, const char **name, const char **id) {
    const size_t digits = pr_digits(file);
    if (digits == 0 || digits > 19 || strchr(file, '/') != NULL || !pr_ends(file, ".sql")) return false;
    const size_t len = strlen(file) - 4;
    *version = pr_dupn(a, file, digits);
    *id = pr_dupn(a, file, len);
    *name = file[digits] == '_' ? pr_dupn(a, file + digits + 1, len - digits - 1) : pr_dupn(a, file + digits, len - digits);
    return true;
}

/* The words of a comment line behind its "--", without outer blanks; NULL when the line is no comment from its first byte. */
static const char *comment_words(const char *line, size_t n, size_t *len) {
    if (n < 2 || line[0] != '-' || line[1] != '-') return NULL;
    size_t from = 2, to = n;
    while (from < to && isspace((unsigned char)line[from])) from++;
    while (to > from && isspace((unsigned char)line[to - 1])) to--;
    *len = to - from;
    return line + from;
}

static bool begins(const char *s, size_t n, const char *word) {
    const size_t w = strlen(word);
    return n >= w && memcmp(s, word, w) == 0;
}

static enum pr_mark dbmate_mark(const char *line, size_t n) {
    size_t len = 0;
    const char *s = comment_words(line, n, &len);
    if (s == NULL) return PR_MARK_NONE;
    const enum pr_mark m = begins(s, len, "migrate:up") ? PR_MARK_UP : begins(s, len, "migrate:down") ? PR_MARK_DOWN : PR_MARK_NONE;
    const size_t word = m == PR_MARK_UP ? 10 : 12;
    return m != PR_MARK_NONE && len > word && !isspace((unsigned char)s[word]) ? PR_MARK_NONE : m;
}

static enum pr_mark goose_mark(const char *line, size_t n) {
    size_t len = 0;
    const char *s = comment_words(line, n, &len);
    if (s == NULL) return PR_MARK_NONE;
    if (len == 9 && memcmp(s, "+goose Up", 9) == 0) return PR_MARK_UP;
    return len == 11 && memcmp(s, "+goose Down", 11) == 0 ? PR_MARK_DOWN : PR_MARK_NONE;
}

static size_t marked(const struct pr_reader *r, enum pr_mark (*mark)(const char *line, size_t n)) {
    size_t count = 0;
    for (size_t i = 0; i < r->n; i++) {
        const struct pr_file *f = &r->files[i];
        if (f->text == NULL || !pr_ends(f->name, ".sql") || strchr(f->name, '/') != NULL) continue;
        bool found = false;
        for (size_t at = 0; at < f->len && !found;) {
            const char *nl = memchr(f->text + at, '\n', f->len - at);
            const size_t end = nl != NULL ? (size_t)(nl - f->text) : f->len;
            found = mark(f->text + at, end - at) != PR_MARK_NONE;
            at = end + 1;
        }
        count += found;
    }
    return count;
}

/* How often a directive stands in a side's comment lines: exactly, or as a word of a marker line. */
static int count_directive(const struct pr_side *s, const char *start, const char *word, int *line) {
    int count = 0, at_line = s->first_line;
    for (size_t at = 0; at < s->len; at_line++) {
        const char *nl = memchr(s->text + at, '\n', s->len - at);
        const size_t end = nl != NULL ? (size_t)(nl - s->text) : s->len;
        size_t len = 0;
        const char *c = comment_words(s->text + at, end - at, &len);
        if (c != NULL && begins(c, len, start) && (word == NULL ? len == strlen(start) : memmem(c, len, word, strlen(word)) != NULL)) {
            if (count++ == 0 && line != NULL) *line = at_line;
        }
        at = end + 1;
    }
    return count;
}

/* What stands above the first marker must be comment: the runner refuses anything else. */
static void judge_top(struct pr_reader *r, const struct pr_file *f, const char *shown, const struct pr_cut *cut) {
    size_t top = 0;
    for (int line = 1; line < cut->up_line; line++) {
        const char *nl = memchr(f->text + top, '\n', f->len - top);
        top = (size_t)(nl - f->text) + 1;
    }
    if (pr_has_sql(f->text, top))
        pr_reader_problem(r, "up-missing", shown, 1, true, "statements stand before the up marker: %s refuses the file", r->f->layout);
}

static bool take_file(struct pr_reader *r, struct pr_file *f, enum pr_mark (*mark)(const char *, size_t), const char *marker,
                      struct pr_migration **m) {
    const char *version = NULL, *name = NULL, *id = NULL, *shown = pr_reader_shown(r, f->name);
    if (!take_apart(r->a, f->name, &version, &name, &id)) return false;
    struct pr_cut cut = {0};
    pr_cut_sides(r->a, shown, f, mark, &cut);
    *m = pr_reader_add(r, version, name, id);
    (*m)->up = cut.up;
    (*m)->down = cut.down;
    f->taken = true;
    if (cut.n_up == 0) {
        pr_reader_problem(r, "up-missing", shown, 1, true, "no line \"-- %s\": nothing would run", marker);
        return false;
    }
    if (cut.n_down > 0 && cut.down.first_line < cut.up_line)
        pr_reader_problem(r, "bad-markers", shown, cut.down.first_line, true, "the down marker stands before the up marker");
    else judge_top(r, f, shown, &cut);
    return true;
}

static void dbmate_side(struct pr_reader *r, struct pr_side *side, const char *marker) {
    if (side->path == NULL) return;
    int line = side->first_line;
    const int without = count_directive(side, marker, "transaction:false", &line);
    const int sections = count_directive(side, marker, "", NULL);
    if (without == 0) return;
    pr_side_fill(r->a, side, side->path, side->text, side->len, side->first_line, PR_TX_RULE_ALONE);
    if (without == sections) return;
    pr_reader_problem(r, "mixed-transactions", side->path, line, true, "%d of %d sections say transaction:false", without, sections);
    pr_reader_hint(r, "put them into migrations of their own");
}

static enum pr_code dbmate_read(struct pr_reader *r, struct pr_err *e) {
    (void)e;
    for (size_t i = 0; i < r->n; i++) {
        struct pr_migration *m = NULL;
        if (r->files[i].text == NULL || !take_file(r, &r->files[i], dbmate_mark, "migrate:up", &m)) continue;
        dbmate_side(r, &m->up, "migrate:up");
        dbmate_side(r, &m->down, "migrate:down");
    }
    return PR_OK;
}

static void goose_side(struct pr_reader *r, struct pr_side *side) {
    if (side->path == NULL) return;
    int line = side->first_line;
    const int begun = count_directive(side, "+goose StatementBegin", NULL, &line);
    if (begun != count_directive(side, "+goose StatementEnd", NULL, &line))
        pr_reader_problem(r, "bad-markers", side->path, line, true, "StatementBegin and StatementEnd do not pair");
    if (count_directive(side, "+goose ENVSUBST ON", NULL, &line) > 0)
        pr_reader_problem(r, "bad-markers", side->path, line, true,
                          "ENVSUBST puts environment variables into the statements: what runs is not what stands here");
}

static enum pr_code goose_read(struct pr_reader *r, struct pr_err *e) {
    (void)e;
    for (size_t i = 0; i < r->n; i++) {
        struct pr_migration *m = NULL;
        if (r->files[i].text == NULL || !take_file(r, &r->files[i], goose_mark, "+goose Up", &m)) continue;
        goose_side(r, &m->up);
        goose_side(r, &m->down);
        /* One NO TRANSACTION anywhere counts for both sides. */
        if (count_directive(&m->up, "+goose NO TRANSACTION", NULL, NULL) + count_directive(&m->down, "+goose NO TRANSACTION", NULL, NULL) == 0)
            continue;
        struct pr_side *const sides[] = {&m->up, &m->down};
        for (size_t s = 0; s < 2; s++)
            if (sides[s]->path != NULL)
                pr_side_fill(r->a, sides[s], sides[s]->path, sides[s]->text, sides[s]->len, sides[s]->first_line, PR_TX_RULE_ALONE);
    }
    return PR_OK;
}

static size_t dbmate_evidence(const struct pr_reader *r, const char **why) {
    *why = "files carry -- migrate:up";
    return marked(r, dbmate_mark);
}

static size_t goose_evidence(const struct pr_reader *r, const char **why) {
    *why = "files carry -- +goose Up";
    return marked(r, goose_mark);
}

const struct pr_layout pr_layout_dbmate = {
    .name = "dbmate", .team = true, .has_down = true, .form = "N_name.sql with -- migrate:up and -- migrate:down",
    .evidence = dbmate_evidence, .read = dbmate_read,
};
const struct pr_layout pr_layout_goose = {
    .name = "goose", .team = true, .numeric = true, .has_down = true, .form = "N_name.sql with -- +goose Up and -- +goose Down",
    .evidence = goose_evidence, .read = goose_read,
};
