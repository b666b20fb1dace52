#include "ops/ops.h"

#include <setjmp.h>

#include <cmocka.h>

struct args { const char *name; int64_t rows; int64_t wait; bool fast; const char *mode; struct pr_list rest; };

static const char *const modes[] = {"up", "down", NULL};
static const struct pr_param params[] = {
    {.name = "name", PR_FIELD(PR_T_STR, struct args, name), .required = true, .positional = true, .help = "Name."},
    {.name = "rest", PR_FIELD(PR_T_LIST, struct args, rest), .positional = true, .help = "More."},
    {.name = "rows", PR_FIELD(PR_T_INT, struct args, rows), .min = 1, .max = 100, .fallback = "10", .help = "Rows."},
    {.name = "wait", PR_FIELD(PR_T_DURATION, struct args, wait), .fallback = "5s", .help = "Wait."},
    {.name = "fast", PR_FIELD(PR_T_BOOL, struct args, fast), .help = "Fast."},
    {.name = "mode", PR_FIELD(PR_T_STR, struct args, mode), .choices = modes, .fallback = "up", .help = "Mode."},
};
static const struct pr_op op = {.name = "toy", .summary = "Toy", .detail = "Toy.", .examples = (const char *const[]){"pgrail toy x", NULL},
                                .params = params, .n_params = PR_COUNT(params), .args_size = sizeof(struct args)};

struct pair { const char *name, *value; };
struct pairs { const struct pair *items; size_t n, at; };

static bool next(void *ctx, const char **name, const char **value) {
    struct pairs *p = ctx;
    if (p->at == p->n) return false;
    *name = p->items[p->at].name;
    *value = p->items[p->at++].value;
    return true;
}

static enum pr_code bind(struct pr_arena *a, const struct pair *items, size_t n, struct args **out, struct pr_err *e) {
    struct pr_arg_src src = {.ctx = &(struct pairs){.items = items, .n = n}, .next = next};
    void *args = NULL;
    const enum pr_code code = pr_bind(&op, a, &src, &args, e);
    *out = args;
    return code;
}

static void words_and_options_are_bound(void **state) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(1 << 20);
    const struct pair words[] = {{NULL, "x"}, {"rows", "7"}, {NULL, "y"}, {"fast", NULL}, {NULL, "z"}, {"wait", "2min"}, {"mode", "down"}};
    struct args *in = NULL;
    struct pr_err e = {0};
    assert_int_equal(bind(a, words, PR_COUNT(words), &in, &e), PR_OK);
    assert_string_equal(in->name, "x");
    assert_int_equal(in->rows, 7);
    assert_int_equal(in->wait, 120000);
    assert_true(in->fast);
    assert_string_equal(in->mode, "down");
    assert_int_equal(in->rest.n, 2);
    assert_string_equal(in->rest.items[1], "z");
}

static void defaults_fill_what_is_not_said(void **state) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(1 << 20);
    const struct pair words[] = {{NULL, "x"}};
    struct args *in = NULL;
    struct pr_err e = {0};
    assert_int_equal(bind(a, words, 1, &in, &e), PR_OK);
    assert_int_equal(in->rows, 10);
    assert_int_equal(in->wait, 5000);
    assert_false(in->fast);
    assert_string_equal(in->mode, "up");
    assert_int_equal(in->rest.n, 0);
}

static void wrong_words_say_what_was_expected(void **state) {
    static const struct { struct pair words[2]; size_t n; const char *message, *hint; } wrong[] = {
        {{{NULL, NULL}}, 0, "toy wants a name", "for example: pgrail toy x"},
        {{{NULL, "x"}, {"row", "1"}}, 2, "toy has no option --row", "did you mean --rows? all options: pgrail toy --help"},
        {{{NULL, "x"}, {"zebra", "1"}}, 2, "toy has no option --zebra", "all options: pgrail toy --help"},
        {{{NULL, "x"}, {"rows", NULL}}, 2, "--rows wants a value", "pgrail toy --help"},
        {{{NULL, "x"}, {"rows", "101"}}, 2, "--rows: expected an integer from 1 to 100, got \"101\"", "pgrail toy --help"},
        {{{NULL, "x"}, {"wait", "soon"}}, 2, "--wait: expected a duration such as 250ms, 5s, 10min, 24h or 7d, got \"soon\"", "pgrail toy --help"},
        {{{NULL, "x"}, {"mode", "sideways"}}, 2, "--mode: expected one of up, down, got \"sideways\"", "pgrail toy --help"},
        {{{"rows", "1"}, {"rows", "2"}}, 2, "--rows is given twice", "pgrail toy --help"},
        {{{NULL, "x"}, {"name", "y"}}, 2, "toy has no option --name", "all options: pgrail toy --help"},
        {{{NULL, "x"}, {"mode", "\xff"}}, 2, "--mode: expected UTF-8 text", "pgrail toy --help"},
    };
    for (size_t i = 0; i < PR_COUNT(wrong); i++) {
        struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(1 << 20);
        struct args *in = NULL;
        struct pr_err e = {0};
        assert_int_equal(bind(a, wrong[i].words, wrong[i].n, &in, &e), PR_ERR_USAGE);
        assert_string_equal(e.msg, wrong[i].message);
        assert_string_equal(e.hint, wrong[i].hint);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_and_options_are_bound),
        cmocka_unit_test(defaults_fill_what_is_not_said),
        cmocka_unit_test(wrong_words_say_what_was_expected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
