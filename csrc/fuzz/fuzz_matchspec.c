/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzzes MatchSpec: its canonical string must parse, to itself, and match the same records. */
#include <stdint.h>
#include <stdlib.h>

#include "cenv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const records[] = {
    "{\"name\":\"numpy\",\"version\":\"1.7.1\",\"build\":\"py27_0\",\"build_number\":0,"
    "\"channel\":\"conda-forge\",\"subdir\":\"linux-64\",\"license\":\"BSD\"}",
    "{\"name\":\"foo\",\"version\":\"2!1.0a+b\",\"build\":\"h0_3\",\"build_number\":3,"
    "\"url\":\"https://host/ch/noarch/foo-2!1.0a+b-h0_3.conda\",\"fn\":\"foo-2!1.0a+b-h0_3.conda\","
    "\"track_features\":\"x y\",\"md5\":\"00112233445566778899aabbccddeeff\"}",
};

static struct cenv_matchspec *parse(struct cenv_str text)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_matchspec *spec = NULL;

    int rc = cenv_matchspec_new(&spec, text, &err);
    if ((rc == 0) != (spec != NULL) || (rc < 0 && !err.message[0]))
        abort();
    cenv_error_release(&err);
    return spec;
}

static bool matches(const struct cenv_matchspec *spec, const char *record)
{
    struct cenv_error err = CENV_ERROR_INIT;
    bool match = false;

    if (cenv_matchspec_matches(spec, cenv_str(record), &match, &err) < 0)
        abort();
    return match;
}

static void print(const struct cenv_matchspec *spec, struct cenv_buf *out)
{
    struct cenv_error err = CENV_ERROR_INIT;

    cenv_buf_init(out, 1 << 18);
    if (cenv_matchspec_str(spec, out, &err) < 0)
        abort();
}

/*
 * Of such a spec the canonical string must only parse: it leaves out the file of a package that is
 * named by its URL, as conda's does, and one secret of each URL.
 */
static bool names_url(struct cenv_str text)
{
    static const char *const words[] = {"://",      "/t/", ".conda",
                                        ".tar.bz2", "url", "fn"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        for (struct cenv_str rest = text; rest.len;
             rest = cenv_str_slice(rest, 1, rest.len))
            if (cenv_str_starts(rest, cenv_str(words[i])))
                return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cenv_str text = cenv_str_n((const char *)data, size);
    struct cenv_buf canonical, again;
    struct cenv_matchspec *spec = parse(text), *same;

    if (!spec)
        return 0;
    print(spec, &canonical);
    same = parse(cenv_buf_str(&canonical));
    if (same && !names_url(text)) {
        print(same, &again);
        if (!cenv_str_eq(cenv_buf_str(&canonical), cenv_buf_str(&again)))
            abort();
        for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++)
            if (matches(spec, records[i]) != matches(same, records[i]))
                abort();
        cenv_buf_release(&again);
    } else if (!same && canonical.len < 4096) { /* else it may have grown too long */
        abort();
    }
    cenv_buf_release(&canonical);
    cenv_matchspec_free(same);
    cenv_matchspec_free(spec);
    return 0;
}
