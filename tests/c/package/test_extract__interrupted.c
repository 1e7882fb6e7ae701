/* SPDX-License-Identifier: BSD-3-Clause */
/* package/extract: what an interrupt leaves of a large package, and who removes it. */
#include "package/extract.h"

#include <dirent.h>

#include "cenv.h"
#include "check.h"
#include "scratch.h"
#include "tarball.h"

enum { SIZE = 60 << 20, ENOUGH = 16 << 20 };

/* A package whose one file is SIZE zeros. */
static void write_large_package(const struct scratch *s)
{
    char *zeros = calloc(1, SIZE);
    struct cenv_buf info, pkg, out;

    cenv_buf_init(&info, 1 << 20);
    cenv_buf_init(&pkg, SIZE + (1 << 20));
    cenv_buf_init(&out, SIZE);
    tar_file(&info, "info/index.json",
             "{\"name\":\"p\",\"version\":\"1\",\"build\":\"0\",\"build_number\":0}");
    tar_file(&info, "info/paths.json",
             "{\"paths_version\":1,\"paths\":[{\"_path\":\"a\"}]}");
    tar_end(&info);
    tar_header(&pkg, '0', "a", "", SIZE, 0644);
    tar_data(&pkg, zeros, SIZE);
    tar_end(&pkg);
    conda_pack(&out, "p-1-0", cenv_buf_str(&info), cenv_buf_str(&pkg));
    FILE *file = fopen(scratch_path(s, "p-1-0.conda"), "w");
    CHECK(file && fwrite(out.data, 1, out.len, file) == out.len && fclose(file) == 0);
    cenv_buf_release(&info);
    cenv_buf_release(&pkg);
    cenv_buf_release(&out);
    free(zeros);
}

/* The size of the file in the directory beside "out", -1 where there is none. */
static long long size_beside(const struct scratch *s)
{
    DIR *dir = opendir(s->path);
    struct dirent *entry;
    struct stat st = {.st_size = -1};
    char name[300];

    while (dir && (entry = readdir(dir)))
        if (strncmp(entry->d_name, ".out.cenv-", 10) == 0) {
            snprintf(name, sizeof(name), "%s/a", entry->d_name);
            fstatat(s->fd, name, &st, 0);
        }
    if (dir)
        closedir(dir);
    return st.st_size;
}

static int stop_when_large(void *ctx)
{
    return size_beside(ctx) > ENOUGH;
}

static void test_extract__leaves_a_large_tree_to_a_sweep(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct scratch s = scratch_open();
    struct cenv_task task;
    struct cenv_buf out;

    write_large_package(&s);
    cenv_buf_init(&out, 4096);
    cenv_task_init(&task, stop_when_large, &s);
    CHECK_INT(cenv_extract(scratch_path(&s, "p-1-0.conda"), scratch_path(&s, "out"),
                           NULL, &task, &out, &err),
              CENV_ECANCELLED);
    CHECK(out.len == 0 && size_beside(&s) > ENOUGH);
    CHECK_INT(cenv_extract_sweep(scratch_path(&s, "out"), &task, &out, &err), 0);
    CHECK_INT(size_beside(&s), -1);
    CHECK_INT(faccessat(s.fd, "out", F_OK, 0), -1);
    cenv_task_release(&task);
    cenv_error_release(&err);
    cenv_buf_release(&out);
    scratch_close(&s);
}

int main(void)
{
    RUN(test_extract__leaves_a_large_tree_to_a_sweep);
    return check_report();
}
