/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as what info/ says about linking: refused, or paths that may be made below a prefix. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/fs.h"
#include "os/fs_remove.h"
#include "os/path.h"
#include "package/paths_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char place[64];
static int content = -1;

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void remove_place(void)
{
    struct cenv_error err = CENV_ERROR_INIT;

    cenv_fd_close(content);
    require(cenv_fs_remove_tree(CENV_CWD, place, &err) == 0);
}

/* A package's content, once a process, where memory is the disk. */
static void begin(void)
{
    snprintf(place, sizeof(place), "%s/cenv-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    require(mkdtemp(place) != NULL);
    content = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    require(content >= 0 && mkdirat(content, "info", 0755) == 0);
    require(mkdirat(content, "bin", 0755) == 0);
    close(openat(content, "bin/x", O_CREAT | O_WRONLY | O_CLOEXEC, 0755));
    require(symlinkat("x", content, "bin/y") == 0);
    atexit(remove_place);
}

/* A document, up to the next NUL; none where there is nothing. */
static void write_document(struct cenv_str *rest, const char *name)
{
    struct cenv_str text = cenv_str_cut(rest, '\0');

    unlinkat(content, name, 0);
    if (text.len == 0)
        return;
    int fd = openat(content, name, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0644);
    require(fd >= 0 && write(fd, text.data, text.len) == (ssize_t)text.len);
    close(fd);
}

static void check(const struct cenv_paths_json *info)
{
    for (size_t i = 0; i < info->nr; i++) {
        const struct cenv_package_path *path = &info->paths[i];
        require(!cenv_path_refused(path->path));
        require(path->path.data[path->path.len] == '\0');
        require(path->placeholder.len <= 4096);
        require(!memchr(path->placeholder.data ? path->placeholder.data : "", 0,
                        path->placeholder.len));
        require(path->sha256.len == 0 || path->sha256.len == 64);
    }
}

static void read_by(int (*read)(struct cenv_paths_json *info, struct cenv_error *err))
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_paths_json info = {0};
    int rc = read(&info, &err);

    require(rc == 0 || (rc == CENV_EINTEGRITY && strstr(err.message, "x-1-0")));
    if (rc == 0)
        check(&info);
    else
        require(info.nr == 0 && !info.paths);
    cenv_paths_json_release(&info);
    cenv_error_release(&err);
}

static int read_files(struct cenv_paths_json *info, struct cenv_error *err)
{
    struct cenv_task task;

    cenv_task_init(&task, NULL, NULL);
    int rc = cenv_paths_json_read(info, content, "x-1-0", &task, err);
    cenv_task_release(&task);
    return rc;
}

static int read_documents(struct cenv_paths_json *info, struct cenv_error *err)
{
    return cenv_paths_json_parse(info, content, "x-1-0", err);
}

/* paths.json, link.json, files, has_prefix and no_link, a NUL between them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"info/paths.json", "info/link.json",
                                        "info/files", "info/has_prefix",
                                        "info/no_link"};
    struct cenv_str rest = {size ? (const char *)data : "", size};

    if (content < 0)
        begin();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        write_document(&rest, names[i]);
    read_by(read_documents);
    read_by(read_files);
    return 0;
}
