/* The nearest real name: what people and models write, and what they meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "catalog/catalog.h"

#define COL(n, t, nn) {.name = (n), .type = (t), .not_null = (nn)}
static struct pr_col invoices_cols[] = {
    COL("id", "bigint", true), COL("customer_id", "bigint", true), COL("number", "text", true), COL("status", "public.invoice_status", true),
    COL("issued_on", "date", true), COL("due_on", "date", true), COL("paid_at", "timestamp with time zone", false),
    COL("currency", "text", true), COL("net_total_cents", "bigint", true), COL("vat_total_cents", "bigint", true),
    COL("gross_total_cents", "bigint", true), COL("created_at", "timestamp with time zone", true),
    COL("updated_at", "timestamp with time zone", true),
};
static struct pr_col items_cols[] = {
    COL("id", "bigint", true), COL("invoice_id", "bigint", true), COL("line_number", "integer", true), COL("description", "text", true),
    COL("quantity", "numeric(10,2)", true), COL("unit_price_cents", "bigint", true), COL("vat_data", "jsonb", false),
    COL("paid_at", "timestamp with time zone", false), COL("created_at", "timestamp with time zone", true),
};
static struct pr_col people_cols[] = {
    COL("id", "uuid", true), COL("firstName", "text", false), COL("lastName", "text", false), COL("birth_date", "date", false),
    COL("phone", "text", false), COL("emailAddress", "text", true), COL("street_address", "text", false), COL("postcode", "text", false),
    COL("is_active", "boolean", true), COL("tenantID", "bigint", true), COL("avatar_url", "text", false), COL("lastSeenAt", "timestamptz", false),
    COL("sort_order", "integer", true),
};
static const struct pr_rel invoices = {.schema = "public", .name = "invoices", .kind = 'r', .cols = invoices_cols, .n_cols = PR_COUNT(invoices_cols)};
static const struct pr_rel items = {.schema = "public", .name = "invoice_items", .kind = 'r', .cols = items_cols, .n_cols = PR_COUNT(items_cols)};
static const struct pr_rel people = {.schema = "public", .name = "people", .kind = 'r', .cols = people_cols, .n_cols = PR_COUNT(people_cols)};

static const struct { const struct pr_rel *rel; const char *wrong, *right; } cases[] = {
    {&invoices, "total_amount", "gross_total_cents"},
    {&invoices, "totalAmount", "gross_total_cents"},
    {&invoices, "amount", "gross_total_cents"},
    {&invoices, "total", "gross_total_cents"},
    {&invoices, "total_price", "gross_total_cents"},
    {&invoices, "net_amount", "net_total_cents"},
    {&invoices, "tax_amount", "vat_total_cents"},
    {&invoices, "grossTotalCents", "gross_total_cents"},
    {&invoices, "gross_total", "gross_total_cents"},
    {&invoices, "created", "created_at"},
    {&invoices, "inserted_at", "created_at"},
    {&invoices, "creation_date", "created_at"},
    {&invoices, "modified_at", "updated_at"},
    {&invoices, "last_update", "updated_at"},
    {&invoices, "user_id", "customer_id"},
    {&invoices, "client_id", "customer_id"},
    {&invoices, "account_id", "customer_id"},
    {&invoices, "customer", "customer_id"},
    {&invoices, "custmer_id", "customer_id"},
    {&invoices, "invoice_number", "number"},
    {&invoices, "invoice_no", "number"},
    {&invoices, "invoice_id", "id"},
    {&invoices, "state", "status"},
    {&invoices, "invoice_status", "status"},
    {&invoices, "due_date", "due_on"},
    {&invoices, "issue_date", "issued_on"},
    {&invoices, "payment_date", "paid_at"},
    {&invoices, "curency", "currency"},
    {&items, "qty", "quantity"},
    {&items, "desc", "description"},
    {&items, "line_no", "line_number"},
    {&items, "price", "unit_price_cents"},
    {&items, "unit_cost", "unit_price_cents"},
    {&items, "invoiceId", "invoice_id"},
    {&items, "tax_data", "vat_data"},
    {&people, "first_name", "firstName"},
    {&people, "dob", "birth_date"},
    {&people, "birthday", "birth_date"},
    {&people, "tel", "phone"},
    {&people, "telephone", "phone"},
    {&people, "email", "emailAddress"},
    {&people, "emial", "emailAddress"},
    {&people, "addr", "street_address"},
    {&people, "zip", "postcode"},
    {&people, "active", "is_active"},
    {&people, "organisation_id", "tenantID"},
    {&people, "photo_link", "avatar_url"},
    {&people, "last_seen", "lastSeenAt"},
};

static void nearest_columns(void **state) {
    int failed = 0;
    for (size_t i = 0; i < PR_COUNT(cases); i++) {
        struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 20);
        struct pr_near *near = NULL;
        const size_t n = pr_near_columns(cases[i].rel, cases[i].wrong, 3, a, &near);
        if (n > 0 && strcmp(near[0].name, cases[i].right) == 0) continue;
        failed++;
        print_error("%s: expected %s, got", cases[i].wrong, cases[i].right);
        for (size_t k = 0; k < n; k++) print_error(" %s(%d)", near[k].name, near[k].score);
        print_error("\n");
    }
    assert_int_equal(failed, 0);
}

static void nothing_near(void **state) {
    static const char *const strangers[] = {"zebra", "xyzzy", "", "___", "favourite_colour", "shoe_size_at", "no_such", "no_such_column"};
    for (size_t i = 0; i < PR_COUNT(strangers); i++) {
        struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 20);
        struct pr_near *near = NULL;
        const size_t n = pr_near_columns(&invoices, strangers[i], 3, a, &near);
        if (n > 0) print_error("%s: %s(%d)\n", strangers[i], near[0].name, near[0].score);
        assert_int_equal(n, 0);
    }
}

static void sorted_capped_and_described(void **state) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 20);
    struct pr_near *near = NULL;
    assert_int_equal(pr_near_columns(&invoices, "total_amount", 2, a, &near), 2);
    assert_true(near[0].score > near[1].score);
    assert_string_equal(near[0].detail, "bigint, not null");
    assert_int_equal(pr_near_columns(&invoices, "number", 5, a, &near) > 0, true);
    assert_string_equal(near[0].name, "number");
    assert_int_equal(near[0].score, 1000);
}

static void nearest_relations(void **state) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)1 << 20);
    static const char *const all[] = {"app.invoices", "app.invoice_items", "archive.invoices", "app.customers", "app.payments"};
    static const char *const path[] = {"app"};
    struct pr_rel rels[] = {{.schema = "app", .name = "invoice_items", .kind = 'r', .rows = 2400000}};
    const struct pr_facts f = {.rels = rels, .n_rels = 1, .all_relations = all, .n_all_relations = PR_COUNT(all), .search_path = path,
                               .n_search_path = 1};
    static const struct { const char *wrong, *right; } names[] = {
        {"invoice", "app.invoices"}, {"invoice_lines", "app.invoice_items"}, {"InvoiceItem", "app.invoice_items"}, {"bills", "app.invoices"},
        {"users", "app.customers"}, {"public.payment", "app.payments"}, {"public.invoices", "app.invoices"}, {"invocies", "app.invoices"},
    };
    struct pr_near *near = NULL;
    for (size_t i = 0; i < PR_COUNT(names); i++) {
        assert_true(pr_near_relations(&f, names[i].wrong, 3, a, &near) > 0);
        assert_string_equal(near[0].name, names[i].right);
    }
    assert_true(pr_near_relations(&f, "invoice_item", 3, a, &near) > 0);
    assert_string_equal(near[0].detail, "table, about 2,400,000 rows");
    assert_int_equal(pr_near_relations(&f, "zebras", 3, a, &near), 0);
}

/* Whatever the bytes are, it ends and stays in bounds. */
static void any_text(void **state) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new((size_t)16 << 20);
    unsigned seed = 7;
    for (int round = 0; round < 2000; round++) {
        char wrong[200];
        const size_t len = (size_t)(seed % (sizeof wrong - 1));
        for (size_t i = 0; i < len; i++) wrong[i] = "aB_9 .\xc3\xa9Ze"[(seed = seed * 1103515245u + 12345u) >> 16 & 7];
        wrong[len] = '\0';
        struct pr_near *near = NULL;
        const size_t n = pr_near_columns(&people, wrong, 4, a, &near);
        assert_true(n <= 4);
        for (size_t i = 0; i < n; i++) assert_in_range(near[i].score, 1, 1000);
        seed += (unsigned)round;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nearest_columns), cmocka_unit_test(nothing_near), cmocka_unit_test(sorted_capped_and_described),
        cmocka_unit_test(nearest_relations), cmocka_unit_test(any_text),
    };
    return cmocka_run_group_tests_name("near", tests, NULL, NULL);
}
