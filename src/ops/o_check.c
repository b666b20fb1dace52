#include <unistd.h>

#include "crypt/crypt.h"
#include "ops/check.h"
#include "rules/review.h"

/* check: judges migrations by the rules, with the facts of an environment where there is one. */

struct args {
    struct pr_list what;
    const char *env, *facts, *runner, *fail_on, *since, *baseline;
    bool all, offline, footprint, up_only, write_baseline, fix, diff;
    int64_t pg_version;
};

static const char *const fail_levels[] = {"error", "warning", "note", NULL};
static const char *const runners[] = {"pgrail", "psql", "other", NULL};

static const struct pr_param params[] = {
    {.name = "what", PR_FIELD(PR_T_LIST, struct args, what), .positional = true, .complete = "migration",
     .help = "Migrations, files or folders; without any: all that are pending."},
    {.name = "env", PR_FIELD(PR_T_STR, struct args, env), .complete = "environment", .help = "Judge with the live facts of this environment."},
    {.name = "facts", PR_FIELD(PR_T_PATH, struct args, facts), .help = "Judge with facts that `pgrail ground --save` wrote, without a server."},
    {.name = "offline", PR_FIELD(PR_T_BOOL, struct args, offline), .help = "Judge without facts: sizes and names are not known."},
    {.name = "all", PR_FIELD(PR_T_BOOL, struct args, all), .help = "Judge the whole folder in order, from an empty database on."},
    {.name = "since", PR_FIELD(PR_T_STR, struct args, since), .help = "Judge only migrations whose files changed since this git revision, uncommitted and new ones too."},
    {.name = "baseline", PR_FIELD(PR_T_PATH, struct args, baseline), .help = "Findings that this file accepts are not shown; default: the one that pgrail.conf names."},
    {.name = "write-baseline", PR_FIELD(PR_T_BOOL, struct args, write_baseline), .help = "Accept what is found now: write it to the baseline, and take out what is no more."},
    {.name = "up-only", PR_FIELD(PR_T_BOOL, struct args, up_only), .help = "Leave the down scripts out."},
    {.name = "footprint", PR_FIELD(PR_T_BOOL, struct args, footprint), .help = "Show for each statement the locks and the work that are predicted."},
    {.name = "fix", PR_FIELD(PR_T_BOOL, struct args, fix), .help = "Write what is surely better into the files: in place, or as migrations of their own directly behind."},
    {.name = "diff", PR_FIELD(PR_T_BOOL, struct args, diff), .help = "Show as a unified diff what --fix would write."},
    {.name = "runner", PR_FIELD(PR_T_STR, struct args, runner), .fallback = "pgrail", .choices = runners, .help = "Who will run the files; with another than pgrail, what pgrail does by itself is missing."},
    {.name = "fail-on", PR_FIELD(PR_T_STR, struct args, fail_on), .fallback = "error", .choices = fail_levels, .help = "Lowest level that makes the exit status 1."},
    {.name = "pg-version", PR_FIELD(PR_T_INT, struct args, pg_version), .min = 0, .max = 99, .help = "Server's major version where there are no facts; 0 = any of 13 to 18."},
};

/* --- configuration: a file can be judged where there is no project ------------------------------------------------- */

static bool config_above(struct pr_arena *a, const char *folder) {
    for (const char *dir = folder;;) {
        if (access(pr_fmt(a, "%s/pgrail.conf", pr_eq(dir, "/") ? "" : dir), F_OK) == 0) return true;
        const char *slash = strrchr(dir, '/');
        if (slash == NULL || pr_eq(dir, "/")) return false;
        dir = slash == dir ? "/" : pr_dupn(a, dir, (size_t)(slash - dir));
    }
}

