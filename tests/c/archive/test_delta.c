/* SPDX-License-Identifier: BSD-3-Clause */
/* Deltas: written, read and laid, whole or refused. */
#include <stdlib.h>
#include <sys/stat.h>

#include "archive/delta_lay.h"
#include "archive/delta_writer.h"
#include "base/alloc.h"
#include "check.h"
#include "os/fs.h"
#include "os/fs_data.h"
#include "scratch.h"

enum { LARGE = 5 << 20 };

static struct scratch s;
static struct cenv_task task;
static struct cenv_error err = CENV_ERROR_INIT;
static struct cenv_delta_contents contents;

static void begin(void)
{
    s = scratch_open();
    cenv_task_init(&task, NULL, NULL);
    contents = (struct cenv_delta_contents){0};
}

static void end(void)
{
    cenv_delta_contents_release(&contents);
    cenv_error_release(&err);
    cenv_task_release(&task);
    scratch_close(&s);
}

/* Adds a file whose content is that of `from` in the scratch directory. */
static int add_file(struct cenv_delta_writer *w, const char *path, const char *from)
{
    struct cenv_delta_entry entry = {.type = CENV_DELTA_FILE,
                                     .mode = 0640,
                                     .mtime_ns = 1600000000123456789,
                                     .path = cenv_str(path),
                                     .link = CENV_STR("")};
    int fd = cenv_raw_open_file(s.fd, from, NULL);
    CHECK(fd >= 0);
    int rc = cenv_delta_writer_add_file(w, &entry, fd);
    cenv_fd_close(fd);
    return rc;
}

static int add_entry(struct cenv_delta_writer *w, enum cenv_delta_type type,
                     const char *path, const char *link)
{
    struct cenv_delta_entry entry = {.type = type,
                                     .mode = 0750,
                                     .mtime_ns = 1500000000000000000,
                                     .path = cenv_str(path),
                                     .link = cenv_str(link)};
    return cenv_delta_writer_add(w, &entry);
}

static int add_all(struct cenv_delta_writer *w)
{
    int rc = add_entry(w, CENV_DELTA_REMOVED, "gone", "");
    if (rc == 0)
        rc = add_entry(w, CENV_DELTA_DIR, "d", "");
    if (rc == 0)
        rc = add_file(w, "d/small", "small");
    if (rc == 0)
        rc = add_file(w, "large", "large");
    if (rc == 0)
        rc = add_file(w, "again", "large");
    if (rc == 0)
        rc = add_file(w, "empty", "empty");
    if (rc == 0)
        rc = add_entry(w, CENV_DELTA_SYMLINK, "link", "d/small");
    if (rc == 0)
        rc = add_entry(w, CENV_DELTA_PEER, "peer", "d/small");
    if (rc == 0)
        rc = add_entry(w, CENV_DELTA_FACTS, "kept", "");
    return rc;
}

/* The delta `file`, and where it lies; the caller closes source->place.fd. */
static int write_delta(const char *file, int (*add)(struct cenv_delta_writer *),
                       struct cenv_delta_source *source)
{
    struct cenv_delta_writer w;
    struct cenv_delta_facts facts = {.size = 0};
    int fd = cenv_raw_create(s.fd, file, 0600);
    int rc = cenv_delta_writer_open(&w, fd, 3, &contents, &task, &err);
    if (rc == 0)
        rc = add(&w);
    if (rc == 0)
        rc = cenv_delta_writer_finish(&w, &facts);
    cenv_delta_writer_release(&w);
    *source = (struct cenv_delta_source){
        .place = {.fd = fd, .size = facts.size, .whole = facts.size, .toc = facts.toc}};
    snprintf(source->place.toc_sha256, sizeof(source->place.toc_sha256), "%s",
             facts.toc_sha256);
    return rc;
}

static void write_contents(void)
{
    char *large = calloc(1, LARGE + 1);
    for (size_t i = 0; i < LARGE; i++)
        large[i] = (char)('a' + i * 7 % 23);
    scratch_file(&s, "small", "small\n", 0644);
    scratch_file(&s, "large", large, 0644);
    scratch_file(&s, "empty", "", 0644);
    free(large);
}

