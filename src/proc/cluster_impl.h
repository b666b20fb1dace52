/* cluster_impl.h: where throwaway clusters live, for who makes them and who sweeps them. */
#ifndef PR_PROC_CLUSTER_IMPL_H
#define PR_PROC_CLUSTER_IMPL_H

#include <limits.h>

#include "proc/proc_impl.h"

#define PR_CLUSTER_PREFIX "pgrail-cluster-"
#define PR_OWNER_LOCK "owner.lock"

/* The folder in which clusters are made: $TMPDIR where a server can use it, else /tmp. */
const char *pr_cluster_base(struct pr_arena *a);

#endif