static enum pr_code open_project(struct pr_check *k, const struct args *in, struct pr_err *e) {
    char cwd[4096];
    if (getcwd(cwd, sizeof cwd) == NULL) return PR_FAIL(e, PR_ERR_NO_FILE, "the working folder cannot be read");
    k->root = pr_dup(k->c->a, cwd);
    if (k->c->config_path == NULL && getenv("PGRAIL_CONF") == NULL && in->env == NULL && !config_above(k->c->a, cwd)) return PR_OK;
    PR_TRY(e, pr_config_load(k->c->config_path, k->c->a, &k->x.config, e));
    PR_TRY(e, pr_rule_levels_check(k->x.config, k->c->a, e));
    k->root = k->x.config->root;
    const bool live = !in->offline && in->facts == NULL && !in->all && (in->env != NULL || k->x.config->n_environments > 0);
    if (!live) return PR_OK;
    PR_TRY(e, pr_config_env(k->x.config, in->env, &k->x.env, e));
    return pr_ledger_open(k->x.config->root, &k->x.ledger, e);
}

/* --- grounding ---------------------------------------------------------------------------------------------------- */

static const char *full_name(struct pr_arena *a, const struct pr_rel *r) { return pr_fmt(a, "%s.%s", r->schema, r->name); }

static bool is_reported(const json_t *list, const char *migration, const char *relation) {
    size_t i = 0;
    json_t *o = NULL;
    json_array_foreach(list, i, o)
        if (pr_eq(pr_get_str(o, "migration"), migration) && pr_eq(pr_get_str(o, "relation"), relation)) return true;
    return false;
}

/* A word that names the migration again: its id, or its path when it lies outside the project's folder. */
static const char *word_of(const struct pr_check *k, const struct pr_migration *m) {
    const struct pr_config *conf = k->x.config;
    if (conf == NULL || m->up.path == NULL) return m->id;
    const char *folder = conf->migrations;
    if (pr_starts(folder, conf->root)) folder += strlen(conf->root) + (folder[strlen(conf->root)] == '/' ? 1 : 0);
    return pr_starts(m->up.path, folder) ? m->id : m->up.path;
}

static void report_ungrounded(struct pr_check *k, const struct pr_migration *m, const char *relation, const char *state) {
    if (is_reported(k->grounding, m->id, relation)) return;
    json_t *o = pr_push_object(k->grounding);
    pr_set_str(o, "migration", m->id);
    pr_set_str(o, "relation", relation);
    pr_set_str(o, "state", state);
    const char *word = word_of(k, m);
    pr_set_str(o, "mend", k->x.env != NULL ? pr_fmt(k->c->a, "pgrail ground %s --env %s", word, k->x.env->name) : pr_fmt(k->c->a, "pgrail ground %s", word));
}

/* A relation that DDL of this side locks. Live: the newest grounding must have it with the fingerprint that it has now. From a
 * file: the file is the grounding, so it must have it. */
static void ground_one(struct pr_check *k, const struct pr_migration *m, const struct pr_effect *f, const struct pr_grounding *g) {
    const struct pr_rel *r = pr_find_rel(k->facts, f->schema, f->name);
    if (r == NULL) {
        const bool lacks = pr_eq(k->source, "file") && !k->facts->whole && pr_is_listed(k->facts, f->schema, f->name);
        if (lacks) report_ungrounded(k, m, pr_fmt(k->c->a, "%s%s%s", f->schema != NULL ? f->schema : "", f->schema != NULL ? "." : "", f->name), "missing");
        return;
    }
    if (pr_eq(k->source, "file")) return;
    const char *full = full_name(k->c->a, r);
    const char *then = g != NULL && g->relations != NULL ? pr_get_str(g->relations, full) : NULL;
    if (then == NULL) report_ungrounded(k, m, full, "missing");
    else if (!pr_eq(then, r->fingerprint)) report_ungrounded(k, m, full, "stale");
}

