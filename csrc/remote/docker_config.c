/* SPDX-License-Identifier: BSD-3-Clause */
/* Logins of registries: see docker_config.h. */
#include "remote/docker_config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "os/fs.h"
#include "os/fs_data.h"
#include "os/path.h"
#include "os/proc.h"

enum { CONFIG_MAX = 4 << 20, REPLY_MAX = 64 << 10, HELPER_MAX = 64 };

#define DOCKER_HUB "https://index.docker.io/v1/"

void cenv_docker_login_release(struct cenv_docker_login *login)
{
    cenv_free(login->user);
    cenv_free(login->secret);
    *login = (struct cenv_docker_login){.user = NULL};
}

static int set_login(struct cenv_docker_login *out, struct cenv_str user,
                     struct cenv_str secret, bool is_token, struct cenv_error *err)
{
    struct cenv_docker_login login = {.user = cenv_memdup(user.data, user.len),
                                      .secret = cenv_memdup(secret.data, secret.len),
                                      .is_token = is_token};

    if (!login.user || !login.secret) {
        cenv_docker_login_release(&login);
        return cenv_error_oom(err);
    }
    *out = login;
    return 0;
}

/* ---- the file ---- */

/* Its path; NULL with `*found` false where nobody says where, else out of memory. */
static char *find_config(bool *found)
{
    const char *dir = getenv("DOCKER_CONFIG"), *home = getenv("HOME");
    bool named = dir && *dir;

    *found = named || (home && *home);
    if (!*found)
        return NULL;
    return named ? cenv_path_join(dir, "config.json")
                 : cenv_path_join(home, ".docker/config.json");
}

static int fail_damaged(const char *path, struct cenv_error *err)
{
    cenv_error_release(err); /* a parser's message may quote it */
    cenv_error_set(err, CENV_EUSAGE, "'%s' is not what docker writes", path);
    return cenv_error_hint(err, "repair it, or log in again: docker login");
}

/* The document, or none where there is no such file. */
static int read_config(const char *path, struct cenv_json **out, struct cenv_error *err)
{
    struct cenv_buf text;
    int fd = cenv_raw_open_named(path, NULL);

    if (fd < 0)
        return cenv_raw_is_absent(fd)
                   ? 0
                   : cenv_fs_fail(err, fd, CENV_CWD, path, "cannot read");
    cenv_buf_init(&text, CONFIG_MAX);
    int rc = cenv_fs_read_fd(fd, path, &text, err);
    if (rc == 0)
        rc = cenv_json_parse(out, cenv_buf_str(&text), path, err);
    if (rc == CENV_EINTEGRITY)
        rc = fail_damaged(path, err);
    cenv_buf_release(&text);
    cenv_fd_close(fd);
    return rc;
}

/* "https://ghcr.io/v2/" and "ghcr.io" are one registry. */
static bool is_host(const char *key, struct cenv_str host)
{
    struct cenv_str name = cenv_str(key);
    const char *scheme = strstr(key, "://");

    if (strcmp(key, DOCKER_HUB) == 0)
        return cenv_str_is(host, "docker.io");
    if (scheme)
        name = cenv_str(scheme + 3);
    return cenv_str_eq(cenv_str_slice(name, 0, cenv_str_find(name, '/')), host);
}

static const struct cenv_json *find_host(const struct cenv_json *object,
                                         struct cenv_str host)
{
    const struct cenv_json *item;

    cenv_json_each(item, object)
    {
        if (is_host(cenv_json_key(item), host))
            return item;
    }
    return NULL;
}

/* "user:secret" in base64. */
static int decode_auth(struct cenv_docker_login *out, struct cenv_str text,
                       const char *path, struct cenv_error *err)
{
    struct cenv_buf plain;
    int rc;

    cenv_buf_init(&plain, REPLY_MAX);
    bool done = cenv_base64_decode(&plain, text);
    struct cenv_str user, secret = cenv_buf_str(&plain);
    if (plain.failed == CENV_BUF_NO_MEMORY) {
        rc = cenv_error_oom(err);
    } else if (!done || cenv_str_find(secret, ':') == secret.len) {
        rc = fail_damaged(path, err);
    } else {
        user = cenv_str_cut(&secret, ':');
        while (secret.len && !secret.data[secret.len - 1]) /* some writers pad it */
            secret.len--;
        rc = set_login(out, user, secret, false, err);
    }
    cenv_buf_release(&plain);
    return rc;
}

static int read_auth(struct cenv_docker_login *out, const struct cenv_json *auth,
                     const char *path, struct cenv_error *err)
{
    struct cenv_str token = cenv_json_get_str(auth, "identitytoken");
    struct cenv_str text = cenv_json_get_str(auth, "auth");
    struct cenv_str user = cenv_json_get_str(auth, "username");

    if (token.len)
        return set_login(out, CENV_STR("<token>"), token, true, err);
    if (user.len)
        return set_login(out, user, cenv_json_get_str(auth, "password"), false, err);
    return text.len ? decode_auth(out, text, path, err) : 0;
}

