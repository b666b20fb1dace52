/* servers.c: which PostgreSQL servers this machine has. */
#include <dirent.h>
#include <limits.h>

#include "proc/proc_impl.h"

#define DEBIAN "/usr/lib/postgresql"
#define ASK_MS 10000

struct found { struct pr_server *items; size_t n, room; };

static bool known(const struct found *f, const char *bindir) {
    for (size_t i = 0; i < f->n; i++)
        if (pr_eq(f->items[i].bindir, bindir)) return true;
    return false;
}

/* "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)" → "15.18" */
static const char *version_in(struct pr_arena *a, const char *said) {
    const char *at = strstr(said, ") ");
    return at != NULL ? pr_dupn(a, at + 2, strcspn(at + 2, " \n")) : NULL;
}

static void try_folder(struct pr_arena *a, struct found *f, const char *folder) {
    char real[PATH_MAX];
    if (folder[0] == '\0' || realpath(folder, real) == NULL || known(f, real)) return;
    const char *server = pr_fmt(a, "%s/postgres", real);
    if (pr_proc_find(server, a) == NULL || pr_proc_find(pr_fmt(a, "%s/initdb", real), a) == NULL) return;
    struct pr_err ignored = {0};
    struct pr_proc_done done = {0};
    const struct pr_proc ask = {.argv = (const char *const[]){server, "--version", NULL}, .timeout_ms = ASK_MS, .max_output = 256};
    if (pr_proc_run(&ask, a, &done, &ignored) != PR_OK || done.status != 0) return;
    const char *version = version_in(a, done.out);
    if (version == NULL) return;
    const struct pr_server server_found = {
        .major = (int)strtol(version, NULL, 10), .version = version, .bindir = pr_dup(a, real)};
    *PR_PUSH(a, f->items, f->n, f->room) = server_found;
}

static void try_debian(struct pr_arena *a, struct found *f) {
    DIR *d = opendir(DEBIAN);
    if (d == NULL) return;
    for (const struct dirent *entry; (entry = readdir(d)) != NULL;)
        if (entry->d_name[0] != '.') try_folder(a, f, pr_fmt(a, DEBIAN "/%s/bin", entry->d_name));
    (void)closedir(d);
}

static void try_pg_config(struct pr_arena *a, struct found *f) {
    struct pr_err ignored = {0};
    struct pr_proc_done done = {0};
    const struct pr_proc ask = {
        .argv = (const char *const[]){"pg_config", "--bindir", NULL}, .timeout_ms = ASK_MS, .max_output = 4096};
    if (pr_proc_find("pg_config", a) == NULL || pr_proc_run(&ask, a, &done, &ignored) != PR_OK || done.status != 0) return;
    try_folder(a, f, pr_trim(a, done.out));
}

size_t pr_servers(struct pr_arena *a, struct pr_server **out) {
    struct found f = {.n = 0};
    const char *named = getenv("PGRAIL_SERVERS");
    const char **folders = NULL;
    const size_t n = named != NULL ? pr_split(a, named, ':', &folders) : 0;
    for (size_t i = 0; i < n; i++) try_folder(a, &f, folders[i]);
    try_debian(a, &f);
    try_pg_config(a, &f);
    for (size_t i = 1; i < f.n; i++)            /* a stable insertion sort: of one major, the source named first wins */
        for (size_t j = i; j > 0 && f.items[j].major > f.items[j - 1].major; j--) {
            const struct pr_server item = f.items[j];
            f.items[j] = f.items[j - 1];
            f.items[j - 1] = item;
        }
    *out = f.items;
    return f.n;
}

const char *pr_server_program(const char *program, int major, struct pr_arena *a) {
    struct pr_server *servers = NULL;
    const size_t n = pr_servers(a, &servers);
    for (int other = 0; other < 2; other++)
        for (size_t i = 0; i < n; i++) {
            const char *path = pr_fmt(a, "%s/%s", servers[i].bindir, program);
            if ((servers[i].major != major) == (other == 1) && pr_proc_find(path, a) != NULL) return path;
        }
    return pr_proc_find(program, a);
}
