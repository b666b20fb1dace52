/* lsp_server.c: messages and what they call. Source: JSON-RPC 2.0; LSP 3.17, "Base Protocol" and "Lifecycle Messages". */
#include "face/lsp_impl.h"

enum { PARSE_ERROR = -32700, INVALID_REQUEST = -32600, METHOD_NOT_FOUND = -32601, INVALID_PARAMS = -32602, NOT_INITIALIZED = -32002 };

typedef json_t *request_fn(struct pr_lsp_turn *t, const json_t *params);
typedef void notice_fn(struct pr_lsp_turn *t, const json_t *params);

/* --- lifecycle ------------------------------------------------------------------------------------------------------ */

static bool offers_utf8(const json_t *params) {
    const json_t *list = pr_get(pr_get(pr_get(params, "capabilities"), "general"), "positionEncodings");
    size_t i = 0;
    json_t *x = NULL;
    json_array_foreach(list, i, x)
        if (json_is_string(x) && pr_eq(json_string_value(x), "utf-8")) return true;
    return false;
}

/* Edits that make files. Who knows them knows documentChanges too: they have no other place (Neovim 0.7 does not say so). */
static bool can_create(const json_t *params) {
    const json_t *edit = pr_get(pr_get(pr_get(params, "capabilities"), "workspace"), "workspaceEdit");
    size_t i = 0;
    json_t *x = NULL;
    bool creates = false;
    json_array_foreach(pr_get(edit, "resourceOperations"), i, x) creates |= json_is_string(x) && pr_eq(json_string_value(x), "create");
    return creates;
}

static char *root_of(const json_t *params) {
    const json_t *folder = json_array_get(pr_get(params, "workspaceFolders"), 0);
    char *path = pr_lsp_path(pr_get_str(folder, "uri"));
    if (path == NULL) path = pr_lsp_path(pr_get_str(params, "rootUri"));
    if (path == NULL && pr_get_str(params, "rootPath") != NULL) path = strdup(pr_get_str(params, "rootPath"));
    if (path == NULL) path = strdup("/");
    const size_t n = strlen(path);
    if (n > 1 && path[n - 1] == '/') path[n - 1] = '\0';
    return path;
}

static json_t *initialize(struct pr_lsp_turn *t, const json_t *params) {
    struct pr_lsp *s = t->s;
    s->utf8 = offers_utf8(params);
    s->creates = can_create(params);
    free(s->root);
    s->root = root_of(params);
    s->ready = true;
    pr_lsp_read_project(s);
    json_t *result = json_object(), *can = pr_set_object(result, "capabilities");
    pr_set_str(can, "positionEncoding", s->utf8 ? "utf-8" : "utf-16");
    json_t *sync = pr_set_object(can, "textDocumentSync");
    pr_set_bool(sync, "openClose", true);
    pr_set_int(sync, "change", 2);
    pr_set_bool(pr_set_object(sync, "save"), "includeText", false);
    pr_set_bool(can, "hoverProvider", true);
    pr_push_str(pr_set_array(pr_set_object(can, "codeActionProvider"), "codeActionKinds"), "quickfix");
    pr_push_str(pr_set_array(pr_set_object(can, "completionProvider"), "triggerCharacters"), " ");
    json_t *info = pr_set_object(result, "serverInfo");
    pr_set_str(info, "name", "pgrail");
    pr_set_str(info, "version", PR_VERSION);
    return result;
}

static json_t *shutdown_(struct pr_lsp_turn *t, const json_t *params) {
    (void)params;
    t->s->shut = true;
    return json_null();
}

static void exit_(struct pr_lsp_turn *t, const json_t *params) {
    (void)params;
    t->s->over = true;
}

/* --- documents ------------------------------------------------------------------------------------------------------ */

static const char *uri_of(const json_t *params) { return pr_get_str(pr_get(params, "textDocument"), "uri"); }

/* Sides of one migration are judged together: what up does decides what down finds. */
static void judge_with_others(struct pr_lsp_turn *t, struct pr_lsp_doc *d) {
    pr_lsp_judge(t, d);
    for (struct pr_lsp_doc *o = t->s->docs; o != NULL; o = o->next)
        if (o != d && pr_lsp_are_near(d, o)) pr_lsp_judge(t, o);
}

static void did_open(struct pr_lsp_turn *t, const json_t *params) {
    const json_t *doc = pr_get(params, "textDocument");
    const char *text = pr_get_str(doc, "text");
    if (uri_of(params) == NULL || text == NULL) return;
    struct pr_lsp_doc *d = pr_lsp_open(t->s, uri_of(params), text, pr_get_int(doc, "version"));
    if (d != NULL) judge_with_others(t, d);
}

static void did_change(struct pr_lsp_turn *t, const json_t *params) {
    struct pr_lsp_doc *d = pr_lsp_doc(t->s, uri_of(params));
    if (d == NULL) return;
    size_t i = 0;
    json_t *change = NULL;
    json_array_foreach(pr_get(params, "contentChanges"), i, change)
        if (!pr_lsp_change(t->s, d, change)) return;        /* one that makes no sense: what we have is no longer what the editor has */
    d->version = pr_get_int(pr_get(params, "textDocument"), "version");
    judge_with_others(t, d);
}

