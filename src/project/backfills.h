/* backfills.h: the NNNN_name.backfill.sql files of a migrations folder. What is in them is read by backfill/. */
#ifndef PR_PROJECT_BACKFILLS_H
#define PR_PROJECT_BACKFILLS_H

#include "project/project.h"

struct pr_backfill_file {
    const char *path;              /* as shown */
    const char *version, *name, *id;       /* version NULL: its name has none; id "0249_vat" */
    const char *text; size_t len;
    const struct pr_migration *of; /* that has its version: it comes after that one; NULL = it stands by itself */
};
bool pr_is_backfill(const char *path);                      /* by its name */

#endif
