#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"

static void close_fdp(const int *fd) {
    if (*fd >= 0) (void)close(*fd);
}

static enum pr_code slurp(int fd, const char *path, char *into, size_t n, struct pr_err *e) {
    for (size_t got = 0; got < n;) {
        const ssize_t r = read(fd, into + got, n - got);
        if (r < 0 && errno == EINTR) continue;
        if (r <= 0) return PR_FAIL(e, PR_ERR_BAD_INPUT, "%s: %s", path, r == 0 ? "became shorter while it was read" : strerror(errno));
        got += (size_t)r;
    }
    return PR_OK;
}

enum pr_code pr_read_text(struct pr_arena *a, const char *path, size_t cap, const char **text, size_t *n, struct pr_err *e) {
    const int fd PR_CLEANUP(close_fdp) = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return PR_FAIL(e, PR_ERR_NO_FILE, "%s: %s", path, strerror(errno));
    struct stat st;
    if (fstat(fd, &st) != 0) return PR_FAIL(e, PR_ERR_NO_FILE, "%s: %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode)) return PR_FAIL(e, PR_ERR_BAD_INPUT, "%s: is a folder, a file was expected", path);
    if (!S_ISREG(st.st_mode)) return PR_FAIL(e, PR_ERR_BAD_INPUT, "%s: is not a regular file", path);
    if ((uint64_t)st.st_size > cap) {
        (void)PR_FAIL(e, PR_ERR_BAD_INPUT, "%s: %s, more than the %s that pgrail reads", path, pr_human_bytes(a, st.st_size),
                      pr_human_bytes(a, (int64_t)cap));
        return pr_hint(e, "split the file, or load data by other means than a migration");
    }
    char *bytes = pr_alloc_bytes(a, (size_t)st.st_size + 1);
    bytes[st.st_size] = '\0';
    PR_TRY(e, slurp(fd, path, bytes, (size_t)st.st_size, e));
    PR_TRY(e, pr_check_utf8(path, bytes, (size_t)st.st_size, e));
    *text = bytes;
    *n = (size_t)st.st_size;
    return PR_OK;
}

static enum pr_code write_all(int fd, const char *path, const char *text, size_t n, struct pr_err *e) {
    for (size_t put = 0; put < n;) {
        const ssize_t w = write(fd, text + put, n - put);
        if (w < 0 && errno == EINTR) continue;
        if (w < 0) return PR_FAIL(e, PR_ERR_BAD_INPUT, "%s: %s", path, strerror(errno));
        put += (size_t)w;
    }
    if (fsync(fd) != 0) return PR_FAIL(e, PR_ERR_BAD_INPUT, "%s: %s", path, strerror(errno));
    return PR_OK;
}

enum pr_code pr_write_text(const char *path, const char *text, size_t n, unsigned mode, bool exclusive, struct pr_err *e) {
    char tmp[4096];
    const int len = snprintf(tmp, sizeof tmp, "%s.%ld.tmp", path, (long)getpid());
    if (len < 0 || (size_t)len >= sizeof tmp) return PR_FAIL(e, PR_ERR_BAD_INPUT, "%.200s…: path too long", path);
    const int fd PR_CLEANUP(close_fdp) = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, (mode_t)mode);
    if (fd < 0) return PR_FAIL(e, PR_ERR_NO_FILE, "%s: cannot be written: %s", path, strerror(errno));
    enum pr_code code = write_all(fd, path, text, n, e);
    /* link(2) refuses to replace, rename(2) replaces: both put the whole file there at once. */
    if (code == PR_OK && (exclusive ? link(tmp, path) : rename(tmp, path)) != 0)
        code = errno == EEXIST ? PR_FAIL(e, PR_ERR_BAD_INPUT, "%s: exists already, and is not overwritten", path)
                               : PR_FAIL(e, PR_ERR_NO_FILE, "%s: cannot be written: %s", path, strerror(errno));
    if (code != PR_OK || exclusive) (void)unlink(tmp);
    return code;
}

enum pr_code pr_mkdirs(const char *path, unsigned mode, struct pr_err *e) {
    char part[4096];
    const size_t n = strlen(path);
    if (n == 0 || n >= sizeof part) return PR_FAIL(e, PR_ERR_NO_FILE, "%.200s: not a usable path", path);
    memcpy(part, path, n + 1);
    for (size_t i = 1; i <= n; i++) {
        if (part[i] != '/' && part[i] != '\0') continue;
        const char was = part[i];
        part[i] = '\0';
        struct stat st;
        if (mkdir(part, (mode_t)(was == '\0' ? mode : 0755)) != 0 && (errno != EEXIST || stat(part, &st) != 0 || !S_ISDIR(st.st_mode)))
            return PR_FAIL(e, PR_ERR_NO_FILE, "%s: the folder cannot be made: %s", part, strerror(errno));
        part[i] = was;
    }
    return PR_OK;
}