static enum pr_code look_at_grounding(struct pr_check *k, const struct pr_migration *m, const struct pr_run_footprint *run, struct pr_err *e) {
    if (!pr_eq(k->source, "live") && !pr_eq(k->source, "file")) return PR_OK;
    struct pr_grounding g = {0};
    bool found = false;
    if (k->x.ledger != NULL) PR_TRY(e, pr_ledger_grounding(k->x.ledger, k->x.env->name, m->id, k->c->a, &g, &found, e));
    for (size_t s = 0; s < run->n; s++) {
        const struct pr_footprint *fp = &run->stmts[s];
        for (size_t i = 0; !fp->dml && i < fp->n; i++) {
            const struct pr_effect *f = &fp->effects[i];
            if (!f->own && !f->created && f->kind != 'i' && f->kind != 'I' && f->lock >= PR_SHARE_UPDATE_EXCLUSIVE) ground_one(k, m, f, found ? &g : NULL);
        }
    }
    json_decref(g.relations);
    return PR_OK;
}

/* --- judging ------------------------------------------------------------------------------------------------------ */

static void put_footprints(struct pr_check *k, json_t *into, const struct pr_judged *d) {
    json_t *list = pr_set_array(into, "footprint");
    for (size_t i = 0; i < d->run.n; i++) {
        json_t *o = pr_push_object(list);
        const struct pr_stmt *s = &d->script.stmts[i];
        pr_set_int(o, "line", s->line);
        pr_set_str(o, "tag", s->tag);
        pr_set_str(o, "text", pr_printable(k->c->a, pr_stmt_shown(s, k->c->a), 400));
        pr_set(o, "predicted", pr_footprint_json(&d->run.stmts[i]));
    }
}

static json_t *finding_of(const struct pr_check *k, const struct pr_finding *f, const struct pr_migration *m, const char *side) {
    json_t *o = pr_finding_json(f, k->texts);
    pr_set_shared(o, "migration", m->id, k->texts);
    pr_set_shared(o, "side", side, k->texts);
    return o;
}

void pr_check_suppress(struct pr_check *k, const json_t *finding, const char *by, const char *reason) {
    json_t *o = json_copy((json_t *)(uintptr_t)finding), *why = pr_set_object(o, "suppression");
    pr_set_str(why, "by", by);
    pr_set_str(why, "reason", reason);
    PR_ASSERT(json_array_append_new(k->suppressed, o) == 0);
}

static void put_findings(struct pr_check *k, const struct pr_migration *m, const char *side, const struct pr_judged *d) {
    for (size_t i = 0; i < d->findings.n; i++) PR_ASSERT(json_array_append_new(k->findings, finding_of(k, &d->findings.items[i], m, side)) == 0);
    for (size_t i = 0; i < d->hidden.n; i++) {
        json_t *o PR_CLEANUP(pr_json_freep) = finding_of(k, &d->hidden.items[i], m, side);
        pr_check_suppress(k, o, "ignore", d->hidden.items[i].ignored);
    }
    for (int l = 0; l < PR_LEVEL_COUNT; l++) k->counts[l] += d->counts[l];
    k->ignored += (int64_t)d->hidden.n;
    k->left_out += (int64_t)d->findings.left_out;
    k->unjudged += (int64_t)d->script.n_unjudged;
}

/* A file beside any folder has nobody else to say what is wrong with it as a whole. */
static bool of_folder(const struct pr_check *k, const struct pr_migration *m) {
    if (k->x.folder != NULL && m >= k->x.folder->migrations && m < k->x.folder->migrations + k->x.folder->n) return true;
    return k->n_folders > 0;
}

