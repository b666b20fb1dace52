/* test_config.c: pgrail.conf: what it gives, what lies over it, and what it refuses. */
#include "tree.h"

#include "project/config.h"

static const char good[] =
    "[project]\n"
    "migrations = db/migrations   ; where they are\n"
    "layout = goose\n"
    "signing_key = /keys/me\n"
    "[environment production]\n"
    "service = app_prod\n"
    "protected = yes\n"
    "[environment staging]\n"
    "env = STAGING_URL\n"
    "[policy]\n"
    "approvers = approvers\n"
    "max_inline_rows = 7\n"
    "max_block = 250ms\n"
    "[rules]\n"
    "index-not-concurrent = off\n"
    "[rules legacy/*]\n"
    "* = warning\n"
    "[conventions]\n"
    "key_type = bigint\n"
    "index_name = {table}_{columns}_idx\n"
    "boolean_default = yes\n";

static struct pr_config *load(struct tree *t) {
    struct pr_config *c = NULL;
    const enum pr_code code = pr_config_load(tree_path(t, "pgrail.conf"), t->a, &c, &t->e);
    if (code != PR_OK) fail_msg("%s", t->e.msg);
    return c;
}

static void reads_what_is_written(void **state) {
    struct tree *t = *state;
    tree_file(t, "pgrail.conf", good);
    struct pr_config *c = load(t);
    assert_string_equal(c->root, t->dir);
    assert_string_equal(c->migrations, tree_path(t, "db/migrations"));
    assert_string_equal(c->layout, "goose");
    assert_string_equal(c->approvers, tree_path(t, "approvers"));
    assert_string_equal(c->signing_key, "/keys/me");
    assert_int_equal(c->n_environments, 2);
    assert_string_equal(c->environments[0].service, "app_prod");
    assert_true(c->environments[0].is_protected);
    assert_string_equal(c->environments[1].env, "STAGING_URL");
    assert_false(c->environments[1].is_protected);
    assert_int_equal(c->max_inline_rows, 7);
    assert_int_equal(c->max_block_ms, 250);
    assert_int_equal(c->rehearsal_max_age_ms, 24 * 3600 * 1000);
    assert_int_equal(c->n_rule_levels, 2);
    const struct pr_rule_level *plain = &c->rule_levels[0], *under = &c->rule_levels[1];
    assert_true(plain->glob == NULL && plain->section == 0 && pr_eq(plain->rule, "index-not-concurrent") && pr_eq(plain->level, "off"));
    assert_true(pr_eq(under->glob, "legacy/*") && under->section > 0 && pr_eq(under->rule, "*") && pr_eq(under->level, "warning"));
    assert_string_equal(c->conventions.key_type, "bigint");
    assert_string_equal(c->conventions.index_name, "{table}_{columns}_idx");
    assert_true(c->conventions.boolean_default && !c->conventions.redundant_index && c->conventions.names == NULL);
}

/* A setting without a default, or with a default that its own bounds refuse, would be a hole in the table. */
static void every_default_is_within_its_bounds(void **state) {
    struct tree *t = *state;
    size_t n = 0;
    const struct pr_setting *all = pr_settings(&n);
    for (size_t i = 0; i < n; i++) {
        struct pr_config c = {0};
        struct pr_environment env = {0};
        void *base = pr_eq(all[i].section, "environment") ? (void *)&env : (void *)&c;
        assert_non_null(all[i].why);
        assert_true(pr_starts(pr_setting_env_name(&all[i], NULL, t->a), "PGRAIL_"));
        if (all[i].fallback != NULL)
            assert_int_equal(pr_setting_store(&all[i], all[i].fallback, "/r", t->a, base, &t->e), PR_OK);
        for (size_t j = 0; j < i; j++) assert_false(pr_eq(all[i].section, all[j].section) && pr_eq(all[i].key, all[j].key));
    }
}

struct wrong { const char *conf, *msg, *hint; };

