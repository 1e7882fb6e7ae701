/* SPDX-License-Identifier: BSD-3-Clause */
/* Order, equality, prefixes and errors of versions (docs/design/solve.md 6.1, V1-V13; CEP 33). */
#include "model/version.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "check.h"

static struct cenv_arena arena;

static struct cenv_version parse(const char *text)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_version v = {0};

    check_case(text);
    CHECK_INT(cenv_version_parse(&v, cenv_str(text), &arena, &err), 0);
    cenv_error_release(&err);
    return v;
}

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

static int compare(const char *a, const char *b)
{
    struct cenv_version va = parse(a), vb = parse(b);
    int order = sign(cenv_version_cmp(&va, &vb));

    CHECK_INT(sign(cenv_version_cmp(&vb, &va)), -order);
    CHECK_INT(cenv_version_eq(&va, &vb), order == 0);
    return order;
}

static bool starts_with(const char *version, const char *prefix)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_version_range range;
    struct cenv_version v = parse(version);

    if (!CHECK_INT(cenv_version_prefix(&range, cenv_str(prefix), &arena, &err), 0))
        return false;
    return cenv_version_in(&v, &range);
}

/* Each line is strictly increasing; "=" joins equal ones. */
static const char *const sorted[] = {
    /* V1-V10, conda's and CEP 33's list */
    "0.4 = 0.4.0 < 0.4.1a.vc11 < 0.4.1.rc = 0.4.1.RC < 0.4.1.vc11 < 0.4.1 < 0.5* < 0.5a1"
    " < 0.5b3 < 0.5C1 < 0.5z < 0.5za < 0.5 < 0.5_5 = 0.5-5 < 0.9.6 < 0.960923 < 1.0"
    " < 1.0.4a3 < 1.0.4b1 < 1.0.4 < 1.1dev1 < 1.1_ < 1.1a1 < 1.1.0dev1 = 1.1.dev1 < 1.1.a1"
    " < 1.1.0rc1 < 1.1.0 = 1.1 < 1.1.0post1 = 1.1.post1 < 1.1.1dev1 < 1.1.1rc1 < 1.1.1"
    " < 1.1.1post1 < 1.1post1 < 2g6 < 2.0b1pr0 < 2.2be.ta29 < 2.2be5ta29 < 2.2beta29"
    " < 2.2.0.1 < 3.1.1.6 < 3.2.p.r0 < 3.2.pr0 < 3.2.pr.1 < 5.5.kw < 11g < 14.3.1"
    " < 14.3.1.post26.g9d75ca2 < 1996.07.12 < 1!0.4.1 < 1!3.1.1.6 < 2!0.4.1",
    "0.4.1+local < 0.4.1 = 0.4.1+0 < 0.4.1+1.local", /* V8 */
    "1.1rc < 1.1.0rc = 1.1.rc",                      /* V10 */
    /* V11, openssl */
    "1.0.1dev < 1.0.1_ < 1.0.1a < 1.0.1b < 1.0.1c < 1.0.1d < 1.0.1r < 1.0.1rc < 1.0.1rc1"
    " < 1.0.1rc2 < 1.0.1s < 1.0.1 < 1.0.1post.a < 1.0.1post.b < 1.0.1post.z"
    " < 1.0.1post.za < 1.0.2",
    /* V12, after PEP 440's own tests */
    "1.0a1 < 1.0a2.dev456 < 1.0a12.dev456 < 1.0a12 < 1.0b1.dev456 < 1.0b2"
    " < 1.0b2.post345.dev456 < 1.0b2.post345 < 1.0c1.dev456 < 1.0c1 < 1.0c3 < 1.0rc2"
    " < 1.0.dev456 < 1.0 < 1.0.post456.dev34 < 1.0.post456 < 1.1.dev1 < 1.2.r32+123456"
    " < 1.2.rev33+123456 < 1.2+abc < 1.2+abc123def < 1.2+abc123 < 1.2+123abc"
    " < 1.2+123abc456 < 1.2+1234.abc < 1.2+123456 < 1!1.0a1 < 1!1.0a2.dev456"
    " < 1!1.0a12.dev456 < 1!1.0a12 < 1!1.0b1.dev456 < 1!1.0b2 < 1!1.0b2.post345.dev456"
    " < 1!1.0b2.post345 < 1!1.0c1.dev456 < 1!1.0c1 < 1!1.0c3 < 1!1.0rc2 < 1!1.0.dev456"
    " < 1!1.0 < 1!1.0.post456.dev34 < 1!1.0.post456 < 1!1.1.dev1 < 1!1.2.r32+123456"
    " < 1!1.2.rev33+123456 < 1!1.2+abc < 1!1.2+abc123def < 1!1.2+abc123 < 1!1.2+123abc"
    " < 1!1.2+123abc456 < 1!1.2+1234.abc < 1!1.2+123456",
    "0.3.0.dev < 0.3.3",
    /* numbers of any length, leading zeros */
    "0.99999999999999999998 < 0.99999999999999999999 < 0.100000000000000000000"
    " = 0.000100000000000000000000 < 20260101000000000000000000000000000000000000000000",
    /* runs of empty components, on either side of nothing */
    "1.a < 1.0.a < 1.0.0.a < 1 = 1.0.0.0.0 < 1.0.0.post < 1.0.0.1 < 1.0.post < 1.0.1"
    " < 1.post < 1.1",
    "_ < a < 0 = 00.000 < post < 1",
    "1a* < 1a < 1a_", /* a string after a string, below what ends there */
    "1*dev < 1*_ < 1*a < 1*0 = 1* < 1*1 < 1dev < 1devel < 1",
    "1a0.post < 1a0post < 1a1",
    "1post < 1post.1 < 1post1",
};

