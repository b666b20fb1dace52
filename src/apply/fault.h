/* fault.h: places where the crash tests kill us. PGRAIL_FAULT=<point> makes the process send itself SIGKILL when it gets
 * there for the first time; nothing else in the environment does anything, and no point is ever reached without it. */
#ifndef PR_APPLY_FAULT_H
#define PR_APPLY_FAULT_H

#include "base/base.h"

/* Dies here when PGRAIL_FAULT names this point. A name that is not in the table is a bug. */
void pr_fault(const char *point);

/* The points: one for every event of the run's journal (just after it became durable), and those between two events. */
struct pr_fault_point { const char *name, *where; };
extern const struct pr_fault_point pr_fault_points[];
extern const size_t pr_n_fault_points;

#endif
