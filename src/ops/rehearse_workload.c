/* rehearse_workload.c: the scripts of a foreground, before anything is cloned for them. They are SQL and commands of pgbench; nobody has
 * approved them, so that they may read and write rows of the copy, and nothing else. */
#include "ops/rehearse.h"

#include <ctype.h>
#include <strings.h>
#include <unistd.h>

#include "crypt/crypt.h"
#include "proc/proc.h"
#include "rules/rules.h"
#include "sql/lex.h"

#define CAP_SCRIPT ((size_t)64 << 10)
#define DEFAULT_CLIENTS 8
#define DEFAULT_ALONE_MS 10000
#define ASK_MS 10000

/* ---- commands that run programs. Looked for at every backslash, also in strings and comments: what is a string is pgbench's to decide, and
 * it must not be able to decide otherwise than we do. Source  PostgreSQL, src/bin/pgbench/exprscan.l */

/* A continuation, a backslash at the end of a line, counts as a blank there. */
static size_t past_blanks(const char *s, size_t at) {
    for (;; at++) {
        if (s[at] == '\\' && s[at + 1] == '\n') at++;
        else if (s[at] == '\\' && s[at + 1] == '\r' && s[at + 2] == '\n') at += 2;
        else if (!pr_lex_blank(s[at])) return at;
    }
}

static enum pr_code runs_no_program(const char *shown, const char *text, struct pr_err *e) {
    static const char *const commands[] = {"shell", "setshell"};
    for (const char *s = strchr(text, '\\'); s != NULL; s = strchr(s + 1, '\\')) {
        const size_t word = past_blanks(s, 1);
        for (size_t i = 0; i < PR_COUNT(commands); i++) {
            if (strncasecmp(s + word, commands[i], strlen(commands[i])) != 0) continue;
            int line = 1, col = 1;
            pr_line_col(text, (size_t)(s - text), &line, &col);
            (void)PR_FAIL(e, PR_ERR_REFUSED, "%s:%d: \\%s runs a program on this machine, and nobody has approved this file", shown, line, commands[i]);
            return pr_hint(e, "take it out: \\set, \\gset, \\if and \\sleep do without programs");
        }
    }
    return PR_OK;
}

/* ---- what the SQL is. Lines stay where they are. */

static void add_lines(struct pr_buf *b, const char *text, size_t from, size_t to) {
    for (size_t i = from; i < to; i++)
        if (text[i] == '\n') pr_add(b, "\n");
}

/* Variables that are set, and those that are read: one that is not set is NULL to the server, and finds no row without a word. */
struct variable { const char *name; size_t at; };
struct variables {
    struct pr_arena *a;
    const char *shown, *text;      /* of the script */
    struct variable *read; size_t n_read, read_cap;
    const char **set; size_t n_set, set_cap;
    bool any;                      /* \gset, \aset: what is set is known when it runs */
    const char *hidden;            /* the first that stands in a string, in the text */
};

static int line_of(const struct variables *v, size_t at) {
    int line = 1, col = 1;
    pr_line_col(v->text, at, &line, &col);
    return line;
}

static const char *word_at(const char *s, struct pr_arena *a) {
    size_t n = 0;
    while (s[n] != '\0' && !pr_lex_blank(s[n])) n++;
    return pr_dupn(a, s, n);
}

static void note_command(struct variables *v, const char *command) {
    const char *word = word_at(command, v->a);
    if (pr_eq_nocase(word, "gset") || pr_eq_nocase(word, "aset")) v->any = true;
    if (pr_eq_nocase(word, "set")) *PR_PUSH(v->a, v->set, v->n_set, v->set_cap) = word_at(command + past_blanks(command, strlen(word)), v->a);
}

