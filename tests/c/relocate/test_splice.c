/* SPDX-License-Identifier: BSD-3-Clause */
/* Scan, splice and rebase, as an install, a template and its clone do it. */
#include "relocate/splice.h"

#include "relocate.h"

/* Files made of pieces that matter, by a generator with a fixed seed. */
static uint32_t draw(uint64_t *seed, uint32_t below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33) % below;
}

static size_t make_file(uint64_t *seed, char *file)
{
    static const struct cenv_str pieces[] = {LIT(P),
                                             LIT(P),
                                             LIT("\0"),
                                             LIT("\n"),
                                             LIT("/lib"),
                                             LIT(":"),
                                             LIT("\0\0\0"),
                                             LIT("abc"),
                                             LIT("/opt/place"),
                                             LIT("#!"),
                                             LIT("/bin/python3 -s"),
                                             LIT(" ")};
    size_t len = 0, nr = draw(seed, 14);
    for (size_t i = 0; i < nr; i++) {
        uint32_t kind = draw(seed, CHECK_NR(pieces) + 4);
        if (kind < CHECK_NR(pieces)) {
            memcpy(file + len, pieces[kind].data, pieces[kind].len);
            len += pieces[kind].len;
        } else {
            unsigned width = kind & 1 ? 2 : 4;
            len = (len + width - 1) / width * width;
            len += widen(P "/x", sizeof(P) + 1, width, kind & 2, file + len);
        }
    }
    return len;
}

/* splice at T, rebase, splice at D == splice at D, whatever T did to the file. */
static void test_splice__through_a_template(void)
{
    static const char *const prefixes[] = {"/d", "/same/length/as_the_hold",
                                           "/with space/in", "/t/e/m/p/l"};
    static const char tail[] =
        "/a/path/that/is/much/too/long/for/the/first/line/of/any/script/whatever/the/kernel/may/"
        "say/about/it/in/the/end/of/days";
    uint64_t seed = 7;
    for (int round = 0; round < 4000; round++) {
        char file[4096] = "";
        size_t len = make_file(&seed, file);
        enum cenv_file_mode mode = round & 1 ? CENV_MODE_BINARY : CENV_MODE_TEXT;
        const char *at_t = mode == CENV_MODE_TEXT && draw(&seed, 3) == 0
                               ? tail
                               : prefixes[draw(&seed, 4)];
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_sites sites = {0};
        struct cenv_forms t = {0}, d = {0};
        struct cenv_buf template, clone;
        const char *at_d = prefixes[draw(&seed, 4)];
        cenv_buf_init(&template, 1 << 20);
        cenv_buf_init(&clone, 1 << 20);
        CHECK_INT(cenv_forms_init(&t, cenv_str(at_t), &err), 0);
        CHECK_INT(cenv_forms_init(&d, cenv_str(at_d), &err), 0);
        struct cenv_str data = cenv_str_n(file, len);
        CHECK_INT(cenv_sites_scan(&sites, data, CENV_STR(P), mode, &idle, &err), 0);
        CHECK_INT(cenv_splice_apply(&sites, data, &t, &idle, &template, &err), 0);
        CHECK_INT(cenv_splice_size(&sites, &t, len), template.len);
        CHECK_INT(cenv_splice_rebase(&sites, &t, &err), 0);
        CHECK_INT(cenv_splice_size(&sites, &d, template.len),
                  relocate(data, at_d, mode == CENV_MODE_BINARY, &err) ? relocated.len
                                                                       : 0);
        CHECK_INT(
            cenv_splice_apply(&sites, cenv_buf_str(&template), &d, &idle, &clone, &err),
            0);
        if (CHECK_INT(clone.len, relocated.len))
            CHECK_MEM(clone.data, relocated.data, clone.len);
        cenv_sites_release(&sites);
        cenv_forms_release(&t);
        cenv_forms_release(&d);
        cenv_buf_release(&template);
        cenv_buf_release(&clone);
    }
}

