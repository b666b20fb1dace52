/* json.h: result documents. One jansson document per operation, keys in the order in which they were set; every face
 * renders it. Reading helpers give a default where a key is absent, so that renderers stay short. */
#ifndef PR_BASE_JSON_H
#define PR_BASE_JSON_H

void pr_json_freep(json_t **j);                             /* for PR_CLEANUP */

/* Setters; the object owns what it is given. NULL text becomes null. */
void pr_set(json_t *object, const char *key, json_t *value_stolen);
void pr_set_str(json_t *object, const char *key, const char *text);
/* The same as pr_set_str; equal texts that are given with the same `texts` (an object of the caller's; NULL = none) are one value. */
void pr_set_shared(json_t *object, const char *key, const char *text, json_t *texts);
void pr_set_int(json_t *object, const char *key, int64_t value);
void pr_set_bool(json_t *object, const char *key, bool value);
json_t *pr_set_object(json_t *object, const char *key);     /* a new object, borrowed */
json_t *pr_set_array(json_t *object, const char *key);      /* a new array, borrowed */
json_t *pr_push_object(json_t *array);                      /* a new object at the end, borrowed */
void pr_push_str(json_t *array, const char *text);

/* Getters with a default: absent or of another type gives NULL, 0, false, an empty (static) array. */
const char *pr_get_str(const json_t *object, const char *key);
int64_t pr_get_int(const json_t *object, const char *key);
bool pr_get_bool(const json_t *object, const char *key);
json_t *pr_get(const json_t *object, const char *key);      /* object or array or NULL; borrowed */

/* Text of a document: compact, or indented by two with a newline at the end. In the arena. */
const char *pr_json_text(struct pr_arena *a, const json_t *j, bool pretty);

/* The same, indented, to a stream; what cannot be written is the stream's error. */
void pr_json_put(FILE *to, const json_t *j);

/* Parses untrusted text (depth and size capped by jansson and PR_CAP_FILE). Errors BAD_INPUT with line and column. */
PR_NODISCARD enum pr_code pr_json_parse(const char *what, const char *text, size_t n, json_t **out, struct pr_err *e);

#endif