/* pgbench does not know what a string is: after one colon, a word in it is a variable. */
static void note_string(struct variables *v, size_t from, size_t to) {
    for (size_t i = from; i < to && v->hidden == NULL; i++) {
        if (v->text[i] != ':') continue;
        size_t colons = strspn(v->text + i, ":");
        const char c = v->text[i + colons];
        if (colons == 1 && (isalpha((unsigned char)c) || c == '_' || ((unsigned char)c & 0x80) != 0)) v->hidden = v->text + i;
        i += colons - 1;
    }
}

static enum pr_code all_are_set(const struct variables *v, struct pr_err *e) {
    if (v->hidden != NULL) {
        (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "%s:%d: pgbench takes the word behind a colon for a variable, in a string as well", v->shown, line_of(v, (size_t)(v->hidden - v->text)));
        return pr_hint(e, "put a blank behind the colon");
    }
    static const char *const given[] = {"client_id", "default_seed", "random_seed", "scale"};
    for (size_t i = 0; i < v->n_read && !v->any; i++) {
        bool set = false;
        for (size_t k = 0; k < PR_COUNT(given); k++) set = set || pr_eq(given[k], v->read[i].name);
        for (size_t k = 0; k < v->n_set; k++) set = set || pr_eq(v->set[k], v->read[i].name);
        if (set) continue;
        (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "%s:%d: the variable %s is never set", v->shown, line_of(v, v->read[i].at), v->read[i].name);
        return pr_hint(e, "\\set %s random(1, 1000) in front of it", v->read[i].name);
    }
    return PR_OK;
}

/* From the backslash to the end of its command; it ends the statement in front of it. */
static void skip_command(struct pr_lex *lex, struct pr_token t, struct pr_buf *b, struct variables *v) {
    note_command(v, lex->text + past_blanks(lex->text, t.end));
    size_t end = t.start;
    for (const char *s = lex->text; end < lex->end && s[end] != '\n'; end++) {
        if (s[end] == '\\' && s[end + 1] == '\n') end++;
        else if (s[end] == '\\' && s[end + 1] == '\r' && s[end + 2] == '\n') end += 2;
    }
    if (end > lex->end) end = lex->end;
    pr_add(b, ";");
    add_lines(b, lex->text, t.start, end);
    lex->pos = end;
}

/* Takes the name as well, when it is one. */
static bool take_variable(struct pr_lex *lex, struct pr_token t, struct variables *v) {
    if (lex->text[t.start] != ':' || (t.start > 0 && lex->text[t.start - 1] == ':')) return false;
    struct pr_lex ahead = *lex;
    const struct pr_token name = pr_lex_next(&ahead);
    if (name.kind != PR_LEX_WORD || name.start != t.end) return false;
    *PR_PUSH(v->a, v->read, v->n_read, v->read_cap) = (struct variable){.name = pr_dupn(v->a, lex->text + name.start, name.end - name.start), .at = t.start};
    lex->pos = name.end;
    return true;
}

/* As the server gets it: variables are parameters, and commands and comments are gone. */
static const char *as_sent(const char *text, size_t len, struct variables *v) {
    struct pr_lex lex = {.text = text, .end = len};
    struct pr_buf b = {.a = v->a};
    for (size_t from = 0;; from = lex.pos) {
        const struct pr_token t = pr_lex_next(&lex);
        pr_addn(&b, text + from, t.start - from);
        if (t.kind == PR_LEX_END) return pr_buf_text(&b);
        const char next = t.end < len ? text[t.end] : '\0';
        if (t.kind == PR_LEX_COMMENT) {
            pr_add(&b, " ");
            add_lines(&b, text, t.start, t.end);
        } else if (t.kind == PR_LEX_BACKSLASH && next != ';' && next != ':') {
            skip_command(&lex, t, &b, v);
        } else if (t.kind == PR_LEX_OTHER && take_variable(&lex, t, v)) {
            pr_add(&b, "$1");
        } else if (t.kind != PR_LEX_BACKSLASH) {
            if (t.kind == PR_LEX_STRING) note_string(v, t.start, t.end);
            pr_addn(&b, text + t.start, t.end - t.start);
        }
    }
}

