/* SPDX-License-Identifier: BSD-3-Clause */
/* package/extract: what a package of a few kB makes is little, whatever it says. */
#include "cenv.h"
#include "check.h"
#include "scratch.h"
#include "tarball.h"

#define INDEX "{\"name\":\"p\",\"version\":\"1\",\"build\":\"0\",\"build_number\":0}"
#define PATHS "{\"paths_version\":1,\"paths\":["

enum { DEEP = 255, ROOM = 16 << 20 };

/* The two archives of a package in the making. */
struct halves {
    struct cenv_buf info, pkg;
};

/* "z17/a/a/a...", as deep as a package may name. */
static void add_deep_path(struct cenv_buf *out, int n)
{
    cenv_buf_addf(out, "z%d", n);
    for (int i = 0; i < DEEP; i++)
        cenv_buf_puts(out, "/a");
}

static void add_deep_file(struct cenv_buf *tar, int n)
{
    struct cenv_buf pax;

    cenv_buf_init(&pax, ROOM);
    cenv_buf_puts(&pax, "path=");
    add_deep_path(&pax, n);
    tar_pax(tar, 'x', pax.data, NULL);
    tar_file(tar, "short", "");
    cenv_buf_release(&pax);
}

static void fill_directories(struct halves *p)
{
    tar_file(&p->info, "info/paths.json", PATHS "]}");
    for (int n = 0; n < 9500; n++) /* the same again: nothing is made, but it counts */
        tar_file(&p->pkg, "a", "");
    for (int n = 0; n < 3; n++)
        add_deep_file(&p->pkg, n);
}

static void fill_listed_directories(struct halves *p)
{
    struct cenv_buf text;

    cenv_buf_init(&text, ROOM);
    cenv_buf_puts(&text, PATHS);
    for (int n = 0; n < 42; n++) {
        cenv_buf_puts(&text, n ? ",{\"_path\":\"" : "{\"_path\":\"");
        add_deep_path(&text, n);
        cenv_buf_puts(&text, "\",\"path_type\":\"directory\"}");
    }
    cenv_buf_puts(&text, "]}");
    tar_file(&p->info, "info/paths.json", text.data);
    cenv_buf_release(&text);
}

static void fill_names(struct halves *p)
{
    struct cenv_buf pax;

    cenv_buf_init(&pax, ROOM);
    cenv_buf_puts(&pax, "path=");
    for (int i = 0; i < 15; i++)
        cenv_buf_addf(&pax, "%0250d/", i);
    cenv_buf_puts(&pax, "a");
    tar_file(&p->info, "info/paths.json", PATHS "]}");
    for (int n = 0; n < 2500; n++) { /* the same again: one file */
        tar_pax(&p->pkg, 'x', pax.data, NULL);
        tar_file(&p->pkg, "short", "");
    }
    cenv_buf_release(&pax);
}

static void fill_document(struct halves *p)
{
    struct cenv_buf text;

    cenv_buf_init(&text, ROOM);
    while (text.len < 12 << 20)
        cenv_buf_puts(&text, "                                ");
    tar_file(&p->info, "info/about.json", text.data);
    cenv_buf_release(&text);
}

static void fill_entry_points(struct halves *p)
{
    struct cenv_buf text;

    cenv_buf_init(&text, ROOM);
    cenv_buf_puts(&text,
                  "{\"package_metadata_version\":1,\"noarch\":{\"type\":\"python\","
                  "\"entry_points\":[\"a=b:c\"");
    for (int i = 0; i < 10000; i++)
        cenv_buf_addf(&text, ",\"a%d=b:c\"", i);
    cenv_buf_puts(&text, "]}}");
    tar_file(&p->info, "info/paths.json", PATHS "]}");
    tar_file(&p->info, "info/link.json", text.data);
    cenv_buf_release(&text);
}

static void pack(struct cenv_buf *out, void (*fill)(struct halves *p))
{
    struct halves p;

    cenv_buf_init(&p.info, 2 * ROOM);
    cenv_buf_init(&p.pkg, 2 * ROOM);
    cenv_buf_init(out, ROOM);
    tar_file(&p.info, "info/index.json", INDEX);
    fill(&p);
    tar_end(&p.info);
    tar_end(&p.pkg);
    conda_pack(out, "p-1-0", cenv_buf_str(&p.info), cenv_buf_str(&p.pkg));
    cenv_buf_release(&p.info);
    cenv_buf_release(&p.pkg);
}

static int extract(const struct scratch *s, const struct cenv_buf *archive,
                   struct cenv_error *err)
{
    struct cenv_task task;
    struct cenv_buf out;
    int fd = openat(s->fd, "p-1-0.conda", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

    CHECK(write(fd, archive->data, archive->len) == (ssize_t)archive->len);
    close(fd);
    cenv_buf_init(&out, 4096);
    cenv_task_init(&task, NULL, NULL);
    int rc = cenv_extract(scratch_path(s, "p-1-0.conda"), scratch_path(s, "out"), NULL,
                          &task, &out, err);
    cenv_task_release(&task);
    cenv_buf_release(&out);
    return rc;
}

static void test_extract__bounds_what_a_small_package_makes(void)
{
    static const struct {
        const char *says;
        void (*fill)(struct halves *p);
    } cases[] = {
        {"needs more directories than a package of this size", fill_directories},
        {"needs more directories than a package of this size", fill_listed_directories},
        {"it has longer names than a package of its size", fill_names},
        {"is larger than a package of this size", fill_document},
        {"has more than 10000 entry points", fill_entry_points},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct scratch s = scratch_open();
        struct cenv_buf archive;
        check_case(cases[i].says);
        pack(&archive, cases[i].fill);
        CHECK(archive.len < 100000);
        CHECK_INT(extract(&s, &archive, &err), CENV_EINTEGRITY);
        CHECK(strstr(err.message, cases[i].says));
        CHECK(faccessat(s.fd, "out", F_OK, 0) < 0);
        cenv_buf_release(&archive);
        cenv_error_release(&err);
        scratch_close(&s);
    }
}

int main(void)
{
    RUN(test_extract__bounds_what_a_small_package_makes);
    return check_report();
}
