/* SPDX-License-Identifier: BSD-3-Clause */
/* Variables and files of AWS: see aws.h. */
#include "remote/aws.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "os/fs.h"
#include "os/fs_data.h"
#include "os/path.h"

enum { FILE_MAX = 1 << 20, SECTION_MAX = 200 };

/* One that is set and not empty, or NULL. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

/* Sets what is not set yet; false: out of memory. */
static bool set_text(char **to, struct cenv_str value)
{
    if (*to || !value.len)
        return true;
    *to = cenv_memdup(value.data, value.len);
    return *to != NULL;
}

/* ---- files ---- */

/* The file that a variable names, or one in the home directory; absent is fine: 1. */
static int read_file(const char *name, const char *in_home, struct cenv_buf *text,
                     struct cenv_error *err)
{
    const char *named = variable(name), *home = variable("HOME");
    char *path = named  ? cenv_strdup(named)
                 : home ? cenv_path_join(home, in_home)
                        : NULL;
    int rc, fd;

    if (!path)
        return named || home ? cenv_error_oom(err) : 1;
    fd = cenv_raw_open_named(path, NULL);
    if (fd < 0)
        rc = cenv_raw_is_absent(fd)
                 ? 1
                 : cenv_fs_fail(err, fd, CENV_CWD, path, "cannot read");
    else
        rc = cenv_fs_read_fd(fd, path, text, err);
    cenv_fd_close(fd);
    cenv_free(path);
    return rc;
}

/* What a profile says; keys of neither kind are passed over. */
struct profile {
    struct cenv_aws *aws;
    struct cenv_str key, secret, token;
    bool found, elsewhere; /* it is there; its keys come from a program or a service */
};

static void take_value(struct profile *profile, struct cenv_str key,
                       struct cenv_str value, bool *done)
{
    static const char *const elsewhere[] = {"credential_process", "role_arn",
                                            "sso_session", "sso_start_url",
                                            "web_identity_token_file"};

    if (cenv_str_is(key, "aws_access_key_id"))
        profile->key = value;
    else if (cenv_str_is(key, "aws_secret_access_key"))
        profile->secret = value;
    else if (cenv_str_is(key, "aws_session_token"))
        profile->token = value;
    else if (cenv_str_is(key, "region"))
        *done &= set_text(&profile->aws->region, value);
    else if (cenv_str_is(key, "endpoint_url"))
        *done &= set_text(&profile->aws->endpoint, value);
    for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
        profile->elsewhere |= cenv_str_is(key, elsewhere[i]);
}

/* Reads the lines of one section; those that are indented belong to a key of it. */
static bool read_section(struct profile *profile, struct cenv_str text,
                         const char *section)
{
    bool inside = false, done = true;

    while (text.len) {
        struct cenv_str line = cenv_str_cut(&text, '\n'), value = line;
        bool indented = line.len && cenv_is_blank(line.data[0]);
        line = cenv_str_trim(line);
        if (!line.len || indented || line.data[0] == '#' || line.data[0] == ';')
            continue;
        if (line.data[0] == '[') {
            line = cenv_str_slice(line, 1, cenv_str_find(line, ']'));
            inside = cenv_str_is(cenv_str_trim(line), section);
            profile->found |= inside;
            continue;
        }
        struct cenv_str key = cenv_str_trim(cenv_str_cut(&value, '='));
        if (inside)
            take_value(profile, key, cenv_str_trim(value), &done);
    }
    return done;
}

/* Keys come in pairs, of one place: what another has of them does not count. */
static bool take_keys(struct profile *profile)
{
    struct cenv_aws *aws = profile->aws;
    bool done = true;

    if (!aws->user && profile->key.len && profile->secret.len)
        done = set_text(&aws->user, profile->key) &&
               set_text(&aws->secret, profile->secret) &&
               set_text(&aws->session, profile->token);
    return done;
}

static int read_profile(struct profile *profile, const char *variable_name,
                        const char *in_home, const char *section,
                        struct cenv_error *err)
{
    struct cenv_buf text;

    cenv_buf_init(&text, FILE_MAX);
    int rc = read_file(variable_name, in_home, &text, err);
    profile->key = profile->secret = profile->token = cenv_str(NULL);
    if (rc == 0 &&
        !(read_section(profile, cenv_buf_str(&text), section) && take_keys(profile)))
        rc = cenv_error_oom(err);
    cenv_buf_release(&text);
    return rc < 0 ? rc : 0;
}

static int check_profile(const struct profile *profile, const char *name,
                         bool was_named, struct cenv_error *err)
{
    if (was_named && !profile->found) {
        cenv_error_set(err, CENV_EUSAGE, "the AWS profile '%.100s' is in no file",
                       name);
        return cenv_error_hint(err, "check AWS_PROFILE and ~/.aws/config");
    }
    if (profile->aws->user || !profile->elsewhere)
        return 0;
    cenv_error_set(err, CENV_EUSAGE,
                   "the AWS profile '%.100s' has no keys of its own, but a login that "
                   "only AWS's tools know",
                   name);
    return cenv_error_hint(err, "put the keys into the environment: aws configure "
                                "export-credentials --format env");
}

static int read_profiles(struct cenv_aws *out, struct cenv_error *err)
{
    const char *named = variable("AWS_PROFILE"), *name = named;
    struct profile profile = {.aws = out};
    char section[SECTION_MAX];

    name = name ? name : variable("AWS_DEFAULT_PROFILE");
    name = name ? name : "default";
    int rc = read_profile(&profile, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials",
                          name, err);
    snprintf(section, sizeof(section), "%s%s",
             strcmp(name, "default") == 0 ? "" : "profile ", name);
    if (rc == 0)
        rc = read_profile(&profile, "AWS_CONFIG_FILE", ".aws/config", section, err);
    if (rc == 0)
        rc = check_profile(&profile, name, named != NULL, err);
    return rc;
}

/* ---- all of it ---- */

static bool read_variables(struct cenv_aws *out)
{
    const char *user = variable("AWS_ACCESS_KEY_ID");
    const char *secret = variable("AWS_SECRET_ACCESS_KEY");
    bool done = true;

    if (user && secret)
        done = set_text(&out->user, cenv_str(user)) &&
               set_text(&out->secret, cenv_str(secret)) &&
               set_text(&out->session, cenv_str(variable("AWS_SESSION_TOKEN")));
    return done && set_text(&out->region, cenv_str(variable("AWS_REGION"))) &&
           set_text(&out->region, cenv_str(variable("AWS_DEFAULT_REGION"))) &&
           set_text(&out->endpoint, cenv_str(variable("AWS_ENDPOINT_URL_S3"))) &&
           set_text(&out->endpoint, cenv_str(variable("AWS_ENDPOINT_URL")));
}

int cenv_aws_read(struct cenv_aws *out, struct cenv_error *err)
{
    struct cenv_aws aws = {.user = NULL};
    int rc = read_variables(&aws) ? read_profiles(&aws, err) : cenv_error_oom(err);

    if (rc < 0)
        cenv_aws_release(&aws);
    else
        *out = aws;
    return rc;
}

void cenv_aws_release(struct cenv_aws *aws)
{
    cenv_free(aws->user);
    cenv_free(aws->secret);
    cenv_free(aws->session);
    cenv_free(aws->region);
    cenv_free(aws->endpoint);
    *aws = (struct cenv_aws){.user = NULL};
}