/* What a link of packages would have left. */
static int make_bare(const char *name)
{
    char path[64];
    CHECK_INT(mkdirat(s.fd, name, 0755), 0);
    snprintf(path, sizeof(path), "%s/gone", name);
    CHECK_INT(mkdirat(s.fd, path, 0755), 0);
    snprintf(path, sizeof(path), "%s/gone/file", name);
    scratch_file(&s, path, "x", 0644);
    snprintf(path, sizeof(path), "%s/kept", name);
    scratch_file(&s, path, "kept", 0644);
    snprintf(path, sizeof(path), "%s/large", name);
    scratch_file(&s, path, "of the package", 0444);
    return cenv_raw_open_dir(s.fd, name);
}

static void check_content(int dir, const char *name, size_t len)
{
    struct cenv_buf text;
    cenv_buf_init(&text, LARGE * 2);
    CHECK_INT(cenv_fs_read_file(dir, name, &text, &err), 0);
    CHECK_INT((int)text.len, (int)len);
    cenv_buf_release(&text);
}

static void check_tree(int dir)
{
    struct cenv_stat st, peer;
    CHECK_INT(cenv_raw_stat(dir, "gone", &st), -ENOENT);
    CHECK_INT(cenv_raw_stat(dir, "d", &st), 0);
    CHECK_INT((int)st.mode, 0750);
    CHECK_INT(cenv_raw_stat(dir, "d/small", &st), 0);
    CHECK_INT((int)st.mode, 0640);
    CHECK(st.mtime_ns == 1600000000123456789);
    CHECK_INT(cenv_raw_stat(dir, "peer", &peer), 0);
    CHECK(cenv_stat_same_file(&st, &peer));
    check_content(dir, "large", LARGE);
    check_content(dir, "again", LARGE);
    check_content(dir, "empty", 0);
    CHECK_INT(cenv_raw_stat(dir, "kept", &st), 0);
    CHECK_INT((int)st.mode, 0750);
    CHECK(st.mtime_ns == 1500000000000000000);
    CHECK_INT(cenv_raw_stat(dir, "link", &st), 0);
    CHECK_INT((int)st.type, CENV_FT_SYMLINK);
}

static void test_delta__is_laid_as_it_was_written(void)
{
    struct cenv_delta_source source;
    begin();
    write_contents();
    CHECK_INT(write_delta("delta", add_all, &source), 0);
    CHECK(source.place.size < LARGE / 4); /* each content once */
    CHECK_INT(cenv_delta_open(&source.delta, &source.place, &task, &err), 0);
    CHECK_INT((int)source.delta.nr_entries, 9);
    int dir = make_bare("tree");
    struct cenv_delta_laying laying = {.source = &source, .root = dir};
    CHECK_INT(cenv_delta_lay(&laying, &task, &err), 0);
    CHECK_STR(err.message, "");
    CHECK_INT((int)laying.files, 4);
    check_tree(dir);
    cenv_fd_close(dir);
    cenv_delta_release(&source.delta);
    cenv_fd_close(source.place.fd);
    end();
}

static int add_again(struct cenv_delta_writer *w)
{
    return add_file(w, "second", "large");
}

static const struct cenv_delta_source *first_source;

static const struct cenv_delta_source *find_first(void *ctx,
                                                  const unsigned char *sha256)
{
    (void)sha256;
    *(int *)ctx += 1;
    return first_source;
}

static void test_delta__uses_the_contents_of_another(void)
{
    struct cenv_delta_source first, second;
    int asked = 0;
    begin();
    write_contents();
    CHECK_INT(write_delta("first", add_all, &first), 0);
    CHECK_INT(write_delta("second", add_again, &second), 0);
    CHECK(second.place.size < 1000);
    CHECK_INT(cenv_delta_open(&first.delta, &first.place, &task, &err), 0);
    second.place.whole = first.place.size;
    CHECK_INT(cenv_delta_open(&second.delta, &second.place, &task, &err), 0);
    CHECK_INT((int)second.delta.nr_others, 1);
    int dir = make_bare("tree");
    struct cenv_delta_laying laying = {
        .source = &second, .root = dir, .find = find_first, .ctx = &asked};
    first_source = NULL;
    CHECK_INT(cenv_delta_lay(&laying, &task, &err), CENV_EINTEGRITY);
    cenv_error_release(&err);
    first_source = &first;
    CHECK_INT(cenv_delta_lay(&laying, &task, &err), 0);
    CHECK_INT(asked, 2);
    check_content(dir, "second", LARGE);
    cenv_fd_close(dir);
    cenv_delta_release(&first.delta);
    cenv_delta_release(&second.delta);
    cenv_fd_close(first.place.fd);
    cenv_fd_close(second.place.fd);
    end();
}

