/* SPDX-License-Identifier: BSD-3-Clause */
/* Records and history of a linked environment. */
#include "base/digest.h"
#include "codec/json.h"
#include "prefix/history.h"
#include "prefix/prefix_records.h"

#include "check.h"
#include "package.h"

static void test_records__tell_paths_and_history(void)
{
    struct scratch s = scratch_open();
    struct package p = package_begin(&s, "a", "1.5",
                                     ",\"license\":\"X\",\"new_key\":[1,{\"k\":null}]");
    struct cenv_str specs[] = {CENV_STR("chan::A >=1"), CENV_STR("b")};
    package_data(&p, "etc/t", PLACEHOLDER, PLACEHOLDER_LEN, 0644,
                 TEXT_KEYS ",\"no_link\":true");
    package_file(&p, "lib/f", "f", 0644);
    struct cenv_link_package package = package_end(&p);
    struct cenv_link_options options = {.mode = CENV_PLACE_HARDLINK,
                                        .specs = specs,
                                        .nr_specs = 2,
                                        .cmd = "cenv create -p /D"};
    struct linked l = link_packages(&s, "env", "/D", &package, 1, options);
    struct cenv_prefix_records prefix = {0};
    char digest[CENV_DIGEST_HEX_MAX];
    int fd = openat(s.fd, "env", O_RDONLY | O_DIRECTORY);

    CHECK_INT(l.rc, 0);
    CHECK_INT(cenv_history_exists(fd, &l.err), 1);
    cenv_digest_sha256_hex(CENV_STR("/D"), digest);
    if (CHECK_INT(cenv_prefix_records_read(&prefix, fd, "env", &l.task, &l.err), 0) &&
        CHECK_INT(prefix.nr, 1)) {
        const struct cenv_prefix_record *record = &prefix.records[0];
        const struct cenv_json *doc = record->doc;
        CHECK_STR(record->file.data, "a-1.5-0.json");
        CHECK_STR(cenv_json_get_cstr(doc, "url"),
                  "https://host/chan/linux-64/a-1.5-0.conda");
        CHECK_STR(cenv_json_get_cstr(doc, "channel"), "https://host/chan/linux-64");
        CHECK_STR(cenv_json_get_cstr(doc, "fn"), "a-1.5-0.conda");
        CHECK_STR(cenv_json_get_cstr(doc, "requested_spec"), "chan::A >=1");
        CHECK_INT(cenv_json_len(cenv_json_get(doc, "requested_specs")), 1);
        CHECK_INT(cenv_json_len(cenv_json_get(doc, "new_key")), 2);
        CHECK_INT(cenv_json_get_int(cenv_json_get(doc, "link"), "type", 0), 1);
        CHECK_STR(cenv_json_get_cstr(cenv_json_get(doc, "link"), "source"), p.content);
        CHECK_INT(cenv_json_len(cenv_json_get(doc, "files")), 2);
        CHECK_INT(record->nr_paths, 2);
        CHECK(cenv_str_is(record->paths[0].sha256_in_prefix, digest));
        CHECK(cenv_str_is(record->paths[0].placeholder, PLACEHOLDER));
        CHECK(record->paths[0].no_link && record->paths[0].size == PLACEHOLDER_LEN);
        CHECK(cenv_str_eq(record->paths[1].sha256_in_prefix, record->paths[1].sha256));
        CHECK(strstr(record->text.data, "secret") == NULL &&
              strstr(record->text.data, "pw") == NULL);
        CHECK(strncmp(record->text.data, "{\n  \"name\": \"a\",\n", 17) == 0);
    }
    CHECK_STR(
        scratch_text(&s, "env/conda-meta/history"),
        "==> 2023-11-14 22:13:20 <==\n# cmd: cenv create -p /D\n# conda version: 3.8.0\n"
        "+chan/linux-64::a-1.5-0\n# update specs: ['chan::A >=1', 'b']\n");
    CHECK_STR(scratch_text(&s, "env/conda-meta/created_at"), "1700000000.0");
    cenv_prefix_records_release(&prefix);
    close(fd);
    linked_release(&l);
    scratch_close(&s);
}

int main(void)
{
    RUN(test_records__tell_paths_and_history);
    return check_report();
}
