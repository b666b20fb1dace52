/* The page: whatever the document says, it is text; bars stand where the times say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rehearse/inside.h"

static const char document[] =
    "{\"schema\":\"pgrail.rehearsal/1\",\"migration\":{\"id\":\"<img src=x onerror=alert(1)>\",\"rationale\":\"a & b \\\"c\\\" 'd'\",\"sha256\":\"00\"},"
    "\"verdict\":{\"ready\":false,\"reasons\":[{\"code\":\"x\",\"text\":\"</div><script>\",\"mend\":\"\\u202egnp\"}],\"notes\":[]},"
    "\"runs\":[{\"direction\":\"up\",\"file\":\"f\",\"transactions\":\"t\",\"elapsed_us\":2000000,\"statements\":[{\"index\":0,\"sql\":\"SELECT '<b>';\\nSELECT 2\","
    "\"outcome\":\"ok\",\"locks\":\"exact\",\"effects\":[]}],"
    "\"locks\":[{\"schema\":\"public\",\"name\":\"<t>\",\"mode\":\"SHARE\",\"from_us\":1000000,\"to_us\":2000000,\"existed\":true,\"exact\":true,"
    "\"blocks_writers\":true,\"blocks_readers\":false},{\"schema\":\"public\",\"name\":\"own\",\"mode\":\"ACCESS EXCLUSIVE\",\"from_us\":0,\"to_us\":9,"
    "\"existed\":false}],"
    "\"canaries\":[{\"schema\":\"public\",\"name\":\"<t>\",\"role\":\"writer\",\"knocks\":9,\"refused\":4,\"longest_us\":500000,\"longest_from_us\":1200000}]}]}";

static size_t count(const char *text, const char *what) {
    size_t n = 0;
    for (const char *s = strstr(text, what); s != NULL; s = strstr(s + 1, what)) n++;
    return n;
}

static const char *page_of(const char *text, struct pr_arena *a) {
    json_t *doc PR_CLEANUP(pr_json_freep) = json_loads(text, 0, NULL);
    assert_non_null(doc);
    return pr_rehearsal_html(doc, a);
}

static void everything_is_text(void **state) {
    (void)state;
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_FILE);
    const char *page = page_of(document, a);
    assert_null(strstr(page, "<img"));
    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, "<b>'"));
    assert_null(strstr(page, "\u202e"));
    assert_non_null(strstr(page, "&lt;img src=x onerror=alert(1)&gt;"));
    assert_non_null(strstr(page, "a &amp; b &quot;c&quot; &#39;d&#39;"));
    assert_non_null(strstr(page, "SELECT &#39;&lt;b&gt;&#39;;\nSELECT 2"));
    assert_int_equal(count(page, "<table>"), count(page, "</table>"));
    assert_int_equal(count(page, "<svg"), 1);
}

static void bars_stand_where_times_say(void **state) {
    (void)state;
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_FILE);
    const char *page = page_of(document, a);
    assert_int_equal(count(page, "class=\"bar "), 1);       /* the run's own table stops nobody */
    assert_non_null(strstr(page, "<rect class=\"bar writers\" x=\"576\" y=\"46\" width=\"340\""));
    assert_non_null(strstr(page, "SHARE on public.&lt;t&gt;, held 1.00 s, from 1.00 s: writers stand still, readers go on"));
    assert_non_null(strstr(page, "<rect class=\"canary w\" x=\"644\""));
    assert_non_null(strstr(page, "a writer of public.&lt;t&gt; was turned away for 500 ms (4 of 9 knocks)"));
}

static void an_empty_document_is_no_crash(void **state) {
    (void)state;
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_FILE);
    assert_non_null(strstr(page_of("{}", a), "</html>"));
    assert_non_null(strstr(page_of("{\"runs\":[{}],\"verdict\":{\"ready\":true}}", a), "No lock on a relation"));
}

static void words_of_a_stop(void **state) {
    (void)state;
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_FILE);
    assert_string_equal(pr_stop_words(PR_SHARE, 1980000, a), "writers stopped 1.98 s, readers went on");
    assert_string_equal(pr_stop_words(PR_ACCESS_EXCLUSIVE, 1000, a), "readers and writers stopped 1.0 ms");
    assert_string_equal(pr_stop_words(PR_SHARE_UPDATE_EXCLUSIVE, 1, a), "readers and writers went on");
    assert_string_equal(pr_stop_words(PR_EXCLUSIVE, 2000000, a), "writers stopped 2.00 s, readers went on");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_text),
        cmocka_unit_test(bars_stand_where_times_say),
        cmocka_unit_test(an_empty_document_is_no_crash),
        cmocka_unit_test(words_of_a_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
