#include "ops/init.h"

#include <ctype.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sql_files.gen.h"

/* init: pgrail.conf, from flags, from what lies in the folder, and from the live schema where it can be reached. */

struct args {
    const char *production_service, *production_env, *staging_service, *staging_env, *migrations, *layout, *approvers;
};

static const struct pr_param params[] = {
    {.name = "production-service", PR_FIELD(PR_T_STR, struct args, production_service), .help = "libpq service of production."},
    {.name = "production-env", PR_FIELD(PR_T_STR, struct args, production_env), .help = "Or: environment variable with its connection string."},
    {.name = "staging-service", PR_FIELD(PR_T_STR, struct args, staging_service), .help = "libpq service of staging."},
    {.name = "staging-env", PR_FIELD(PR_T_STR, struct args, staging_env), .help = "Or: environment variable with its connection string."},
    {.name = "migrations", PR_FIELD(PR_T_PATH, struct args, migrations), .help = "Folder of the migrations; without it the usual places are looked at."},
    {.name = "layout", PR_FIELD(PR_T_STR, struct args, layout), .fallback = "auto", .help = "Whose form the folder has."},
    {.name = "approvers", PR_FIELD(PR_T_PATH, struct args, approvers), .help = "allowed_signers file of those who may approve."},
};

/* Where the runners keep their migrations by default. */
static const char *const places[] = {
    "migrations", "db/migrations", "prisma/migrations", "drizzle", "db/migrate", "database/migrations", "sql/migrations",
    "supabase/migrations", "src/main/resources/db/migration", "migration", "schema/migrations",
};

/* Marks that an ORM or a tool leaves at the root of a repository. */
static const struct { const char *file, *tool; } marks[] = {
    {"prisma/schema.prisma", "Prisma"}, {"drizzle.config.ts", "Drizzle"}, {"drizzle.config.js", "Drizzle"}, {"diesel.toml", "Diesel"},
    {"alembic.ini", "Alembic"}, {"sqitch.plan", "sqitch"}, {"flyway.toml", "Flyway"}, {"flyway.conf", "Flyway"},
    {"config/application.rb", "Rails"}, {"manage.py", "Django"}, {"package.json", "Node.js"}, {"Cargo.toml", "Rust"}, {"go.mod", "Go"},
};