static void did_save(struct pr_lsp_turn *t, const json_t *params) {
    struct pr_lsp_doc *d = pr_lsp_doc(t->s, uri_of(params));
    pr_lsp_read_project(t->s);
    if (d != NULL) judge_with_others(t, d);
}

static void did_close(struct pr_lsp_turn *t, const json_t *params) {
    struct pr_lsp_doc *d = pr_lsp_doc(t->s, uri_of(params));
    if (d == NULL) return;
    json_t *none = json_object();
    pr_set_str(none, "uri", d->uri);
    (void)pr_set_array(none, "diagnostics");
    pr_lsp_notify(t, "textDocument/publishDiagnostics", none);
    pr_lsp_close(t->s, d);
}

static void nothing(struct pr_lsp_turn *t, const json_t *params) {
    (void)t;
    (void)params;
}

/* --- dispatch ------------------------------------------------------------------------------------------------------- */

static const struct { const char *method; request_fn *request; notice_fn *notice; } methods[] = {
    {.method = "initialize", .request = initialize},
    {.method = "initialized", .notice = nothing},
    {.method = "shutdown", .request = shutdown_},
    {.method = "exit", .notice = exit_},
    {.method = "textDocument/didOpen", .notice = did_open},
    {.method = "textDocument/didChange", .notice = did_change},
    {.method = "textDocument/didSave", .notice = did_save},
    {.method = "textDocument/didClose", .notice = did_close},
    {.method = "textDocument/hover", .request = pr_lsp_hover},
    {.method = "textDocument/codeAction", .request = pr_lsp_actions},
    {.method = "textDocument/completion", .request = pr_lsp_completion},
};

static void answer(struct pr_lsp_turn *t, const json_t *id, json_t *result) {
    json_t *m = json_object();
    pr_set_str(m, "jsonrpc", "2.0");
    pr_set(m, "id", json_deep_copy(id));
    pr_set(m, "result", result);
    pr_lsp_send(t, m);
}

static void call(struct pr_lsp_turn *t, const json_t *id, const char *method, const json_t *params) {
    struct pr_lsp *s = t->s;
    request_fn *fn = NULL;
    for (size_t i = 0; i < PR_COUNT(methods); i++)
        if (pr_eq(methods[i].method, method)) fn = methods[i].request;
    const bool starts = fn == initialize;
    if (s->shut) pr_lsp_refuse(t, id, INVALID_REQUEST, "the session was shut down");
    else if (!s->ready && !starts) pr_lsp_refuse(t, id, NOT_INITIALIZED, "the first request is initialize");
    else if (s->ready && starts) pr_lsp_refuse(t, id, INVALID_REQUEST, "initialize comes once");
    else if (fn == NULL) pr_lsp_refuse(t, id, METHOD_NOT_FOUND, pr_fmt(t->a, "no method %s", pr_printable(t->a, method, 80)));
    else if (params != NULL && !json_is_object(params) && !json_is_null(params)) pr_lsp_refuse(t, id, INVALID_PARAMS, "params is an object");
    else if ((strncmp(method, "textDocument/", 13) == 0) && uri_of(params) == NULL) pr_lsp_refuse(t, id, INVALID_PARAMS, "params has no textDocument with a uri");
    else answer(t, id, fn(t, params));
}

static void notice(struct pr_lsp_turn *t, const char *method, const json_t *params) {
    for (size_t i = 0; i < PR_COUNT(methods); i++) {
        if (!pr_eq(methods[i].method, method) || methods[i].notice == NULL) continue;
        const bool always = methods[i].notice == exit_;
        if (always || (t->s->ready && !t->s->shut)) methods[i].notice(t, params);
    }
}

void pr_lsp_take(struct pr_lsp *s, const char *text, size_t n, struct pr_buf *out) {
    struct pr_arena *a PR_CLEANUP(pr_arena_freep) = pr_arena_new(PR_CAP_ARENA);
    struct pr_lsp_turn t = {.s = s, .a = a, .out = out};
    json_t *m PR_CLEANUP(pr_json_freep) = NULL;
    struct pr_err e = {0};
    if (pr_json_parse("message", text, n, &m, &e) != PR_OK) {
        pr_lsp_refuse(&t, NULL, PARSE_ERROR, e.msg);
        return;
    }
    const json_t *id = json_object_get(m, "id");
    const char *method = pr_get_str(m, "method");
    const bool id_fits = id == NULL || json_is_integer(id) || json_is_string(id);
    if (json_is_object(m) && method == NULL && (json_object_get(m, "result") != NULL || json_object_get(m, "error") != NULL)) return;   /* an answer to nothing that we asked */
    if (!json_is_object(m) || !pr_eq(pr_get_str(m, "jsonrpc"), "2.0") || method == NULL || !id_fits) {
        pr_lsp_refuse(&t, id_fits ? id : NULL, INVALID_REQUEST, "not a JSON-RPC 2.0 message");
        return;
    }
    if (id != NULL) call(&t, id, method, json_object_get(m, "params"));
    else notice(&t, method, json_object_get(m, "params"));
}
