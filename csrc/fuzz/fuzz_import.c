/* SPDX-License-Identifier: BSD-3-Clause */
/* Any members as an archive of templates: taken in whole, or refused with nothing left behind. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/archive.h"
#include "archive/delta_writer.h"
#include "archive/parcel.h"
#include "cenv.h"
#include "codec/tar_write.h"
#include "fuzz/items.h"
#include "model/platform.h"
#include "os/fs.h"
#include "os/fs_dir.h"
#include "os/fs_remove.h"
#include "os/raw_data.h"
#include "remote/bundle.h"
#include "template/template_id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RECORDS \
    "[{\"name\":\"a\",\"version\":\"1\",\"build\":\"0\",\"sha256\":\"%064d\"," \
    "\"url\":\"https://h.example/c/noarch/a-1-0.conda\"}]"

enum { ROOM = 1 << 20 };

static struct cenv_store *store;
static char place[64], archive[96], id[CENV_DIGEST_HEX_MAX];

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void remove_place(void)
{
    struct cenv_error err = CENV_ERROR_INIT;

    cenv_store_free(store);
    require(cenv_fs_remove_tree(CENV_CWD, place, &err) == 0);
}

static void set_id(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_json *records = NULL;
    struct cenv_buf text;

    cenv_buf_init(&text, ROOM);
    cenv_buf_addf(&text, RECORDS, 0);
    require(cenv_json_parse(&records, cenv_buf_str(&text), "it", &err) == 0);
    cenv_buf_clear(&text);
    require(cenv_template_id_of_records(records, NULL, NULL, &text, &err) == 0);
    snprintf(id, sizeof(id), "%s", text.data);
    cenv_json_free(records);
    cenv_buf_release(&text);
}

/* A store, once a process, where memory is the disk. */
static void begin(void)
{
    struct cenv_error err = CENV_ERROR_INIT;

    snprintf(place, sizeof(place), "%s/cenv-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    require(mkdtemp(place) != NULL);
    snprintf(archive, sizeof(archive), "%s/archive", place);
    char path[96];
    snprintf(path, sizeof(path), "%s/store", place);
    require(cenv_store_open(&store, path, &err) == 0);
    set_id();
    atexit(remove_place);
}

/* ---- an archive of format 2 ---- */

/* Beside tar's types of items 'c' is a hard link to anything, and 'H' and 'E' are the texts of
 * template.json and end.json in the place of right ones. */
struct input {
    struct cenv_str rest;
    struct cenv_buf tar;
    struct cenv_archive_sum sum;
    struct cenv_str end;
};

static void add_member(struct input *in, const struct cenv_member *member,
                       struct cenv_str data)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_output to = cenv_output_buf(&in->tar);

    require(cenv_tar_write_header(member, to, &err) == 0);
    cenv_buf_add_str(&in->tar, data);
    require(cenv_tar_write_padding(data.len, to, &err) == 0);
}

static void add_text(struct input *in, const char *name, struct cenv_str text)
{
    struct cenv_member member = {
        .path = cenv_str(name), .link = CENV_STR(""), .mode = 0644, .size = text.len};

    add_member(in, &member, text);
}

static void add_head(struct input *in)
{
    struct cenv_buf text;

    cenv_buf_init(&text, ROOM);
    cenv_buf_addf(
        &text,
        "{\"format\":2,\"subdir\":\"%s\",\"prefix\":\"/s/templates/%s/prefix\","
        "\"template\":{\"id\":\"%s\",\"records\":" RECORDS "}}",
        cenv_platform_subdir(), id, id, 0);
    add_text(in, "0/" CENV_ARCHIVE_HEAD, cenv_buf_str(&text));
    cenv_buf_release(&text);
}

static enum cenv_member_type type_of(char c)
{
    return c == '5'               ? CENV_MEMBER_DIR
           : c == '2'             ? CENV_MEMBER_SYMLINK
           : c == '1' || c == 'c' ? CENV_MEMBER_HARDLINK
                                  : CENV_MEMBER_FILE;
}

