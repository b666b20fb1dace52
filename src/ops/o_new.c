#include "ops/ops.h"

#include <sys/stat.h>

/* new: an empty migration, or one with the texts given, in the form of the folder. */

struct args { const char *name, *rationale, *author, *up_sql, *down_sql; };

static const struct pr_param params[] = {
    {.name = "name", PR_FIELD(PR_T_STR, struct args, name), .required = true, .positional = true,
     .help = "What it does, in a few words: index_unpaid_items."},
    {.name = "rationale", PR_FIELD(PR_T_STR, struct args, rationale), .help = "Why it is made; goes into the header, for the reviewer."},
    {.name = "author", PR_FIELD(PR_T_STR, struct args, author), .help = "Who writes it; without it, what git knows."},
    {.name = "up-sql", PR_FIELD(PR_T_STR, struct args, up_sql), .help = "Text of the up script."},
    {.name = "down-sql", PR_FIELD(PR_T_STR, struct args, down_sql), .help = "Text of the down script."},
};

/* The first migration of a project may find no folder yet. */
static enum pr_code read_folder(const struct pr_config *conf, struct pr_arena *a, struct pr_folder **out, struct pr_err *e) {
    struct stat st;
    if (stat(conf->migrations, &st) != 0) PR_TRY(e, pr_mkdirs(conf->migrations, 0755, e));
    return pr_folder_read(conf->migrations, conf->root, conf->layout, a, out, e);
}

static const char *shown(const struct pr_config *conf, const char *path) {
    const size_t n = strlen(conf->root);
    return path != NULL && strncmp(path, conf->root, n) == 0 && path[n] == '/' ? path + n + 1 : path;
}

static enum pr_code run(struct pr_call *c, struct pr_err *e) {
    const struct args *in = c->args;
    struct pr_config *conf = NULL;
    struct pr_folder *f = NULL;
    PR_TRY(e, pr_config_load(c->config_path, c->a, &conf, e));
    PR_TRY(e, read_folder(conf, c->a, &f, e));
    const struct pr_new n = {.name = in->name, .rationale = in->rationale, .author = in->author != NULL ? in->author : pr_git_author(conf->root, c->a),
                             .up_sql = in->up_sql, .down_sql = in->down_sql};
    const char *up = NULL, *down = NULL;
    PR_TRY(e, pr_migration_new(f, &n, c->a, &up, &down, e));
    PR_TRY(e, pr_folder_read(conf->migrations, conf->root, conf->layout, c->a, &f, e));
    const struct pr_migration *m = NULL;
    PR_TRY(e, pr_folder_find(f, up, &m, e));
    json_t *doc = json_object();
    pr_set_str(doc, "schema", "pgrail.new/1");
    pr_set_str(doc, "migration", m->id);
    pr_set_str(doc, "version", m->version);
    pr_set_str(doc, "layout", f->layout);
    pr_set_str(doc, "up", shown(conf, up));
    pr_set_str(doc, "down", shown(conf, down));
    pr_set_str(doc, "up_mode", pr_tx_mode_name(pr_side_tx(&m->up)));
    pr_set_str(doc, "author", m->author);
    pr_set_str(doc, "rationale", m->rationale);
    pr_set_str(doc, "sha256", m->sha256);
    pr_set_str(doc, "next", pr_fmt(c->a, "pgrail ground %s", m->id));
    pr_call_return(c, doc);
    return PR_OK;
}

static void render(const json_t *doc, const struct pr_render *r) {
    const char *down = pr_get_str(doc, "down");
    pr_addf(r->out, "\001gwritten\002  %s\n", pr_get_str(doc, "up"));
    if (down != NULL) pr_addf(r->out, "\001gwritten\002  %s\n", down);
    if (pr_get_str(doc, "rationale") == NULL) pr_add(r->out, "\001wthe header has no rationale yet: say why, for the reviewer\002\n");
    pr_addf(r->out, "layout %s; the up script runs in %s\n", pr_get_str(doc, "layout"), pr_get_str(doc, "up_mode"));
    pr_addf(r->out, "next: \001c%s\002\n", pr_get_str(doc, "next"));
}

PR_OP(new) = {
    .name = "new", .summary = "Write the files of a new migration",
    .detail = "Takes the next version of the folder, writes the up and down scripts in the folder's own form with a header (rationale, author, "
              "grounding), and never overwrites a file. Statements that must stand outside a transaction are marked as the runner wants it.",
    .examples = (const char *const[]){"pgrail new index_unpaid_items --rationale 'the dunning page takes 9 s'",
                                      "pgrail new drop_legacy_flag --up-sql 'ALTER TABLE t DROP COLUMN legacy' "
                                      "--down-sql 'ALTER TABLE t ADD COLUMN legacy boolean'", NULL},
    .capability = PR_PROPOSE, .params = params, .n_params = PR_COUNT(params), .args_size = sizeof(struct args),
    .schema = "pgrail.new/1", .run = run, .render = render,
};
