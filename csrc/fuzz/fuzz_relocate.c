/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Prefix relocation over any bytes. Of packages: binaries keep their length, texts no placeholder.
 * Of nobody: what is no text and no ELF file changes only for a path of equal length, and then only
 * where it named the other one.
 */
#include <stdlib.h>
#include <string.h>

#include "cenv.h"
#include "relocate/format.h"
#include "relocate/path_search.h"
#include "relocate/splice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void relocate_package(struct cenv_str file, unsigned char choice)
{
    static const char prefix[] = "/a/rather/long/prefix/in/its/very/best/years";
    struct cenv_str placeholder = CENV_STR("/opt/ph_placehold");
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf out;
    bool binary = choice & 1;
    struct cenv_str to = cenv_str_n(prefix, 2 + choice % (sizeof(prefix) - 2));
    if (to.data[to.len - 1] == '/')
        to.len--; /* with what follows it could be the beginning of a placeholder */
    cenv_buf_init(&out, 1 << 26);
    if (cenv_relocate(file, placeholder, to, binary, &out, &err) < 0) {
        if (out.len != 0)
            abort();
    } else if (binary) {
        if (out.len != file.len)
            abort();
    } else if (out.len &&
               cenv_find_bytes(out.data, out.len, placeholder.data, placeholder.len)) {
        abort(); /* no prefix above can be the beginning of a placeholder */
    }
    cenv_error_release(&err);
    cenv_buf_release(&out);
}

/* Only bytes within sites differ. */
static void check_rest(const struct cenv_sites *sites, struct cenv_str file,
                       struct cenv_str out)
{
    uint64_t at = 0;
    for (size_t i = 0; i <= sites->nr; i++) {
        uint64_t end = i < sites->nr ? sites->list[i].offset : file.len;
        if (memcmp(file.data + at, out.data + at, end - at) != 0)
            abort();
        at = i < sites->nr ? end + sites->list[i].have : end;
    }
}

static void check_search(const struct cenv_sites *sites, struct cenv_str file,
                         const struct cenv_format_found *format,
                         const struct cenv_forms *d, struct cenv_task *task, bool equal)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf out;
    cenv_buf_init(&out, 1 << 26);
    if (!cenv_sites_within(sites, file.len))
        abort();
    bool fits = cenv_splice_apply(sites, file, d, task, &out, &err) == 0;
    if (fits && out.len != cenv_splice_size(sites, d, file.len))
        abort();
    if (fits && format->format != CENV_FORMAT_TEXT && out.len != file.len)
        abort();
    if (fits && format->format >= CENV_FORMAT_COUNTED && sites->nr) {
        if (!equal || format->format == CENV_FORMAT_SEALED)
            abort();
        check_rest(sites, file, cenv_buf_str(&out));
    }
    cenv_error_release(&err);
    cenv_buf_release(&out);
}

static void relocate_foreign(struct cenv_str file, unsigned char choice)
{
    static const char *const prefixes[] = {"/d", "/d/e", "/q \"'&", "/much/longer"};
    static const char *const paths[] = {"x",     "x.json", "x.xml", "x.sh",
                                        "x.xsh", "x.nu",   "x.csh", "x.ps1"};
    const char *prefix = prefixes[choice & 3];
    struct cenv_search_file what = {file, cenv_str(paths[choice >> 2 & 7])};
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_format_found format;
    struct cenv_forms t = {0}, d = {0};
    struct cenv_search_names names = {&t, 1};
    struct cenv_sites sites = {0};
    struct cenv_task task;
    const char *reason = NULL;
    cenv_task_init(&task, NULL, NULL);
    if (cenv_forms_init(&t, CENV_STR("/t/e"), &err) < 0 ||
        cenv_forms_init(&d, cenv_str(prefix), &err) < 0 ||
        cenv_format_find(file, &task, &format, &err) < 0 ||
        cenv_path_search(&sites, &what, &names, &task, &reason, &err) < 0)
        abort();
    check_search(&sites, file, &format, &d, &task, strlen(prefix) == 4);
    if ((sites.nr || reason) && !cenv_path_search_any(file, &names, &task, &err))
        abort(); /* a manifest would not have looked */
    cenv_sites_release(&sites);
    cenv_forms_release(&t);
    cenv_forms_release(&d);
    cenv_task_release(&task);
}

/* The first byte picks kind, mode and prefix; the rest is the file. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct cenv_str file = cenv_str_n((const char *)data + 1, size - 1);
    if (data[0] & 0x80)
        relocate_foreign(file, data[0]);
    else
        relocate_package(file, data[0]);
    return 0;
}
