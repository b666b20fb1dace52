/* Prepares the memory of the process and chooses the face, nothing else. */
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include "face/cli.h"

/* Memory in one stretch, which comes as it is used, and in large pages where the kernel has them: each page that comes costs more than
 * what is written to it, and a check of a folder takes thousands. What an arena gives back is what the next one takes: without this the
 * kernel gets it, and fills it with zeroes, each time. */
static void prepare_memory(void) {
    enum { STRETCH = 64 << 20 };
    (void)mallopt(M_MMAP_THRESHOLD, 1 << 20);
    (void)mallopt(M_TRIM_THRESHOLD, 32 << 20);
    (void)mallopt(M_TOP_PAD, STRETCH);
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = ((uintptr_t)sbrk(0) + page - 1) / page * page;
    void *volatile first = malloc(512 << 10);               /* more than there is: the heap grows, by all of it */
    free(first);
    const uintptr_t to = (uintptr_t)sbrk(0) / page * page;
    if (to > from) (void)madvise((void *)from, to - from, MADV_HUGEPAGE);
}

int main(int argc, char **argv) {
    prepare_memory();
    return pr_cli_main(argc, argv);
}
