/* SPDX-License-Identifier: BSD-3-Clause */
/* Any members as a package: extracted whole below its root, or refused with nothing left behind. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crc32.h"
#include "cenv.h"
#include "codec/tar_write.h"
#include "codec/zip.h"
#include "codec/zstd.h"
#include "fuzz/items.h"
#include "os/fs.h"
#include "os/fs_data.h"
#include "os/fs_dir.h"
#include "os/fs_remove.h"
#include "package/paths_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 1 << 20 };

static char place[64], archive[96], dest[96];
static int placefd = -1;
static struct cenv_crc32 crc;

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void remove_place(void)
{
    struct cenv_error err = CENV_ERROR_INIT;

    cenv_fd_close(placefd);
    require(cenv_fs_remove_tree(CENV_CWD, place, &err) == 0);
}

/* Once a process, where memory is the disk. */
static void begin(void)
{
    snprintf(place, sizeof(place), "%s/cenv-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    require(mkdtemp(place) != NULL);
    snprintf(archive, sizeof(archive), "%s/x-1-0.conda", place);
    snprintf(dest, sizeof(dest), "%s/dest", place);
    cenv_crc32_init(&crc);
    placefd = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    require(placefd >= 0);
    atexit(remove_place);
}

/* ---- the package that an input stands for ---- */

/* What lies below info/ goes into the one archive, the rest into the other. */

static enum cenv_member_type type_of(char c)
{
    return c == '5'   ? CENV_MEMBER_DIR
           : c == '2' ? CENV_MEMBER_SYMLINK
           : c == '1' ? CENV_MEMBER_HARDLINK
                      : CENV_MEMBER_FILE;
}

static void add_item(struct cenv_buf *tar, const struct item *item)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_output to = cenv_output_buf(tar);
    enum cenv_member_type type = type_of(item->type);
    bool file = type == CENV_MEMBER_FILE;
    struct cenv_str data = file ? item->data : CENV_STR("");
    struct cenv_member member = {.type = type,
                                 .path = item->name,
                                 .link = file ? CENV_STR("") : item->link,
                                 .mode = item->mode,
                                 .size = data.len,
                                 .mtime_ns = 1600000000000000000};

    require(cenv_tar_write_header(&member, to, &err) == 0);
    cenv_buf_add_str(tar, data);
    require(cenv_tar_write_padding(data.len, to, &err) == 0);
}

static void add_member(struct cenv_buf *zip, struct cenv_zip_member *member,
                       const char *name, struct cenv_str data)
{
    struct cenv_error err = CENV_ERROR_INIT;

    *member = (struct cenv_zip_member){
        .size = data.len,
        .packed = data.len,
        .offset = zip->len,
        .crc = cenv_crc32_add(&crc, 0, data.data, data.len),
    };
    snprintf(member->name, sizeof(member->name), "%s", name);
    require(cenv_zip_put_local(member, cenv_output_buf(zip), &err) == 0);
    cenv_buf_add_str(zip, data);
}

static void add_tar(struct cenv_buf *zip, struct cenv_zip_member *member,
                    const char *name, struct cenv_buf *tar)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_task task;
    struct cenv_buf packed;

    cenv_task_init(&task, NULL, NULL);
    require(cenv_tar_write_end(cenv_output_buf(tar), &err) == 0);
    cenv_buf_init(&packed, 64 * ROOM);
    require(cenv_zstd_compress(cenv_buf_str(tar), 1, &packed, &task, &err) == 0);
    add_member(zip, member, name, cenv_buf_str(&packed));
    cenv_task_release(&task);
    cenv_buf_release(&packed);
    cenv_buf_release(tar);
}

static void write_package(struct cenv_str bytes)
{
    static const char format[] = "{\"conda_pkg_format_version\":2}";
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_zip_member members[3];
    struct cenv_buf zip, info, rest;
    struct item item;

    cenv_buf_init(&zip, 64 * ROOM);
    cenv_buf_init(&info, 64 * ROOM);
    cenv_buf_init(&rest, 64 * ROOM);
    while (next_item(&bytes, &item))
        add_item(cenv_str_starts(item.name, CENV_STR("info/")) ? &info : &rest, &item);
    add_member(&zip, &members[0], "metadata.json", cenv_str(format));
    add_tar(&zip, &members[1], "info-x-1-0.tar.zst", &info);
    add_tar(&zip, &members[2], "pkg-x-1-0.tar.zst", &rest);
    require(cenv_zip_put_directory(members, 3, cenv_output_buf(&zip), &err) == 0);
    require(cenv_fs_write_atomic(CENV_CWD, archive, cenv_buf_str(&zip), 0644, &err) ==
            0);
    cenv_buf_release(&zip);
}

/* ---- what comes of it ---- */

static size_t count_entries(void)
{
    struct cenv_listing list;

    require(cenv_listing_read(&list, placefd, false) == 0);
    size_t nr = list.nr;
    cenv_listing_release(&list);
    return nr;
}

/* What was extracted is what its lists say, or they are refused. */
static void read_lists(struct cenv_task *task)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_paths_json info = {0};
    int fd = cenv_fs_open_dir(CENV_CWD, dest, &err);

    require(fd >= 0);
    int rc = cenv_paths_json_read(&info, fd, "x-1-0", task, &err);
    require(rc == 0 || rc == CENV_EINTEGRITY);
    cenv_paths_json_release(&info);
    cenv_error_release(&err);
    cenv_fd_close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_task task;
    struct cenv_buf out;

    if (placefd < 0)
        begin();
    write_package(cenv_str_n((const char *)data, size));
    cenv_task_init(&task, NULL, NULL);
    cenv_buf_init(&out, 64 * ROOM);
    int rc = cenv_extract(archive, dest, NULL, &task, &out, &err);
    require(rc == 0 || (rc == CENV_EINTEGRITY && strstr(err.message, "x-1-0")));
    require(count_entries() == (rc == 0 ? 2 : 1));
    if (rc == 0)
        read_lists(&task);
    require(cenv_fs_remove_tree(CENV_CWD, dest, &err) == 0);
    cenv_error_release(&err);
    cenv_buf_release(&out);
    cenv_task_release(&task);
    return 0;
}
