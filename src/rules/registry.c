#include "rules/rules.h"

#define PR_X(id) extern const struct pr_rule pr_rule_##id;
#include "rules.gen.h"                                      /* PR_X(set_not_null) …: the files r_*.c of this folder, sorted */
#undef PR_X

const struct pr_rule *const pr_rules[] = {
#define PR_X(id) &pr_rule_##id,
#include "rules.gen.h"
#undef PR_X
};
const size_t pr_n_rules = PR_COUNT(pr_rules);

const struct pr_rule *pr_rule_find(const char *id) {
    for (size_t i = 0; i < pr_n_rules; i++)
        if (pr_rules[i]->id == id) return pr_rules[i];      /* most ask with the rule's own text */
    for (size_t i = 0; i < pr_n_rules; i++)
        if (pr_eq(pr_rules[i]->id, id)) return pr_rules[i];
    return NULL;
}

const char *pr_level_name(enum pr_level l) {
    static const char *const names[PR_LEVEL_COUNT] = {
        [PR_NOTE] = "note", [PR_WARNING] = "warning", [PR_ERROR] = "error"};
    PR_ASSERT(l >= 0 && l < PR_LEVEL_COUNT);
    return names[l];
}

const char *pr_family_name(enum pr_family f) {
    static const char *const names[] = {
        [PR_F_BLOCKING] = "blocking",     [PR_F_COMPATIBILITY] = "compatibility", [PR_F_LOSS] = "loss",
        [PR_F_FAILURE] = "failure",       [PR_F_MIXING] = "mixing",               [PR_F_GROUNDING] = "grounding",
        [PR_F_ACCESS] = "access",         [PR_F_CONVENTION] = "convention",       [PR_F_REPLICATION] = "replication"};
    PR_ASSERT((size_t)f < PR_COUNT(names));
    return names[f];
}
