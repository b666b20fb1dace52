/* backfills.h: the NNNN_name.backfill.sql files of a migrations folder. What is in them is read by backfill/. */
#ifndef PR_PROJECT_BACKFILLS_H
#define PR_PROJECT_BACKFILLS_H

#include "project/project.h"

struct pr_backfill_file {
    const char *path;              /* as shown */
    const char *version, *name, *id;       /* version NULL: its name has none; id "0249_vat" */
    const char *text; size_t len;
    const struct pr_migration *of; /* that has its version: it comes after that one; NULL = it stands by itself */
    bool is_back;                  /* NNNN_name.down.backfill.sql: the way back of NNNN_name.backfill.sql, nothing that is to be done; name has no ".down" */
};
bool pr_is_backfill(const char *path);                      /* by its name */
bool pr_is_backfill_back(const char *path);
/* "0249_vat" ↔ "0249_vat.down": the id of its way back, or of what it is the way back of. */
const char *pr_backfill_other(struct pr_arena *a, const char *id);

/* A backfill's file as what is grounded, rehearsed, approved and recorded: id "0249_vat.backfill", version "0249.backfill"; of a way back
 * "0249_vat.down.backfill", "0249.down.backfill".
 * Errors NO_FILE, BAD_INPUT. */
PR_NODISCARD enum pr_code pr_backfill_migration(const char *path, const char *root, struct pr_arena *a, struct pr_migration **out, struct pr_err *e);

#endif
