#include "sql/nodes.h"

#include "rules/help.h"
#include "rules/judge.h"
#include "rules/review.h"

const struct pr_judge_note pr_judge_notes[] = {
    {"not-judged", PR_WARNING, "this statement is not judged",
     "Nothing is known of what it does to others: no finding here does not mean that it is safe.",
     "Rehearse it: the rehearsal shows the locks and the work that were really there."},
    {"ignore-no-reason", PR_WARNING, "this ignore hides nothing", "An ignore needs the rule's name and a reason that the next reader can judge.",
     "Write: -- pgrail:ignore RULE why it is safe here. For a whole file: -- pgrail:ignore-file RULE why"},
    {"ignore-expired", PR_WARNING, "this ignore has expired", "Its date has passed, so the finding is shown again.",
     "Do what the finding says, or renew the date with a reason."},
    {"ignore-hides-nothing", PR_WARNING, "this ignore hides nothing", "The rule that it names finds nothing in this statement.",
     "Remove it: it would hide the next finding of that rule, which nobody has looked at."},
    {"baseline-hides-nothing", PR_NOTE, "an entry of the baseline accepts what is found no more", "The statement was changed, or the finding mended.",
     "pgrail check --write-baseline takes it out, so that the file shrinks."},
};
const size_t pr_n_judge_notes = PR_COUNT(pr_judge_notes);

void pr_note_add(struct pr_findings *out, const struct pr_place *at, const char *id, struct pr_finding texts) {
    for (size_t i = 0; i < pr_n_judge_notes; i++) {
        const struct pr_judge_note *n = &pr_judge_notes[i];
        if (!pr_eq(n->id, id)) continue;
        texts.rule = n->id;
        if (texts.level < n->level) texts.level = n->level;
        if (!pr_level_of_project(out->config, n->id, at->side != NULL ? at->side->path : NULL, &texts.level)) return;
        if (texts.title == NULL) texts.title = n->title;
        if (texts.what == NULL) texts.what = n->why;
        if (texts.safe_way == NULL) texts.safe_way = n->safe_way;
        pr_finding_add(out, at, &texts, NULL);
        return;
    }
    PR_BUG("a note of the judge that is not in its table");
}

/* Text that the grammar refuses is refused by a server of that version too; a newer server may know better. */
static void report_unparsed(const struct pr_judge *j, const struct pr_stmt *s, const struct pr_place *at, int version_num,
                            struct pr_findings *out) {
    struct pr_arena *a = out->a;
    const bool is_psql = pr_eq(j->runner, "psql");
    const char *runner = j->runner == NULL || pr_eq(j->runner, "pgrail") ? "pgrail" : "your runner";
    struct pr_finding f = {.level = PR_ERROR};
    switch (s->unjudged) {
    case PR_JUDGED:
        return;
    case PR_UNPARSED: {
        const bool newer = version_num / 10000 > pr_grammar_major();
        const char *problem = s->problem != NULL && !pr_stmt_has_secret(s) ? s->problem : "syntax error";
        f.level = newer ? PR_WARNING : PR_ERROR;
        f.title = pr_fmt(a, "not judged: %s", problem);
        f.what = newer ? pr_fmt(a, "The server is version %d, the grammar that is built in is version %d: it may be right there.",
                                version_num / 10000, pr_grammar_major())
                       : pr_fmt(a, "PostgreSQL %d does not accept this text; the rest of the file is judged.", pr_grammar_major());
        f.safe_way = newer ? NULL : "Mend the text.";
        break;
    }
    case PR_PSQL_COMMAND:
        f.level = is_psql ? PR_WARNING : PR_ERROR;
        f.title = "not judged: a psql command";
        f.what = is_psql ? "psql obeys it, and what it pulls in or runs is not seen here."
                         : pr_fmt(a, "Only psql knows it; %s sends it to the server, which refuses it.", runner);
        f.safe_way = "Write the SQL itself.";
        break;
    case PR_COPY_DATA:
        f.level = is_psql ? PR_WARNING : PR_ERROR;
        f.title = "not judged: the data of a COPY … FROM stdin";
        f.what = is_psql ? "The rows are not judged."
                         : pr_fmt(a, "Only psql sends the lines that follow as data; %s does not.", runner);
        f.safe_way = "Write INSERT … VALUES, or load the rows with a tool of their own.";
        break;
    case PR_DYNAMIC:
        f.level = PR_WARNING;
        f.title = pr_fmt(a, "not judged: %s", s->problem);
        break;
    case PR_TEMPLATE:
        f.level = PR_WARNING;
        f.title = "not judged: a template that is filled in later";
        f.what = "What stands in the braces decides what runs.";
        f.safe_way = "Judge the text as it is after it was filled in.";
        break;
    }
    pr_note_add(out, at, "not-judged", f);
}