static bool reads_or_writes_rows(const char *tag) {
    static const char *const tags[] = {"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "BEGIN", "START TRANSACTION", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "SET",
                                       "RESET", "SHOW", "LOCK TABLE", "CALL", "PREPARE", "EXECUTE", "DEALLOCATE", "DEALLOCATE ALL", "DECLARE CURSOR", "FETCH", "MOVE",
                                       "CLOSE CURSOR", "SET CONSTRAINTS"};
    for (size_t i = 0; i < PR_COUNT(tags); i++)
        if (pr_eq(tag, tags[i])) return true;
    return false;
}

static enum pr_code is_foreground(const char *shown, const char *text, size_t len, struct pr_arena *a, struct pr_err *e) {
    struct variables v = {.a = a, .shown = shown, .text = text};
    const char *sql = as_sent(text, len, &v);
    const struct pr_migration *m = pr_migration_from_text(shown, sql, strlen(sql), a);
    struct pr_judged judged PR_CLEANUP(pr_judged_done) = {0};
    PR_TRY(e, pr_judge_side(&(struct pr_judge){.migration = m, .side = &m->up}, a, &judged, e));
    if (judged.script.n == 0) return PR_FAIL(e, PR_ERR_BAD_INPUT, "%s: there is no statement in it", shown);
    for (size_t i = 0; i < judged.script.n; i++) {
        const struct pr_stmt *s = &judged.script.stmts[i];
        if (s->inside != NULL) continue;
        if (s->node == NULL) {
            (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "%s:%d: %s", shown, s->problem_line > 0 ? s->problem_line : s->line, s->problem != NULL ? pr_printable(a, s->problem, 300) : "this is not SQL");
            return pr_hint(e, "a workload is a script of pgbench: SQL, and commands such as \\set id random(1, 1000)");
        }
        if (reads_or_writes_rows(s->tag)) continue;
        (void)PR_FAIL(e, PR_ERR_REFUSED, "%s:%d: %s is more than a foreground does, and nobody has approved this file", shown, s->line, s->tag);
        return pr_hint(e, "leave what reads and writes rows: SELECT, INSERT, UPDATE, DELETE, MERGE, CALL, transactions");
    }
    for (size_t i = 0; i < judged.findings.n; i++)
        if (pr_eq(judged.findings.items[i].rule, "reaches-outside"))
            return PR_FAIL(e, PR_ERR_REFUSED, "%s:%d: %s, and nobody has approved this file", shown, judged.findings.items[i].line, judged.findings.items[i].title);
    return all_are_set(&v, e);
}

/* ---- one script */

/* FILE@WEIGHT, as pgbench has it; a file whose name is so is that file. */
static enum pr_code take_weight(const char *given, struct pr_arena *a, const char **path, int64_t *weight, struct pr_err *e) {
    const char *at = strrchr(given, '@');
    *path = given;
    *weight = 1;
    if (at == NULL || access(given, F_OK) == 0) return PR_OK;
    *path = pr_dupn(a, given, (size_t)(at - given));
    return pr_parse_i64(at + 1, 0, 1000000, weight, e) == PR_OK ? PR_OK : pr_prefix(e, "--workload: the weight of %s", *path);
}

/* For the command line and for messages. */
static const char *plain_name(const char *path, size_t nth, struct pr_arena *a) {
    const char *slash = strrchr(path, '/');
    char *name = pr_dup(a, slash != NULL ? slash + 1 : path);
    for (char *s = name; *s != '\0'; s++)
        if (!isalnum((unsigned char)*s) && *s != '.' && *s != '_' && *s != '-') *s = '_';
    if (name[0] == '-' || name[0] == '.') name[0] = '_';
    return nth == 0 ? name : pr_fmt(a, "%zu-%s", nth + 1, name);
}

