/* lsp_impl.h: between the files of the language server; nobody else includes it. */
#ifndef PR_FACE_LSP_IMPL_H
#define PR_FACE_LSP_IMPL_H

#include "face/lsp.h"

/* A finding where the editor has it: bytes of the document. */
struct pr_lsp_found {
    size_t from, to, stmt;         /* stmt: where its statement begins */
    const char *rule, *title, *what, *safe_way, *safe_sql;
    enum pr_level level;
    int line;                      /* in the file, 1-based: with the rule, what names its fix */
    bool fixable;
};

struct pr_lsp_doc {
    char *uri, *path;              /* path: decoded; NULL when it is no file */
    char *text; size_t len;
    int64_t version;
    struct pr_arena *a;            /* of found */
    struct pr_lsp_found *found; size_t n_found, cap_found;
    struct pr_lsp_doc *next;
};

struct pr_lsp {
    const struct pr_lsp_start *start;
    bool ready, shut, over, utf8, creates;                 /* creates: the client makes files of an edit */
    char *root;                    /* the editor's folder */
    struct pr_config *config;
    struct pr_arena *a;            /* of config and folder; a new one with each reading */
    struct pr_folder *folder;
    struct pr_lsp_doc *docs; size_t n_docs;
    char *bytes; size_t len, room; /* what has come and is not a whole message yet */
    size_t skip;                   /* bytes of a message that is too long */
    bool discard;                  /* the body of the next header is skipped */
};

/* One message's work. */
struct pr_lsp_turn { struct pr_lsp *s; struct pr_arena *a; struct pr_buf *out; };

/* Sends a message, framed; steals it. */
void pr_lsp_send(struct pr_lsp_turn *t, json_t *message);
void pr_lsp_notify(struct pr_lsp_turn *t, const char *method, json_t *params_stolen);

/* A message of the client, parsed or not. */
void pr_lsp_take(struct pr_lsp *s, const char *text, size_t n, struct pr_buf *out);
/* An answer that refuses; id NULL = null. */
void pr_lsp_refuse(struct pr_lsp_turn *t, const json_t *id, int code, const char *message);

/* --- documents (lsp_docs.c) --- */
struct pr_lsp_doc *pr_lsp_doc(const struct pr_lsp *s, const char *uri);
struct pr_lsp_doc *pr_lsp_open(struct pr_lsp *s, const char *uri, const char *text, int64_t version);     /* NULL: too many */
void pr_lsp_close(struct pr_lsp *s, struct pr_lsp_doc *d);
void pr_lsp_set_text(struct pr_lsp_doc *d, const char *text, size_t n);
/* One change of didChange: a range, or the whole text. false when it makes no sense. */
bool pr_lsp_change(const struct pr_lsp *s, struct pr_lsp_doc *d, const json_t *change);
/* Byte of a position, the nearest one when it lies outside of the text; and back. */
size_t pr_lsp_offset(const struct pr_lsp *s, const char *text, size_t len, const json_t *position);
json_t *pr_lsp_position(const struct pr_lsp *s, const char *text, size_t len, size_t offset);
json_t *pr_lsp_range(const struct pr_lsp *s, const char *text, size_t len, size_t from, size_t to);
/* "file:///a%20b" → "/a b"; NULL when it names no local file. malloc'd by strdup. */
char *pr_lsp_path(const char *uri);
const char *pr_lsp_uri(struct pr_arena *a, const char *path);

/* --- judging (lsp_judge.c) --- */
/* Reads pgrail.conf and the folder of migrations again. */
void pr_lsp_read_project(struct pr_lsp *s);
/* The migration that a document belongs to, as the editor has it; folder NULL when it lies in none. Errors BAD_INPUT, NO_FILE. */
struct pr_lsp_place { const struct pr_migration *m; const struct pr_folder *folder; const struct pr_side *sides[2]; struct pr_change *open; size_t n_open; const char *root; };
PR_NODISCARD enum pr_code pr_lsp_place(const struct pr_lsp *s, const struct pr_lsp_doc *d, struct pr_arena *a, struct pr_lsp_place *out, struct pr_err *e);
/* May both be sides of one migration? */
bool pr_lsp_are_near(const struct pr_lsp_doc *d, const struct pr_lsp_doc *o);
/* Judges the document and publishes what was found. */
void pr_lsp_judge(struct pr_lsp_turn *t, struct pr_lsp_doc *d);
json_t *pr_lsp_diagnostic(const struct pr_lsp *s, const struct pr_lsp_doc *d, const struct pr_lsp_found *f);

/* --- answers (lsp_answers.c): new references --- */
json_t *pr_lsp_hover(struct pr_lsp_turn *t, const json_t *params);
json_t *pr_lsp_actions(struct pr_lsp_turn *t, const json_t *params);
json_t *pr_lsp_completion(struct pr_lsp_turn *t, const json_t *params);

#endif
