/* SPDX-License-Identifier: BSD-3-Clause */
/* Logins and tokens of registries: see oci_token.h. */
#include "remote/oci_token.h"

#include "base/alloc.h"
#include "codec/json.h"
#include "codec/url.h"
#include "remote/oci_challenge.h"

enum { TOKEN_MAX = 64 << 10, URL_MAX = 64 << 10 };

/* Percent-encodes all that is not unreserved, for a login or a query. */
static void add_quoted(struct cenv_buf *out, struct cenv_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (cenv_is_alnum(c) || memchr("-._~", c, 4))
            cenv_buf_putc(out, c);
        else
            cenv_buf_addf(out, "%%%02X", (unsigned)(unsigned char)c);
    }
}

int cenv_oci_token_add_login(struct cenv_secret_url **out, struct cenv_str text,
                             const struct cenv_docker_login *login,
                             struct cenv_error *err)
{
    size_t scheme = cenv_url_scheme_len(text) + strlen("://");
    struct cenv_buf with;

    cenv_buf_init(&with, URL_MAX);
    cenv_buf_add_str(&with, cenv_str_slice(text, 0, scheme));
    add_quoted(&with, cenv_str(login->user));
    cenv_buf_putc(&with, ':');
    add_quoted(&with, cenv_str(login->secret));
    cenv_buf_putc(&with, '@');
    cenv_buf_add_str(&with, cenv_str_slice(text, scheme, text.len));
    int rc = with.failed ? cenv_error_oom(err)
                         : cenv_secret_url_new(out, cenv_buf_str(&with), err);
    cenv_buf_release(&with);
    return rc;
}

/* ---- the service ---- */

/* The query of a request for a token, which is the form of one with a refresh token too. */
static void add_query(struct cenv_buf *out, const struct cenv_oci_challenge *c)
{
    struct cenv_str scopes = c->scope;

    cenv_buf_puts(out, "service=");
    add_quoted(out, c->service);
    while (scopes.len) {
        struct cenv_str scope = cenv_str_cut(&scopes, ' ');
        if (!scope.len)
            continue;
        cenv_buf_puts(out, "&scope=");
        add_quoted(out, scope);
    }
}

/* A token service, and how it is asked. */
struct service {
    struct cenv_web *web;
    const struct cenv_secret_url *base;
    struct cenv_oci_challenge challenge;
    struct cenv_docker_login theirs;       /* of another host */
    const struct cenv_docker_login *login; /* the one to use; `user` may be NULL */
    enum cenv_oci_service service;
    struct cenv_secret_url *url;
    struct cenv_buf form; /* of a refresh token; empty: a GET */
};

/* Which login is meant for the host that the registry names. */
static int choose_login(struct service *s, const struct cenv_docker_login *own,
                        struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_str realm = s->challenge.realm;
    struct cenv_url_parts there;
    int service = cenv_oci_challenge_service(s->base, realm, err);

    if (service < 0)
        return service;
    s->service = (enum cenv_oci_service)service;
    s->login = s->service == CENV_OCI_OTHER ? &s->theirs : own;
    if (s->service != CENV_OCI_OTHER || !cenv_url_split(&there, realm))
        return 0;
    return cenv_docker_login_find(&s->theirs, there.host, s->web->timeout_ms, task,
                                  err);
}

/* REALM?service=S&scope=A&scope=B */
static int set_url(struct service *s, struct cenv_error *err)
{
    struct cenv_str realm = s->challenge.realm;
    struct cenv_buf text;
    int rc;

    cenv_buf_init(&text, URL_MAX);
    cenv_buf_add_str(&text, realm);
    if (!s->form.len) {
        cenv_buf_putc(&text, cenv_str_find(realm, '?') < realm.len ? '&' : '?');
        add_query(&text, &s->challenge);
    }
    if (text.failed)
        rc = cenv_error_oom(err);
    else if (s->theirs.user && !s->theirs.is_token)
        rc = cenv_oci_token_add_login(&s->url, cenv_buf_str(&text), &s->theirs, err);
    else
        rc = cenv_oci_challenge_url(&s->url, s->base, cenv_buf_str(&text), s->service,
                                    err);
    cenv_buf_release(&text);
    return rc;
}

