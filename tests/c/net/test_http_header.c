/* SPDX-License-Identifier: BSD-3-Clause */
/* The header lines of a reply. */
#include "net/http_header.h"

#include <string.h>

#include "check.h"

static struct cenv_http_reply reply;
static struct cenv_http_told told;

static void read_line(const char *line)
{
    check_case(line);
    cenv_http_header_read(&reply, &told, cenv_str(line));
}

static void test_http_header__fields(void)
{
    memset(&reply, 0, sizeof(reply));
    read_line("HTTP/1.1 200 OK\r\n");
    CHECK(reply.max_age == -1 && told.retry_after == 0 && told.range == UINT64_MAX);
    read_line("ETag:  \"a:b\" \r\n");
    CHECK_STR(reply.etag, "\"a:b\"");
    read_line("LAST-MODIFIED: Tue, 01 Jan 2030 00:00:00 GMT\r\n");
    CHECK_STR(reply.modified, "Tue, 01 Jan 2030 00:00:00 GMT");
    read_line("Retry-After: 7\r\n");
    CHECK_INT(told.retry_after, 7);
    read_line(
        "Retry-After: Tue, 01 Jan 2030 00:00:00 GMT\r\n"); /* a date: not waited for */
    CHECK_INT(told.retry_after, 0);
    read_line("Retry-After: -1\r\n");
    CHECK_INT(told.retry_after, 0);
    read_line("Content-Range: bytes 4096-8191/10000\r\n");
    CHECK_INT(told.range, 4096);
    read_line("Cache-Control: public, max-age=1200\r\n");
    CHECK_INT(reply.max_age, 1200);
    read_line("Cache-Control: max-age=30, no-cache\r\n");
    CHECK_INT(reply.max_age, 0);
}

static void test_http_header__a_further_reply_starts_over(void)
{
    read_line("HTTP/1.1 302 Found\r\n");
    read_line("ETag: \"old\"\r\n");
    read_line("Retry-After: 9\r\n");
    read_line("HTTP/1.1 200 OK\r\n");
    CHECK_STR(reply.etag, "");
    CHECK(told.retry_after == 0 && reply.max_age == -1);
}

static void test_http_header__what_is_no_field_changes_nothing(void)
{
    static const char *const lines[] = {
        "\r\n",
        "",
        ":",
        "etag",
        "etagx: \"b\"\r\n",
        "x-etag: \"b\"\r\n",
        "etag \"b\"\r\n",
        "content-range: pages 7-8/9\r\n",
    };

    read_line("HTTP/1.1 200 OK\r\n");
    read_line("etag: \"a\"\r\n");
    for (size_t i = 0; i < CHECK_NR(lines); i++) {
        read_line(lines[i]);
        CHECK_STR(reply.etag, "\"a\"");
        CHECK(told.range == UINT64_MAX);
    }
}

static void test_http_header__long_values_are_left_out(void)
{
    char line[1000] = "etag: ";

    memset(line + 6, 'x', sizeof(reply.etag) - 1);
    read_line("HTTP/1.1 200 OK\r\n");
    read_line(line);
    CHECK_INT(strlen(reply.etag), sizeof(reply.etag) - 1);
    read_line("HTTP/1.1 200 OK\r\n");
    memset(line + 6, 'y', sizeof(reply.etag));
    read_line(line);
    CHECK_STR(reply.etag, "");
}

static void test_http_header__keeps_what_is_wanted(void)
{
    static char longer[40];
    char value[12] = "", none[2] = "x";
    struct cenv_http_wanted wanted[] = {{"Location", value, sizeof(value)},
                                        {"Loc", none, sizeof(none)}};
    static const struct {
        const char *line, *value;
    } lines[] = {
        {"HTTP/1.1 200 OK\r\n", ""},
        {"LOCATION:  /a \r\n", "/a"},
        {"location-x: /c\r\n", "/a"},
        {"location: /b\r\n", "/a, /b"},
        {"location: /1234\r\n", "/a, /b"}, /* no room */
        {"location: 234\r\n", "/a, /b, 234"},
        {"HTTP/1.1 200 OK\r\n", ""},
        {longer, ""},
    };

    memset(longer, 'l', sizeof(longer) - 1);
    memcpy(longer, "location: ", 10);
    for (size_t i = 0; i < CHECK_NR(lines); i++) {
        cenv_http_header_keep(wanted, 2, cenv_str(lines[i].line));
        CHECK_STR(value, lines[i].value);
        CHECK_STR(none, "");
    }
}

int main(void)
{
    RUN(test_http_header__fields);
    RUN(test_http_header__a_further_reply_starts_over);
    RUN(test_http_header__what_is_no_field_changes_nothing);
    RUN(test_http_header__long_values_are_left_out);
    RUN(test_http_header__keeps_what_is_wanted);
    return check_report();
}