static void test_splice__entry_through_a_template(void)
{
    char far[200];
    memset(far, 'f', sizeof(far) - 1);
    far[0] = '/';
    far[199] = 0;
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_sites sites = {0};
    struct cenv_forms t, d;
    struct cenv_buf template, clone;
    cenv_buf_init(&template, 4096);
    cenv_buf_init(&clone, 4096);
    CHECK_INT(cenv_forms_init(&t, cenv_str(far), &err), 0);
    CHECK_INT(cenv_forms_init(&d, CENV_STR("/d"), &err), 0);
    CHECK_INT(cenv_sites_of_entry_point(&sites, &t, "bin/python3.12", &err), 0);
    cenv_buf_addf(&template, "%s/bin/python3.12", far);
    struct cenv_buf script;
    cenv_buf_init(&script, 4096);
    cenv_shebang_render_entry(cenv_buf_str(&template), &script);
    cenv_buf_puts(&script, "import re\n");
    CHECK_INT(cenv_splice_apply(&sites, cenv_buf_str(&script), &d, &idle, &clone, &err),
              0);
    CHECK_STR(clone.data, "#!/d/bin/python3.12\nimport re\n");
    cenv_sites_release(&sites);
    cenv_forms_release(&t);
    cenv_forms_release(&d);
    cenv_buf_release(&template);
    cenv_buf_release(&script);
    cenv_buf_release(&clone);
}

static void test_splice__refuses_bad_sites(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_forms d;
    struct cenv_buf out;
    cenv_buf_init(&out, 4096);
    CHECK_INT(cenv_forms_init(&d, CENV_STR("/d"), &err), 0);
    struct cenv_site list[] = {{.offset = 90, .slot = 24, .have = 24},
                               {.offset = 0, .slot = 24, .have = 99},
                               {.offset = 0, .encoding = 77},
                               {.end = 99, .slot = 24, .kind = CENV_SITE_BINARY},
                               {.slot = 1, .kind = CENV_SITE_SHEBANG}};
    for (size_t i = 0; i < CHECK_NR(list); i++) {
        struct cenv_sites sites = {.list = &list[i], .nr = 1};
        CHECK_INT(cenv_splice_apply(&sites, CENV_STR("short"), &d, &idle, &out, &err),
                  CENV_EINTEGRITY);
        CHECK_INT(out.len, 0);
        cenv_error_release(&err);
    }
    cenv_forms_release(&d);
    cenv_buf_release(&out);
}

/* A FIXED site takes what is as long, and nothing else. */
static void test_splice__fixed_sites(void)
{
    struct cenv_site list[] = {
        {.offset = 2, .slot = 2, .have = 2, .kind = CENV_SITE_FIXED},
        {.offset = 6, .slot = 2, .have = 2, .kind = CENV_SITE_FIXED}};
    struct cenv_sites sites = {.list = list, .nr = 2};
    static const struct {
        const char *d, *out;
    } cases[] = {{"/d", "ab/d--/d\3"}, {"/", NULL}, {"/dd", NULL}};
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_forms d;
        struct cenv_buf out;
        check_case(cases[i].d);
        cenv_buf_init(&out, 4096);
        CHECK_INT(cenv_forms_init(&d, cenv_str(cases[i].d), &err), 0);
        CHECK_INT(
            cenv_splice_apply(&sites, CENV_STR("ab/t--/t\3"), &d, &idle, &out, &err),
            cases[i].out ? 0 : CENV_EPREFIX);
        if (cases[i].out)
            CHECK_STR(out.data, cases[i].out);
        CHECK_INT(out.len, cases[i].out ? 9 : 0);
        CHECK_INT(cenv_splice_size(&sites, &d, 9), 9);
        cenv_error_release(&err);
        cenv_buf_release(&out);
        cenv_forms_release(&d);
    }
}

int main(void)
{
    RUN(test_splice__through_a_template);
    RUN(test_splice__entry_through_a_template);
    RUN(test_splice__fixed_sites);
    RUN(test_splice__refuses_bad_sites);
    cenv_buf_release(&relocated);
    return check_report();
}
