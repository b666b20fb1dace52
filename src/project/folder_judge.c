/* folder_judge.c: what is wrong with a folder as a whole, whatever its layout. */
#include "project/folder.h"

const struct pr_problem_rule pr_problem_rules[] = {
    {"duplicate-version", true, "two migrations have one version", "The runner would run one of them only, and which one differs from machine to machine.",
     "Give the younger one the next free version."},
    {"version-gap", false, "a version is missing", "A migration of another branch may be on its way, and would come out of order.",
     "Wait for it, or number on without the gap."},
    {"version-order", true, "a version is not younger than the one before it", "The runner skips what is older than what it ran last.",
     "Give it a younger version."},
    {"up-missing", true, "a migration without an up script", "There is nothing to run.", "Write the up script, or remove what is left of the migration."},
    {"down-missing", false, "a migration without a down script", "Nothing undoes it: a rollback is a new migration, written in haste.",
     "Write what undoes it: rehearse proves up, down and up again."},
    {"empty-migration", true, "an up script without a statement", "It is recorded as applied and has done nothing.", "Write the statements, or remove the file."},
    {"bad-file-name", true, "a file that is no migration", "It would never run, and nobody would notice.", "Name it as the layout wants, or move it out of the folder."},
    {"bad-markers", true, "markers that do not fit together", "The runner refuses the file, or runs the wrong half of it.", "Put each marker once, up before down."},
    {"mixed-transactions", true, "sections of one file disagree about the transaction", "Half of it would be rolled back on a failure, half would stay.",
     "Part it into two migrations."},
    {"mixed-layouts", true, "the folder holds the migrations of two tools", "One of the tools does not see half of them.", "Name the layout in pgrail.conf, or part the folder."},
    {"bad-backfill", true, "a backfill that cannot be taken apart", "pgrail backfill would refuse it, when the migration before it has run already.",
     "Change the statement or its header as the message says."},
    {"changed-after-apply", true, "a migration was changed after it was applied",
     "What the file says is not what ran there: whoever builds a database from the folder gets another one.",
     "Give the file its old bytes back and write a new migration."},
    {"migration-order", false, "a migration that is not applied is older than one that is",
     "A database that is built from the folder runs them in another order than this one did, and most runners leave out what is older than what they ran last.",
     "Give it a version after the last one that is applied."},
};
const size_t pr_n_problem_rules = PR_COUNT(pr_problem_rules);

static void duplicates(struct pr_reader *r, const struct pr_layout *l) {
    for (size_t i = 1; i < r->f->n; i++) {
        const struct pr_migration *before = &r->f->migrations[i - 1], *m = &r->f->migrations[i];
        if (m->repeatable || before->repeatable) continue;
        const bool same = l->numeric ? pr_version_compare(before->version, m->version) == 0 : pr_eq(before->version, m->version);
        /* Prisma's identity is the folder's whole name: two of one second are two migrations. */
        if (!same || l == &pr_layout_prisma) continue;
        pr_reader_problem(r, "duplicate-version", m->up.path != NULL ? m->up.path : m->down.path, 0, true,
                          "version %s is taken already by %s: the runner would run one of them only", m->version, before->id);
        pr_reader_also(r, before->up.path != NULL ? before->up.path : before->down.path);
        pr_reader_hint(r, "give it the next free version");
    }
}

/* Sequences have few digits; timestamps have 10 and more. */
static bool is_sequence(const struct pr_folder *f) {
    for (size_t i = 0; i < f->n; i++) {
        const char *v = f->migrations[i].version;
        if (f->migrations[i].repeatable) continue;
        if (pr_digits(v) != strlen(v) || strlen(v) > 8 || v[0] == '\0') return false;
    }
    return f->n > 0;
}

static void gaps(struct pr_reader *r) {
    if (!is_sequence(r->f)) return;
    for (size_t i = 1; i < r->f->n; i++) {
        const struct pr_migration *before = &r->f->migrations[i - 1], *m = &r->f->migrations[i];
        if (m->repeatable) continue;
        const int width = (int)strlen(m->version);
        long from = strtol(before->version, NULL, 10) + 1, to = strtol(m->version, NULL, 10) - 1;
        while (from <= to && pr_backfill_has_version(r->f, pr_fmt(r->a, "%ld", from))) from++;
        while (from <= to && pr_backfill_has_version(r->f, pr_fmt(r->a, "%ld", to))) to--;
        if (from > to) continue;
        const char *which = from == to ? pr_fmt(r->a, "%0*ld is", width, from) : pr_fmt(r->a, "%0*ld to %0*ld are", width, from, width, to);
        pr_reader_problem(r, "version-gap", m->up.path != NULL ? m->up.path : m->down.path, 0, false, "%s missing before %s", which, m->id);
        pr_reader_hint(r, "a migration of another branch may be on its way, and would come out of order");
    }
}

static void sides(struct pr_reader *r, const struct pr_layout *l, const struct pr_migration *m) {
    if (m->up.path == NULL) {
        if (m->down.path == NULL) return;                      /* the layout has said so */
        pr_reader_problem(r, "up-missing", m->down.path, 0, true, "%s has a down script but no up script", m->id);
        return;
    }
    if (!pr_has_sql(m->up.text, m->up.len))
        pr_reader_problem(r, "empty-migration", m->up.path, 0, true, "the up script holds no statement");
    if (m->down.path != NULL && !pr_has_sql(m->down.text, m->down.len)) {
        pr_reader_problem(r, "down-missing", m->down.path, m->down.first_line, false, "the down script holds no statement");
        pr_reader_hint(r, "write what undoes %s, or say in its rationale why nothing can", m->id);
    }
    /* sqlx's plain files are one-way by their name. */
    const bool one_way = l == &pr_layout_sqlx && !pr_ends(m->up.path, ".up.sql");
    if (m->down.path == NULL && l->has_down && !one_way) {
        pr_reader_problem(r, "down-missing", m->up.path, 0, false, "%s has no down script", m->id);
        pr_reader_hint(r, "write what undoes it: rehearse proves up, down and up again");
    }
}

/* A .sql file that no migration is made of would never run, and nobody would notice. */
static void leftovers(struct pr_reader *r, const struct pr_layout *l) {
    for (size_t i = 0; i < r->n; i++) {
        const struct pr_file *f = &r->files[i];
        if (f->taken || !pr_ends(f->name, ".sql")) continue;
        const bool meant = pr_digits(f->name) > 0;
        pr_reader_problem(r, "bad-file-name", pr_reader_shown(r, f->name), 0, meant, "is no %s file (%s): it would never run", l->name, l->form);
    }
}

void pr_folder_judge(struct pr_reader *r, const struct pr_layout *layout) {
    duplicates(r, layout);
    gaps(r);
    for (size_t i = 0; i < r->f->n; i++) sides(r, layout, &r->f->migrations[i]);
    leftovers(r, layout);
}
