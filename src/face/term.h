/* term.h: what a terminal is to pgrail: colour, width, a progress bar, and the seam's prompt on /dev/tty. */
#ifndef PR_FACE_TERM_H
#define PR_FACE_TERM_H

#include "base/base.h"

struct pr_term {
    bool color;                    /* standard output is a terminal, and neither NO_COLOR nor --no-color says otherwise */
    bool bar;                      /* standard error is a terminal: a bar; else plain lines now and then */
    bool quiet;                    /* --json: no progress, and no transcript unless `lines` says where */
    FILE *lines;                   /* where the transcript goes; NULL = nowhere */
    int width;                     /* columns, 80 when unknown */
    bool bar_shown;
    int64_t last_plain_us;         /* when the last plain progress line was printed */
};

/* Looks at standard output and standard error. */
void pr_term_init(struct pr_term *t, bool no_color, bool json);

/* Text with paint marks ("\001g" … "\002", see struct pr_render) to a stream: escapes, or nothing, in their place. */
void pr_term_put(const struct pr_term *t, FILE *to, const char *painted);

/* The talk of a terminal; ctx is t, which must outlive it. Ctrl-C and SIGTERM set its flag. */
void pr_term_talk(struct pr_term *t, struct pr_talk *out);

#endif