static void test_delta__that_lacks_memory_says_so(void)
{
    bool reached = true;
    begin();
    scratch_file(&s, "small", "small\n", 0644);
    scratch_file(&s, "large", "larger\n", 0644);
    scratch_file(&s, "empty", "", 0644);
    for (long n = 1; n < 500 && reached; n++) {
        struct cenv_delta_source source;
        cenv_alloc_fail_nth(n);
        int rc = write_delta("delta", add_all, &source);
        if (rc == 0)
            rc = cenv_delta_open(&source.delta, &source.place, &task, &err);
        reached = !cenv_alloc_fail_nth(0);
        CHECK(rc == 0 || rc == CENV_ENOMEM);
        CHECK(reached || rc == 0);
        cenv_delta_release(&source.delta);
        cenv_fd_close(source.place.fd);
        cenv_error_release(&err);
        cenv_delta_contents_release(&contents);
        contents = (struct cenv_delta_contents){0};
        CHECK_INT(unlinkat(s.fd, "delta", 0), 0);
    }
    CHECK(!reached);
    end();
}

/* Entries that lead out, or into each other's way. */
static void test_delta__lays_nothing_outside(void)
{
    static const struct {
        const char *name;
        struct cenv_delta_entry entry;
    } cases[] = {
        {"parent", {.type = CENV_DELTA_SYMLINK, .path = {"../x", 4}, .link = {"y", 1}}},
        {"absolute", {.type = CENV_DELTA_DIR, .path = {"/x", 2}, .link = {"", 0}}},
        {"removed root",
         {.type = CENV_DELTA_REMOVED, .path = {"", 0}, .link = {"", 0}}},
        {"removed out",
         {.type = CENV_DELTA_REMOVED, .path = {"..", 2}, .link = {"", 0}}},
        {"peer out", {.type = CENV_DELTA_PEER, .path = {"x", 1}, .link = {"../y", 4}}},
        {"peer of nothing",
         {.type = CENV_DELTA_PEER, .path = {"x", 1}, .link = {"y", 1}}},
        {"peer of itself",
         {.type = CENV_DELTA_PEER, .path = {"kept", 4}, .link = {"kept", 4}}},
        {"facts of nothing",
         {.type = CENV_DELTA_FACTS, .path = {"x", 1}, .link = {"", 0}}},
        {"below a link",
         {.type = CENV_DELTA_DIR, .path = {"out/made", 8}, .link = {"", 0}}},
        {"file of no delta",
         {.type = CENV_DELTA_FILE, .which = 1, .path = {"x", 1}, .link = {"", 0}}},
        {"beyond",
         {.type = CENV_DELTA_FILE, .size = 9, .path = {"x", 1}, .link = {"", 0}}},
        {"link to nothing",
         {.type = CENV_DELTA_SYMLINK, .path = {"x", 1}, .link = {"", 0}}},
    };
    begin();
    int dir = make_bare("tree");
    CHECK_INT(symlinkat("..", dir, "out"), 0);
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_delta made = {
            .entries = (struct cenv_delta_entry[]){cases[i].entry}, .nr_entries = 1};
        struct cenv_delta_source source = {.place = {.fd = -1, .whole = 1000}};
        struct cenv_delta_laying laying = {.source = &source, .root = dir};
        struct cenv_buf text;
        check_case(cases[i].name);
        cenv_buf_init(&text, 4096);
        CHECK(cenv_delta_format(&made, &text));
        int rc = cenv_delta_parse(&source.delta, &text, &source.place, &err);
        if (rc == 0)
            rc = cenv_delta_lay(&laying, &task, &err);
        CHECK_INT(rc, CENV_EINTEGRITY);
        CHECK(strstr(err.message, "delta: ") == err.message);
        cenv_error_release(&err);
        cenv_delta_release(&source.delta);
        cenv_buf_release(&text);
        struct cenv_stat st;
        CHECK_INT(cenv_raw_stat(s.fd, "made", &st), -ENOENT);
        CHECK_INT(cenv_raw_stat(s.fd, "x", &st), -ENOENT);
    }
    cenv_fd_close(dir);
    end();
}

int main(void)
{
    RUN(test_delta__is_laid_as_it_was_written);
    RUN(test_delta__uses_the_contents_of_another);
    RUN(test_delta__that_lacks_memory_says_so);
    RUN(test_delta__lays_nothing_outside);
    return check_report();
}