static bool is_later(const struct pr_stmt *s) { return s->inside != NULL && s->inside->later; }

/* Of a server of that version, with or without facts. */
static bool is_about(const struct pr_rule *rule, int version_num, bool facts) {
    const int major = version_num / 10000;
    if (major > 0 && ((rule->pg_from > 0 && major < rule->pg_from) || (rule->pg_to > 0 && major > rule->pg_to))) return false;
    if (rule->version_to > 0 && version_num > rule->version_to) return false;
    return facts || !rule->needs_facts;
}

/* The rules that one side is judged by, in the order in which they are asked. */
struct asked { const struct pr_rule **rules; size_t n; };

static struct asked asked_of(int version_num, bool facts, struct pr_arena *a) {
    struct asked all = {.rules = PR_NEW_ARRAY(a, const struct pr_rule *, pr_n_rules + 1)};
    const struct pr_rule **late = PR_NEW_ARRAY(a, const struct pr_rule *, pr_n_rules + 1);
    size_t n_late = 0;
    for (size_t i = 0; i < pr_n_rules; i++) {
        if (!is_about(pr_rules[i], version_num, facts)) continue;
        if (pr_rules[i]->after_others) late[n_late++] = pr_rules[i];
        else all.rules[all.n++] = pr_rules[i];
    }
    for (size_t i = 0; i < n_late; i++) all.rules[all.n++] = late[i];
    return all;
}

static bool is_asked(const struct pr_rule *rule, const struct pr_rule_ctx *c) {
    if (is_later(c->stmt) && rule->family != PR_F_GROUNDING) return false;         /* it does not run now */
    return rule->family != PR_F_BLOCKING || c->fp->fails_sqlstate == NULL || !c->fp->certain_fail;     /* what fails blocks nobody */
}

static void judge_stmt(const struct pr_rule_ctx *base, const struct asked *asked, struct pr_findings *out) {
    struct pr_rule_ctx c = *base;
    c.out = out;
    for (size_t i = 0; i < asked->n; i++) {
        c.rule = asked->rules[i];
        if (!is_asked(c.rule, &c)) continue;
        const size_t before = out->n;
        c.rule->check(&c);
        c.failure_named = c.failure_named || (c.rule->names_failure && out->n > before);
    }
}

static void follow_settings(struct pr_tx_so_far *t, const struct pr_stmt *s) {
    bool effective = false, local = false;
    if (pr_steers_role(s)) t->role = pr_sets_role(s) != NULL ? s->index : -1;
    if (!pr_sets_lock_timeout(s, &effective, &local) || (local && !t->open)) return;
    t->lock_timeout = effective ? s->index : -1;
    t->lock_timeout_local = local;
}

