/* SPDX-License-Identifier: BSD-3-Clause */
/* remote/docker_config: logins in docker's file, and of the programs that it names. */
#include "remote/docker_config.h"

#include "base/alloc.h"
#include "check.h"
#include "scratch.h"

static struct scratch s;
static struct cenv_error err;
static struct cenv_task task;
static struct cenv_docker_login login;

static void open_scene(const char *config)
{
    s = scratch_open();
    cenv_task_init(&task, NULL, NULL);
    setenv("DOCKER_CONFIG", s.path, 1);
    if (config)
        scratch_file(&s, "config.json", config, 0600);
}

static void close_scene(void)
{
    cenv_docker_login_release(&login);
    cenv_error_release(&err);
    cenv_task_release(&task);
    scratch_close(&s);
    CHECK_INT(cenv_alloc_live(), 0);
}

static int find(const char *host)
{
    cenv_docker_login_release(&login);
    return cenv_docker_login_find(&login, cenv_str(host), 5000, &task, &err);
}

static void check_login(const char *host, const char *user, const char *secret)
{
    check_case(host);
    CHECK_INT(find(host), 0);
    CHECK_STR(login.user ? login.user : "-", user);
    CHECK_STR(login.secret ? login.secret : "-", secret);
}

static void test_docker_config__logins_by_host(void)
{
    open_scene("{\"auths\": {"
               "\"ghcr.io\": {\"auth\": \"dXNlcjpwOnc=\"},"
               "\"https://index.docker.io/v1/\": {\"auth\": \"aHViOnA=\"},"
               "\"https://q.io:5000/v2/\": {\"username\": \"u\", \"password\": \"p\"},"
               "\"az.io\": {\"auth\": \"PHRva2VuPjo=\", \"identitytoken\": \"it\"},"
               "\"empty.io\": {}}}");
    check_login("ghcr.io", "user", "p:w");
    check_login("docker.io", "hub", "p");
    check_login("q.io:5000", "u", "p");
    check_login("q.io", "-", "-");
    check_login("hcr.io", "-", "-");
    check_login("empty.io", "-", "-");
    check_login("az.io", "<token>", "it");
    CHECK(login.is_token);
    close_scene();
}

static void test_docker_config__absent_is_none(void)
{
    open_scene(NULL);
    check_login("ghcr.io", "-", "-");
    unsetenv("DOCKER_CONFIG");
    unsetenv("HOME");
    check_login("ghcr.io", "-", "-");
    setenv("HOME", s.path, 1);
    CHECK_INT(mkdir(scratch_path(&s, ".docker"), 0700), 0);
    scratch_file(&s, ".docker/config.json",
                 "{\"auths\": {\"h\": {\"auth\": \"dTpw\"}}}", 0600);
    check_login("h", "u", "p");
    close_scene();
}

/* What is said of a damaged file shows none of it. */
static void test_docker_config__damage_is_told_without_secrets(void)
{
    static const char *const texts[] = {
        "{\"auths\": {\"h\": {\"auth\": \"dTpw!!\"}}}",
        "{\"auths\": {\"h\": {\"auth\": \"dXA=\"}}}", /* no colon */
        "{\"auths\": dTpw!!",
    };

    for (size_t i = 0; i < CHECK_NR(texts); i++) {
        open_scene(texts[i]);
        check_case(texts[i]);
        CHECK_INT(find("h"), CENV_EUSAGE);
        CHECK(strstr(err.message, "config.json' is not what docker writes"));
        CHECK(!strstr(err.message, "dTpw") && !login.user);
        close_scene();
    }
}

static void write_helper(const char *script)
{
    char path[600];

    scratch_file(&s, "docker-credential-mine", script, 0700);
    snprintf(path, sizeof(path), "%s:/usr/bin:/bin", s.path);
    setenv("PATH", path, 1);
}

static void test_docker_config__programs_are_asked(void)
{
    open_scene("{\"credsStore\": \"none\", \"credHelpers\": {\"h\": \"mine\"},"
               "\"auths\": {\"h\": {\"auth\": \"dTpw\"}}}");
    write_helper(
        "#!/bin/sh\n[ \"$1\" = get ] && read -r host\n"
        "echo \"{\\\"Username\\\": \\\"of $host\\\", \\\"Secret\\\": \\\"s\\\"}\"\n");
    check_login("h", "of h", "s");
    write_helper("#!/bin/sh\necho '{\"Username\": \"<token>\", \"Secret\": \"t\"}'\n");
    check_login("h", "<token>", "t");
    CHECK(login.is_token);
    write_helper("#!/bin/sh\necho credentials not found in native keychain; exit 1\n");
    check_login("h", "u", "p");
    close_scene();
}

static void test_docker_config__programs_that_fail_are_told(void)
{
    static const struct {
        const char *script, *message;
    } cases[] = {
        {"#!/bin/sh\necho secret-1; exit 1\n", "docker-credential-mine fails"},
        {"#!/bin/sh\necho secret-1\n", "says nothing that can be understood"},
        {"#!/nonexistent/sh\n", "cannot be run"},
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        open_scene("{\"credsStore\": \"mine\"}");
        check_case(cases[i].message);
        write_helper(cases[i].script);
        CHECK_INT(find("h"), CENV_EUSAGE);
        CHECK(strstr(err.message, cases[i].message));
        CHECK(!strstr(err.message, "secret-1") && !strstr(err.hint, "secret-1"));
        CHECK(strstr(err.hint, "docker login"));
        close_scene();
    }
    open_scene("{\"credsStore\": \"../mine\"}");
    CHECK_INT(find("h"), CENV_EUSAGE);
    CHECK(strstr(err.message, "has a name that is none"));
    close_scene();
}

static void test_docker_config__every_failed_allocation_is_clean(void)
{
    open_scene("{\"auths\": {\"h\": {\"auth\": \"dTpw\"}}}");
    for (long n = 1;; n++) {
        cenv_alloc_fail_nth(n);
        int rc = find("h");
        bool unreached = cenv_alloc_fail_nth(0);
        CHECK(unreached ? rc == 0 : rc == CENV_ENOMEM);
        cenv_error_release(&err);
        if (unreached)
            break;
    }
    close_scene();
}

int main(void)
{
    RUN(test_docker_config__logins_by_host);
    RUN(test_docker_config__absent_is_none);
    RUN(test_docker_config__damage_is_told_without_secrets);
    RUN(test_docker_config__programs_are_asked);
    RUN(test_docker_config__programs_that_fail_are_told);
    RUN(test_docker_config__every_failed_allocation_is_clean);
    return check_report();
}
