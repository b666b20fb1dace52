/* lsp.h: the face for editors: the Language Server Protocol 3.17 over standard input and output. The same findings as check's, the
 * same rules' words, the same fixes. Source https://microsoft.github.io/language-server-protocol/ */
#ifndef PR_FACE_LSP_H
#define PR_FACE_LSP_H

#include "ops/lsp.h"

#define PR_CAP_LSP_HEADER ((size_t)8192)
#define PR_CAP_LSP_MESSAGE ((size_t)40 << 20)              /* a document of PR_CAP_SQL bytes, escaped */
#define PR_CAP_LSP_DOCUMENTS 200                           /* open at once; more are not judged */

struct pr_lsp;

/* A session. facts and what else it was started with must outlive it. Never NULL. */
struct pr_lsp *pr_lsp_new(const struct pr_lsp_start *start);
void pr_lsp_free(struct pr_lsp *s);                         /* NULL is fine */

/* Takes in bytes as they came and adds what is to be sent to out, framed. false: the session is over (exit, or bytes after which no
 * message can be told from the next); pr_lsp_status says how. */
bool pr_lsp_feed(struct pr_lsp *s, const char *bytes, size_t n, struct pr_buf *out);
/* 0 when the client said shutdown before it ended, else 1. */
int pr_lsp_status(const struct pr_lsp *s);

/* The whole face on two file descriptors, until the client ends it; returns the exit status. */
int pr_lsp_main(const struct pr_lsp_start *start, int in, int out);

#endif
