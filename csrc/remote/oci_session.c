/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests to a repository: see oci_session.h. */
#include "remote/oci_session.h"

#include <string.h>

#include "base/alloc.h"
#include "codec/url.h"
#include "os/raw_file.h"
#include "remote/oci_token.h"

enum { REFUSAL_MAX = 2048, URL_MAX = 64 << 10 };

/* ---- sessions ---- */

static int refuse_url(const struct cenv_secret_url *url, struct cenv_error *err)
{
    cenv_error_set(err, CENV_EUSAGE, "remote %.1000s: it names no repository",
                   cenv_secret_url_text(url).data);
    return cenv_error_hint(err,
                           "a registry's URL is oci://host/repository, in lower case");
}

/* Names as the distribution specification has them, in lower case; "--" and the like are left to
 * the registry. */
static bool is_repository(struct cenv_str path)
{
    for (size_t i = 0; i < path.len; i++) {
        char c = path.data[i];
        if (!cenv_is_digit(c) && !(c >= 'a' && c <= 'z') && !memchr("-._/", c, 4))
            return false;
    }
    return path.len > 0 && path.len < 256;
}

static int set_base(struct cenv_oci_session *session, const struct cenv_secret_url *url,
                    struct cenv_error *err)
{
    struct cenv_str text = cenv_secret_url_text(url);
    struct cenv_url_parts parts;

    if (!cenv_url_split(&parts, text) || !is_repository(parts.path))
        return refuse_url(url, err);
    bool hub = cenv_str_is(parts.host, "docker.io");
    bool library = hub && cenv_str_find(parts.path, '/') == parts.path.len;
    return cenv_secret_url_move(
        &session->base, url, cenv_str_is(parts.scheme, "oci") ? "https" : "http",
        hub ? "registry-1.docker.io" : NULL, library ? "v2/library" : "v2", err);
}

static const char *advise(long status, const char *code)
{
    (void)status;
    if (strcmp(code, "NAME_UNKNOWN") == 0)
        return "make the repository, or its project, in the registry first";
    if (strcmp(code, "MANIFEST_INVALID") == 0)
        return "the registry takes images alone: let it take any OCI artifact";
    return NULL;
}

int cenv_oci_session_open(struct cenv_oci_session *session,
                          const struct cenv_secret_url *url,
                          const struct cenv_remote_options *options,
                          struct cenv_error *err)
{
    int rc = set_base(session, url, err);

    if (rc == 0)
        rc = cenv_web_open(&session->web, options,
                           "log in, with the right to write where it is to be pushed: "
                           "docker login, or user and password in the URL",
                           err);
    session->web.advise = advise;
    return rc;
}

void cenv_oci_session_close(struct cenv_oci_session *session)
{
    cenv_web_close(&session->web);
    cenv_secret_url_free(session->base);
    cenv_docker_login_release(&session->login);
    cenv_free(session->authorization);
}

/* Docker's name for the registry that is asked. */
static struct cenv_str find_host(const struct cenv_oci_session *session)
{
    struct cenv_url_parts parts;

    if (!cenv_url_split(&parts, cenv_secret_url_text(session->base)))
        return cenv_str("");
    return cenv_str_is(parts.host, "registry-1.docker.io") ? CENV_STR("docker.io")
                                                           : parts.host;
}

/* Asks docker's configuration for a login, once; 1: there is one. */
static int find_login(struct cenv_oci_session *session, struct cenv_task *task,
                      struct cenv_error *err)
{
    struct cenv_secret_url *with = NULL;

    if (session->asked || cenv_secret_url_has_secrets(session->base))
        return 0;
    session->asked = true;
    int rc = cenv_docker_login_find(&session->login, find_host(session),
                                    session->web.timeout_ms, task, err);
    if (rc < 0 || !session->login.user || session->login.is_token)
        return rc;
    rc = cenv_oci_token_add_login(&with, cenv_secret_url_text(session->base),
                                  &session->login, err);
    if (rc < 0)
        return rc;
    cenv_secret_url_free(session->base);
    session->base = with;
    return 1;
}

/* Meets the challenge of a 401; 0: there is nothing new to say. */
static int authenticate(struct cenv_oci_session *session, const char *challenge,
                        struct cenv_task *task, struct cenv_error *err)
{
    char *line = NULL;
    int found = find_login(session, task, err);
    int rc = found < 0
                 ? found
                 : cenv_oci_token_get(&session->web, session->base, &session->login,
                                      challenge, &line, task, err);

    if (rc < 0)
        return rc;
    cenv_free(session->authorization);
    session->authorization = line;
    return rc == 1 || found == 1;
}

/* ---- requests ---- */

void cenv_oci_request_init(struct cenv_oci_request *request,
                           enum cenv_http_method method)
{
    *request = (struct cenv_oci_request){.transfer.method = method};
    cenv_buf_init(&request->refusal, REFUSAL_MAX);
}

void cenv_oci_request_release(struct cenv_oci_request *request)
{
    cenv_secret_url_free(request->url);
    cenv_buf_release(&request->refusal);
    cenv_error_release(&request->transfer.err);
}

