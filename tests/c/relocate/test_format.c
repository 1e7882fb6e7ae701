/* SPDX-License-Identifier: BSD-3-Clause */
/* Texts and what is none. */
#include "relocate/format.h"

#include "base/alloc.h"
#include "relocate.h"
#include "relocate/forms.h"

static struct cenv_format_found find(struct cenv_str data)
{
    struct cenv_format_found found = {CENV_FORMAT_SEALED, 99, NULL};
    struct cenv_error err = CENV_ERROR_INIT;
    CHECK_INT(cenv_format_find(data, &idle, &found, &err), 0);
    return found;
}

static void test_format__kinds(void)
{
    static const struct {
        const char *name;
        struct cenv_str data;
        enum cenv_format format;
    } cases[] = {
        {"empty", LIT(""), CENV_FORMAT_TEXT},
        {"ASCII", LIT("a = b\n"), CENV_FORMAT_TEXT},
        {"UTF-8", LIT("jos\xc3\xa9"), CENV_FORMAT_TEXT},
        {"colours, form feeds", LIT("\033[1m\f\b\r\v\t"), CENV_FORMAT_TEXT},
        {"Latin-1", LIT("jos\xe9\nx\n"), CENV_FORMAT_TEXT},
        {"Latin-1 at once", LIT("\xe9 is a letter\n"), CENV_FORMAT_TEXT},
        {"msgpack string", LIT("\xd9\x24/tmp\n"), CENV_FORMAT_COUNTED},
        {"time of day", LIT("12:34:56 /tmp\n"), CENV_FORMAT_TEXT},
        {"word and number", LIT("a:12 /tmp\n"), CENV_FORMAT_TEXT},
        {"UTF-16",
         LIT("\xff\xfe"
             "a\0"),
         CENV_FORMAT_TEXT},
        {"NUL", LIT("a\0b"), CENV_FORMAT_COUNTED},
        {"control character", LIT("U\x10/tmp"), CENV_FORMAT_COUNTED},
        {"msgpack without NUL", LIT("\x82\xa4path\xa4/tmp\n"), CENV_FORMAT_COUNTED},
        {"msgpack string", LIT("\xa4/tmp"), CENV_FORMAT_COUNTED},
        {"no lines, no UTF-8", LIT("a\xe9"), CENV_FORMAT_COUNTED},
        {"bencode", LIT("d4:path4:/tmpe"), CENV_FORMAT_COUNTED},
        {"netstring", LIT("4:/tmp,"), CENV_FORMAT_COUNTED},
        {"PHP", LIT("a:1:{s:4:\"path\";s:4:\"/tmp\";}"), CENV_FORMAT_COUNTED},
        {"ar of texts", LIT("!<arch>\na/  0  0  0  644  4 `\n/tmp"),
         CENV_FORMAT_COUNTED},
        {"Boost", LIT("22 serialization::archive 19 4 /tmp"), CENV_FORMAT_COUNTED},
        {"PDF", LIT("%PDF-1.7\n/tmp"), CENV_FORMAT_COUNTED},
        {"ELF", LIT("\177ELF\2\1\1\0"), CENV_FORMAT_ELF},
        {"ZIP", LIT("PK\3\4"), CENV_FORMAT_SEALED},
        {"cpio", LIT("0707070000"), CENV_FORMAT_SEALED},
        {"SQLite", LIT("SQLite format 3\0"), CENV_FORMAT_SEALED},
        {"Mach-O", LIT("\xcf\xfa\xed\xfe"), CENV_FORMAT_SEALED},
        {"text of packages", LIT("PACKAGES = /tmp\n"), CENV_FORMAT_TEXT},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].name);
        struct cenv_format_found found = find(cases[i].data);
        CHECK_INT(found.format, cases[i].format);
        CHECK((found.reason == NULL) == (found.format == CENV_FORMAT_TEXT));
    }
    CHECK_INT(find(CENV_STR("\xff\xfe"
                            "a\0"))
                  .marked,
              CENV_ENC_UTF16LE);
    CHECK_INT(find(CENV_STR("abc")).marked, -1);
    char tar[512] = "share/a";
    memcpy(tar + 257, "ustar", 5);
    CHECK_INT(find(cenv_str_n(tar, sizeof(tar))).format, CENV_FORMAT_SEALED);
}

/* Characters lie across the slices in which a large file is read. */
static void test_format__large_texts(void)
{
    enum { LEN = (3 << 20) + 2 };
    char *data = cenv_malloc(LEN);
    if (!CHECK(data))
        return;
    for (size_t i = 0; i + 2 < LEN; i += 3)
        memcpy(data + i, "\xe2\x98\x83", 3);
    memcpy(data + LEN - 2, "x\n", 2);
    CHECK_INT(find(cenv_str_n(data, LEN)).format, CENV_FORMAT_TEXT);
    data[(2 << 20) + 100] = 'x'; /* within a character */
    CHECK_INT(find(cenv_str_n(data, LEN)).format, CENV_FORMAT_COUNTED);
    memset(data, 'a', LEN);
    data[LEN - 1] = 0;
    CHECK_INT(find(cenv_str_n(data, LEN)).format, CENV_FORMAT_COUNTED);
    cenv_free(data);
}

static void test_format__packed(void)
{
    CHECK(cenv_format_is_packed(CENV_STR("\x1f\x8b\x08")));
    CHECK(cenv_format_is_packed(CENV_STR("PK\3\4x")));
    CHECK(!cenv_format_is_packed(CENV_STR("SQLite format 3")));
    CHECK(!cenv_format_is_packed(CENV_STR("")));
}

int main(void)
{
    RUN(test_format__kinds);
    RUN(test_format__large_texts);
    RUN(test_format__packed);
    return check_report();
}
