/* config.c: finds and reads pgrail.conf, lays environment variables over it, and checks the whole. */
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "project/config.h"

enum { CONF_CAP = 1 << 20 };

struct loading {
    struct pr_arena *a;
    struct pr_config *c;
    const char *shown;             /* the file as messages name it */
    size_t cap;                    /* of environments */
    int *lines;                    /* of each environment's heading */
    size_t n_lines, lines_cap;
    size_t levels_cap, reviews_cap;
};

static enum pr_code find_conf(const char *path, struct pr_arena *a, const char **out, struct pr_err *e) {
    const char *named = path != NULL ? path : getenv("PGRAIL_CONF");
    if (named != NULL && named[0] != '\0') {
        *out = named;
        return PR_OK;
    }
    char cwd[PATH_MAX];
    if (getcwd(cwd, sizeof cwd) == NULL) return PR_FAIL(e, PR_ERR_CONFIG, "the working folder cannot be read: %s", strerror(errno));
    if (access("pgrail.conf", F_OK) == 0) {
        *out = "pgrail.conf";
        return PR_OK;
    }
    for (char *slash = strrchr(cwd, '/'); slash != NULL; slash = strrchr(cwd, '/')) {
        *slash = '\0';
        const char *try = pr_fmt(a, "%s/pgrail.conf", cwd);
        if (access(try, F_OK) == 0) {
            *out = try;
            return PR_OK;
        }
    }
    (void)PR_FAIL(e, PR_ERR_CONFIG, "no pgrail.conf here or in a folder above");
    return pr_hint(e, "pgrail init");
}

/* "[rules db/old/…]" is as good as "[rules]"; a name elsewhere is somebody's mistake. */
static bool takes_name(const char *section) { return pr_eq(section, "environment") || pr_eq(section, "rules"); }

