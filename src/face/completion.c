#include "face/words.h"

/* Each script asks pgrail itself for what depends on the project: `pgrail completion --list migration`. */

/* "text json sarif" */
static const char *choices(const struct pr_param *p, struct pr_arena *a) {
    struct pr_buf b = {.a = a};
    for (size_t i = 0; p->choices[i] != NULL; i++) pr_addf(&b, "%s%s", i > 0 ? " " : "", p->choices[i]);
    return pr_buf_text(&b);
}

static bool takes_file(const struct pr_param *p) { return p->type == PR_T_PATH || pr_eq(p->complete, "file"); }

static void add_options(struct pr_buf *b, const struct pr_op *op) {
    for (size_t i = 0; i < op->n_params; i++)
        if (!op->params[i].positional) pr_addf(b, " --%s", op->params[i].name);
    for (size_t i = 0; i < pr_n_globals; i++) pr_addf(b, " --%s", pr_globals[i].name);
}

/* "--format) list= opts='text json' ;;": the words of an option that has only some. */
static void add_choices(struct pr_buf *b, const struct pr_op *op) {
    for (size_t i = 0; i < op->n_params; i++)
        if (op->params[i].choices != NULL) pr_addf(b, "        --%s) list= opts='%s' ;;\n", op->params[i].name, choices(&op->params[i], b->a));
}

static const char *positional_list(const struct pr_op *op) {
    for (size_t i = 0; i < op->n_params; i++)
        if (op->params[i].positional && op->params[i].complete != NULL) return op->params[i].complete;
    return "";
}

static const char *bash(struct pr_arena *a) {
    struct pr_buf b = {.a = a};
    pr_add(&b, "# bash completion for pgrail; put: source <(pgrail completion bash)\n_pgrail() {\n"
               "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} op=${COMP_WORDS[1]} opts= list=\n"
               "    case $prev in\n"
               "    --env|--on|--staging) COMPREPLY=($(compgen -W \"$(pgrail completion --list environment 2>/dev/null)\" -- \"$cur\")); return ;;\n"
               "    --config|--facts|--save|--file|--html|--dump|--key) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n    esac\n"
               "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        COMPREPLY=($(compgen -W \"");
    for (size_t i = 0; i < pr_n_ops; i++) pr_addf(&b, "%s ", pr_ops[i]->name);
    pr_add(&b, "completion help\" -- \"$cur\"))\n        return\n    fi\n    case $op in\n");
    for (size_t i = 0; i < pr_n_ops; i++) {
        const struct pr_op *op = pr_words_op(pr_ops[i], a);
        pr_addf(&b, "    %s) list='%s' opts='", op->name, positional_list(op));
        add_options(&b, op);
        pr_add(&b, "'\n        case $prev in\n");
        add_choices(&b, op);
        pr_add(&b, "        esac ;;\n");
    }
    pr_add(&b, "    completion) opts='bash zsh fish' ;;\n    esac\n"
               "    [ -n \"$list\" ] && opts=\"$opts $(pgrail completion --list \"$list\" 2>/dev/null)\"\n"
               "    COMPREPLY=($(compgen -W \"$opts\" -- \"$cur\"))\n}\ncomplete -o default -F _pgrail pgrail\n");
    return pr_buf_text(&b);
}

/* Text inside single quotes and brackets of zsh's _arguments. */
static const char *zsh_safe(struct pr_arena *a, const char *s) {
    struct pr_buf b = {.a = a};
    for (; *s != '\0'; s++) {
        if (*s == '\'') pr_add(&b, "'\\''");
        else if (*s == '[' || *s == ']' || *s == ':') pr_addf(&b, "\\%c", *s);
        else pr_addn(&b, s, 1);
    }
    return pr_buf_text(&b);
}