/* What the transaction looks like after a statement, for the next one. */
static void move_on(struct pr_tx_so_far *t, const struct pr_stmt *s, const struct pr_footprint *fp, enum pr_tx_mode tx, struct pr_arena *a) {
    const enum pr_tx_word word = s->node != NULL ? pr_stmt_tx_word(s) : PR_TX_NONE;
    if (tx == PR_TX_OWN && word != PR_TX_NONE && word != PR_TX_SAVEPOINT)
        *t = (struct pr_tx_so_far){.open = word == PR_TX_BEGIN, .first = s->index + 1, .ddl = -1, .exclusive = -1, .dml = -1, .enum_value = -1,
                                   .lock_timeout = t->lock_timeout_local ? -1 : t->lock_timeout, .role = t->role};
    follow_settings(t, s);
    if (t->open && t->enum_value < 0 && pr_eq(s->tag, "ALTER TYPE")) t->enum_value = s->index;
    for (size_t i = 0; t->open && i < fp->n; i++) {
        const struct pr_effect *f = &fp->effects[i];
        if (f->own || f->created) continue;
        if (t->exclusive < 0 && f->lock == PR_ACCESS_EXCLUSIVE && f->kind != 'i') {
            t->exclusive = s->index;
            t->exclusive_on = pr_dup(a, f->name);
            t->exclusive_dropped = pr_effect_on(fp, NULL, f->name)->dropped;
        }
        if (t->ddl < 0 && f->lock >= PR_SHARE_UPDATE_EXCLUSIVE) t->ddl = s->index;
        if (t->dml < 0 && fp->dml && f->lock == PR_ROW_EXCLUSIVE) t->dml = s->index;
    }
}

/* Worst first within a statement; statements in their order. */
static int by_place(const void *x, const void *y) {
    const struct pr_finding *a = x, *b = y;
    if (a->stmt != b->stmt) return a->stmt < b->stmt ? -1 : 1;
    if (a->level != b->level) return a->level > b->level ? -1 : 1;
    if (a->offset != b->offset) return a->offset < b->offset ? -1 : 1;
    return strcmp(a->rule, b->rule);
}

void pr_judged_done(struct pr_judged *j) { pr_script_done(&j->script); }

struct judging {
    const struct pr_judge *j;
    struct pr_arena *a;
    int version;
    enum pr_tx_mode tx;
    struct pr_script flat;
    struct pr_run_footprint run;       /* of flat */
    struct pr_world *before;           /* that the rules ask: each sees what its statement found */
    struct pr_tx_so_far so_far, body;  /* body: of a DO that no transaction is round */
    struct pr_judged *d;
    struct pr_shown shown;
    struct pr_abouts abouts;
    struct asked asked;
};

static void close_judging(struct judging *g) { pr_script_done(&g->flat); }

static struct pr_tx_so_far fresh(bool open, int first) {
    return (struct pr_tx_so_far){.open = open, .first = first, .ddl = -1, .exclusive = -1, .dml = -1, .enum_value = -1, .lock_timeout = -1, .role = -1};
}

/* What SET has set holds in a body too. */
static struct pr_tx_so_far in_session(struct pr_tx_so_far t, const struct pr_tx_so_far *session) {
    t.lock_timeout = session->lock_timeout;
    t.role = session->role;
    return t;
}

static void judge_one(struct judging *g, const struct pr_stmt *s, const struct pr_footprint *fp, const struct pr_tx_so_far *so_far) {
    const struct pr_judge *j = g->j;
    struct pr_findings *out = &g->d->findings;
    const struct pr_place at = {.script = &g->flat, .side = j->side, .stmt = s, .offset = s->offset, .len = s->len};
    if (s->node == NULL) {
        if (!is_later(s) || s->unjudged != PR_DYNAMIC) report_unparsed(j, s, &at, g->version, out);
        return;
    }
    if (fp->unjudged)
        pr_note_add(out, &at, "not-judged", (struct pr_finding){
            .title = pr_fmt(g->a, "not judged: what %s does is decided when it runs", s->tag)});
    const struct pr_rule_ctx c = {
        .stmt = s, .node = s->node, .fp = fp, .before = g->before, .facts = pr_world_facts(g->before),
        .version_num = g->version, .tx = pr_side_tx(j->side), .so_far = *so_far, .migration = j->migration, .config = j->config,
        .script = &g->flat, .side = j->side, .is_down = j->is_down, .runner = j->runner != NULL ? j->runner : "pgrail",
        .abouts = &g->abouts};
    judge_stmt(&c, &g->asked, out);
}

