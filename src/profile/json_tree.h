/* json_tree.h: what was seen of the documents of one column: a node for each path. */
#ifndef PR_PROFILE_JSON_TREE_H
#define PR_PROFILE_JSON_TREE_H

#include "profile/impl.h"

#define PR_MOST_JSON_PATHS 4000

enum pr_json_type { PR_J_OBJECT, PR_J_ARRAY, PR_J_STRING, PR_J_NUMBER, PR_J_BOOLEAN, PR_J_NULL, PR_J_COUNT };

struct pr_json_node {
    const char **keys; size_t n_keys;           /* NULL among them: any element of an array. None: the document itself */
    struct pr_json_node *parent;
    int64_t types[PR_J_COUNT], total;
    int64_t numeric, empty, max_length;         /* of strings: those that read as numbers, empty ones, the longest */
    const char *min, *max;                      /* of numbers */
    struct pr_places seen[PR_J_COUNT], lacks;
    int64_t part_total, part_objects;           /* of the part that is being counted */
    int known;
    size_t n_children;                          /* filled by pr_json_settle */
    bool in_map;                                /* below an object whose keys are data */
};
struct pr_json_tree { struct pr_map map; struct pr_json_node *nodes[PR_MOST_JSON_PATHS]; size_t n; bool over; char broken[6]; /* SQLSTATE of the walk's failure */ };

const char *pr_json_type_name(enum pr_json_type t);         /* "object" … */
void pr_json_settle(struct pr_json_tree *t);                /* when all is counted: which objects are maps */
/* "vat_data.rate", "doc.items[].price"; a key that does not look like a name is a pattern. */
const char *pr_json_node_text(struct pr_arena *a, const struct pr_data_col *c, const struct pr_json_node *node);

#endif