static void put_side(struct pr_check *k, const struct pr_migration *m, const struct pr_side *side, const struct pr_judged *d, json_t *into) {
    const bool is_down = side == &m->down;
    json_t *o = pr_set_object(into, is_down ? "down" : "up");
    pr_set_str(o, "path", side->path);
    pr_set_str(o, "transaction", pr_tx_mode_name(pr_side_tx(side)));
    pr_set_int(o, "statements", (int64_t)d->script.n);
    pr_set_int(o, "not_judged", (int64_t)d->script.n_unjudged);
    if (!is_down) pr_set(into, "review", pr_review_json(&d->review));
    if (k->footprint) put_footprints(k, o, d);
    put_findings(k, m, is_down ? "down" : "up", d);
    if (d->script.n == 0 && !is_down && !of_folder(k, m))
        pr_check_problem(k, &(struct pr_problem){.rule = "empty-migration", .path = side->path, .is_error = true, .message = "the up script holds no statement"}, NULL);
}

static enum pr_code judge_side(struct pr_check *k, const struct pr_migration *m, const struct pr_side *side, struct pr_world *world,
                               struct pr_arena *scratch, json_t *into, struct pr_err *e) {
    struct pr_judged d PR_CLEANUP(pr_judged_done) = {0};
    const struct pr_judge j = {.migration = m, .side = side, .is_down = side == &m->down, .world = world, .version_num = k->version_num,
                               .config = k->x.config, .runner = k->runner};
    const enum pr_code code = pr_judge_side(&j, scratch, &d, e);
    if (code != PR_OK) return pr_prefix(e, "%s", side->path);
    put_side(k, m, side, &d, into);
    return side == &m->down ? PR_OK : look_at_grounding(k, m, &d.run, e);
}

/* What is pending goes out together: nobody uses what an earlier one of them makes. A whole history (--all) went out over years, and
 * a down script runs when the up has been in use: by then the tables have rows, nobody knows how many. */
static bool is_one_run(const struct pr_check *k) { return !pr_eq(k->source, "nothing"); }

const struct pr_facts *pr_check_later(struct pr_check *k, const struct pr_facts *f) {
    if (f == NULL || is_one_run(k)) return f;
    struct pr_facts *copy = PR_NEW(k->c->a, struct pr_facts);
    *copy = *f;
    copy->rels = PR_NEW_ARRAY(k->c->a, struct pr_rel, f->n_rels + 1);
    for (size_t i = 0; i < f->n_rels; i++) {
        copy->rels[i] = f->rels[i];
        if (pr_find_rel(k->facts, f->rels[i].schema, f->rels[i].name) != NULL) continue;
        copy->rels[i].rows_trusted = copy->rels[i].is_new = false;
        copy->rels[i].rows = copy->rels[i].pages = -1;
        copy->rels[i].table_bytes = copy->rels[i].index_bytes = copy->rels[i].total_bytes = copy->rels[i].toast_bytes = -1;
    }
    return copy;
}

static void end_migration(const struct pr_check *k, struct pr_world *world) {
    if (is_one_run(k)) pr_world_next(world);
    else pr_world_settle(world);
}

bool pr_check_wanted(const struct pr_check *k, const struct pr_migration *m) {
    return k->since == NULL || pr_check_changed(k, m->up.path) || pr_check_changed(k, m->down.path);
}

/* A migration that is not to be judged: only what it leaves to those after it. */
static enum pr_code pass_over(struct pr_check *k, const struct pr_migration *m, struct pr_world *world, struct pr_arena *scratch, struct pr_err *e) {
    if (!k->in_order || k->facts == NULL || m->up.path == NULL) return PR_OK;
    struct pr_script s PR_CLEANUP(pr_script_done) = {0};
    struct pr_run_footprint run = {0};
    if (pr_script_parse(m->up.text, m->up.len, scratch, &s, e) != PR_OK) return pr_prefix(e, "%s", m->up.path);
    pr_footprint_script(world, &s, pr_side_tx_as(&m->up, &s), scratch, &run);
    end_migration(k, world);
    return PR_OK;
}

static json_t *put_migration(struct pr_check *k, const struct pr_migration *m) {
    json_t *o = pr_push_object(k->migrations);
    pr_set_str(o, "id", m->id);
    pr_set_str(o, "version", m->version);
    pr_set_str(o, "name", m->name);
    pr_set_str(o, "sha256", m->sha256);
    return o;
}