static void set_form(struct service *s)
{
    if (!s->login->user || !s->login->is_token)
        return;
    cenv_buf_puts(&s->form, "grant_type=refresh_token&client_id=cenv&refresh_token=");
    add_quoted(&s->form, cenv_str(s->login->secret));
    cenv_buf_putc(&s->form, '&');
    add_query(&s->form, &s->challenge);
}

/* ---- its reply ---- */

static bool is_token(struct cenv_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] <= ' ' || text.data[i] >= 0x7f)
            return false;
    return text.len > 0;
}

static int take_token(struct cenv_str text, char **line, struct cenv_error *err)
{
    struct cenv_json *doc = NULL;
    struct cenv_buf made;
    int rc = cenv_json_parse(&doc, text, "the token", err);

    if (rc == CENV_EINTEGRITY) {
        cenv_error_release(err); /* it may quote a token */
        return cenv_error_set(err, CENV_EREMOTE, "its token service sends no token");
    }
    if (rc < 0)
        return rc;
    struct cenv_str token = cenv_json_get_str(doc, "token");
    token = token.len ? token : cenv_json_get_str(doc, "access_token");
    cenv_buf_init(&made, TOKEN_MAX + 100);
    cenv_buf_puts(&made, "Authorization: Bearer ");
    cenv_buf_add_str(&made, token);
    if (!is_token(token))
        rc = cenv_error_set(err, CENV_EREMOTE, "its token service sends no token");
    else if (!(*line = cenv_buf_detach(&made)))
        rc = cenv_error_oom(err);
    cenv_buf_release(&made);
    cenv_json_free(doc);
    return rc < 0 ? rc : 1;
}

static int ask_service(struct service *s, char **line, struct cenv_task *task,
                       struct cenv_error *err)
{
    struct cenv_http_upload form = {.data = s->form.data, .size = s->form.len};
    struct cenv_buf body;
    struct cenv_http_transfer transfer = {
        .url = s->url,
        .method = s->form.len ? CENV_HTTP_POST : CENV_HTTP_GET,
        .upload = s->form.len ? &form : NULL,
        .body = &body,
        .max_size = TOKEN_MAX,
        .keep_redirect = true,
    };

    cenv_buf_init(&body, TOKEN_MAX);
    int rc = cenv_web_run_one(s->web, &transfer, task, err);
    long status = transfer.reply.status;
    bool refused = transfer.rc == 0 && (status == 401 || status == 403);
    if (rc == 0 && !refused && (transfer.rc < 0 || status != 200))
        rc = cenv_web_fail(s->web, &transfer, "get", "a token for it", NULL, err);
    else if (rc == 0 && !refused)
        rc = take_token(cenv_buf_str(&body), line, err);
    cenv_buf_release(&body);
    return rc;
}

int cenv_oci_token_get(struct cenv_web *web, const struct cenv_secret_url *base,
                       const struct cenv_docker_login *login, const char *challenge,
                       char **line, struct cenv_task *task, struct cenv_error *err)
{
    struct service s = {.web = web, .base = base};

    if (!cenv_oci_challenge_read(cenv_str(challenge), &s.challenge))
        return 0;
    cenv_buf_init(&s.form, TOKEN_MAX);
    int rc = choose_login(&s, login, task, err);
    if (rc == 0) {
        set_form(&s);
        rc = s.form.failed ? cenv_error_oom(err) : set_url(&s, err);
    }
    if (rc == 0)
        rc = ask_service(&s, line, task, err);
    cenv_docker_login_release(&s.theirs);
    cenv_secret_url_free(s.url);
    cenv_buf_release(&s.form);
    return rc;
}