static bool is_dir(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void note_folder(json_t *found, const struct pr_folder *f, const char *place) {
    json_t *o = pr_push_object(found);
    pr_set_str(o, "folder", place);
    pr_set_str(o, "layout", f->layout);
    pr_set_str(o, "why", f->why);
    pr_set_int(o, "migrations", (int64_t)f->n);
    pr_set_int(o, "problems", (int64_t)f->n_problems);
}

/* The place with most migrations; NULL when none has any. */
static enum pr_code look_around(const struct args *in, const char *root, struct pr_arena *a, json_t *found, const char **out, struct pr_err *e) {
    size_t most = 0;
    struct pr_folder *f = NULL;
    if (in->migrations != NULL) {
        *out = in->migrations;
        if (!is_dir(in->migrations)) return PR_OK;
        PR_TRY(e, pr_folder_read(in->migrations, root, in->layout, a, &f, e));
        note_folder(found, f, in->migrations);
        return PR_OK;
    }
    for (size_t i = 0; i < PR_COUNT(places); i++) {
        struct pr_err ignored = {0};                           /* what cannot be read is not what init looks for */
        if (!is_dir(places[i]) || pr_folder_read(places[i], root, in->layout, a, &f, &ignored) != PR_OK) continue;
        note_folder(found, f, places[i]);
        if (f->n <= most) continue;
        most = f->n;
        *out = places[i];
    }
    return PR_OK;
}

static const char *given(const struct args *in, const char *section, const char *key, const char *migrations) {
    const struct { const char *section, *key, *value; } all[] = {
        {"project", "migrations", migrations}, {"project", "layout", pr_eq(in->layout, "auto") ? NULL : in->layout},
        {"policy", "approvers", in->approvers},
        {"environment production", "service", in->production_service}, {"environment production", "env", in->production_env},
        {"environment production", "protected", in->production_service != NULL || in->production_env != NULL ? "yes" : NULL},
        {"environment staging", "service", in->staging_service}, {"environment staging", "env", in->staging_env},
    };
    for (size_t i = 0; i < PR_COUNT(all); i++)
        if (pr_eq(all[i].section, section) && pr_eq(all[i].key, key)) return all[i].value;
    return NULL;
}

/* A section with every setting of the table: what was given as it is, the rest as a comment with its default. A section of
 * which nothing was given is a comment as a whole when its environment would be incomplete. */
static void add_section(struct pr_buf *b, const struct args *in, const char *heading, const char *section, const char *migrations) {
    size_t n = 0, values = 0;
    const struct pr_setting *all = pr_settings(&n);
    for (size_t i = 0; i < n; i++)
        values += pr_eq(all[i].section, section) && given(in, heading, all[i].key, migrations) != NULL;
    const bool off = values == 0 && pr_eq(section, "environment");
    pr_addf(b, "\n%s[%s]\n", off ? "; " : "", heading);
    for (size_t i = 0; i < n; i++) {
        if (!pr_eq(all[i].section, section)) continue;
        const char *value = given(in, heading, all[i].key, migrations), *key = pr_eq(all[i].key, "*") ? "version-gap" : all[i].key;
        const char *shown = value != NULL ? value : all[i].fallback != NULL ? all[i].fallback : pr_eq(all[i].key, "*") ? "off" : all[i].choices != NULL ? all[i].choices[0] : "…";
        pr_addf(b, "; %s\n%s%s = %s\n", all[i].why, value == NULL ? "; " : "", key, shown);
    }
}

/* What the live schema follows is on, with its share; the rest is there to be chosen. */
static void add_conventions(struct pr_buf *b, const struct pr_learned *learned, size_t n_learned) {
    size_t n = 0;
    const struct pr_setting *all = pr_settings(&n);
    pr_add(b, "\n[conventions]\n; how new tables, columns, indexes and constraints look; check tells what differs. What nine of ten follow is on.\n");
    for (size_t i = 0; i < n; i++) {
        if (!pr_eq(all[i].section, "conventions")) continue;
        const struct pr_learned *found = NULL;
        for (size_t k = 0; k < n_learned && found == NULL; k++)
            if (pr_eq(learned[k].key, all[i].key)) found = &learned[k];
        if (found != NULL) pr_addf(b, "; %s\n%s%s = %s\n", found->words, found->on ? "" : "; ", found->key, found->value);
        else pr_addf(b, "; %s\n; %s = %s\n", all[i].why, all[i].key, all[i].fallback != NULL ? all[i].fallback : all[i].choices != NULL ? all[i].choices[0] : "…");
    }
}

/* The schema of production, or of staging, when a connection was named. That it cannot be reached is no reason not to begin. */
static enum pr_code look_at_schema(struct pr_call *c, const struct args *in, json_t *doc, struct pr_learned **out, size_t *n, struct pr_err *e) {
    const bool production = in->production_service != NULL || in->production_env != NULL;
    const struct pr_pg_where where = {.service = production ? in->production_service : in->staging_service, .app = "pgrail/init", .timeout_ms = 5000,
                                      .env = production ? in->production_env : in->staging_env, .interrupted = c->talk->interrupted};
    if (where.service == NULL && where.env == NULL) return PR_OK;
    struct pr_pg *pg PR_CLEANUP(pr_pg_closep) = NULL;
    struct pr_facts *f = NULL;
    struct pr_err why = {0};
    const bool read = pr_pg_open(&where, &pg, &why) == PR_OK && pr_facts_read(pg, NULL, 0, c->a, &f, &why) == PR_OK;
    if (pr_interrupted(c->talk)) return PR_FAIL(e, PR_ERR_INTERRUPTED, "interrupted; nothing was written");
    if (read) *n = pr_init_learn(f, c->a, out);
    json_t *list = pr_set_array(doc, "conventions");
    for (size_t i = 0; i < *n; i++) {
        json_t *o = pr_push_object(list);
        pr_set_str(o, "key", (*out)[i].key);
        pr_set_str(o, "value", (*out)[i].value);
        pr_set_str(o, "found", (*out)[i].words);
        pr_set_bool(o, "on", (*out)[i].on);
    }
    if (!read) pr_set_str(doc, "conventions_why_not", why.msg);
    return PR_OK;
}

static const char *conf_text(const struct args *in, const char *migrations, const struct pr_learned *learned, size_t n_learned, struct pr_arena *a) {
    struct pr_buf b = {.a = a};
    pr_add(&b, "; pgrail.conf: how pgrail works in this repository. Lines that begin with ; are comments: defaults, to be changed.\n"
               "; Order of precedence: flag, environment variable (PGRAIL_SECTION_KEY), this file, default.\n"
               "; Connections are libpq's own: services (pg_service.conf) and the passfile. No secrets in here: they are refused.\n");
    add_section(&b, in, "project", "project", migrations);
    add_section(&b, in, "environment production", "environment", migrations);
    add_section(&b, in, "environment staging", "environment", migrations);
    static const char *const rest[] = {"policy", "apply", "rehearse", "rules"};
    for (size_t i = 0; i < PR_COUNT(rest); i++) add_section(&b, in, rest[i], rest[i], migrations);
    add_conventions(&b, learned, n_learned);
    return pr_buf_text(&b);
}

static enum pr_code check_flags(const struct args *in, struct pr_err *e) {
    const char *const all[] = {in->production_service, in->production_env, in->staging_service, in->staging_env, in->migrations, in->approvers};
    if (in->production_service != NULL && in->production_env != NULL) return PR_FAIL(e, PR_ERR_USAGE, "--production-service and --production-env: name one");
    if (in->staging_service != NULL && in->staging_env != NULL) return PR_FAIL(e, PR_ERR_USAGE, "--staging-service and --staging-env: name one");
    for (size_t i = 0; i < PR_COUNT(all); i++)
        if (all[i] != NULL && (strpbrk(all[i], "\r\n;") != NULL || all[i][0] == '\0')) return PR_FAIL(e, PR_ERR_USAGE, "a value is one line without ;, and not empty");
    return PR_OK;
}

/* The project's folder as a word for role names. */
static const char *project_word(const char *root, struct pr_arena *a) {
    struct pr_buf b = {.a = a};
    for (const char *p = strrchr(root, '/') + 1; *p != '\0'; p++) {
        const char c = isalnum((unsigned char)*p) ? (char)tolower((unsigned char)*p) : '_';
        pr_addn(&b, &c, 1);
    }
    const char *word = pr_buf_text(&b);
    return isalpha((unsigned char)word[0]) && strlen(word) <= 40 ? word : "app";
}

static const char *roles_sql(const char *root, struct pr_arena *a) {
    struct pr_buf b = {.a = a};
    const char *word = project_word(root, a);
    for (const char *p = pr_sql_init_roles; *p != '\0'; p++) {
        const bool hole = *p == '@' && p[1] == '_';
        if (hole) pr_add(&b, word);
        else pr_addn(&b, *p == '@' ? word : p, *p == '@' ? strlen(word) : 1);
    }
    return pr_buf_text(&b);
}

/* Written, then read back as every other command will read it: a file that pgrail itself refuses is not left behind. */
static enum pr_code write_conf(const char *text, struct pr_arena *a, struct pr_config **out, struct pr_err *e) {
    if (pr_write_text("pgrail.conf", text, strlen(text), 0644, true, e) != PR_OK)
        return e->hint[0] != '\0' ? e->code : pr_hint(e, access("pgrail.conf", F_OK) == 0 ? "edit pgrail.conf, or move it away first" : "run it in a folder that you may write");
    if (pr_config_load("pgrail.conf", a, out, e) == PR_OK) return PR_OK;
    (void)unlink("pgrail.conf");
    return pr_prefix(e, "not written");
}

static enum pr_code run(struct pr_call *c, struct pr_err *e) {
    const struct args *in = c->args;
    char root[4096];
    if (getcwd(root, sizeof root) == NULL) return PR_FAIL(e, PR_ERR_NO_FILE, "the working folder cannot be read: %s", strerror(errno));
    PR_TRY(e, check_flags(in, e));
    json_t *doc PR_CLEANUP(pr_json_freep) = json_object();
    pr_set_str(doc, "schema", "pgrail.init/1");
    json_t *folders = pr_set_array(doc, "folders"), *tools = pr_set_array(doc, "tools");
    const char *migrations = NULL;
    PR_TRY(e, look_around(in, root, c->a, folders, &migrations, e));
    for (size_t i = 0; i < PR_COUNT(marks); i++)
        if (access(marks[i].file, F_OK) == 0) pr_push_str(tools, marks[i].tool);
    struct pr_config *conf = NULL;
    struct pr_learned *learned = NULL;
    size_t n_learned = 0;
    if (access("pgrail.conf", F_OK) != 0) PR_TRY(e, look_at_schema(c, in, doc, &learned, &n_learned, e));
    PR_TRY(e, write_conf(conf_text(in, migrations, learned, n_learned, c->a), c->a, &conf, e));
    pr_set_str(doc, "written", conf->path);
    pr_set_str(doc, "migrations", migrations);
    json_t *environments = pr_set_array(doc, "environments");
    for (size_t i = 0; i < conf->n_environments; i++) pr_push_str(environments, conf->environments[i].name);
    pr_set_str(doc, "roles_sql", roles_sql(conf->root, c->a));
    pr_set_str(doc, "next", conf->n_environments > 0 ? "pgrail doctor" : "name your databases in pgrail.conf, then pgrail doctor");
    pr_call_return(c, doc);
    doc = NULL;
    return PR_OK;
}

static void render(const json_t *doc, const struct pr_render *r) {
    size_t i = 0;
    json_t *o = NULL;
    pr_addf(r->out, "\001gwritten\002  %s\n", pr_get_str(doc, "written"));
    json_array_foreach(pr_get(doc, "folders"), i, o) {
        pr_addf(r->out, "found    %s: %s, layout %s (%s)", pr_get_str(o, "folder"), pr_plural(r->a, pr_get_int(o, "migrations"), "migration"),
                pr_get_str(o, "layout"), pr_printable(r->a, pr_get_str(o, "why"), 200));
        if (pr_get_int(o, "problems") > 0) pr_addf(r->out, ", \001w%s: pgrail check\002", pr_plural(r->a, pr_get_int(o, "problems"), "problem"));
        pr_add(r->out, "\n");
    }
    json_array_foreach(pr_get(doc, "tools"), i, o) pr_addf(r->out, "found    %s\n", json_string_value(o));
    if (json_array_size(pr_get(doc, "folders")) == 0) pr_add(r->out, "found    no folder of migrations; pgrail new NAME makes one\n");
    json_array_foreach(pr_get(doc, "conventions"), i, o)
        if (pr_get_bool(o, "on")) pr_addf(r->out, "found    %s = %s: %s\n", pr_get_str(o, "key"), pr_printable(r->a, pr_get_str(o, "value"), 200), pr_printable(r->a, pr_get_str(o, "found"), 400));
    const char *why_not = pr_get_str(doc, "conventions_why_not");
    if (why_not != NULL) pr_addf(r->out, "\001wnot found\002  conventions, for the schema could not be read: %s\n", pr_printable(r->a, why_not, 400));
    json_array_foreach(pr_get(doc, "environments"), i, o) pr_addf(r->out, "environment  %s\n", json_string_value(o));
    pr_addf(r->out, "\n\001hRoles, as a superuser would set them up once:\002\n\001c%s\002\nnext: \001c%s\002\n", pr_get_str(doc, "roles_sql"), pr_get_str(doc, "next"));
}

PR_OP(init) = {
    .name = "init", .summary = "Write pgrail.conf and say what was found",
    .detail = "Looks for a migrations folder in the usual places, finds out whose form it has, writes pgrail.conf with every setting and its "
              "reason, and prints the roles that pgrail works best with. Where the named database can be reached, its schema is looked through for "
              "the conventions that it follows: they become [conventions], each with its share. It never overwrites a file and takes no password.",
    .examples = (const char *const[]){"pgrail init --production-service app_prod --staging-service app_staging",
                                      "pgrail init --production-env DATABASE_URL --migrations db/migrations --approvers .pgrail/approvers", NULL},
    .capability = PR_PROPOSE, .person_only = true, .params = params, .n_params = PR_COUNT(params), .args_size = sizeof(struct args),
    .schema = "pgrail.init/1", .run = run, .render = render,
};
