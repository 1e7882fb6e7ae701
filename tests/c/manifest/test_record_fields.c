/* SPDX-License-Identifier: BSD-3-Clause */
/* Which spans of a record, and of pip's RECORD, tell hashes and sizes of relocated files. */
#include "manifest/record_fields.h"

#include "check.h"
#include "prefix/prefix_records.h"
#include "scratch.h"

#define A16    "aaaaaaaaaaaaaaaa"
#define B16    "bbbbbbbbbbbbbbbb"
#define C16    "cccccccccccccccc"
#define AAA    A16 A16 A16 A16
#define BBB    B16 B16 B16 B16
#define CCC    C16 C16 C16 C16
#define HASH_A "sha256=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define HASH_B "sha256=BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"

/* The files that a clone rewrites, as the one who scans is told of them. */
struct known {
    const char *path;
    struct cenv_relocated_file file;
};

static bool find_known(void *ctx, struct cenv_str path, struct cenv_relocated_file *out)
{
    for (const struct known *k = ctx; k->path; k++)
        if (cenv_str_is(path, k->path)) {
            *out = k->file;
            return true;
        }
    return false;
}

/* The sites as "<field><reloc>:<text of the span>" in order, for a comparison by eye. */
static void describe_sites(const struct cenv_sites *sites, struct cenv_str text,
                           char *out, size_t room)
{
    static const char letters[] = {
        [CENV_FIELD_SHA256] = 'h', [CENV_FIELD_BASE64] = 'b', [CENV_FIELD_SIZE] = 's'};
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < sites->nr && len < room; i++) {
        const struct cenv_site *site = &sites->list[i];
        CHECK_INT(site->kind, CENV_SITE_FIELD);
        CHECK_INT(site->slot, site->have);
        int shown = site->have > 8 ? 8 : (int)site->have;
        len += (size_t)snprintf(out + len, room - len, "%s%c%d:%.*s", i ? " " : "",
                                letters[site->encoding], (int)site->end, shown,
                                text.data + site->offset);
    }
}

/* ---- conda-meta ---- */

/* A record of one package whose paths_data.paths are `elements`; what is found in it. */
static void scan_record(const char *elements, const struct known *known, char *out,
                        size_t room)
{
    struct scratch s = scratch_open();
    struct cenv_prefix_records records = {0};
    struct cenv_task task;
    struct cenv_sites sites = {0};
    struct cenv_error err = CENV_ERROR_INIT;
    char text[4096];
    snprintf(text, sizeof(text),
             "{\"name\": \"x\", \"version\": \"1\", \"build\": \"0\", \"before\": "
             "{\"paths\": [{\"_path\": \"bin/x\", \"sha256\": \"" AAA "\"}]},\n"
             " \"paths_data\": {\"paths_version\": 1, \"paths\": [%s]}, \"after\": 1}",
             elements);
    cenv_task_init(&task, NULL, NULL);
    CHECK_INT(mkdirat(s.fd, "conda-meta", 0700), 0);
    scratch_file(&s, "conda-meta/x-1-0.json", text, 0600);
    CHECK_INT(cenv_prefix_records_read(&records, s.fd, s.path, &task, &err), 0);
    if (CHECK_INT(records.nr, 1)) {
        const struct cenv_prefix_record *record = &records.records[0];
        CHECK_INT(
            cenv_record_fields_scan(&sites, record, find_known, (void *)known, &err),
            0);
        describe_sites(&sites, record->text, out, room);
    }
    cenv_sites_release(&sites);
    cenv_prefix_records_release(&records);
    cenv_task_release(&task);
    cenv_error_release(&err);
    scratch_close(&s);
}

static const struct known relocated[] = {
    {"bin/x", {.reloc = 3, .size = 40, .pristine_size = 50}},
    {"bin/same", {.reloc = 4, .size = 50, .pristine_size = 50}},
    {"bin/link",
     {.reloc = 5,
      .size = 40,
      .pristine_size = 50,
      .link = true,
      .recorded_digest = {BBB, 64}}},
    {"a\"\xc3\xa9", {.reloc = 6, .size = 7, .pristine_size = 8}},
    {0}};

#define HARD "\"path_type\": \"hardlink\", "

