/* folder.h: between the files of src/project that read and write a migrations folder; nobody else includes it. */
#ifndef PR_PROJECT_FOLDER_H
#define PR_PROJECT_FOLDER_H

#include "project/backfills.h"

struct pr_file {
    const char *name;              /* under the folder: "0001_x.up.sql", "20240101_x/migration.sql" */
    const char *text; size_t len;  /* of .sql, .toml, .json and .conf files; NULL for others */
    bool taken;                    /* some migration is made of it */
};

struct pr_reader {
    struct pr_arena *a;
    struct pr_folder *f;
    struct pr_file *files; size_t n, cap;                  /* sorted by name */
    size_t migrations_cap, problems_cap;
    size_t bytes;                  /* read so far */
};

/* A layout: who writes such folders. evidence counts the files that speak for it and nothing else does. */
struct pr_layout {          /* Errors of read: BAD_INPUT, NO_FILE */
    const char *name;
    bool team;                     /* its own runner, with its own transaction rule */
    bool numeric;                  /* versions are numbers, in that order; else by bytes */
    bool undashed;                 /* by bytes, and dashes in a version do not count: 2017-09-23-1 comes after 20170804 */
    bool has_down;                 /* a missing down is worth a warning */
    const char *form;              /* of a name, for messages: "N_name.up.sql" */
    size_t (*evidence)(const struct pr_reader *r, const char **why);
    enum pr_code (*read)(struct pr_reader *r, struct pr_err *e);
};
extern const struct pr_layout pr_layout_golang_migrate, pr_layout_sqlx, pr_layout_diesel, pr_layout_dbmate, pr_layout_goose,
    pr_layout_prisma, pr_layout_drizzle, pr_layout_flyway;
/* By name; NULL when unknown. */
const struct pr_layout *pr_layout_find(const char *name);
const struct pr_layout *const *pr_layouts(size_t *n);

/* What the layouts are made of. */
struct pr_file *pr_reader_file(const struct pr_reader *r, const char *name);               /* NULL when absent */
const char *pr_reader_shown(const struct pr_reader *r, const char *name);                  /* path as messages show it */
struct pr_migration *pr_reader_add(struct pr_reader *r, const char *version, const char *name, const char *id);
PR_FORMAT(6, 7) void pr_reader_problem(struct pr_reader *r, const char *rule, const char *path, int line, bool is_error,
                                       const char *fmt, ...);
PR_FORMAT(2, 3) void pr_reader_hint(struct pr_reader *r, const char *fmt, ...);            /* of the problem just reported */
void pr_reader_also(struct pr_reader *r, const char *path);                                /* the same: another file that it is about */

/* Fills a side from a text; the transaction mode comes from the rule and, where the rule asks, from the statements, when somebody asks. */
void pr_side_fill(struct pr_arena *a, struct pr_side *side, const char *shown, const char *text, size_t len, int first_line,
                  enum pr_tx_rule rule);
/* Identity, header; after both sides are filled. */
void pr_migration_finish(struct pr_arena *a, struct pr_migration *m);

/* Marker layouts (dbmate, goose): a file is cut at its marker lines. */
enum pr_mark { PR_MARK_NONE, PR_MARK_UP, PR_MARK_DOWN };
struct pr_cut { struct pr_side up, down; int n_up, n_down, up_line; };   /* up_line: of the first up marker */
/* mark: what a line (without its end) opens. The up side keeps what stands above the first marker. */
void pr_cut_sides(struct pr_arena *a, const char *shown, const struct pr_file *file, enum pr_mark (*mark)(const char *line, size_t n),
                  struct pr_cut *out);

/* Order of versions: as numbers of any length (dots and underscores part components), or by bytes. */
int pr_version_compare(const char *a, const char *b);
/* Leading digits of a file's name: their count; 0 when there are none. */
size_t pr_digits(const char *s);
/* Is there a statement, or only blanks and comments? */
bool pr_has_sql(const char *text, size_t len);

/* "-- key: value" of the comment lines at the top, with its continuation lines; NULL when absent or empty. */
const char *pr_header_value(struct pr_arena *a, const char *text, size_t len, const char *key);
/* Bytes [*from, *to) of the line "-- grounding: …" in the header, with its end; false when there is none, and then *from = *to
 * is where it belongs. */
bool pr_header_grounding(const char *text, size_t len, size_t *from, size_t *to);

/* Everything behind the listing: r holds the files with their texts; layout NULL or "auto" detects, else it must be a known one.
 * Errors BAD_INPUT, NO_FILE (a journal that is not one). */
PR_NODISCARD enum pr_code pr_folder_assemble(struct pr_reader *r, const char *layout, struct pr_err *e);

/* Takes the backfills out of the files, before any layout looks at them; pairs them with the migrations, when those are in order. */
void pr_backfills_take(struct pr_reader *r);
void pr_backfills_judge(struct pr_reader *r, const struct pr_layout *l);
bool pr_backfill_has_version(const struct pr_folder *f, const char *version);

/* Problems of the folder as a whole: duplicates, gaps, missing downs, empty scripts, left-over files. */
void pr_folder_judge(struct pr_reader *r, const struct pr_layout *layout);

#endif
