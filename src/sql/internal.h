/* internal.h: what the files of sql/ share and others do not need. After sql/nodes.h. */
#ifndef PR_SQL_INTERNAL_H
#define PR_SQL_INTERNAL_H

#include "sql/sql.h"

/* Tree deeper than PR_CAP_SQL_DEPTH, or than the stack. */
bool pr_tree_too_deep(const void *node);

/* Command tag of a raw statement, as the server's CreateCommandTag would give it; static text. */
const char *pr_node_tag(const Node *node);

#endif