int cenv_oci_request_place(struct cenv_oci_request *request,
                           const struct cenv_oci_session *session, const char *location,
                           const char *sha256, struct cenv_error *err)
{
    struct cenv_url_parts here, there;
    struct cenv_buf ref;
    int rc;

    cenv_buf_init(&ref, URL_MAX);
    cenv_buf_addf(&ref, "%s%cdigest=sha256:%s", location,
                  strchr(location, '?') ? '&' : '?', sha256);
    rc = ref.failed ? cenv_error_oom(err)
                    : cenv_secret_url_join(&request->url, session->base,
                                           cenv_buf_str(&ref), err);
    cenv_buf_release(&ref);
    if (rc == CENV_ENOMEM)
        return rc;
    cenv_error_release(err);
    if (rc < 0 || !cenv_url_split(&there, cenv_secret_url_text(request->url)) ||
        !cenv_url_split(&here, cenv_secret_url_text(session->base)) ||
        !cenv_str_starts(there.scheme, here.scheme))
        return cenv_error_set(err, CENV_EREMOTE,
                              "the registry sends an upload to no safe place");
    request->elsewhere =
        !cenv_str_eq(here.host, there.host) || !cenv_str_eq(here.scheme, there.scheme);
    return 0;
}

/* Makes ready to be run, the first time or again. */
static int prepare(const struct cenv_oci_session *session, struct cenv_oci_request *r,
                   struct cenv_error *err)
{
    struct cenv_http_transfer *t = &r->transfer;
    size_t nr = 0;

    t->wanted = r->wanted;
    t->nr_wanted = 3;
    r->wanted[0] =
        (struct cenv_http_wanted){"Content-Length", r->length, sizeof(r->length)};
    r->wanted[1] = (struct cenv_http_wanted){"WWW-Authenticate", r->challenge,
                                             sizeof(r->challenge)};
    r->wanted[2] =
        (struct cenv_http_wanted){"Location", r->location, sizeof(r->location)};
    t->reply = (struct cenv_http_reply){.status = 0};
    t->refusal = &r->refusal;
    r->lines[0] = r->lines[1] = NULL;
    if (session->authorization && !r->elsewhere)
        r->lines[nr++] = session->authorization;
    r->lines[nr] = r->line;
    t->headers = r->lines;
    if (r->path[0]) {
        cenv_secret_url_free(r->url);
        r->url = NULL;
        int rc = cenv_secret_url_child(&r->url, session->base, cenv_str(r->path), err);
        if (rc < 0)
            return rc;
    }
    t->url = r->url;
    return 0;
}

static int run_once(struct cenv_oci_session *session, struct cenv_oci_request *requests,
                    size_t nr, struct cenv_http_transfer **transfers, bool again,
                    struct cenv_task *task, struct cenv_error *err)
{
    size_t nr_transfers = 0;
    int rc = 0;

    for (size_t i = 0; i < nr && rc == 0; i++) {
        struct cenv_http_transfer *t = &requests[i].transfer;
        if (again && (t->rc < 0 || t->reply.status != 401 || requests[i].elsewhere))
            continue;
        if (again && t->file)
            cenv_raw_unlink(t->dir, t->file);
        rc = prepare(session, &requests[i], err);
        transfers[nr_transfers++] = t;
    }
    if (rc == 0 && nr_transfers)
        rc = cenv_web_run(&session->web, transfers, nr_transfers, task, err);
    return rc;
}

/* The first that is answered with a challenge, or NULL. */
static const struct cenv_oci_request *
find_challenge(const struct cenv_oci_request *requests, size_t nr)
{
    for (size_t i = 0; i < nr; i++)
        if (requests[i].transfer.rc == 0 && requests[i].transfer.reply.status == 401 &&
            !requests[i].elsewhere)
            return &requests[i];
    return NULL;
}

int cenv_oci_session_run(struct cenv_oci_session *session,
                         struct cenv_oci_request *requests, size_t nr,
                         struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_http_transfer **transfers = cenv_calloc(nr + 1, sizeof(*transfers));
    const struct cenv_oci_request *challenged;
    int rc;

    if (!transfers)
        return cenv_error_oom(err);
    rc = run_once(session, requests, nr, transfers, false, task, err);
    challenged = rc == 0 ? find_challenge(requests, nr) : NULL;
    if (challenged)
        rc = authenticate(session, challenged->challenge, task, err);
    if (rc == 1)
        rc = run_once(session, requests, nr, transfers, true, task, err);
    cenv_free(transfers);
    return rc;
}

/* {"errors": [{"code": "DENIED", ...}]} */
int cenv_oci_request_fail(const struct cenv_oci_session *session,
                          struct cenv_oci_request *request, const char *doing,
                          const char *what, struct cenv_error *err)
{
    char *code =
        request->refusal.data ? strstr(request->refusal.data, "\"code\"") : NULL;

    code = code ? strchr(code + strlen("\"code\""), '"') : NULL;
    if (code) {
        code++;
        code[strcspn(code, "\"")] = '\0';
    }
    return cenv_web_fail(&session->web, &request->transfer, doing, what, code, err);
}