/* ---- the programs ---- */

static int fail_helper(const char *name, const char *why, struct cenv_error *err)
{
    cenv_error_release(err);
    cenv_error_set(err, CENV_EUSAGE, "the login's program docker-credential-%.64s %s",
                   name, why);
    return cenv_error_hint(err,
                           "try it as docker does: docker login, docker pull; or put "
                           "the login into the remote's URL");
}

static int take_reply(struct cenv_docker_login *out, const char *name,
                      struct cenv_str reply, struct cenv_error *err)
{
    struct cenv_json *doc = NULL;
    int rc = cenv_json_parse(&doc, reply, "reply", err);

    if (rc == CENV_EINTEGRITY)
        return fail_helper(name, "says nothing that can be understood", err);
    if (rc < 0)
        return rc;
    struct cenv_str user = cenv_json_get_str(doc, "Username");
    struct cenv_str secret = cenv_json_get_str(doc, "Secret");
    if (secret.len)
        rc = set_login(out, user, secret, cenv_str_is(user, "<token>"), err);
    cenv_json_free(doc);
    return rc;
}

static int talk_with(const char *program, struct cenv_str server, unsigned timeout_ms,
                     struct cenv_buf *said, struct cenv_proc_status *status,
                     struct cenv_task *task, struct cenv_error *err)
{
    static const int wanted[3] = {CENV_PROC_PIPE, CENV_PROC_PIPE, CENV_PROC_NULL};
    const char *const argv[] = {program, "get", NULL};
    struct cenv_proc proc = {.argv = argv};
    struct cenv_proc_talk talk = {
        .input = server, .said = {said, NULL}, .timeout_ms = timeout_ms};
    struct cenv_proc_streams streams;
    int pid, rc = cenv_proc_streams_open(&streams, wanted, err);

    if (rc < 0)
        return rc;
    rc = cenv_proc_start(&proc, &streams, &pid, err);
    cenv_proc_streams_hand_over(&streams);
    if (rc == 0)
        rc = cenv_proc_follow(pid, &streams, &talk, status, task, err);
    else
        cenv_proc_streams_release(&streams);
    return rc;
}

/* A program that knows no login says so in these words. */
static bool has_none(struct cenv_str said)
{
    static const struct cenv_str words = CENV_STR("credentials not found");

    return cenv_find_bytes(said.data, said.len, words.data, words.len) != NULL;
}

static int ask_helper(struct cenv_docker_login *out, const char *name,
                      struct cenv_str host, unsigned timeout_ms, struct cenv_task *task,
                      struct cenv_error *err)
{
    struct cenv_str server =
        cenv_str_is(host, "docker.io") ? CENV_STR(DOCKER_HUB) : host;
    struct cenv_proc_status status = {0};
    struct cenv_buf said, program;

    for (size_t i = 0; name[i]; i++)
        if (i >= HELPER_MAX || !(cenv_is_alnum(name[i]) || strchr("-_.", name[i])))
            return fail_helper("*", "has a name that is none", err);
    cenv_buf_init(&said, REPLY_MAX);
    cenv_buf_init(&program, 2 * HELPER_MAX);
    cenv_buf_addf(&program, "docker-credential-%s", name);
    int rc = program.failed ? cenv_error_oom(err)
                            : talk_with(program.data, server, timeout_ms, &said,
                                        &status, task, err);
    if (rc == CENV_EOS || rc == CENV_EFAIL)
        rc = fail_helper(name, "cannot be run", err);
    else if (rc == 0 && status.code == 0)
        rc = take_reply(out, name, cenv_buf_str(&said), err);
    else if (rc == 0 && !has_none(cenv_buf_str(&said)))
        rc = fail_helper(name, "fails", err);
    cenv_buf_release(&program);
    cenv_buf_release(&said);
    return rc;
}

static int find_login(struct cenv_docker_login *out, const struct cenv_json *config,
                      const char *path, struct cenv_str host, unsigned timeout_ms,
                      struct cenv_task *task, struct cenv_error *err)
{
    const char *helper =
        cenv_json_cstr(find_host(cenv_json_get(config, "credHelpers"), host));
    int rc = 0;

    helper = helper ? helper : cenv_json_get_cstr(config, "credsStore");
    if (helper && *helper)
        rc = ask_helper(out, helper, host, timeout_ms, task, err);
    if (rc == 0 && !out->user)
        rc = read_auth(out, find_host(cenv_json_get(config, "auths"), host), path, err);
    return rc;
}

int cenv_docker_login_find(struct cenv_docker_login *out, struct cenv_str host,
                           unsigned timeout_ms, struct cenv_task *task,
                           struct cenv_error *err)
{
    struct cenv_json *config = NULL;
    bool found;
    char *path = find_config(&found);
    int rc;

    if (!found)
        return 0;
    rc = path ? read_config(path, &config, err) : cenv_error_oom(err);
    if (rc == 0 && config)
        rc = find_login(out, config, path, host, timeout_ms, task, err);
    cenv_json_free(config);
    cenv_free(path);
    return rc;
}
