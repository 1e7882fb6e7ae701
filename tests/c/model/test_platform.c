/* SPDX-License-Identifier: BSD-3-Clause */
/* Subdirs and virtual packages (CEP 30). */
#include "model/platform.h"

#include "check.h"

static const struct cenv_platform_facts machine = {.kernel = "6.1.0-18-amd64",
                                                   .glibc = "2.36",
                                                   .cuda = NULL,
                                                   .microarch = "x86_64_v3"};
static const struct cenv_platform_facts gpu = {.kernel = "6.1.0-18-amd64",
                                               .glibc = "2.36",
                                               .cuda = "12.4",
                                               .cuda_arch = "8.6",
                                               .microarch = "x86_64_v3"};
static const struct cenv_platform_facts mac = {.kernel = "14.5.1", .microarch = "m2"};
static const struct cenv_platform_facts windows = {.kernel = "10.0.22631.1",
                                                   .microarch = "x86_64_v3"};
static const struct cenv_platform_facts old = {.kernel = "2.6.32.5.9-el6"};
static const struct cenv_platform_facts bare = {.kernel = "weird"};

static void test_platform__virtual(void)
{
    static const struct {
        const char *label, *subdir;
        const struct cenv_platform_facts *facts;
        struct cenv_override overrides[3];
        const char *want;
    } cases[] = {
        {"here",
         "linux-64",
         &machine,
         {{0}},
         "__archspec=1=x86_64_v3 __glibc=2.36=0 __linux=6.1.0=0 __unix=0=0"},
        {"musl, no facts",
         "linux-aarch64",
         &bare,
         {{0}},
         "__archspec=1=aarch64 __linux=0=0 __unix=0=0"},
        {"another linux",
         "linux-64",
         NULL,
         {{0}},
         "__archspec=1=x86_64 __glibc=2.17=0 __linux=0=0 __unix=0=0"},
        {"osx", "osx-arm64", NULL, {{0}}, "__archspec=1=m1 __osx=11.0=0 __unix=0=0"},
        {"old osx",
         "osx-64",
         NULL,
         {{0}},
         "__archspec=1=x86_64 __osx=10.15=0 __unix=0=0"},
        {"win", "win-64", NULL, {{0}}, "__archspec=1=x86_64 __win=0=0"},
        {"zos", "zos-z", NULL, {{0}}, "__archspec=0=z"},
        {"wasm", "emscripten-wasm32", NULL, {{0}}, "__archspec=0=wasm32 __unix=0=0"},
        {"overridden",
         "linux-64",
         &machine,
         {{"GLIBC", "2.28"}, {"CUDA", "12.4"}, {"ARCHSPEC", "zen4"}},
         "__archspec=1=zen4 __cuda=12.4=0 __glibc=2.28=0 __linux=6.1.0=0 __unix=0=0"},
        {"a device",
         "linux-64",
         &gpu,
         {{0}},
         "__archspec=1=x86_64_v3 __cuda=12.4=0 __cuda_arch=8.6=0 __glibc=2.36=0 "
         "__linux=6.1.0=0 __unix=0=0"},
        {"no device",
         "win-64",
         NULL,
         {{"CUDA", "12.4"}, {"CUDA_ARCH", "12.0"}, {"WIN", "10.0"}},
         "__archspec=1=x86_64 __cuda=12.4=0 __cuda_arch=12.0=0 __win=10.0=0"},
        {"a device passed over",
         "linux-64",
         &gpu,
         {{"CUDA_ARCH", ""}, {"GLIBC", ""}, {"LINUX", ""}},
         "__archspec=1=x86_64_v3 __cuda=12.4=0 __linux=0=0 __unix=0=0"},
        {"no architecture without CUDA",
         "linux-64",
         &gpu,
         {{"CUDA", ""}, {"CUDA_ARCH", "9.0"}, {"GLIBC", ""}},
         "__archspec=1=x86_64_v3 __linux=6.1.0=0 __unix=0=0"},
        {"two parts of macOS",
         "osx-arm64",
         &mac,
         {{0}},
         "__archspec=1=m2 __osx=14.5=0 __unix=0=0"},
        {"three parts of Windows",
         "win-64",
         &windows,
         {{0}},
         "__archspec=1=x86_64_v3 __win=10.0.22631=0"},
        {"four parts of Linux",
         "linux-64",
         &old,
         {{0}},
         "__archspec=1=x86_64 __linux=2.6.32.5=0 __unix=0=0"},
        {"removed",
         "linux-64",
         &machine,
         {{"GLIBC", ""}, {"LINUX", ""}, {"ARCHSPEC", ""}},
         "__archspec=1=x86_64_v3 __linux=0=0 __unix=0=0"},
        {"without what a distribution adds",
         "linux-64",
         &machine,
         {{"GLIBC", ""}, {"LINUX", "5.14.0.2.7-1.el9"}, {"CUDA", ""}},
         "__archspec=1=x86_64_v3 __linux=5.14.0.2=0 __unix=0=0"},
        {"removed elsewhere",
         "osx-arm64",
         NULL,
         {{"OSX", ""}, {"LINUX", "5"}, {"CUDA", ""}},
         "__archspec=1=m1 __unix=0=0"},
        {"not for this platform",
         "linux-64",
         &machine,
         {{"OSX", "12"}, {"WIN", "10"}, {"UNIX", ""}},
         "__archspec=1=x86_64_v3 __glibc=2.36=0 __linux=6.1.0=0 __unix=0=0"},
        {"the last counts",
         "linux-64",
         &machine,
         {{"glibc", "2.1"}, {"GLIBC", "2.2"}, {"CUDA", ""}},
         "__archspec=1=x86_64_v3 __glibc=2.2=0 __linux=6.1.0=0 __unix=0=0"},
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_virtual out[CENV_VIRTUAL_MAX];
        struct cenv_error err = CENV_ERROR_INIT;
        char got[512] = "";
        check_case(cases[i].label);
        size_t nr = cases[i].overrides[0].name ? 3 : 0;
        int rc = cenv_platform_virtual(out, cenv_str(cases[i].subdir), cases[i].facts,
                                       cases[i].overrides, nr, &err);
        CHECK(rc >= 0);
        for (int k = 0; k < rc; k++)
            snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s=%s=%s",
                     k ? " " : "", out[k].name, out[k].version, out[k].build);
        CHECK_STR(got, cases[i].want);
        cenv_error_release(&err);
    }
}