static void refuses(void **state) {
    static const struct wrong cases[] = {
        {"[polcy]\n", "pgrail.conf:1: unknown section [polcy]", "did you mean [policy]?"},
        {"[policy]\n\nmax_inlin_rows = 3\n", "pgrail.conf:3: unknown key \"max_inlin_rows\" in [policy]", "did you mean max_inline_rows?"},
        {"[policy]\nmax_inline_rows = many\n", "pgrail.conf:2: max_inline_rows: expected an integer from 0 to", ""},
        {"[policy]\nmax_block = 3 fortnights\n", "pgrail.conf:2: max_block: expected a duration", ""},
        {"[policy]\napprovals = 0\n", "pgrail.conf:2: approvals: expected an integer from 1 to 10", ""},
        {"[environment production]\nservice=x\nprotected = perhaps\n", "pgrail.conf:3: protected: expected yes or no", ""},
        {"[project]\nlayout = dbmat\n", "pgrail.conf:2: layout: expected one of auto, golang-migrate", "did you mean dbmate?"},
        {"[environment]\nservice = x\n", "pgrail.conf:1: [environment] needs a name", ""},
        {"[environment a/b]\nservice = x\n", "pgrail.conf:1: an environment's name", ""},
        {"[policy x]\n", "pgrail.conf:1: [policy] takes no name", ""},
        {"[environment a]\nprotected = no\n", "pgrail.conf:1: [environment a] needs service or env", "service = NAME"},
        {"[environment a]\nservice = x\nenv = Y\n", "pgrail.conf:1: [environment a] needs either", ""},
        {"[environment a]\nservice = host=db user=me\n", "pgrail.conf:2: service: expected the name of a libpq service", "pg_service.conf"},
        {"[environment a]\nenv = $DATABASE_URL\n", "pgrail.conf:2: env: expected the name of an environment variable", ""},
        {"[environment a]\nservice = x\n[environment a]\n", "pgrail.conf:3: the section stands already in line 1", ""},
        {"[policy]\nmax_block=1s\nmax_block=2s\n", "pgrail.conf:3: max_block stands already in line 2", ""},
        {"layout = auto\n", "pgrail.conf:1: \"layout\" stands before the first [section]", ""},
        {"[project]\nwhat is this\n", "pgrail.conf:2: expected [section] or key = value", ""},
        {"[rules]\nadd-fk = shout\n", "pgrail.conf:2: add-fk: expected one of off, note, warning, error", ""},
    };
    struct tree *t = *state;
    for (size_t i = 0; i < PR_COUNT(cases); i++) {
        struct pr_config *c = NULL;
        t->e = (struct pr_err){0};
        tree_file(t, "pgrail.conf", cases[i].conf);
        assert_int_equal(pr_config_load(tree_path(t, "pgrail.conf"), t->a, &c, &t->e), PR_ERR_CONFIG);
        assert_null(c);
        if (strstr(t->e.msg, cases[i].msg) == NULL || strstr(t->e.hint, cases[i].hint) == NULL)
            fail_msg("case %zu: got \"%s\", hint \"%s\"", i, t->e.msg, t->e.hint);
    }
}

static void never_echoes_a_password(void **state) {
    static const char *const cases[] = {
        "[environment a]\nservice = postgres://me:s3cr3t@db/app\n",
        "[environment a]\nenv = postgresql://me:s3cr3t@db/app\n",
        "[environment a]\nservice = host=db password=s3cr3t\n",
        "[environment a]\npassword = s3cr3t\n",
        "[environment a]\nPassword: s3cr3t\n",
        "[environment a]\nsslpassword = s3cr3t\n",
        "[environment a]\n; was postgres://me:s3cr3t@db/app\nservice = x\n",
        "[environment a]\nservice = host = db password = 's3cr3t'\n",
    };
    struct tree *t = *state;
    for (size_t i = 0; i < PR_COUNT(cases); i++) {
        struct pr_config *c = NULL;
        t->e = (struct pr_err){0};
        tree_file(t, "pgrail.conf", cases[i]);
        assert_int_equal(pr_config_load(tree_path(t, "pgrail.conf"), t->a, &c, &t->e), PR_ERR_CONFIG);
        if (strstr(t->e.msg, "a password in the configuration: refused") == NULL) fail_msg("case %zu: %s", i, t->e.msg);
        assert_null(strstr(t->e.msg, "s3cr3t"));
        assert_null(strstr(t->e.hint, "s3cr3t"));
    }
    assert_false(pr_looks_secret("; Never a password here: refused"));
    assert_false(pr_looks_secret("see https://www.postgresql.org/docs/@latest"));
    assert_false(pr_looks_secret("postgres://me@db/app?x=a:b@c"));
}

/* What inih does by itself: splits long lines, takes indented ones for continuations, cuts long section names. */
static void inih_has_no_say(void **state) {
    struct tree *t = *state;
    struct pr_config *c = NULL;
    tree_file(t, "pgrail.conf", "\xEF\xBB\xBF  [project]\r\n    migrations = a\r\n\tlayout = goose\r\n# note\n; note\n[environment x]\nservice = y");
    c = load(t);
    assert_string_equal(c->migrations, tree_path(t, "a"));
    assert_string_equal(c->layout, "goose");
    char dots[400];
    memset(dots, 'd', sizeof dots - 1);
    dots[sizeof dots - 1] = '\0';
    tree_file(t, "pgrail.conf", pr_fmt(t->a, "[project]\nmigrations = %s\n", dots));
    assert_int_equal(pr_config_load(tree_path(t, "pgrail.conf"), t->a, &c, &t->e), PR_ERR_CONFIG);
    assert_non_null(strstr(t->e.msg, "pgrail.conf:2: the line is longer than 197 bytes"));
    tree_file(t, "pgrail.conf", pr_fmt(t->a, "; %s\n[project]\nlayout = goose\n", dots));
    assert_string_equal(load(t)->layout, "goose");
    tree_file(t, "pgrail.conf", pr_fmt(t->a, "[environment %.170s]\nservice = x\n", dots));
    assert_int_equal(pr_config_load(tree_path(t, "pgrail.conf"), t->a, &c, &t->e), PR_ERR_CONFIG);
    assert_non_null(strstr(t->e.msg, "longer than 160 bytes"));
}

