/* SPDX-License-Identifier: BSD-3-Clause */
/* The manifest of an extracted package, whole and damaged. */
#include "os/fs_data.h"
#include "package/package_manifest.h"

#include "check.h"
#include "scratch.h"

static void test_package_manifest__refuses_any_other_byte(void)
{
    struct scratch s = scratch_open();
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_package_manifest manifest, got;
    struct cenv_buf file;

    cenv_package_manifest_init(&manifest);
    for (int i = 9; i >= 0; i--) {
        char path[16];
        snprintf(path, sizeof(path), "d/%d", i);
        struct cenv_package_file entry = {
            .path = cenv_str(path), .size = (uint64_t)i, .mode = 0644};
        CHECK(cenv_package_manifest_add(&manifest, &entry));
    }
    CHECK_INT(cenv_package_manifest_write(&manifest, s.fd, "m", &err), 0);
    CHECK_INT(cenv_package_manifest_read(&got, s.fd, "m", &err), 0);
    CHECK_INT(got.nr, 10);
    CHECK(cenv_str_is(got.entries[0].path, "d/0"));
    CHECK_INT(cenv_package_manifest_bytes(&got), 45);
    cenv_package_manifest_release(&got);
    cenv_buf_init(&file, 1 << 20);
    CHECK_INT(cenv_fs_read_file(s.fd, "m", &file, &err), 0);
    for (size_t at = 0; at < file.len; at += 7) {
        file.data[at] ^= 1;
        cenv_fs_write_atomic(s.fd, "bad", cenv_buf_str(&file), 0644, &err);
        CHECK_INT(cenv_package_manifest_read(&got, s.fd, "bad", &err), CENV_EINTEGRITY);
        cenv_error_release(&err);
        file.data[at] ^= 1;
    }
    for (size_t len = 0; len < file.len; len += 61) {
        cenv_fs_write_atomic(s.fd, "bad", cenv_str_n(file.data, len), 0644, &err);
        CHECK_INT(cenv_package_manifest_read(&got, s.fd, "bad", &err), CENV_EINTEGRITY);
        cenv_error_release(&err);
    }
    cenv_buf_release(&file);
    cenv_package_manifest_release(&manifest);
    scratch_close(&s);
}

int main(void)
{
    RUN(test_package_manifest__refuses_any_other_byte);
    return check_report();
}