/* With facts the down script begins with what the up script left, when it has been in use. */
static enum pr_code judge_one(struct pr_check *k, const struct pr_migration *m, struct pr_world *world, struct pr_arena *scratch, struct pr_err *e) {
    json_t *o = put_migration(k, m);
    if (m->up.path != NULL) PR_TRY(e, judge_side(k, m, &m->up, world, scratch, o, e));
    if (k->facts != NULL) end_migration(k, world);
    PR_TRY(e, pr_check_backfills(k, m, world, e));
    if (k->up_only || m->down.path == NULL) return PR_OK;
    struct pr_world *down = k->facts != NULL ? pr_world_over(world, scratch) : pr_world_new(NULL, k->version_num, scratch);
    pr_world_settle(down);
    return judge_side(k, m, &m->down, down, scratch, o, e);
}

/* What a migration needs is given back after it, but for the document and the world that the next one begins with. */
static enum pr_code judge_next(struct pr_check *k, const struct pr_migration *m, struct pr_world *carried, struct pr_err *e) {
    struct pr_arena *scratch PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    struct pr_world *world = carried != NULL ? carried : pr_world_new(k->facts, k->version_num, scratch);
    return pr_check_wanted(k, m) ? judge_one(k, m, world, scratch, e) : pass_over(k, m, world, scratch, e);
}

/* In order each migration begins with what those before it left. */
static enum pr_code judge_in_turn(struct pr_check *k, struct pr_err *e) {
    struct pr_world *carried = k->in_order && k->facts != NULL ? pr_world_new(k->facts, k->version_num, k->c->a) : NULL;
    for (size_t i = 0; i < k->n; i++) {
        if (pr_interrupted(k->c->talk)) return PR_FAIL(e, PR_ERR_INTERRUPTED, "interrupted");
        PR_TRY(e, judge_next(k, k->list[i], carried, e));
    }
    struct pr_arena *scratch PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    return pr_check_backfills(k, NULL, carried != NULL ? carried : pr_world_new(k->facts, k->version_num, scratch), e);
}

/* Without facts nothing leaves anything to another: who judges, and when, is all the same. */
static enum pr_code judge_alone(struct pr_check *k, struct pr_err *e) {
    struct pr_many *many PR_CLEANUP(pr_many_endp) = NULL;
    PR_TRY(e, pr_many_begin(k, &many, e));
    for (size_t i = 0; i < k->n; i++) {
        const struct pr_migration *m = k->list[i];
        const struct pr_judged *sides[2] = {0};
        if (pr_interrupted(k->c->talk)) return PR_FAIL(e, PR_ERR_INTERRUPTED, "interrupted");
        if (!pr_check_wanted(k, m)) continue;
        PR_TRY(e, pr_many_answer(many, i, sides, e));
        json_t *o = put_migration(k, m);
        if (sides[0] != NULL) put_side(k, m, &m->up, sides[0], o);
        PR_TRY(e, pr_check_backfills(k, m, NULL, e));
        if (sides[1] != NULL) put_side(k, m, &m->down, sides[1], o);
    }
    return pr_check_backfills(k, NULL, NULL, e);
}

void pr_check_fingerprint(struct pr_check *k, json_t *o) {
    const char *path = pr_get_str(o, "path");
    const char *key = pr_fmt(k->c->a, "%s\n%s\n%s", pr_get_str(o, "rule"), path != NULL ? path : "", pr_get_str(o, "title"));
    pr_set_str(o, "fingerprint", pr_dupn(k->c->a, pr_sha256_text(k->c->a, key), 32));
}

