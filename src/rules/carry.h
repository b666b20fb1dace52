/* carry.h: what a judge found, carried into memory that somebody else made: what another process judged comes back that way. */
#ifndef PR_RULES_CARRY_H
#define PR_RULES_CARRY_H

#include "rules/rules.h"

/* Memory that is filled from its beginning on. bytes is aligned for any type. */
struct pr_room { unsigned char *bytes; size_t size, used; };

/* Copies an answer into the room: findings, what was hidden, counts and review, and of the script how many statements it has. Its trees,
 * footprints, fixes and the world stay behind. The copy points to the program's own tables and to the side's path, and else into the room:
 * it can be read wherever all three are at the same address, as in a process and its children.
 * NULL: it does not fit, and the room is as it was. */
const struct pr_judged *pr_judged_carry(const struct pr_judged *from, const struct pr_side *side, struct pr_room *to);

#endif