static void test_version__order(void)
{
    for (size_t i = 0; i < CHECK_NR(sorted); i++) {
        char *list = strdup(sorted[i]), *save = NULL;
        const char *before = strtok_r(list, " ", &save), *op;

        while (before && (op = strtok_r(NULL, " ", &save))) {
            const char *next = strtok_r(NULL, " ", &save);
            CHECK_INT(compare(before, next), *op == '=' ? 0 : -1);
            before = next;
        }
        free(list);
    }
}

static void test_version__order_is_that_of_the_list(void)
{
    /* every pair of a chain, not only neighbours */
    const char *chain[] = {"1.a",     "1.0.0.a", "1+a",     "1",
                           "1+0.0.1", "1+1",     "1.0.0.1", "1.post"};

    for (size_t i = 0; i < CHECK_NR(chain); i++)
        for (size_t j = 0; j < CHECK_NR(chain); j++)
            CHECK_INT(compare(chain[i], chain[j]), sign((int)i - (int)j));
}

static void test_version__blanks_and_case_do_not_count(void)
{
    CHECK_INT(compare("0.4.1.rc", "  0.4.1.RC  "), 0); /* V2 */
    CHECK_INT(compare("0.5-5", "0.5_5"), 0);           /* V3 */
    CHECK_INT(compare("1!1.POST1", "1!1.post1"), 0);
    CHECK_INT(compare("1.Dev", "1.dEV"), 0);
    CHECK_INT(compare("1.0.1-", "1.0.1_"), 0);
}

static const struct {
    const char *text, *because;
} errors[] = {
    {"", "it is empty"},
    {"   ", "it is empty"},
    {"3.5&1", "only letters"},
    {"1.\xc3\xa9", "only letters"},
    {"1 2", "only letters"},
    {"5.5++", "'+' stands twice"},
    {"5.5+a+b", "'+' stands twice"},
    {"5.5..mw", "a component is empty"},
    {".5", "a component is empty"},
    {"5.", "a component is empty"},
    {"1._2", "a component is empty"},
    {"1+a_", "a component is empty"},
    {"1+.a", "a component is empty"},
    {"!", "no number before"},
    {"!1.0", "no number before"},
    {"a!1.0", "not a number"},
    {"a!b!1.0", "not a number"},
    {"1!2!1.0", "'!' stands twice"},
    {"1!", "nothing follows the epoch"},
    {"+1.2", "nothing stands before '+'"},
    {"1!+1.2", "nothing stands before '+'"},
    {"1.2+", "nothing follows '+'"},
    {"1-2_3", "do not go together"},
};

