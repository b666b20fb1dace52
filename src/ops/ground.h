/* ground.h: what the files of the ground operation share. */
#ifndef PR_OPS_GROUND_H
#define PR_OPS_GROUND_H

#include "catalog/catalog.h"
#include "ops/ops.h"

/* Names in a script that the database does not have, as objects at the end of list: kind ("relation", "column", "index"), name,
 * relation (of a column), line (first_line is that of the script in its file), message, nearest (name, detail, score). What
 * the script itself creates before is known, and what stands behind IF EXISTS is not missed. */
void pr_ground_unknown(const struct pr_script *s, const struct pr_facts *f, int first_line, struct pr_arena *a, json_t *list);

/* The document of the ground operation for a terminal. */
void pr_ground_render(const json_t *doc, const struct pr_render *r);

#endif
