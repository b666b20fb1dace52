/* Chooses the face, nothing else. */
#include "face/cli.h"

int main(int argc, char **argv) { return pr_cli_main(argc, argv); }