static void add_item(struct input *in, const struct item *item)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf path, link;
    enum cenv_member_type type = type_of(item->type);
    bool file = type == CENV_MEMBER_FILE;

    cenv_buf_init(&path, ROOM);
    cenv_buf_init(&link, ROOM);
    cenv_buf_addf(&path, "0/prefix/%.*s", CENV_STR_ARG(item->name));
    cenv_buf_addf(&link, "%s%.*s", item->type == '1' ? "0/prefix/" : "",
                  CENV_STR_ARG(item->link));
    struct cenv_member member = {.type = type,
                                 .path = cenv_buf_str(&path),
                                 .link = file ? CENV_STR("") : cenv_buf_str(&link),
                                 .mode = item->mode,
                                 .size = file ? item->data.len : 0,
                                 .mtime_ns = 1600000000000000000};
    struct cenv_str data = file ? item->data : CENV_STR("");
    add_member(in, &member, data);
    require(cenv_archive_sum_member(&in->sum, &member, &err) == 0);
    require(cenv_archive_sum_content(&in->sum, data.data, data.len, &err) == 0);
    cenv_buf_release(&path);
    cenv_buf_release(&link);
}

static void add_end(struct input *in)
{
    struct cenv_error err = CENV_ERROR_INIT;
    char hex[CENV_DIGEST_HEX_MAX], text[200];
    uint64_t members = in->sum.members;

    require(cenv_archive_sum_finish(&in->sum, hex, &err) == 0);
    snprintf(text, sizeof(text), "{\"members\":%llu,\"sha256\":\"%s\"}",
             (unsigned long long)members, hex);
    add_text(in, "0/" CENV_ARCHIVE_END, in->end.data ? in->end : cenv_str(text));
    require(cenv_tar_write_end(cenv_output_buf(&in->tar), &err) == 0);
}

static void write_archive(struct cenv_str bytes)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct input in = {.rest = bytes};
    struct item item;
    bool head = false;

    cenv_buf_init(&in.tar, 64 * ROOM);
    require(cenv_archive_sum_init(&in.sum, &err) == 0);
    while (next_item(&in.rest, &item)) {
        if (!head && item.type == 'H')
            add_text(&in, "0/" CENV_ARCHIVE_HEAD, item.data);
        else if (!head)
            add_head(&in);
        head = true;
        if (item.type == 'E')
            in.end = item.data;
        else if (item.type != 'H')
            add_item(&in, &item);
    }
    if (!head)
        add_head(&in);
    add_end(&in);
    struct cenv_task task;
    cenv_task_init(&task, NULL, NULL);
    require(cenv_zstd_write(archive, in.tar.data, in.tar.len, 1, &task, &err) == 0);
    cenv_task_release(&task);
    cenv_archive_sum_release(&in.sum);
    cenv_buf_release(&in.tar);
}

/* ---- an archive of today ---- */

/* Beside tar's types of items 'r' and 'f' are what is removed, and facts; 'H' is the text of the
 * description in the place of the right one. */
static enum cenv_delta_type entry_type_of(char c)
{
    return c == '5'   ? CENV_DELTA_DIR
           : c == '2' ? CENV_DELTA_SYMLINK
           : c == '1' ? CENV_DELTA_PEER
           : c == 'r' ? CENV_DELTA_REMOVED
           : c == 'f' ? CENV_DELTA_FACTS
                      : CENV_DELTA_FILE;
}

static int make_file(const char *name)
{
    char path[96];

    snprintf(path, sizeof(path), "%s/%s", place, name);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    require(fd >= 0);
    return fd;
}

static void add_delta_item(struct cenv_delta_writer *w, const struct item *item)
{
    struct cenv_delta_entry entry = {.type = entry_type_of(item->type),
                                     .mode = item->mode,
                                     .mtime_ns = 1600000000000000000,
                                     .path = item->name,
                                     .link = item->link};

    if (entry.type != CENV_DELTA_FILE) {
        require(cenv_delta_writer_add(w, &entry) == 0);
        return;
    }
    int fd = make_file("content");
    require(cenv_raw_write(fd, item->data.data, item->data.len) == 0);
    require(cenv_delta_writer_add_file(w, &entry, fd) == 0);
    cenv_fd_close(fd);
}