static void test_version__errors(void)
{
    for (size_t i = 0; i < CHECK_NR(errors); i++) {
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_version v = {0};

        check_case(errors[i].text);
        CHECK_INT(cenv_version_parse(&v, cenv_str(errors[i].text), &arena, &err),
                  CENV_ESPEC);
        CHECK(strstr(err.message, errors[i].because));
        CHECK(v.key.data == NULL);
        cenv_error_release(&err);
    }
}

static void test_version__length_is_bounded(void)
{
    static char text[CENV_VERSION_TEXT_MAX + 2];
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_version v, w;

    for (size_t i = 0; i < CENV_VERSION_TEXT_MAX; i++)
        text[i] = "0.a."[i % 4];
    text[CENV_VERSION_TEXT_MAX - 1] = '1';
    CHECK_INT(cenv_version_parse(&v, cenv_str(text), &arena, &err), 0);
    text[CENV_VERSION_TEXT_MAX] = '1';
    CHECK_INT(cenv_version_parse(&w, cenv_str(text), &arena, &err), CENV_ESPEC);
    cenv_error_release(&err);
    memset(text, '9', CENV_VERSION_TEXT_MAX);
    text[CENV_VERSION_TEXT_MAX] = '\0';
    CHECK_INT(cenv_version_parse(&w, cenv_str(text), &arena, &err), 0);
    CHECK(cenv_version_cmp(&v, &w) < 0);
}

static const struct {
    const char *version, *prefix;
    bool starts;
} prefixes[] = {
    {"0.4.1", "0", true},
    {"0.4.1", "0.4", true},
    {"0.4.1p1", "0.4", true},
    {"0.4.1p1", "0.4.1p", true},
    {"0.4.1p1", "0.4.1q1", false},
    {"0.4", "0.4.1", false},
    {"0.40", "0.4", false},
    {"0.4.1+1.3", "0.4.1", true},
    {"0.4.1+1.3", "0.4.1+1", true},
    {"0.4.1", "0.4.1+1.3", false},
    {"0.4.1+1", "0.4.1+1.3", false},
    {"0.4.1+1.3", "0.4+1", false},
    {"1.0", "1.0.0", true},
    {"1", "1.0.0", true},
    {"1.0.1", "1.0.0", false},
    {"1.0.0.1", "1.0.0", true},
    {"1.0.0a", "1.0.0", true},
    {"1.0.a", "1.0.0", true},
    {"1.a", "1.0.0", false},
    {"1.0a", "1.0.0", false},
    {"1.a", "1.0", true},
    {"1.post", "1.0", true},
    {"1.0.post", "1.0.0", true},
    {"1.post", "1.0.0", false},
    {"1.1", "1.0", false},
    {"2013ab", "2013a", true},
    {"2013b", "2013a", false},
    {"2013a1", "2013a", true},
    {"2013", "2013a", false},
    {"1a5", "1a0", false},
    {"1a", "1a0", true},
    {"1a0b", "1a0", true},
    {"1a0post", "1a0", true},
    {"1apost", "1a0", false},
    {"1a*", "1a0", false},
    {"1post2", "1post", true},
    {"1.0.post2", "1.post", false},
    {"1.dev3", "1.dev", true},
    {"1.devel", "1.dev", false},
    {"1.devel", "1.d", true},
    {"1.dev", "1.d", false},
    {"1!2", "2", false},
    {"1!2", "1!2", true},
    {"0!2.5", "2", true},
    {"1.1.1_", "1.1.1", true},
    {"1.1.1w", "1.1.1_", false},
    {"1.2+0.5", "1.2+0", true},
    {"1.2", "1.2+0", true},
    {"1.2+1", "1.2+0", false},
    {"0", "0", true},
    {"0.7", "0", true},
    {"1", "0", false},
    {"post", "0", true},
};

