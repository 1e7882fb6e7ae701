/* SPDX-License-Identifier: BSD-3-Clause */
/* Virtual packages from facts, defaults and overrides; it asks the machine nothing. */
#include "model/platform.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "model/version.h"

/* machine: what archspec calls the baseline of that subdir. */
static const struct {
    const char *subdir, *machine;
} subdirs[] = {
    {"noarch", ""},
    {"linux-64", "x86_64"},
    {"linux-32", "x86"},
    {"linux-aarch64", "aarch64"},
    {"linux-armv6l", "armv6l"},
    {"linux-armv7l", "armv7l"},
    {"linux-ppc64", "ppc64"},
    {"linux-ppc64le", "ppc64le"},
    {"linux-riscv64", "riscv64"},
    {"linux-s390x", "s390x"},
    {"osx-64", "x86_64"},
    {"osx-arm64", "m1"},
    {"win-64", "x86_64"},
    {"win-32", "x86"},
    {"win-arm64", "aarch64"},
    {"emscripten-wasm32", "wasm32"},
    {"wasi-wasm32", "wasm32"},
    {"freebsd-64", "x86_64"},
    {"zos-z", "z"},
};

enum { NR_SUBDIRS = sizeof(subdirs) / sizeof(subdirs[0]) };

bool cenv_platform_is_subdir(struct cenv_str subdir)
{
    for (size_t i = 0; i < NR_SUBDIRS; i++)
        if (cenv_str_is(subdir, subdirs[i].subdir))
            return true;
    return false;
}

const char *cenv_platform_subdir(void)
{
#if defined(__linux__) && defined(__x86_64__)
    return "linux-64";
#elif defined(__linux__) && defined(__i386__)
    return "linux-32";
#elif defined(__linux__) && defined(__aarch64__)
    return "linux-aarch64";
#elif defined(__linux__) && defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
    return "linux-ppc64le";
#elif defined(__linux__) && defined(__powerpc64__)
    return "linux-ppc64";
#elif defined(__linux__) && defined(__s390x__)
    return "linux-s390x";
#elif defined(__linux__) && defined(__riscv) && __riscv_xlen == 64
    return "linux-riscv64";
#elif defined(__linux__) && defined(__arm__) && defined(__ARM_ARCH) && __ARM_ARCH >= 7
    return "linux-armv7l";
#elif defined(__linux__) && defined(__arm__)
    return "linux-armv6l";
#elif defined(__APPLE__) && defined(__aarch64__)
    return "osx-arm64";
#elif defined(__APPLE__)
    return "osx-64";
#elif defined(_WIN32) && defined(_M_ARM64)
    return "win-arm64";
#elif defined(_WIN32)
    return "win-64";
#elif defined(__FreeBSD__)
    return "freebsd-64";
#else
#error "no conda subdir is known for this platform"
#endif
}

/* ---- virtual packages ---- */

enum {
    LINUX = 1,
    OSX = 2,
    WIN = 4,
    FREEBSD = 8,
    EMSCRIPTEN = 16,
    OTHER = 32,
    ANY = 63
};

static unsigned kind_of(struct cenv_str subdir)
{
    return cenv_str_starts(subdir, CENV_STR("linux-"))        ? LINUX
           : cenv_str_starts(subdir, CENV_STR("osx-"))        ? OSX
           : cenv_str_starts(subdir, CENV_STR("win-"))        ? WIN
           : cenv_str_starts(subdir, CENV_STR("freebsd-"))    ? FREEBSD
           : cenv_str_starts(subdir, CENV_STR("emscripten-")) ? EMSCRIPTEN
                                                              : OTHER;
}

static const char *machine_of(struct cenv_str subdir)
{
    for (size_t i = 0; i < NR_SUBDIRS; i++)
        if (cenv_str_is(subdir, subdirs[i].subdir))
            return subdirs[i].machine;
    return "";
}

/* The head of a release that is a version, of so many parts as CEP 30 says of the system:
 * "6.1.0" of "6.1.0-18-amd64", "14.5" of macOS 14.5.1, "10.0.22631" of Windows. */
static void release_version(const char *release, size_t parts, char *out, size_t size)
{
    size_t len = 0, seen = 1;

    while ((release[len] >= '0' && release[len] <= '9') ||
           (release[len] == '.' && seen++ < parts))
        len++;
    while (len && release[len - 1] == '.')
        len--;
    if (len == 0 || len >= size)
        snprintf(out, size, "0");
    else
        snprintf(out, size, "%.*s", (int)len, release);
}

/* What the package has when nobody overrides it; "" when it is not there. */
static void detect_package(const char *name, struct cenv_str subdir,
                           const struct cenv_platform_facts *facts, char *out,
                           size_t size)
{
    const char *found = "";

    if (!strcmp(name, "unix"))
        found = "0";
    else if (!strcmp(name, "archspec"))
        found = facts && facts->microarch && *facts->microarch ? facts->microarch
                                                               : machine_of(subdir);
    else if (!strcmp(name, "cuda"))
        found = facts && facts->cuda ? facts->cuda : "";
    else if (!strcmp(name, "cuda_arch"))
        found = facts && facts->cuda_arch ? facts->cuda_arch : "";
    else if (!strcmp(name, "glibc"))
        found = !facts ? "2.17" : facts->glibc ? facts->glibc : "";
    else if (facts && facts->kernel) {
        size_t parts = !strcmp(name, "osx") ? 2 : !strcmp(name, "win") ? 3 : 4;
        release_version(facts->kernel, parts, out, size);
        return;
    } else if (!strcmp(name, "osx"))
        found = cenv_str_is(subdir, "osx-arm64") ? "11.0" : "10.15";
    else
        found = "0";
    snprintf(out, size, "%s", found);
}

