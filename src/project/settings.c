/* settings.c: the one table of settings. The parser, the environment variables, `init` and the reference derive from it. */
#include <ctype.h>

#include "project/config.h"

#define MINUTE ((int64_t)60 * 1000)
#define DAY ((int64_t)24 * 60 * MINUTE)

static const char *const layouts[] = {"auto", "golang-migrate", "sqlx", "diesel", "dbmate", "goose", "prisma", "drizzle", "flyway", NULL};
static const char *const key_types[] = {"bigint", "integer", "uuid", NULL};
static const char *const timestamp_types[] = {"timestamptz", "timestamp", NULL};
static const char *const name_forms[] = {"snake_case", NULL};
static const char *const gin_types[] = {"tsvector", "jsonb", "both", NULL};
static const char *const levels[] = {"off", "note", "warning", "error", NULL};
static const char *const reviews[] = {"spot-check", "thorough", "mandatory", NULL};

#define IN_CONFIG(f) .offset = offsetof(struct pr_config, f)
#define IN_ENVIRONMENT(f) .offset = offsetof(struct pr_environment, f)

static const struct pr_setting settings[] = {
    {.section = "project", .key = "migrations", .type = PR_SET_PATH, IN_CONFIG(migrations), .fallback = "migrations",
     .why = "folder of the migrations, relative to this file"},
    {.section = "project", .key = "layout", .type = PR_SET_STR, IN_CONFIG(layout), .fallback = "auto", .choices = layouts,
     .why = "whose folder form it is; auto looks at the files"},
    {.section = "policy", .key = "approvers", .type = PR_SET_PATH, IN_CONFIG(approvers), .file_only = true,
     .why = "allowed_signers file: who may approve, by SSH key"},
    {.section = "project", .key = "signing_key", .type = PR_SET_PATH, IN_CONFIG(signing_key),
     .why = "SSH key that approve signs with when no --key is given"},
    {.section = "project", .key = "baseline", .type = PR_SET_PATH, IN_CONFIG(baseline), .file_only = true,
     .why = "findings of old files that are accepted; check --write-baseline writes it"},
    {.section = "environment", .key = "service", .type = PR_SET_STR, IN_ENVIRONMENT(service),
     .why = "libpq service; its password stays in the passfile"},
    {.section = "environment", .key = "env", .type = PR_SET_STR, IN_ENVIRONMENT(env),
     .why = "or: environment variable that holds a connection string"},
    {.section = "environment", .key = "protected", .type = PR_SET_BOOL, IN_ENVIRONMENT(is_protected), .fallback = "no",
     .file_only = true, .why = "yes: approval and the typed YES are needed"},
    {.section = "environment", .key = "workload", .type = PR_SET_PATH, IN_ENVIRONMENT(workload),
     .why = "script of pgbench that a rehearsal for it runs beside up; rehearse --workload says otherwise"},
    {.section = "environment", .key = "workload_rate", .type = PR_SET_INT, IN_ENVIRONMENT(workload_rate), .min = 1, .max = 100000, .fallback = "200",
     .unit = "transactions a second", .why = "rate of a workload; rehearse --rate says otherwise"},
    {.section = "policy", .key = "max_inline_rows", .type = PR_SET_INT, IN_CONFIG(max_inline_rows), .min = 0,
     .max = 1000000000000, .fallback = "50000", .unit = "rows", .why = "DML over more rows must be a backfill"},
    {.section = "policy", .key = "max_block", .type = PR_SET_DURATION, IN_CONFIG(max_block_ms), .min = 0, .max = DAY,
     .fallback = "1s", .unit = "duration", .why = "longest that readers or writers may be made to wait"},
    {.section = "policy", .key = "orphans_timeout", .type = PR_SET_DURATION, IN_CONFIG(orphans_timeout_ms), .min = 0, .max = 60 * MINUTE,
     .fallback = "2s", .unit = "duration", .why = "time to count orphans before a constraint or a drop; 0: do not look"},
    {.section = "policy", .key = "grounding_max_age", .type = PR_SET_DURATION, IN_CONFIG(grounding_max_age_ms), .min = MINUTE,
     .max = 365 * DAY, .fallback = "7d", .unit = "duration", .file_only = true, .why = "older groundings are taken again"},
    {.section = "policy", .key = "rehearsal_max_age", .type = PR_SET_DURATION, IN_CONFIG(rehearsal_max_age_ms), .min = MINUTE,
     .max = 365 * DAY, .fallback = "24h", .unit = "duration", .file_only = true, .why = "older rehearsals do not count"},
    {.section = "policy", .key = "approval_max_age", .type = PR_SET_DURATION, IN_CONFIG(approval_max_age_ms), .min = MINUTE,
     .max = 30 * DAY, .fallback = "24h", .unit = "duration", .file_only = true, .why = "approvals expire after this"},
    {.section = "policy", .key = "approvals", .type = PR_SET_INT, IN_CONFIG(approvals), .min = 1, .max = 10, .fallback = "1",
     .unit = "persons", .file_only = true, .why = "how many persons must have approved"},
    {.section = "apply", .key = "lock_timeout", .type = PR_SET_DURATION, IN_CONFIG(lock_timeout_ms), .min = 1, .max = 10 * MINUTE,
     .fallback = "1500ms", .unit = "duration", .why = "wait for a lock per attempt; above 1 s an autovacuum yields"},
    {.section = "apply", .key = "lock_attempts", .type = PR_SET_INT, IN_CONFIG(lock_attempts), .min = 1, .max = 1000,
     .fallback = "20", .unit = "attempts", .why = "tries to get the locks before giving up"},
    {.section = "apply", .key = "retry_max", .type = PR_SET_DURATION, IN_CONFIG(retry_max_ms), .min = 0, .max = 60 * MINUTE,
     .fallback = "30s", .unit = "duration", .why = "longest pause between two attempts"},
    {.section = "rehearse", .key = "sample", .type = PR_SET_DURATION, IN_CONFIG(sample_ms), .min = 1, .max = MINUTE,
     .fallback = "20ms", .unit = "duration", .why = "pause between two looks at the locks"},
    {.section = "rules", .key = "*", .type = PR_SET_STR, .choices = levels, .file_only = true,
     .why = "level of a rule, a family or * (all); [rules db/old/*] sets it for the paths that are like it, later sections win"},
    {.section = "review", .key = "*", .type = PR_SET_STR, .choices = reviews, .file_only = true,
     .why = "review of a migration that shows this sign (pgrail rules lists them): what approve asks for"},
    {.section = "conventions", .key = "key_type", .type = PR_SET_STR, IN_CONFIG(conventions.key_type), .choices = key_types, .file_only = true,
     .why = "type of a primary key of one column"},
    {.section = "conventions", .key = "timestamp_type", .type = PR_SET_STR, IN_CONFIG(conventions.timestamp_type),
     .choices = timestamp_types, .file_only = true, .why = "type of points in time"},
    {.section = "conventions", .key = "names", .type = PR_SET_STR, IN_CONFIG(conventions.names), .choices = name_forms, .file_only = true,
     .why = "form of the names of tables and columns"},
    {.section = "conventions", .key = "columns", .type = PR_SET_STR, IN_CONFIG(conventions.columns), .file_only = true,
     .why = "columns that every table has: created_at, updated_at"},
    {.section = "conventions", .key = "index_name", .type = PR_SET_STR, IN_CONFIG(conventions.index_name), .file_only = true,
     .why = "form of the names of indexes: {table}_{columns}_idx"},
    {.section = "conventions", .key = "unique_name", .type = PR_SET_STR, IN_CONFIG(conventions.unique_name), .file_only = true,
     .why = "form of the names of unique constraints: {table}_{columns}_key"},
    {.section = "conventions", .key = "foreign_key_name", .type = PR_SET_STR, IN_CONFIG(conventions.foreign_key_name), .file_only = true,
     .why = "form of the names of foreign keys: {table}_{columns}_fkey"},
    {.section = "conventions", .key = "check_name", .type = PR_SET_STR, IN_CONFIG(conventions.check_name), .file_only = true,
     .why = "form of the names of check constraints: {table}_*_check"},
    {.section = "conventions", .key = "foreign_key_on_delete", .type = PR_SET_BOOL, IN_CONFIG(conventions.foreign_key_on_delete),
     .fallback = "no", .file_only = true, .why = "yes: a foreign key says what happens ON DELETE"},
    {.section = "conventions", .key = "boolean_default", .type = PR_SET_BOOL, IN_CONFIG(conventions.boolean_default), .fallback = "no",
     .file_only = true, .why = "yes: a boolean column is NOT NULL and has a default"},
    {.section = "conventions", .key = "redundant_index", .type = PR_SET_BOOL, IN_CONFIG(conventions.redundant_index), .fallback = "no",
     .file_only = true, .why = "yes: an index whose columns another one begins with is told of"},
    {.section = "conventions", .key = "gin_index", .type = PR_SET_STR, IN_CONFIG(conventions.gin_index), .choices = gin_types,
     .file_only = true, .why = "new columns of these types get a GIN index"},
};