void pr_check_problem(struct pr_check *k, const struct pr_problem *p, const char *what) {
    enum pr_level level = p->is_error ? PR_ERROR : PR_WARNING;
    if (!pr_level_of_project(k->x.config, p->rule, p->path, &level)) return;
    json_t *o = pr_push_object(k->findings);
    pr_set_str(o, "rule", p->rule);
    pr_set_str(o, "family", "folder");
    pr_set_str(o, "level", pr_level_name(level));
    pr_set_str(o, "path", p->path);
    pr_set_int(o, "line", p->line > 0 ? p->line : 1);
    pr_set_str(o, "title", p->message);
    if (what != NULL) pr_set_str(o, "what", what);
    pr_set_str(o, "safe_way", p->hint);
    pr_check_fingerprint(k, o);
    k->counts[level]++;
}

static bool is_side(const struct pr_migration *m, const char *path) {
    return path != NULL && (pr_eq(m->up.path, path) || pr_eq(m->down.path, path));
}

/* Of a folder that is judged whole every problem is told; of one of which migrations were named, theirs. */
static bool is_about_us(const struct pr_check *k, const struct pr_folder *f, const struct pr_problem *p, bool whole) {
    if (whole) return pr_check_changed(k, p->path) || (p->also != NULL && pr_check_changed(k, p->also)) || pr_eq(p->rule, "mixed-layouts");
    for (size_t i = 0; i < k->n; i++)
        if (k->list[i] >= f->migrations && k->list[i] < f->migrations + f->n && pr_check_wanted(k, k->list[i]) &&
            (is_side(k->list[i], p->path) || is_side(k->list[i], p->also)))
            return true;
    return false;
}

static void put_problems_of(struct pr_check *k, const struct pr_folder *f, bool whole) {
    for (size_t i = 0; i < f->n_problems; i++)
        if (is_about_us(k, f, &f->problems[i], whole)) pr_check_problem(k, &f->problems[i], NULL);
}

static void put_folder_problems(struct pr_check *k) {
    for (size_t f = 0; f < k->n_folders; f++) put_problems_of(k, k->folders[f], true);
    if (k->x.folder != NULL) put_problems_of(k, k->x.folder, false);
}

/* --- the document ------------------------------------------------------------------------------------------------- */

static void begin(struct pr_check *k, const struct args *in) {
    k->doc = json_object();
    k->texts = json_object();
    pr_set_str(k->doc, "schema", "pgrail.check/1");
    pr_set_str(k->doc, "environment", k->x.env != NULL ? k->x.env->name : NULL);
    pr_set_str(k->doc, "grammar", pr_grammar_version());
    pr_set_str(k->doc, "runner", k->runner);
    pr_set_str(k->doc, "fail_on", in->fail_on);
    k->migrations = pr_set_array(k->doc, "migrations");
    k->findings = pr_set_array(k->doc, "findings");
    k->suppressed = pr_set_array(k->doc, "suppressed");
    k->grounding = pr_set_array(k->doc, "not_grounded");
}

static void put_facts(struct pr_check *k) {
    json_t *o = pr_set_object(k->doc, "facts");
    pr_set_str(o, "source", k->source);
    const bool real = pr_eq(k->source, "live") || pr_eq(k->source, "file");
    pr_set_str(o, "taken_at", real ? k->facts->taken_at : NULL);
    pr_set_int(o, "server_version", real ? k->facts->version_num : k->version_num);
    pr_set_str(o, "hint", real || pr_eq(k->source, "nothing") ? NULL
               : "sizes and names are not known: worst cases are shown as warnings. With facts: pgrail ground --save FILE, then pgrail check --facts FILE");
}

static void finish(struct pr_check *k, const struct args *in) {
    json_t *counts = pr_set_object(k->doc, "counts");
    int64_t failing = 0;
    bool counted = false;
    for (int l = PR_ERROR; l >= PR_NOTE; l--) {
        pr_set_int(counts, pr_level_name((enum pr_level)l), k->counts[l]);
        if (!counted) failing += k->counts[l];
        counted = counted || pr_eq(in->fail_on, pr_level_name((enum pr_level)l));
    }
    pr_set_int(counts, "ignored", k->ignored);
    pr_set_int(counts, "accepted", k->accepted);
    pr_set_int(counts, "left_out", k->left_out);
    pr_set_int(counts, "not_judged", k->unjudged);
    pr_set_bool(k->doc, "failed", failing > 0);
    const bool grounded = json_array_size(k->grounding) == 0;
    pr_set_bool(k->doc, "grounded", grounded);
    k->c->outcome = !grounded ? PR_ERR_NOT_GROUNDED : failing > 0 ? PR_ERR_FINDINGS : PR_OK;
}