static const struct {
    const char *label, *elements, *sites;
} record_cases[] = {
    {"conda: the hash in the prefix, not the size in the package",
     "{\"_path\": \"bin/x\", " HARD "\"sha256\": \"" AAA
     "\", \"sha256_in_prefix\": \"" BBB "\", \"size_in_bytes\": 50}",
     "h3:bbbbbbbb"},
    {"rattler: the size in the prefix as well",
     "{\"sha256_in_prefix\": \"" BBB "\", \"size_in_bytes\" : 40 , " HARD
     "\"sha256\": \"" AAA "\", \"_path\": \"bin/x\"}",
     "h3:bbbbbbbb s3:40"},
    {"one size for both: conda's stays",
     "{\"_path\": \"bin/same\", " HARD "\"sha256\": \"" AAA
     "\", \"sha256_in_prefix\": \"" BBB "\", \"size_in_bytes\": 50}",
     "h4:bbbbbbbb"},
    {"one size for both: rattler's goes along",
     "{\"_path\": \"bin/same\", " HARD "\"sha256\": \"" AAA
     "\", \"sha256_in_prefix\": \"" BBB "\", \"size_in_bytes\": 50},"
     "{\"_path\": \"bin/z\", " HARD "\"sha256\": \"" CCC "\"}",
     "h4:bbbbbbbb s4:50"},
    {"an entry point: sha256 is that of the file",
     "{\"_path\": \"bin/x\", \"path_type\": \"unix_python_entry_point\", \"sha256\": \"" BBB
     "\", \"sha256_in_prefix\": \"" BBB "\", \"size_in_bytes\": 40}",
     "h3:bbbbbbbb h3:bbbbbbbb s3:40"},
    {"an entry point with another sha256",
     "{\"_path\": \"bin/x\", \"path_type\": \"unix_python_entry_point\", \"sha256\": \"" AAA
     "\", \"sha256_in_prefix\": \"" BBB "\"}",
     "h3:bbbbbbbb"},
    {"a link whose hash is its target's",
     "{\"_path\": \"bin/link\", \"path_type\": \"softlink\", \"sha256_in_prefix\": \"" BBB
     "\", \"size_in_bytes\": 40}",
     "h5:bbbbbbbb"},
    {"a link whose hash is of its text",
     "{\"_path\": \"bin/link\", \"path_type\": \"softlink\", \"sha256_in_prefix\": \"" CCC
     "\", \"size_in_bytes\": 40}",
     ""},
    {"a path in escapes",
     "{\"_path\": \"a\\\"\\u00e9\", " HARD "\"sha256_in_prefix\": \"" BBB "\"}",
     "h6:bbbbbbbb"},
    {"what is no hash is no field",
     "{\"_path\": \"bin/x\", " HARD "\"sha256_in_prefix\": \"none\", "
     "\"size_in_bytes\": \"40\"}",
     "s3:40"},
    {"no size, and values of other types",
     "{\"_path\": \"bin/x\", " HARD "\"sha256_in_prefix\": [\"]\", {\"a\": \"}\"}], "
     "\"size_in_bytes\": -40}, 5, null, {}",
     ""},
    {"a file that no clone rewrites",
     "{\"_path\": \"bin/other\", " HARD "\"sha256_in_prefix\": \"" BBB
     "\", \"size_in_bytes\": 40}",
     ""},
};

static void test_record_fields__are_those_that_the_writer_means(void)
{
    char sites[512];
    for (size_t i = 0; i < CHECK_NR(record_cases); i++) {
        check_case(record_cases[i].label);
        scan_record(record_cases[i].elements, relocated, sites, sizeof(sites));
        CHECK_STR(sites, record_cases[i].sites);
    }
}

/* ---- RECORD ---- */

static const struct known wheel[] = {
    {"bin/tool", {.reloc = 1, .size = 9, .pristine_size = 8}},
    {"lib/site/m.py", {.reloc = 2, .size = 9, .pristine_size = 8}},
    {"lib/site/a,b.py", {.reloc = 3, .size = 9, .pristine_size = 8}},
    {"lib/site/l.py", {.reloc = 4, .link = true}},
    {0}};

static const struct {
    const char *label, *text, *sites;
} wheel_cases[] = {
    {"relative to where the dist-info lies",
     "m.py," HASH_A ",120\n../../bin/tool," HASH_B ",7\n",
     "b2:AAAAAAAA s2:120 b1:BBBBBBBB s1:7"},
    {"a quoted name", "\"a,b.py\"," HASH_A ",12\r\n", "b3:AAAAAAAA s3:12"},
    {"no size, no newline at the end", "m.py," HASH_A ",", "b2:AAAAAAAA"},
    {"no hash, another hash, a short one",
     "m.py,,\nm.py,md5=AAAA,5\nm.py,sha256=AAAA,5\n", ""},
    {"absolute, above the prefix, unknown, a link",
     "/m.py," HASH_A ",1\n../../../../m.py," HASH_A ",1\nn.py," HASH_A
     ",1\nl.py," HASH_A ",1\n,,\n\n",
     ""},
};

static void test_record_fields__of_a_wheel_follow_its_rows(void)
{
    char sites[512];
    for (size_t i = 0; i < CHECK_NR(wheel_cases); i++) {
        struct cenv_str text = cenv_str(wheel_cases[i].text);
        struct cenv_sites found = {0};
        struct cenv_error err = CENV_ERROR_INIT;
        check_case(wheel_cases[i].label);
        CHECK_INT(cenv_record_fields_scan_wheel(
                      &found, text, CENV_STR("lib/site/m-1.dist-info/RECORD"),
                      find_known, (void *)wheel, &err),
                  0);
        describe_sites(&found, text, sites, sizeof(sites));
        CHECK_STR(sites, wheel_cases[i].sites);
        cenv_sites_release(&found);
        cenv_error_release(&err);
    }
}

int main(void)
{
    RUN(test_record_fields__are_those_that_the_writer_means);
    RUN(test_record_fields__of_a_wheel_follow_its_rows);
    return check_report();
}