static void refuse_var(struct tree *t, const char *name, const char *value, const char *msg, const char *hint) {
    struct pr_config *c = NULL;
    t->e = (struct pr_err){0};
    setenv(name, value, 1);
    const enum pr_code code = pr_config_load(tree_path(t, "pgrail.conf"), t->a, &c, &t->e);
    unsetenv(name);
    assert_int_equal(code, PR_ERR_CONFIG);
    if (strstr(t->e.msg, msg) == NULL || strstr(t->e.hint, hint) == NULL) fail_msg("%s: got \"%s\", hint \"%s\"", name, t->e.msg, t->e.hint);
}

static void variables_lie_over_the_file(void **state) {
    struct tree *t = *state;
    tree_file(t, "pgrail.conf", good);
    setenv("PGRAIL_POLICY_MAX_INLINE_ROWS", "9", 1);
    setenv("PGRAIL_ENVIRONMENT_STAGING_SERVICE", "other", 1);
    setenv("PGRAIL_CONF", tree_path(t, "pgrail.conf"), 1);
    struct pr_config *c = NULL;
    const enum pr_code code = pr_config_load(NULL, t->a, &c, &t->e);
    unsetenv("PGRAIL_POLICY_MAX_INLINE_ROWS");
    unsetenv("PGRAIL_ENVIRONMENT_STAGING_SERVICE");
    unsetenv("PGRAIL_CONF");
    if (code != PR_OK) fail_msg("%s", t->e.msg);
    assert_int_equal(c->max_inline_rows, 9);
    assert_string_equal(c->environments[1].service, "other");
    assert_null(c->environments[1].env);
    refuse_var(t, "PGRAIL_POLICY_MAX_INLINE_ROWS", "x", "PGRAIL_POLICY_MAX_INLINE_ROWS: expected an integer", "");
    refuse_var(t, "PGRAIL_POLICY_MAX_INLIN_ROWS", "1", "sets nothing that pgrail knows", "did you mean PGRAIL_POLICY_MAX_INLINE_ROWS?");
    refuse_var(t, "PGRAIL_ENVIRONMENT_PRODUCTION_PROTECTED", "no", "protected is read from pgrail.conf alone", "unset");
    refuse_var(t, "PGRAIL_POLICY_APPROVERS", "/tmp/mine", "approvers is read from pgrail.conf alone", "unset");
    refuse_var(t, "PGRAIL_POLICY_APPROVALS", "1", "approvals is read from pgrail.conf alone", "unset");
    refuse_var(t, "PGRAIL_ENVIRONMENT_STAGING_SERVICE", "postgres://u:s3cr3t@h/d", "a password in the configuration: refused", "libpq service");
}

static void finds_the_file_upwards(void **state) {
    struct tree *t = *state;
    tree_file(t, "pgrail.conf", good);
    tree_file(t, "a/b/x.txt", "");
    char was[4096];
    assert_non_null(getcwd(was, sizeof was));
    assert_int_equal(chdir(tree_path(t, "a/b")), 0);
    struct pr_config *c = NULL;
    const enum pr_code code = pr_config_load(NULL, t->a, &c, &t->e);
    assert_int_equal(chdir(was), 0);
    assert_int_equal(code, PR_OK);
    assert_string_equal(c->path, tree_path(t, "pgrail.conf"));
    assert_int_equal(pr_config_load(tree_path(t, "none.conf"), t->a, &c, &t->e), PR_ERR_CONFIG);
    assert_string_equal(t->e.hint, "pgrail init");
}

static void finds_environments(void **state) {
    struct tree *t = *state;
    tree_file(t, "pgrail.conf", good);
    struct pr_config *c = load(t);
    const struct pr_environment *env = NULL;
    assert_int_equal(pr_config_env(c, NULL, &env, &t->e), PR_OK);
    assert_string_equal(env->name, "production");
    assert_int_equal(pr_config_env(c, "staging", &env, &t->e), PR_OK);
    assert_string_equal(env->name, "staging");
    assert_int_equal(pr_config_env(c, "stagin", &env, &t->e), PR_ERR_CONFIG);
    assert_string_equal(t->e.msg, "unknown environment \"stagin\"; there are production, staging");
    assert_string_equal(t->e.hint, "--env staging");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_what_is_written, tree_open, tree_close),
        cmocka_unit_test_setup_teardown(every_default_is_within_its_bounds, tree_open, tree_close),
        cmocka_unit_test_setup_teardown(refuses, tree_open, tree_close),
        cmocka_unit_test_setup_teardown(never_echoes_a_password, tree_open, tree_close),
        cmocka_unit_test_setup_teardown(inih_has_no_say, tree_open, tree_close),
        cmocka_unit_test_setup_teardown(variables_lie_over_the_file, tree_open, tree_close),
        cmocka_unit_test_setup_teardown(finds_the_file_upwards, tree_open, tree_close),
        cmocka_unit_test_setup_teardown(finds_environments, tree_open, tree_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