/* PL/pgSQL looks names up when it runs: a function is judged in the world that the whole script leaves. */
static bool waits(const struct pr_stmt *s) { return is_later(s) && !s->inside->at_creation; }

/* In its place in the transaction. fp: what was foretold of it. */
static void judge_next(struct judging *g, const struct pr_stmt *s, const struct pr_footprint *fp) {
    const bool ends = s->inside != NULL && s->inside->kind == PR_INSIDE_COMMIT;
    if (s->inside == NULL || ends) g->body = in_session(fresh(true, s->index + 1), &g->so_far);
    struct pr_tx_so_far *so_far = s->inside != NULL && !g->so_far.open ? &g->body : &g->so_far;
    judge_one(g, s, fp, so_far);
    if (!ends) move_on(so_far, s, fp, pr_side_tx(g->j->side), g->a);
}

/* All is foretold in a world of its own, which the one that the rules ask follows. */
static void judge_behind(struct judging *g) {
    const struct pr_reviewing look = {.judge = g->j, .facts = pr_world_facts(g->before)};
    pr_footprint_flat(pr_world_over(g->before, g->a), &g->flat, g->tx, g->a, &g->run);
    pr_footprint_fold(&g->run, &g->d->script, g->a, &g->d->run);
    for (size_t i = 0; i < g->flat.n; i++) pr_review_signs(&look, &g->flat.stmts[i], &g->run.stmts[i], g->a, &g->shown);
    for (size_t i = 0; i < g->flat.n; i++) {
        const struct pr_stmt *s = &g->flat.stmts[i];
        if (waits(s)) continue;
        judge_next(g, s, &g->run.stmts[i]);
        /* again, as far as the rules' world is concerned */
        struct pr_footprint ignored = {0};
        pr_footprint_step(g->before, s, &ignored);
    }
}

static bool goes_along(const struct judging *g) { return g->j->lean && pr_world_is_bare(g->before); }

/* One world is enough where no facts can be asked: what is foretold of a statement is judged and given back. */
static void judge_along(struct judging *g) {
    enum { GIVEN_BACK_AFTER = 100 };
    struct pr_arena *scratch PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    struct pr_reviewing look = {.judge = g->j};
    pr_world_begin(g->before, g->tx);
    for (size_t i = 0; i < g->flat.n; i++) {
        const struct pr_stmt *s = &g->flat.stmts[i];
        struct pr_footprint fp = {0};
        pr_script_wake(&g->flat, i);
        if (i % GIVEN_BACK_AFTER == 0) {
            pr_arena_free(scratch);
            scratch = pr_arena_new(PR_CAP_ARENA);
            pr_world_look_back(g->before, scratch);
            look.scratch = g->d->findings.scratch = scratch;
        }
        pr_footprint_step(g->before, s, &fp);
        pr_review_signs(&look, s, &fp, g->d->findings.a, &g->shown);
        if (!waits(s)) judge_next(g, s, &fp);
    }
    pr_world_look_back(g->before, NULL);
    pr_world_end(g->before);
    g->d->findings.scratch = NULL;
}

static void judge_all(struct judging *g) {
    g->so_far = fresh(pr_side_tx(g->j->side) == PR_TX_ONE && g->flat.n > 0, 0);
    pr_review_begin(&g->shown);
    if (goes_along(g)) judge_along(g);
    else judge_behind(g);
    const struct pr_tx_so_far none = fresh(false, 0);
    for (size_t i = 0; i < g->flat.n; i++) {
        const struct pr_footprint nothing = {.stmt = (int)i, .dml_rows = -1};              /* it does not run yet */
        if (waits(&g->flat.stmts[i])) judge_one(g, &g->flat.stmts[i], &nothing, &none);
    }
}