static void test_version__prefix(void)
{
    for (size_t i = 0; i < CHECK_NR(prefixes); i++) {
        char label[64];
        snprintf(label, sizeof(label), "%s %s*", prefixes[i].version,
                 prefixes[i].prefix);
        bool starts = starts_with(prefixes[i].version, prefixes[i].prefix);
        check_case(label);
        CHECK_INT(starts, prefixes[i].starts);
    }
}

/* ---- properties over generated versions ---- */

static uint64_t state = 88172645463325252u;

static unsigned roll(unsigned n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state % n);
}

static void generate(char *out, size_t size)
{
    static const char *const pieces[] = {"0",  "1",   "2",    "10", "a",  "b",
                                         "rc", "dev", "post", "*",  ".",  ".",
                                         ".",  "_",   "0.0",  "+",  "1!", "00"};
    size_t len = 0;

    out[0] = '\0';
    for (unsigned n = 1 + roll(7); n; n--) {
        const char *piece = pieces[roll(CHECK_NR(pieces))];
        if (len + strlen(piece) + 1 < size)
            len = (size_t)(stpcpy(out + len, piece) - out);
    }
}

enum { GENERATED = 220 };
static char texts[GENERATED][32];
static struct cenv_version versions[GENERATED];

static void test_version__order_is_total(void)
{
    struct cenv_error err = CENV_ERROR_INIT;

    for (size_t i = 0; i < GENERATED;) {
        generate(texts[i], sizeof(texts[i]));
        if (cenv_version_parse(&versions[i], cenv_str(texts[i]), &arena, &err) == 0)
            i++;
        cenv_error_release(&err);
    }
    for (size_t i = 0; i < GENERATED; i++) {
        for (size_t j = 0; j < GENERATED; j++) {
            int ij = sign(cenv_version_cmp(&versions[i], &versions[j]));
            check_case(texts[i]);
            if (sign(cenv_version_cmp(&versions[j], &versions[i])) != -ij)
                CHECK(!"antisymmetric");
            for (size_t k = 0; k < GENERATED; k++)
                if (ij <= 0 && cenv_version_cmp(&versions[j], &versions[k]) <= 0 &&
                    cenv_version_cmp(&versions[i], &versions[k]) > 0)
                    CHECK(!"transitive");
        }
        CHECK(starts_with(texts[i], texts[i]));
    }
}

static void test_version__out_of_memory(void)
{
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_arena empty = CENV_ARENA_INIT;
    struct cenv_version_range range = {0};
    struct cenv_version v = {0};

    cenv_alloc_fail_nth(1);
    CHECK_INT(cenv_version_parse(&v, cenv_str("1.2"), &empty, &err), CENV_ENOMEM);
    cenv_alloc_fail_nth(0);
    CHECK(!v.key.data);
    cenv_error_release(&err);
    cenv_alloc_fail_nth(1);
    CHECK_INT(cenv_version_prefix(&range, cenv_str("1.2"), &empty, &err), CENV_ENOMEM);
    cenv_alloc_fail_nth(0);
    CHECK(!range.lo.data && !range.hi.data);
    cenv_error_release(&err);
    cenv_arena_release(&empty);
}

int main(void)
{
    RUN(test_version__order);
    RUN(test_version__order_is_that_of_the_list);
    RUN(test_version__blanks_and_case_do_not_count);
    RUN(test_version__errors);
    RUN(test_version__length_is_bounded);
    RUN(test_version__prefix);
    RUN(test_version__order_is_total);
    RUN(test_version__out_of_memory);
    cenv_arena_release(&arena);
    return check_report();
}
