/* SPDX-License-Identifier: BSD-3-Clause */
/* A prefix in each encoding. */
#include "relocate/forms.h"

#include "model/path_entry.h"
#include "relocate.h"

static void test_forms__each_encoding(void)
{
    static const struct cenv_str want[CENV_ENC_NR] = {
        [CENV_ENC_UTF8] = LIT("/\xc3\xa9 \"&'\xf0\x9f\x98\x80"),
        [CENV_ENC_UTF16LE] = LIT("/\0\xe9\0 \0\"\0&\0'\0\x3d\xd8\0\xde"),
        [CENV_ENC_UTF16BE] = LIT("\0/\0\xe9\0 \0\"\0&\0'\xd8\x3d\xde\0"),
        [CENV_ENC_UTF32LE] =
            LIT("/\0\0\0\xe9\0\0\0 \0\0\0\"\0\0\0&\0\0\0'\0\0\0\0\xf6\1\0"),
        [CENV_ENC_UTF32BE] =
            LIT("\0\0\0/\0\0\0\xe9\0\0\0 \0\0\0\"\0\0\0&\0\0\0'\0\1\xf6\0"),
        [CENV_ENC_URL] = LIT("/%C3%A9%20%22%26%27%F0%9F%98%80"),
        [CENV_ENC_JSON_SLASHES] = LIT("\\/\xc3\xa9 \\\"&'\xf0\x9f\x98\x80"),
        [CENV_ENC_JSON] = LIT("/\xc3\xa9 \\\"&'\xf0\x9f\x98\x80"),
        [CENV_ENC_JSON_ASCII] = LIT("/\\u00e9 \\\"&'\\ud83d\\ude00"),
        [CENV_ENC_JSON_ASCII_SLASHES] = LIT("\\/\\u00e9 \\\"&'\\ud83d\\ude00"),
        [CENV_ENC_BACKSLASHES] = LIT("/\xc3\xa9\\ \\\"\\&\\'\xf0\x9f\x98\x80"),
        [CENV_ENC_XML] = LIT("/\xc3\xa9 &quot;&amp;&apos;\xf0\x9f\x98\x80"),
        [CENV_ENC_SINGLE_QUOTED] = LIT("/\xc3\xa9 \"&'\\''\xf0\x9f\x98\x80"),
        [CENV_ENC_SHLEX] = LIT("/\xc3\xa9 \"&'\"'\"'\xf0\x9f\x98\x80"),
        [CENV_ENC_DOUBLE_QUOTED] = LIT("/\xc3\xa9 \\\"&'\xf0\x9f\x98\x80"),
        [CENV_ENC_FISH_SINGLE] = LIT("/\xc3\xa9 \"&\\'\xf0\x9f\x98\x80"),
        [CENV_ENC_FISH_DOUBLE] = LIT("/\xc3\xa9 \\\"&'\xf0\x9f\x98\x80"),
        [CENV_ENC_CSH_SINGLE] = LIT("/\xc3\xa9 \"&'\\''\xf0\x9f\x98\x80"),
        [CENV_ENC_CSH_DOUBLE] = LIT("/\xc3\xa9 \"'\"'\"&'\xf0\x9f\x98\x80"),
        [CENV_ENC_PS_WORD] = LIT("/\xc3\xa9` `\"`&`'\xf0\x9f\x98\x80"),
        [CENV_ENC_PS_SINGLE] = LIT("/\xc3\xa9 \"&''\xf0\x9f\x98\x80"),
        [CENV_ENC_PS_DOUBLE] = LIT("/\xc3\xa9 `\"&'\xf0\x9f\x98\x80"),
        [CENV_ENC_PYTHON] = LIT("/\\xe9 \\x22\\x26\\x27\\U0001f600"),
        [CENV_ENC_PYTHON_HEX] = LIT("2fc3a920222627f09f9880"),
        [CENV_ENC_PYTHON_POINTS] = LIT("47, 233, 32, 34, 38, 39, 128512"),
        [CENV_ENC_NU_QUOTED] = LIT("r#'/\xc3\xa9 \"&'\xf0\x9f\x98\x80'#"),
        [CENV_ENC_NU_RAW] = LIT("r#'/\xc3\xa9 \"&'\xf0\x9f\x98\x80'#"),
    };
    struct cenv_forms forms = {0};
    struct cenv_error err = CENV_ERROR_INIT;
    if (!CHECK_INT(cenv_forms_init(&forms, want[CENV_ENC_UTF8], &err), 0))
        return;
    for (int e = 0; e < CENV_ENC_NR; e++) {
        char name[8];
        snprintf(name, sizeof(name), "%d", e);
        check_case(name);
        if (CHECK_INT(forms.of[e].len, want[e].len))
            CHECK_MEM(forms.of[e].data, want[e].data, want[e].len);
    }
    cenv_forms_release(&forms);
}

/* As Python names files that are no UTF-8. */
static void test_forms__bytes_that_are_not_utf8(void)
{
    struct cenv_forms forms = {0};
    struct cenv_error err = CENV_ERROR_INIT;
    if (!CHECK_INT(cenv_forms_init(&forms, CENV_STR("/\xff"), &err), 0))
        return;
    CHECK(cenv_str_is(forms.of[CENV_ENC_JSON_ASCII], "/\\udcff"));
    CHECK(cenv_str_is(forms.of[CENV_ENC_URL], "/%FF"));
    CHECK(cenv_str_is(forms.of[CENV_ENC_PYTHON], "/\\udcff"));
    CHECK_MEM(forms.of[CENV_ENC_UTF16LE].data, "/\0\xff\xdc", 4);
    cenv_forms_release(&forms);
}

static void test_forms__no_longer_than_a_path(void)
{
    static char path[CENV_PREFIX_MAX + 1];
    struct cenv_forms forms = {0};
    struct cenv_error err = CENV_ERROR_INIT;
    memset(path, 1, sizeof(path)); /* the worst for JSON */
    CHECK_INT(cenv_forms_init(&forms, cenv_str_n(path, CENV_PREFIX_MAX), &err), 0);
    CHECK_INT(forms.of[CENV_ENC_JSON].len, 6 * CENV_PREFIX_MAX);
    cenv_forms_release(&forms);
    CHECK_INT(cenv_forms_init(&forms, cenv_str_n(path, sizeof(path)), &err),
              CENV_EUSAGE);
    CHECK(!forms.mem.data);
    cenv_error_release(&err);
}

int main(void)
{
    RUN(test_forms__each_encoding);
    RUN(test_forms__bytes_that_are_not_utf8);
    RUN(test_forms__no_longer_than_a_path);
    return check_report();
}