static enum pr_code read_script(const char *given, size_t nth, struct pr_arena *a, struct pr_workload_script *out, struct pr_err *e) {
    struct pr_workload_script s = {0};
    const char *path = NULL;
    PR_TRY(e, take_weight(given, a, &path, &s.weight, e));
    PR_TRY(e, pr_read_text(a, path, CAP_SCRIPT, &s.text, &s.len, e));
    const char *shown = pr_printable(a, path, 200);
    PR_TRY(e, runs_no_program(shown, s.text, e));
    PR_TRY(e, is_foreground(shown, s.text, s.len, a, e));
    s.name = plain_name(path, nth, a);
    s.sha256 = pr_sha256_text(a, s.text);
    *out = s;
    return PR_OK;
}

/* ---- pgbench */

static enum pr_code find_pgbench(struct pr_arena *a, struct pr_workload *w, struct pr_err *e) {
    const char *named = getenv("PGRAIL_PGBENCH");
    w->program = named != NULL ? pr_proc_find(named, a) : pr_server_program("pgbench", 0, a);
    if (w->program == NULL) {
        (void)PR_FAIL(e, PR_ERR_PROC, "%s: no such program, and --workload needs it", named != NULL ? pr_printable(a, named, 200) : "pgbench");
        return pr_hint(e, "apt install postgresql (elsewhere it is in postgresql-contrib), or name it in PGRAIL_PGBENCH");
    }
    struct pr_proc_done done = {0};
    PR_TRY(e, pr_proc_run(&(struct pr_proc){.argv = (const char *const[]){w->program, "--version", NULL}, .timeout_ms = ASK_MS, .max_output = 256}, a, &done, e));
    const char *version = strstr(done.out, ") ");
    if (done.status != 0 || !pr_starts(done.out, "pgbench ") || version == NULL) return PR_FAIL(e, PR_ERR_PROC, "%s: it is no pgbench", w->program);
    w->version = pr_printable(a, pr_fmt(a, "pgbench %s", pr_dupn(a, version + 2, strcspn(version + 2, " \n"))), 60);
    return PR_OK;
}

static enum pr_code goes_without(const struct pr_ops_workload *ask, struct pr_err *e) {
    if (ask->rate == 0 && ask->clients == 0 && ask->alone_ms == 0) return PR_OK;
    return PR_FAIL(e, PR_ERR_USAGE, "--%s is of use with --workload alone", ask->rate != 0 ? "rate" : ask->clients != 0 ? "clients" : "alone");
}

enum pr_code pr_ops_workload_read(const struct pr_ops_workload *ask, struct pr_arena *a, struct pr_workload *out, struct pr_err *e) {
    const struct pr_list own = {.items = (const char *[]){ask->environment->workload}, .n = ask->environment->workload != NULL ? 1 : 0};
    const struct pr_list files = ask->files.n > 0 ? ask->files : own;
    if (files.n == 0 || (files.n == 1 && pr_eq(files.items[0], "none"))) return goes_without(ask, e);
    struct pr_workload w = {.rate = ask->rate > 0 ? ask->rate : ask->environment->workload_rate, .clients = ask->clients > 0 ? ask->clients : DEFAULT_CLIENTS,
                            .alone_ms = ask->alone_ms > 0 ? ask->alone_ms : DEFAULT_ALONE_MS};
    struct pr_workload_script *scripts = PR_NEW_ARRAY(a, struct pr_workload_script, files.n);
    struct pr_buf title = {.a = a};
    int64_t weights = 0;
    for (size_t i = 0; i < files.n; i++) {
        PR_TRY(e, read_script(files.items[i], i, a, &scripts[i], e));
        pr_addf(&title, "%s%s", i > 0 ? ", " : "", scripts[i].name);
        weights += scripts[i].weight;
    }
    if (weights == 0) return PR_FAIL(e, PR_ERR_USAGE, "--workload: every script has weight 0");
    PR_TRY(e, find_pgbench(a, &w, e));
    w.scripts = scripts;
    w.n = files.n;
    w.title = pr_buf_text(&title);
    *out = w;
    return PR_OK;
}
