/* cli.h: the terminal face: words in, words out, no decisions. */
#ifndef PR_FACE_CLI_H
#define PR_FACE_CLI_H

#include "ops/ops.h"

/* The whole command line; returns the exit status (docs: "Exit statuses"). */
int pr_cli_main(int argc, char **argv);

#endif