static void decide_review(struct judging *g) {
    struct pr_arena *a = g->d->findings.a;
    pr_review_errors(&g->flat, &g->d->findings, a, &g->shown);
    const int first = g->j->side->first_line > 0 ? g->j->side->first_line - 1 : 0;
    struct pr_shown *shown = PR_NEW(a, struct pr_shown);
    *shown = g->shown;
    for (int i = 0; i < PR_SIGN_COUNT; i++) shown->line[i] = shown->at[i] >= 0 ? first + g->flat.stmts[shown->at[i]].line : 0;
    pr_review_decide(shown, g->j->config, &g->d->review);
}

static void number(struct judging *g) {
    struct pr_findings *f = &g->d->findings;
    if (f->n > 1) qsort(f->items, f->n, sizeof *f->items, by_place);
    pr_fingerprints(&g->d->script, g->j->is_down, f);
}

/* Trees of the whole text are needed only where all is foretold before anything is judged. */
static enum pr_code read_side(struct judging *g, struct pr_err *e) {
    enum { GROUP_BYTES = 64 << 10 };
    const struct pr_side *side = g->j->side;
    struct pr_filing filing = {.all = &g->abouts, .a = g->a};
    const struct pr_passing along = {.group_bytes = g->j->group_bytes > 0 ? g->j->group_bytes : GROUP_BYTES, .stays = pr_about_stays, .ctx = &filing};
    if (!g->j->lean) return pr_script_parse(side->text, side->len, g->a, &g->d->script, e);
    PR_TRY(e, pr_script_pass(side->text, side->len, goes_along(g) ? &along : NULL, g->a, &g->d->script, e));
    return PR_OK;
}

/* Of a lean judge nothing but the answer is left: the script is no more than a number of statements. */
static void forget(struct judging *g) {
    struct pr_script *s = &g->d->script;
    const struct pr_script counted = {.n = s->n, .n_unjudged = s->n_unjudged};
    pr_script_done(&g->flat);
    pr_script_done(s);
    *s = counted;
    g->d->run = (struct pr_run_footprint){0};
}

enum pr_code pr_judge_side(const struct pr_judge *j, struct pr_arena *a, struct pr_judged *out, struct pr_err *e) {
    struct pr_arena *inner PR_CLEANUP(pr_arena_freep) = j->lean ? pr_arena_new(PR_CAP_ARENA) : NULL;
    struct pr_arena *worlds PR_CLEANUP(pr_arena_freep) = j->lean ? pr_arena_new(PR_CAP_ARENA) : NULL;
    struct pr_arena *own = inner != NULL ? inner : a;
    struct pr_judged d = {.findings = {.a = a, .config = j->config}};
    struct pr_world *before = j->world != NULL ? j->world : pr_world_new(j->facts, j->version_num, worlds != NULL ? worlds : own);
    struct judging g PR_CLEANUP(close_judging) = {.j = j, .a = own, .version = pr_world_version(before), .d = &d, .before = before};
    PR_TRY(e, read_side(&g, e));
    g.tx = pr_side_tx_as(j->side, &d.script);
    g.asked = asked_of(g.version, pr_world_facts(before) != NULL, own);
    pr_footprint_open(&d.script, pr_world_facts(before), own, &g.flat);
    if (g.flat.stmts != d.script.stmts) g.abouts.filed = false;         /* with bodies the statements have other numbers */
    judge_all(&g);
    pr_arena_free(worlds);                                  /* of a large script half of all, and asked no more */
    worlds = NULL;
    number(&g);
    pr_ignores_apply(&g.flat, j->side, &d.findings, &d.hidden);
    number(&g);                                             /* the notes about ignores: what was hidden keeps its fingerprint, and its place among equals */
    for (size_t i = 0; i < d.findings.n; i++) d.counts[d.findings.items[i].level]++;
    d.after = j->lean ? NULL : before;
    decide_review(&g);
    if (j->lean) forget(&g);
    *out = d;
    return PR_OK;
}