static void describe(const struct cenv_delta_facts *delta, struct cenv_buf *out)
{
    cenv_buf_addf(
        out,
        "{\"format\":%d,\"subdir\":\"%s\",\"prefix\":\"/s/templates/%s/prefix\","
        "\"template\":{\"id\":\"%s\",\"records\":" RECORDS "},\"linked\":false,"
        "\"delta\":{\"sha256\":\"%s\",\"size\":%llu,"
        "\"toc\":{\"sha256\":\"%s\",\"size\":%llu}}}",
        CENV_PARCEL_FORMAT, cenv_platform_subdir(), id, id, 0, delta->sha256,
        (unsigned long long)delta->size, delta->toc_sha256,
        (unsigned long long)delta->toc);
}

static void bundle_items(struct cenv_str rest, struct cenv_delta_writer *w,
                         struct cenv_bundle *bundle, struct cenv_error *err)
{
    struct cenv_delta_facts facts;
    struct cenv_buf text;
    struct item item;

    cenv_buf_init(&text, 64 * ROOM);
    while (next_item(&rest, &item)) {
        if (item.type == 'H')
            cenv_buf_add_str(&text, item.data);
        else
            add_delta_item(w, &item);
    }
    require(cenv_delta_writer_finish(w, &facts) == 0);
    if (!text.len)
        describe(&facts, &text);
    require(cenv_bundle_put_blob(bundle, facts.sha256, w->fd, facts.size, w->task,
                                 err) == 0);
    require(cenv_bundle_put_document(bundle, id, cenv_buf_str(&text), err) == 0);
    cenv_buf_release(&text);
}

static void write_bundle(struct cenv_str bytes)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_delta_contents contents = {0};
    struct cenv_delta_writer w;
    struct cenv_bundle *bundle = NULL;
    struct cenv_task task;
    int delta = make_file("delta"), file = make_file("archive");

    cenv_task_init(&task, NULL, NULL);
    require(cenv_delta_writer_open(&w, delta, 1, &contents, &task, &err) == 0);
    require(cenv_bundle_create(&bundle, file, &err) == 0);
    bundle_items(bytes, &w, bundle, &err);
    require(cenv_bundle_finish(bundle, &err) == 0);
    cenv_bundle_free(bundle);
    cenv_delta_writer_release(&w);
    cenv_delta_contents_release(&contents);
    cenv_task_release(&task);
    cenv_fd_close(delta);
    cenv_fd_close(file);
}

/* ---- what comes of it ---- */

static int open_part(const char *name)
{
    struct cenv_error err = CENV_ERROR_INIT;
    char path[160];

    snprintf(path, sizeof(path), "%s/store/v1/%s", place, name);
    int fd = cenv_fs_open_dir(CENV_CWD, path, &err);
    require(fd >= 0);
    return fd;
}

static size_t count_entries(const char *name)
{
    struct cenv_listing list;
    int fd = open_part(name);

    require(cenv_listing_read(&list, fd, false) == 0);
    size_t nr = list.nr;
    cenv_listing_release(&list);
    cenv_fd_close(fd);
    return nr;
}

static void forget_templates(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    int fd = open_part("templates");

    require(cenv_fs_remove_content(fd, &err) == 0);
    cenv_fd_close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_task task;
    struct cenv_buf out;

    if (!store)
        begin();
    /* '3' in front: an archive of today. */
    if (size && data[0] == '3')
        write_bundle(cenv_str_n((const char *)data + 1, size - 1));
    else
        write_archive(cenv_str_n((const char *)data, size));
    cenv_task_init(&task, NULL, NULL);
    cenv_buf_init(&out, 64 * ROOM);
    int rc = cenv_template_import(store, archive, "{}", &task, &out, &err);
    require(rc == 0 || rc == CENV_EINTEGRITY || rc == CENV_EPREFIX);
    require(rc == 0 || err.message[0]);
    require(count_entries("templates") == (rc == 0) && count_entries("tmp") == 0);
    forget_templates();
    cenv_error_release(&err);
    cenv_buf_release(&out);
    cenv_task_release(&task);
    return 0;
}