static bool same_name(const char *a, const char *lower)
{
    size_t i = 0;

    while (a[i] && ((a[i] >= 'A' && a[i] <= 'Z') ? a[i] + 32 : a[i]) == lower[i])
        i++;
    return a[i] == '\0' && lower[i] == '\0';
}

/* Of several the last, as in an environment; NULL: none. __unix has none, and __archspec, which is
 * always there, no empty one (CEP 30). */
static const char *find_override(const char *name,
                                 const struct cenv_override *overrides, size_t nr)
{
    for (size_t i = nr; i-- > 0;)
        if (same_name(overrides[i].name, name) && strcmp(name, "unix") != 0)
            return strcmp(name, "archspec") || *overrides[i].value ? overrides[i].value
                                                                   : NULL;
    return NULL;
}

/* "MAJOR.MINOR", without the letters of family and architecture (CEP 46). */
static bool is_capability(const char *value)
{
    size_t major = strspn(value, "0123456789");
    const char *minor = value + major + 1;
    if (!major || value[major] != '.')
        return false;
    return *minor && minor[strspn(minor, "0123456789")] == '\0';
}

static const char *what_it_is(const char *name)
{
    return !strcmp(name, "archspec")    ? "microarchitecture"
           : !strcmp(name, "cuda_arch") ? "compute capability (as 8.6)"
                                        : "version";
}

static int check_override(const char *name, const char *value, struct cenv_error *err)
{
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_version version;
    struct cenv_error why = CENV_ERROR_INIT;
    int rc = 0;

    if (strlen(value) >= sizeof(((struct cenv_virtual *)0)->version) ||
        strspn(value, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                      "._+!-") != strlen(value))
        rc = CENV_EUSAGE;
    else if (!strcmp(name, "cuda_arch") && !is_capability(value))
        rc = CENV_EUSAGE;
    else if (strcmp(name, "archspec") != 0)
        rc = cenv_version_parse(&version, cenv_str(value), &arena, &why);
    cenv_arena_release(&arena);
    cenv_error_release(&why);
    if (rc == CENV_ENOMEM)
        return cenv_error_oom(err);
    if (rc < 0)
        return cenv_error_set(err, CENV_EUSAGE,
                              "the override \"%.80s\" of __%s is not a %s", value, name,
                              what_it_is(name));
    return 0;
}

static bool has_cuda(const struct cenv_virtual *found, int nr)
{
    for (int i = 0; i < nr; i++)
        if (!strcmp(found[i].name, "__cuda"))
            return true;
    return false;
}

static const struct {
    const char *name;
    unsigned on;
} packages[] = {
    {"archspec", ANY},
    {"cuda", ANY},
    {"cuda_arch", ANY},
    {"glibc", LINUX},
    {"linux", LINUX},
    {"osx", OSX},
    {"unix", LINUX | OSX | FREEBSD | EMSCRIPTEN},
    {"win", WIN},
};

/* What archspec does not know has the machine for its build, and version 0 (CEP 30). */
static bool knows_archspec(const char *value)
{
    static const char *const others[] = {"",      "armv6l", "armv7l",
                                         "s390x", "wasm32", "z"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (!strcmp(value, others[i]))
            return false;
    return true;
}

static void fill_virtual(struct cenv_virtual *v, const char *name, const char *value,
                         bool given)
{
    bool arch = !strcmp(name, "archspec");
    const char *version = !arch ? value : given || knows_archspec(value) ? "1" : "0";
    snprintf(v->name, sizeof(v->name), "__%s", name);
    snprintf(v->version, sizeof(v->version), "%s", version);
    snprintf(v->build, sizeof(v->build), "%s", arch && *value ? value : "0");
}

/* An override as the package has it. __linux is always there: 0 for an empty one, as in conda, and
 * without what a distribution adds to the kernel's version (CEP 30). */
static void set_override(const char *name, const char *given, char *out, size_t size)
{
    if (strcmp(name, "linux") != 0)
        snprintf(out, size, "%s", given);
    else
        release_version(given, 4, out, size);
}

int cenv_platform_virtual(struct cenv_virtual *out, struct cenv_str subdir,
                          const struct cenv_platform_facts *facts,
                          const struct cenv_override *overrides, size_t nr_overrides,
                          struct cenv_error *err)
{
    struct cenv_virtual found[CENV_VIRTUAL_MAX];
    int nr = 0, rc;

    for (size_t i = 0; i < sizeof(packages) / sizeof(packages[0]); i++) {
        const char *name = packages[i].name;
        const char *given = find_override(name, overrides, nr_overrides);
        char value[sizeof(found[0].version)];
        bool taken_away = given && !*given && strcmp(name, "linux") != 0;
        if (!(packages[i].on & kind_of(subdir)) || taken_away)
            continue;
        if (!strcmp(name, "cuda_arch") && !has_cuda(found, nr))
            continue;
        if (given && *given && (rc = check_override(name, given, err)) < 0)
            return rc;
        detect_package(name, subdir, facts, value, sizeof(value));
        if (given)
            set_override(name, given, value, sizeof(value));
        if (*value || !strcmp(name, "archspec"))
            fill_virtual(&found[nr++], name, value, given != NULL);
    }
    memcpy(out, found, (size_t)nr * sizeof(found[0]));
    return nr;
}
