/* config.h: between the files of src/project that read pgrail.conf; nobody else includes it. */
#ifndef PR_PROJECT_CONFIG_H
#define PR_PROJECT_CONFIG_H

#include "project/project.h"

/* One "key = value" of the file, as read. */
struct pr_entry { const char *section, *name, *key, *value; int line; };
/* One "[section]", "[environment NAME]" or "[rules GLOB]". */
struct pr_heading { const char *section, *name; int line; };

struct pr_ini {
    struct pr_entry *entries; size_t n;
    struct pr_heading *headings; size_t n_headings;
};

/* Reads the text by inih. Errors CONFIG: syntax, a line too long, a password; the place is in the message as "shown:LINE". */
PR_NODISCARD enum pr_code pr_ini_read(const char *shown, const char *text, struct pr_arena *a, struct pr_ini *out,
                                      struct pr_err *e);

/* The settings table: one setting (or the section's "*"), NULL when unknown; and the nearest known names. */
const struct pr_setting *pr_setting_find(const char *section, const char *key);
bool pr_setting_section(const char *section);
const char *pr_setting_nearest_section(const char *wrong);
const char *pr_setting_nearest_key(const char *section, const char *wrong);

/* Parses and stores a value in the field of base (pr_config or pr_environment). Errors CONFIG: what was expected. */
PR_NODISCARD enum pr_code pr_setting_store(const struct pr_setting *s, const char *text, const char *root, struct pr_arena *a,
                                           void *base, struct pr_err *e);

/* Is the text one of the setting's choices? Errors CONFIG with the nearest. */
PR_NODISCARD enum pr_code pr_setting_check(const struct pr_setting *s, const char *text, struct pr_err *e);

/* The whole of pgrail.conf from its text. path is absolute. Errors CONFIG. */
PR_NODISCARD enum pr_code pr_config_read(const char *shown, const char *path, const char *text, struct pr_arena *a,
                                         struct pr_config **out, struct pr_err *e);

/* path under root unless it is absolute; "~/" is $HOME. */
const char *pr_absolute(struct pr_arena *a, const char *root, const char *path);

#endif
