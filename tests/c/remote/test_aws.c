/* SPDX-License-Identifier: BSD-3-Clause */
/* remote/aws: variables, and profiles of files. */
#include "remote/aws.h"

#include "base/alloc.h"
#include "check.h"
#include "scratch.h"

static struct scratch s;
static struct cenv_error err;
static struct cenv_aws aws;

static const char *const variables[] = {
    "AWS_ACCESS_KEY_ID",           "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",           "AWS_REGION",
    "AWS_DEFAULT_REGION",          "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",         "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",         "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
};

static void open_scene(const char *config, const char *credentials)
{
    s = scratch_open();
    for (size_t i = 0; i < CHECK_NR(variables); i++)
        unsetenv(variables[i]);
    setenv("HOME", s.path, 1);
    CHECK_INT(mkdir(scratch_path(&s, ".aws"), 0700), 0);
    if (config)
        scratch_file(&s, ".aws/config", config, 0600);
    if (credentials)
        scratch_file(&s, ".aws/credentials", credentials, 0600);
}

static void close_scene(void)
{
    cenv_aws_release(&aws);
    cenv_error_release(&err);
    scratch_close(&s);
    CHECK_INT(cenv_alloc_live(), 0);
}

static void check_text(const char *got, const char *want)
{
    CHECK_STR(got ? got : "-", want);
}

static void check_aws(const char *user, const char *secret, const char *session,
                      const char *region, const char *endpoint)
{
    if (!CHECK_INT(cenv_aws_read(&aws, &err), 0))
        return;
    check_text(aws.user, user);
    check_text(aws.secret, secret);
    check_text(aws.session, session);
    check_text(aws.region, region);
    check_text(aws.endpoint, endpoint);
}

#define CONFIG \
    "# mine\n[default]\nregion = eu-west-1\noutput=json\n\n" \
    "[profile ci]\nregion=us-west-2\nendpoint_url = https://minio:9000\n" \
    "s3 =\n  region = no\n[ci]\nregion = no\n"
#define CREDENTIALS \
    "[default]\r\naws_access_key_id = K1\r\naws_secret_access_key = a/b=c\r\n" \
    "[ci]\naws_access_key_id=K2\naws_secret_access_key=S2\naws_session_token=T2\n"

static void test_aws__files_have_profiles(void)
{
    open_scene(CONFIG, CREDENTIALS);
    check_aws("K1", "a/b=c", "-", "eu-west-1", "-");
    cenv_aws_release(&aws);
    setenv("AWS_DEFAULT_PROFILE", "ci", 1);
    check_aws("K2", "S2", "T2", "us-west-2", "https://minio:9000");
    cenv_aws_release(&aws);
    setenv("AWS_PROFILE", "default", 1);
    check_aws("K1", "a/b=c", "-", "eu-west-1", "-");
    close_scene();
}

/* Keys are a pair of one place: no session of a file with keys of the environment. */
static void test_aws__variables_come_first(void)
{
    open_scene(CONFIG, CREDENTIALS);
    setenv("AWS_PROFILE", "ci", 1);
    setenv("AWS_ACCESS_KEY_ID", "K3", 1);
    check_aws("K2", "S2", "T2", "us-west-2", "https://minio:9000");
    cenv_aws_release(&aws);
    setenv("AWS_SECRET_ACCESS_KEY", "S3", 1);
    setenv("AWS_DEFAULT_REGION", "r1", 1);
    setenv("AWS_ENDPOINT_URL", "http://e1", 1);
    check_aws("K3", "S3", "-", "r1", "http://e1");
    cenv_aws_release(&aws);
    setenv("AWS_SESSION_TOKEN", "T3", 1);
    setenv("AWS_REGION", "r2", 1);
    setenv("AWS_ENDPOINT_URL_S3", "http://e2", 1);
    check_aws("K3", "S3", "T3", "r2", "http://e2");
    close_scene();
}

static void test_aws__files_are_found_by_name_or_not_at_all(void)
{
    open_scene(NULL, NULL);
    check_aws("-", "-", "-", "-", "-");
    cenv_aws_release(&aws);
    scratch_file(&s, "here", CREDENTIALS, 0600);
    setenv("AWS_SHARED_CREDENTIALS_FILE", scratch_path(&s, "here"), 1);
    check_aws("K1", "a/b=c", "-", "-", "-");
    cenv_aws_release(&aws);
    unsetenv("AWS_SHARED_CREDENTIALS_FILE");
    unsetenv("HOME");
    check_aws("-", "-", "-", "-", "-");
    setenv("AWS_CONFIG_FILE", s.path, 1); /* a directory */
    CHECK(cenv_aws_read(&aws, &err) < 0);
    close_scene();
}

static void test_aws__says_which_profile_is_of_no_use(void)
{
    open_scene("[profile sso]\nsso_session = x\n[default]\nrole_arn=y\n", NULL);
    CHECK_INT(cenv_aws_read(&aws, &err), CENV_EUSAGE);
    CHECK(strstr(err.message, "'default' has no keys"));
    cenv_error_release(&err);
    setenv("AWS_PROFILE", "sso", 1);
    CHECK_INT(cenv_aws_read(&aws, &err), CENV_EUSAGE);
    CHECK(strstr(err.hint, "export-credentials"));
    cenv_error_release(&err);
    setenv("AWS_PROFILE", "none", 1);
    CHECK_INT(cenv_aws_read(&aws, &err), CENV_EUSAGE);
    CHECK(strstr(err.message, "'none' is in no file"));
    close_scene();
}

static void test_aws__every_failed_allocation_is_clean(void)
{
    open_scene(CONFIG, CREDENTIALS);
    for (long n = 1;; n++) {
        cenv_alloc_fail_nth(n);
        int rc = cenv_aws_read(&aws, &err);
        bool unreached = cenv_alloc_fail_nth(0);
        CHECK_INT(rc, unreached ? 0 : CENV_ENOMEM);
        cenv_aws_release(&aws);
        cenv_error_release(&err);
        if (unreached)
            break;
    }
    close_scene();
}

int main(void)
{
    RUN(test_aws__files_have_profiles);
    RUN(test_aws__variables_come_first);
    RUN(test_aws__files_are_found_by_name_or_not_at_all);
    RUN(test_aws__says_which_profile_is_of_no_use);
    RUN(test_aws__every_failed_allocation_is_clean);
    return check_report();
}
