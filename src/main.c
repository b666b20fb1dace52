/* Chooses the face, nothing else. */
#include <malloc.h>

#include "face/cli.h"

int main(int argc, char **argv) {
    /* Memory that an arena gives back is what the next one takes: without this the kernel gets it, and fills it with zeroes, each time. */
    (void)mallopt(M_MMAP_THRESHOLD, 1 << 20);
    (void)mallopt(M_TRIM_THRESHOLD, 32 << 20);
    (void)mallopt(M_TOP_PAD, 1 << 20);
    return pr_cli_main(argc, argv);
}