const struct pr_setting *pr_settings(size_t *n) {
    *n = PR_COUNT(settings);
    return settings;
}

static void add_upper(struct pr_buf *b, const char *s) {
    for (; *s != '\0'; s++) {
        const char c = isalnum((unsigned char)*s) ? (char)toupper((unsigned char)*s) : '_';
        pr_addn(b, &c, 1);
    }
}

const char *pr_setting_env_name(const struct pr_setting *s, const char *environment, struct pr_arena *a) {
    struct pr_buf b = {.a = a};
    pr_add(&b, "PGRAIL_");
    add_upper(&b, s->section);
    pr_add(&b, "_");
    if (environment != NULL) {
        add_upper(&b, environment);
        pr_add(&b, "_");
    }
    add_upper(&b, s->key);
    return pr_buf_text(&b);
}

const struct pr_setting *pr_setting_find(const char *section, const char *key) {
    for (size_t i = 0; i < PR_COUNT(settings); i++)
        if (pr_eq(settings[i].section, section) && (pr_eq(settings[i].key, key) || pr_eq(settings[i].key, "*"))) return &settings[i];
    return NULL;
}

bool pr_setting_section(const char *section) {
    for (size_t i = 0; i < PR_COUNT(settings); i++)
        if (pr_eq(settings[i].section, section)) return true;
    return false;
}