static void close_check(struct pr_check *k) {
    json_decref(k->doc);
    json_decref(k->texts);
    pr_context_done(&k->x);
}

static enum pr_code run(struct pr_call *c, struct pr_err *e) {
    const struct args *in = c->args;
    struct pr_check k PR_CLEANUP(close_check) = {.c = c, .runner = in->runner, .up_only = in->up_only, .footprint = in->footprint,
                                                 .version_num = (int)in->pg_version * 10000};
    if (in->pg_version != 0 && (in->pg_version < 13 || in->pg_version > 18))
        return PR_FAIL(e, PR_ERR_USAGE, "--pg-version: expected 13 to 18, or 0 for any of them, got %" PRId64, in->pg_version);
    if (in->fix && in->diff) return PR_FAIL(e, PR_ERR_USAGE, "--fix writes and --diff shows: one of them");
    PR_TRY(e, open_project(&k, in, e));
    begin(&k, in);
    PR_TRY(e, pr_check_collect(&k, &in->what, in->all, e));
    if (in->since != NULL) PR_TRY(e, pr_check_since(&k, in->since, e));
    PR_TRY(e, pr_check_facts(&k, &(struct pr_check_facts){.env = in->env, .file = in->facts, .offline = in->offline, .all = in->all,
                                                          .named = in->what.n > 0}, e));
    if (k.facts != NULL && k.facts->version_num != 0) k.version_num = k.facts->version_num;
    if (in->fix || in->diff) PR_TRY(e, pr_check_fix(&k, in->fix, e));
    put_folder_problems(&k);
    PR_TRY(e, k.facts != NULL || k.footprint ? judge_in_turn(&k, e) : judge_alone(&k, e));
    PR_TRY(e, pr_check_baseline(&k, in->baseline, in->write_baseline, e));
    pr_check_put_paths(k.doc, k.root, c->a);
    put_facts(&k);
    finish(&k, in);
    pr_call_return(c, json_incref(k.doc));                  /* only whole: half an answer would look like a clean one */
    return PR_OK;
}

PR_OP(check) = {
    .name = "check", .summary = "Judge migrations before they run",
    .detail = "Says for each statement who would be hurt and for how long, what would fail, what would be lost, which names do not exist, and what to write "
              "instead. With the live facts of an environment (--env, the default where one is configured), with a facts file (--facts), or without any (--offline). "
              "Findings of a down script weigh less: loss and compatibility are notes there, failure and grounding keep their level, others are one lower. "
              "`-- pgrail:ignore RULE [until YYYY-MM-DD] reason` above a statement hides a finding (`pgrail:ignore-file` in all of the file), a baseline those of old files, [rules] in pgrail.conf sets levels. "
              "DDL on a relation that was not grounded is refused.",
    .examples = (const char *const[]){"pgrail check", "pgrail check 0247 --env production", "pgrail check db/change.sql --offline",
                                      "pgrail check --all --fail-on warning", "pgrail check --offline --since origin/main",
                                      "pgrail check --all --baseline .pgrail/baseline.json --write-baseline", "pgrail check --facts .pgrail/facts.json --json", "pgrail check 0247 --diff", NULL},
    .capability = PR_OBSERVE, .params = params, .n_params = PR_COUNT(params), .args_size = sizeof(struct args),
    .schema = "pgrail.check/1", .run = run, .render = pr_check_render, .formats = pr_check_formats,
};