static void test_platform__bad_override(void)
{
    static const struct cenv_override bad[] = {
        {"GLIBC", "no version"}, {"CUDA", "1..2"},   {"LINUX", "5/6"},
        {"CUDA_ARCH", "9.0a"},   {"CUDA_ARCH", "9"}, {"CUDA_ARCH", "9."},
        {"ARCHSPEC", "a b"}};

    for (size_t i = 0; i < CHECK_NR(bad); i++) {
        struct cenv_virtual out[CENV_VIRTUAL_MAX];
        struct cenv_error err = CENV_ERROR_INIT;
        check_case(bad[i].value);
        CHECK_INT(
            cenv_platform_virtual(out, CENV_STR("linux-64"), &gpu, &bad[i], 1, &err),
            CENV_EUSAGE);
        CHECK(strstr(err.message, bad[i].value) != NULL);
        cenv_error_release(&err);
    }
}

static void test_platform__subdirs(void)
{
    CHECK(cenv_platform_is_subdir(cenv_str(cenv_platform_subdir())));
    CHECK(cenv_platform_is_subdir(CENV_STR("noarch")));
    CHECK(cenv_platform_is_subdir(CENV_STR("emscripten-wasm32")));
    CHECK(!cenv_platform_is_subdir(CENV_STR("linux")));
    CHECK(!cenv_platform_is_subdir(CENV_STR("")));
}

int main(void)
{
    RUN(test_platform__virtual);
    RUN(test_platform__bad_override);
    RUN(test_platform__subdirs);
    return check_report();
}