const char *pr_setting_nearest_section(const char *wrong) {
    const char *names[PR_COUNT(settings)];
    for (size_t i = 0; i < PR_COUNT(settings); i++) names[i] = settings[i].section;
    return pr_nearest(wrong, names, PR_COUNT(settings));
}

const char *pr_setting_nearest_key(const char *section, const char *wrong) {
    const char *names[PR_COUNT(settings)];
    size_t n = 0;
    for (size_t i = 0; i < PR_COUNT(settings); i++)
        if (pr_eq(settings[i].section, section)) names[n++] = settings[i].key;
    return pr_nearest(wrong, names, n);
}

const char *pr_absolute(struct pr_arena *a, const char *root, const char *path) {
    if (path[0] == '/') return path;
    const char *home = getenv("HOME");
    if (pr_starts(path, "~/") && home != NULL) return pr_fmt(a, "%s%s", home, path + 1);
    while (pr_starts(path, "./")) path += 2;
    return pr_eq(path, ".") || path[0] == '\0' ? root : pr_fmt(a, "%s/%s", root, path);
}

enum pr_code pr_setting_check(const struct pr_setting *s, const char *text, struct pr_err *e) {
    if (s->choices == NULL) return PR_OK;
    size_t n = 0;
    for (; s->choices[n] != NULL; n++)
        if (pr_eq(s->choices[n], text)) return PR_OK;
    char known[256] = "";
    for (size_t i = 0, at = 0; i < n && at < sizeof known; i++) {
        const int w = snprintf(known + at, sizeof known - at, "%s%s", i == 0 ? "" : ", ", s->choices[i]);
        at += w > 0 ? (size_t)w : 0;
    }
    (void)PR_FAIL(e, PR_ERR_CONFIG, "expected one of %s, got \"%.40s\"", known, text);
    const char *near = pr_nearest(text, s->choices, n);
    return near != NULL ? pr_hint(e, "did you mean %s?", near) : e->code;
}

enum pr_code pr_setting_store(const struct pr_setting *s, const char *text, const char *root, struct pr_arena *a, void *base,
                              struct pr_err *e) {
    char *const field = (char *)base + s->offset;
    int64_t number = 0;
    bool flag = false;
    enum pr_code code = PR_OK;
    switch (s->type) {
    case PR_SET_STR:
        PR_TRY(e, pr_setting_check(s, text, e));
        memcpy(field, &(const char *){pr_dup(a, text)}, sizeof(const char *));
        return PR_OK;
    case PR_SET_PATH:
        memcpy(field, &(const char *){pr_absolute(a, root, pr_dup(a, text))}, sizeof(const char *));
        return PR_OK;
    case PR_SET_BOOL:
        code = pr_parse_bool(text, &flag, e);
        if (code == PR_OK) memcpy(field, &flag, sizeof flag);
        break;
    case PR_SET_INT:
        code = pr_parse_i64(text, s->min, s->max, &number, e);
        if (code == PR_OK) memcpy(field, &number, sizeof number);
        break;
    case PR_SET_DURATION:
        code = pr_parse_duration(text, s->min, s->max, &number, e);
        if (code == PR_OK) memcpy(field, &number, sizeof number);
        break;
    }
    if (code != PR_OK) e->code = PR_ERR_CONFIG;
    return code == PR_OK ? PR_OK : PR_ERR_CONFIG;
}