static enum pr_code known_section(const struct loading *l, const struct pr_heading *h, struct pr_err *e) {
    const bool is_env = pr_eq(h->section, "environment");
    if (!pr_setting_section(h->section)) {
        (void)PR_FAIL(e, PR_ERR_CONFIG, "%s:%d: unknown section [%s]", l->shown, h->line, pr_printable(l->a, h->section, 49));
        const char *near = pr_setting_nearest_section(h->section);
        return near == NULL ? e->code : pr_hint(e, "did you mean [%s%s]?", near, pr_eq(near, "environment") ? " NAME" : "");
    }
    if (is_env && h->name == NULL)
        return PR_FAIL(e, PR_ERR_CONFIG, "%s:%d: [environment] needs a name, as in [environment production]", l->shown, h->line);
    if (!takes_name(h->section) && h->name != NULL)
        return PR_FAIL(e, PR_ERR_CONFIG, "%s:%d: [%s] takes no name", l->shown, h->line, h->section);
    if (is_env && strspn(h->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != strlen(h->name))
        return PR_FAIL(e, PR_ERR_CONFIG, "%s:%d: an environment's name is made of letters, digits, _ and -", l->shown, h->line);
    return PR_OK;
}

static struct pr_environment *find_env(const struct pr_config *c, const char *name) {
    for (size_t i = 0; i < c->n_environments; i++)
        if (pr_eq(c->environments[i].name, name)) return &c->environments[i];
    return NULL;
}

static enum pr_code take_headings(struct loading *l, const struct pr_ini *ini, struct pr_err *e) {
    for (size_t i = 0; i < ini->n_headings; i++) {
        const struct pr_heading *h = &ini->headings[i];
        PR_TRY(e, known_section(l, h, e));
        for (size_t j = 0; j < i; j++)
            if (pr_eq(ini->headings[j].section, h->section) && pr_eq(ini->headings[j].name, h->name))
                return PR_FAIL(e, PR_ERR_CONFIG, "%s:%d: the section stands already in line %d", l->shown, h->line, ini->headings[j].line);
        if (!pr_eq(h->section, "environment")) continue;
        PR_PUSH(l->a, l->c->environments, l->c->n_environments, l->cap)->name = h->name;
        *PR_PUSH(l->a, l->lines, l->n_lines, l->lines_cap) = h->line;
    }
    return PR_OK;
}

/* What a libpq service or an environment variable can be called; a connection string is neither. */
static enum pr_code check_name(const struct pr_setting *s, const char *value, struct pr_err *e) {
    if (pr_eq(s->key, "service") && (strpbrk(value, "=/ \t") != NULL || value[0] == '\0')) {
        (void)PR_FAIL(e, PR_ERR_CONFIG, "expected the name of a libpq service, got %s", value[0] == '\0' ? "nothing" : "a connection string");
        return pr_hint(e, "put the connection into ~/.pg_service.conf as [NAME] host=… dbname=… and write service = NAME");
    }
    const char *const word = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    if (pr_eq(s->key, "env") && (value[0] == '\0' || strspn(value, word) != strlen(value))) {
        (void)PR_FAIL(e, PR_ERR_CONFIG, "expected the name of an environment variable");
        return pr_hint(e, "env = DATABASE_URL names the variable; the connection string stays in it");
    }
    return PR_OK;
}

/* A pattern of names: what stands in braces is one of three words. */
static enum pr_code check_pattern(const struct loading *l, const struct pr_setting *s, const char *value, struct pr_err *e) {
    if (!pr_eq(s->section, "conventions") || !pr_ends(s->key, "_name")) return PR_OK;
    static const char *const known[] = {"{table}", "{columns}", "{ref_table}"};
    for (const char *p = strchr(value, '{'); p != NULL; p = strchr(p + 1, '{')) {
        bool ok = false;
        for (size_t i = 0; i < PR_COUNT(known) && !ok; i++) ok = pr_starts(p, known[i]);
        if (ok) continue;
        const char *word = pr_dupn(l->a, p, strcspn(p, "}") + (strchr(p, '}') != NULL ? 1 : 0));
        (void)PR_FAIL(e, PR_ERR_CONFIG, "expected {table}, {columns} or {ref_table}, got \"%s\"", pr_printable(l->a, word, 40));
        const char *near = pr_nearest(word, known, PR_COUNT(known));
        return near != NULL ? pr_hint(e, "did you mean %s?", near) : e->code;
    }
    return PR_OK;
}

static enum pr_code store(const struct loading *l, const struct pr_setting *s, struct pr_environment *env, const char *value,
                          struct pr_err *e) {
    if (env != NULL) PR_TRY(e, check_name(s, value, e));
    PR_TRY(e, check_pattern(l, s, value, e));
    return pr_setting_store(s, value, l->c->root, l->a, env != NULL ? (void *)env : (void *)l->c, e);
}

static int section_number(const struct pr_ini *ini, const struct pr_entry *x) {
    for (size_t i = 0; x->name != NULL && i < ini->n_headings; i++)
        if (pr_eq(ini->headings[i].section, x->section) && pr_eq(ini->headings[i].name, x->name)) return (int)i + 1;
    return 0;
}

/* [rules]: free keys. Whether a rule of that name exists is not known here: pr_rule_levels_check says it. */
static enum pr_code take_level(struct loading *l, const struct pr_ini *ini, const struct pr_setting *s, const struct pr_entry *x,
                               struct pr_err *e) {
    if (strpbrk(x->key, "/?[") != NULL || (strchr(x->key, '*') != NULL && !pr_eq(x->key, "*"))) {
        (void)PR_FAIL(e, PR_ERR_CONFIG, "%s:%d: \"%s\" is no rule", l->shown, x->line, pr_printable(l->a, x->key, 60));
        return pr_hint(e, "levels of the files under a path: [rules %s], and below it * = %s, or RULE = LEVEL", pr_printable(l->a, x->key, 60),
                       pr_printable(l->a, x->value, 20));
    }
    if (pr_setting_check(s, x->value, e) != PR_OK) return pr_prefix(e, "%s:%d: %s", l->shown, x->line, pr_printable(l->a, x->key, 60));
    *PR_PUSH(l->a, l->c->rule_levels, l->c->n_rule_levels, l->levels_cap) = (struct pr_rule_level){
        .glob = x->name, .rule = x->key, .level = x->value, .section = section_number(ini, x), .line = x->line};
    return PR_OK;
}

/* [review]: which signs there are is not known here either: pr_review_levels_check says it. */
static enum pr_code take_review(struct loading *l, const struct pr_setting *s, const struct pr_entry *x, struct pr_err *e) {
    if (pr_setting_check(s, x->value, e) != PR_OK) return pr_prefix(e, "%s:%d: %s", l->shown, x->line, pr_printable(l->a, x->key, 60));
    *PR_PUSH(l->a, l->c->review_levels, l->c->n_review_levels, l->reviews_cap) = (struct pr_review_level){.sign = x->key, .review = x->value, .line = x->line};
    return PR_OK;
}

static enum pr_code take_entry(struct loading *l, const struct pr_ini *ini, const struct pr_entry *x, struct pr_err *e) {
    const struct pr_setting *s = pr_setting_find(x->section, x->key);
    if (s != NULL && pr_eq(s->key, "*")) return pr_eq(s->section, "review") ? take_review(l, s, x, e) : take_level(l, ini, s, x, e);
    if (s == NULL) {
        (void)PR_FAIL(e, PR_ERR_CONFIG, "%s:%d: unknown key \"%s\" in [%s]", l->shown, x->line, pr_printable(l->a, x->key, 40), x->section);
        const char *near = pr_setting_nearest_key(x->section, x->key);
        return near == NULL ? e->code : pr_hint(e, "did you mean %s?", near);
    }
    if (store(l, s, x->name != NULL ? find_env(l->c, x->name) : NULL, x->value, e) != PR_OK)
        return pr_prefix(e, "%s:%d: %s", l->shown, x->line, x->key);
    return PR_OK;
}

static enum pr_code take_entries(struct loading *l, const struct pr_ini *ini, struct pr_err *e) {
    for (size_t i = 0; i < ini->n; i++) {
        const struct pr_entry *x = &ini->entries[i];
        PR_TRY(e, take_entry(l, ini, x, e));
        for (size_t j = 0; j < i; j++)
            if (pr_eq(ini->entries[j].section, x->section) && pr_eq(ini->entries[j].name, x->name) &&
                pr_eq(ini->entries[j].key, x->key))
                return PR_FAIL(e, PR_ERR_CONFIG, "%s:%d: %s stands already in line %d", l->shown, x->line, pr_printable(l->a, x->key, 40),
                               ini->entries[j].line);
    }
    return PR_OK;
}

/* Does the variable belong to this setting? */
static enum pr_code try_var(const struct loading *l, const struct pr_setting *s, struct pr_environment *env, const char *var,
                            const char *value, bool *mine, struct pr_err *e) {
    const bool any = pr_eq(s->key, "*");                       /* [rules], [review]: whatever the key */
    const struct pr_setting named = {.section = s->section, .key = any ? "" : s->key};
    const char *name = pr_setting_env_name(&named, env != NULL ? env->name : NULL, l->a);
    if (any ? !pr_starts(var, name) : !pr_eq(var, name)) return PR_OK;
    *mine = true;
    if (s->file_only) {
        (void)PR_FAIL(e, PR_ERR_CONFIG, "%s: %s%s%s is read from pgrail.conf alone", var, any ? "[" : "", any ? s->section : s->key, any ? "]" : "");
        return pr_hint(e, "unset %s; what guards production is changed where it is reviewed", var);
    }
    if (pr_looks_secret(value)) {
        (void)PR_FAIL(e, PR_ERR_CONFIG, "%s: a password in the configuration: refused", var);
        return pr_hint(e, "name a libpq service and keep the password in ~/.pgpass");
    }
    if (env != NULL && pr_eq(s->key, "service")) env->env = NULL;         /* the variable replaces either way to connect */
    if (env != NULL && pr_eq(s->key, "env")) env->service = NULL;
    if (store(l, s, env, value, e) != PR_OK) return pr_prefix(e, "%s", var);
    return PR_OK;
}

static enum pr_code take_var(const struct loading *l, const char *var, const char *value, struct pr_err *e) {
    size_t n = 0;
    const struct pr_setting *all = pr_settings(&n);
    bool mine = false, section = false;
    const char *names[64];
    size_t n_names = 0;
    for (size_t i = 0; i < n && !mine; i++) {
        const bool is_env = pr_eq(all[i].section, "environment");
        for (size_t j = 0; j < (is_env ? l->c->n_environments : 1) && !mine; j++) {
            struct pr_environment *env = is_env ? &l->c->environments[j] : NULL;
            PR_TRY(e, try_var(l, &all[i], env, var, value, &mine, e));
            if (n_names < PR_COUNT(names)) names[n_names++] = pr_setting_env_name(&all[i], env != NULL ? env->name : NULL, l->a);
        }
        const struct pr_setting prefix = {.section = all[i].section, .key = ""};
        section = section || pr_starts(var, pr_setting_env_name(&prefix, NULL, l->a));
    }
    if (mine || !section) return PR_OK;
    (void)PR_FAIL(e, PR_ERR_CONFIG, "environment variable %s sets nothing that pgrail knows", pr_printable(l->a, var, 80));
    const char *near = pr_nearest(var, names, n_names);
    return near == NULL ? e->code : pr_hint(e, "did you mean %s?", near);
}

static enum pr_code take_environment(const struct loading *l, struct pr_err *e) {
    for (char *const *v = environ; *v != NULL; v++) {
        const char *eq = strchr(*v, '=');
        if (eq == NULL || !pr_starts(*v, "PGRAIL_")) continue;
        const char *var = pr_dupn(l->a, *v, (size_t)(eq - *v));
        PR_TRY(e, pr_check_utf8(var, eq + 1, strlen(eq + 1), e));
        PR_TRY(e, take_var(l, var, eq + 1, e));
    }
    return PR_OK;
}

static enum pr_code take_defaults(const struct loading *l, struct pr_err *e) {
    size_t n = 0;
    const struct pr_setting *all = pr_settings(&n);
    for (size_t i = 0; i < n; i++) {
        if (all[i].fallback == NULL) continue;
        if (!pr_eq(all[i].section, "environment")) PR_TRY(e, pr_setting_store(&all[i], all[i].fallback, l->c->root, l->a, l->c, e));
        for (size_t j = 0; pr_eq(all[i].section, "environment") && j < l->c->n_environments; j++)
            PR_TRY(e, pr_setting_store(&all[i], all[i].fallback, l->c->root, l->a, &l->c->environments[j], e));
    }
    return PR_OK;
}

static enum pr_code check_environments(const struct loading *l, struct pr_err *e) {
    for (size_t i = 0; i < l->c->n_environments; i++) {
        const struct pr_environment *env = &l->c->environments[i];
        if ((env->service == NULL) != (env->env == NULL)) continue;
        (void)PR_FAIL(e, PR_ERR_CONFIG, "%s:%d: [environment %s] needs %s", l->shown, l->lines[i], env->name,
                      env->service == NULL ? "service or env" : "either service or env, not both");
        return pr_hint(e, "service = NAME (of ~/.pg_service.conf), or env = VARIABLE that holds a connection string");
    }
    return PR_OK;
}

static enum pr_code fill(struct loading l, const char *text, struct pr_err *e) {
    struct pr_ini ini = {0};
    PR_TRY(e, pr_ini_read(l.shown, text, l.a, &ini, e));
    PR_TRY(e, take_headings(&l, &ini, e));
    PR_TRY(e, take_defaults(&l, e));
    PR_TRY(e, take_entries(&l, &ini, e));
    PR_TRY(e, take_environment(&l, e));
    return check_environments(&l, e);
}

enum pr_code pr_config_read(const char *shown, const char *path, const char *text, struct pr_arena *a, struct pr_config **out,
                            struct pr_err *e) {
    struct pr_config *c = PR_NEW(a, struct pr_config);
    c->path = path;
    c->shown = shown;
    c->root = pr_dupn(a, path, strrchr(path, '/') == path ? 1 : (size_t)(strrchr(path, '/') - path));
    const struct loading l = {.a = a, .c = c, .shown = shown};
    PR_TRY(e, fill(l, text, e));
    *out = c;
    return PR_OK;
}

enum pr_code pr_config_load(const char *path, struct pr_arena *a, struct pr_config **out, struct pr_err *e) {
    const char *shown = NULL, *text = NULL;
    size_t n = 0;
    PR_TRY(e, find_conf(path, a, &shown, e));
    if (pr_read_text(a, shown, CONF_CAP, &text, &n, e) != PR_OK) {
        e->code = PR_ERR_CONFIG;
        return e->hint[0] == '\0' ? pr_hint(e, "pgrail init") : e->code;
    }
    char whole[PATH_MAX];
    if (realpath(shown, whole) == NULL) return PR_FAIL(e, PR_ERR_CONFIG, "%s: %s", shown, strerror(errno));
    return pr_config_read(shown, pr_dup(a, whole), text, a, out, e);
}

static const char *env_names(const struct pr_config *c, char *to, size_t room) {
    size_t at = 0;
    to[0] = '\0';
    for (size_t i = 0; i < c->n_environments && at < room; i++) {
        const int w = snprintf(to + at, room - at, "%s%s", i == 0 ? "" : ", ", c->environments[i].name);
        at += w > 0 ? (size_t)w : 0;
    }
    return to;
}

enum pr_code pr_config_env(const struct pr_config *c, const char *name, const struct pr_environment **out, struct pr_err *e) {
    char known[512];
    if (c->n_environments == 0) {
        (void)PR_FAIL(e, PR_ERR_CONFIG, "pgrail.conf names no environment");
        return pr_hint(e, "add [environment production] with service = NAME to %.400s", c->path);
    }
    const struct pr_environment *found = find_env(c, name != NULL ? name : "production");
    if (found == NULL && name == NULL && c->n_environments == 1) found = &c->environments[0];
    if (found != NULL) {
        *out = found;
        return PR_OK;
    }
    if (name == NULL) {
        (void)PR_FAIL(e, PR_ERR_CONFIG, "which environment? there are %s", env_names(c, known, sizeof known));
        return pr_hint(e, "--env %s", c->environments[0].name);
    }
    (void)PR_FAIL(e, PR_ERR_CONFIG, "unknown environment \"%.60s\"; there are %s", name, env_names(c, known, sizeof known));
    const char *names[64];
    size_t n = 0;
    for (; n < c->n_environments && n < PR_COUNT(names); n++) names[n] = c->environments[n].name;
    const char *near = pr_nearest(name, names, n);
    return near == NULL ? e->code : pr_hint(e, "--env %s", near);
}