static const char *zsh(struct pr_arena *a) {
    struct pr_buf b = {.a = a};
    pr_add(&b, "#compdef pgrail\n# zsh completion for pgrail; put the output in a file _pgrail of your fpath\n"
               "_pgrail_list() { local -a w; w=(${(f)\"$(pgrail completion --list $1 2>/dev/null)\"}); compadd -a w }\n"
               "_pgrail() {\n    local -a ops\n    ops=(\n");
    for (size_t i = 0; i < pr_n_ops; i++) pr_addf(&b, "        '%s:%s'\n", pr_ops[i]->name, zsh_safe(a, pr_ops[i]->summary));
    pr_add(&b, "        'completion:Print the completion script of a shell'\n        'help:Show help of a command'\n    )\n"
               "    if (( CURRENT == 2 )); then _describe command ops; return; fi\n    case $words[2] in\n");
    for (size_t i = 0; i < pr_n_ops; i++) {
        const struct pr_op *op = pr_words_op(pr_ops[i], a);
        pr_addf(&b, "    %s) _arguments", op->name);
        for (size_t k = 0; k < op->n_params; k++) {
            const struct pr_param *p = &op->params[k];
            if (p->positional) continue;
            const char *action = p->choices != NULL ? pr_fmt(a, ":value:(%s)", choices(p, a)) : takes_file(p) ? ":file:_files" : p->type == PR_T_BOOL ? "" : pr_eq(p->complete, "environment") ? ":environment:{_pgrail_list environment}" : ":value:";
            pr_addf(&b, " '--%s[%s]%s'", p->name, zsh_safe(a, p->help), action);
        }
        for (size_t k = 0; k < pr_n_globals; k++)
            pr_addf(&b, " '--%s[%s]%s'", pr_globals[k].name, zsh_safe(a, pr_globals[k].help), pr_globals[k].value == NULL ? "" : ":file:_files");
        if (*positional_list(op) != '\0') pr_addf(&b, " '*:%s:{_pgrail_list %s}'", positional_list(op), positional_list(op));
        pr_add(&b, " ;;\n");
    }
    pr_add(&b, "    completion) _values shell bash zsh fish ;;\n    esac\n}\n_pgrail \"$@\"\n");
    return pr_buf_text(&b);
}

static const char *fish_safe(struct pr_arena *a, const char *s) {
    struct pr_buf b = {.a = a};
    for (; *s != '\0'; s++) {
        if (*s == '\'' || *s == '\\') pr_add(&b, "\\");
        pr_addn(&b, s, 1);
    }
    return pr_buf_text(&b);
}

static const char *fish(struct pr_arena *a) {
    struct pr_buf b = {.a = a};
    pr_add(&b, "# fish completion for pgrail; put the output in ~/.config/fish/completions/pgrail.fish\ncomplete -c pgrail -f\n");
    for (size_t i = 0; i < pr_n_ops; i++) {
        const struct pr_op *op = pr_words_op(pr_ops[i], a);
        pr_addf(&b, "complete -c pgrail -n __fish_use_subcommand -a %s -d '%s'\n", op->name, fish_safe(a, op->summary));
        for (size_t k = 0; k < op->n_params; k++) {
            const struct pr_param *p = &op->params[k];
            if (p->positional) {
                if (p->complete != NULL)
                    pr_addf(&b, "complete -c pgrail -n '__fish_seen_subcommand_from %s' -a '(pgrail completion --list %s 2>/dev/null)'\n", op->name, p->complete);
                continue;
            }
            pr_addf(&b, "complete -c pgrail -n '__fish_seen_subcommand_from %s' -l %s%s -d '%s'\n", op->name, p->name,
                    p->choices != NULL ? pr_fmt(a, " -x -a '%s'", choices(p, a)) : p->type == PR_T_BOOL ? "" : takes_file(p) ? " -r -F" : pr_eq(p->complete, "environment") ? " -x -a '(pgrail completion --list environment 2>/dev/null)'" : " -x",
                    fish_safe(a, p->help));
        }
    }
    for (size_t k = 0; k < pr_n_globals; k++)
        pr_addf(&b, "complete -c pgrail -l %s%s -d '%s'\n", pr_globals[k].name, pr_globals[k].value == NULL ? "" : " -r -F", fish_safe(a, pr_globals[k].help));
    pr_add(&b, "complete -c pgrail -n __fish_use_subcommand -a completion -d 'Print the completion script of a shell'\n"
               "complete -c pgrail -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'\n");
    return pr_buf_text(&b);
}

const char *pr_words_completion(const char *shell, struct pr_arena *a) {
    if (pr_eq(shell, "bash")) return bash(a);
    if (pr_eq(shell, "zsh")) return zsh(a);
    return pr_eq(shell, "fish") ? fish(a) : NULL;
}
