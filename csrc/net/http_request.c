/* SPDX-License-Identifier: BSD-3-Clause */
/* A transfer as libcurl is asked for it: see http_request.h. */
#include "net/http_request.h"

#include <stdio.h>
#include <stdlib.h>

#include "cenv.h"
#include "os/raw_data.h"
#include "os/raw_file.h"

enum {
    CONNECT_MS = 9150,
    SLOW_BYTES = 30,
    SLOW_SECONDS = 60,
    SENT_A_SECOND =
        20 << 20, /* what a server takes in within the time it is given more */
    REDIRECTS = 10,
    ASKED_FIRST =
        1 << 20, /* bytes from which on a server is asked whether it wants them */
    BUFFER = 512 << 10,
};

static void set_long(const struct cenv_http_request *r, CURLoption option, long value)
{
    r->lib->curl_easy_setopt(r->easy, option, value);
}

static void set_text(const struct cenv_http_request *r, CURLoption option,
                     const char *value)
{
    r->lib->curl_easy_setopt(r->easy, option, value);
}

/* ---- the peer ---- */

/* A file or directory instead of, not beside, those compiled in. */
static void set_ca(const struct cenv_http_request *r, const char *path)
{
    bool dir = cenv_raw_is_dir(CENV_CWD, path) == 1; /* else libcurl says what it is */

    set_text(r, CURLOPT_CAPATH, dir ? path : NULL);
    set_text(r, CURLOPT_CAINFO, dir ? NULL : path);
}

static void set_certificates(const struct cenv_http_request *r)
{
    const struct cenv_http_options *o = r->options;
    const char *path = cenv_certificates_find(&o->certificates, cenv_carries_libcurl());

    if (path)
        set_ca(r, path);
    if (o->insecure) {
        set_long(r, CURLOPT_SSL_VERIFYPEER, 0);
        set_long(r, CURLOPT_SSL_VERIFYHOST, 0);
    }
    if (o->cert)
        set_text(r, CURLOPT_SSLCERT, o->cert);
    if (o->key)
        set_text(r, CURLOPT_SSLKEY, o->key);
}

static void set_login(const struct cenv_http_request *r)
{
    const struct cenv_http_signer *signer = r->transfer->signer;
    const char *netrc = getenv("NETRC");

    if (signer) {
        set_text(r, CURLOPT_AWS_SIGV4, signer->scope);
        set_text(r, CURLOPT_USERNAME, signer->user);
        set_text(r, CURLOPT_PASSWORD, signer->secret);
        return;
    }
    set_long(r, CURLOPT_NETRC, CURL_NETRC_OPTIONAL);
    if (netrc && *netrc)
        set_text(r, CURLOPT_NETRC_FILE, netrc);
}

/* ---- how far and how long ---- */

/* What is sent goes to the server that was named, and so does what is signed for it. */
static bool follows_redirects(const struct cenv_http_transfer *t)
{
    bool reads = t->method == CENV_HTTP_GET || t->method == CENV_HTTP_HEAD;

    return reads && !t->signer && !t->keep_redirect;
}

static void set_redirects(const struct cenv_http_request *r, const char *url)
{
    bool secure = cenv_str_starts_nocase(cenv_str(url), CENV_STR("https:"));
    long any = CURLPROTO_HTTP | CURLPROTO_HTTPS;

    set_long(r, CURLOPT_PROTOCOLS, any);
    set_long(r, CURLOPT_REDIR_PROTOCOLS, secure ? CURLPROTO_HTTPS : any);
    set_long(r, CURLOPT_FOLLOWLOCATION, follows_redirects(r->transfer));
    set_long(r, CURLOPT_MAXREDIRS, REDIRECTS);
}

/* Seconds without a byte, among them those in which a server puts away what it was sent. */
static long slow_seconds(const struct cenv_http_request *r)
{
    const struct cenv_http_options *o = r->options;
    const struct cenv_http_upload *upload = r->transfer->upload;
    uint64_t more = upload ? upload->size / SENT_A_SECOND : 0;
    long seconds = o->read_seconds ? (long)o->read_seconds : SLOW_SECONDS;

    if (r->patience_ms)
        seconds = (long)(r->patience_ms + 999) / 1000;
    return seconds + (long)(more > 3600 ? 3600 : more);
}

static void set_limits(const struct cenv_http_request *r)
{
    const struct cenv_http_options *o = r->options;
    unsigned connect = o->connect_ms ? o->connect_ms : CONNECT_MS;

    if (r->patience_ms && r->patience_ms < connect)
        connect = r->patience_ms;
    set_long(r, CURLOPT_CONNECTTIMEOUT_MS, (long)connect);
    set_long(r, CURLOPT_TIMEOUT_MS, (long)r->limit_ms);
    set_long(r, CURLOPT_LOW_SPEED_LIMIT,
             (long)(o->slow_bytes ? o->slow_bytes : SLOW_BYTES));
    set_long(r, CURLOPT_LOW_SPEED_TIME, slow_seconds(r));
    set_long(r, CURLOPT_NOSIGNAL, 1);
    set_long(r, CURLOPT_BUFFERSIZE, BUFFER);
}

/* ---- lines ---- */

static bool append_line(struct cenv_http_request *r, const char *line)
{
    struct curl_slist *list = r->lib->curl_slist_append(r->lines, line);

    r->lines = list ? list : r->lines;
    return list != NULL;
}

static bool add_line(struct cenv_http_request *r, const char *name, const char *value)
{
    char line[400];

    if (!value || !*value)
        return true;
    snprintf(line, sizeof(line), "%s: %s", name, value);
    return append_line(r, line);
}

/* Asks for a part, or for the rest of what broke off, if it still is the same. */
static bool add_range(struct cenv_http_request *r)
{
    const struct cenv_http_transfer *t = r->transfer;
    char range[64];

    if (t->part) {
        snprintf(range, sizeof(range), "bytes=%llu-%llu", (unsigned long long)t->first,
                 (unsigned long long)(t->first + t->part - 1));
        return add_line(r, "Range", range);
    }
    if (!r->resume)
        return true;
    snprintf(range, sizeof(range), "bytes=%llu-", (unsigned long long)r->resume);
    return add_line(r, "Range", range) && add_line(r, "If-Range", r->version);
}

/* Sent at once, without asking the server whether it wants it. */
static bool is_small(const struct cenv_http_upload *upload)
{
    return upload && upload->size < ASKED_FIRST;
}

static bool add_lines(struct cenv_http_request *r)
{
    const struct cenv_http_transfer *t = r->transfer;

    for (size_t i = 0; t->headers && t->headers[i]; i++)
        if (!append_line(r, t->headers[i]))
            return false;
    /* A signature would count the line that takes another away: there nobody waits instead. */
    if (is_small(t->upload) && !t->signer && !append_line(r, "Expect:"))
        return false;
    return add_line(r, "If-None-Match", t->etag) &&
           add_line(r, "If-Modified-Since", t->modified) && add_range(r);
}

/* ---- what is sent ---- */

static size_t read_upload(char *to, size_t size, size_t nr, void *ctx)
{
    struct cenv_http_request *r = ctx;
    const struct cenv_http_upload *upload = r->transfer->upload;
    uint64_t left = upload->size - r->sent;
    size_t want = size * nr < left ? size * nr : (size_t)left;
    int64_t n = (int64_t)want;

    if (upload->data)
        memcpy(to, upload->data + r->sent, want);
    else
        n = cenv_raw_pread(upload->fd, to, want, r->sent);
    if (n != (int64_t)want)
        return CURL_READFUNC_ABORT; /* the file is not what it was */
    r->sent += want;
    cenv_task_advance(r->task, want);
    return want;
}

/* libcurl sends all again where a connection was lost or a login is asked for. */
static int rewind_upload(void *ctx, curl_off_t offset, int origin)
{
    struct cenv_http_request *r = ctx;

    if (origin != SEEK_SET || offset < 0 ||
        (uint64_t)offset > r->transfer->upload->size)
        return CURL_SEEKFUNC_FAIL;
    cenv_task_advance(r->task, (uint64_t)offset - r->sent);
    r->sent = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

static void set_upload(struct cenv_http_request *r)
{
    const struct cenv_http_upload *upload = r->transfer->upload;

    r->lib->curl_easy_setopt(r->easy, CURLOPT_INFILESIZE_LARGE,
                             (curl_off_t)(upload ? upload->size : 0));
    if (!upload)
        return;
    if (is_small(upload))
        set_long(r, CURLOPT_EXPECT_100_TIMEOUT_MS, 1);
    r->lib->curl_easy_setopt(r->easy, CURLOPT_READFUNCTION, read_upload);
    r->lib->curl_easy_setopt(r->easy, CURLOPT_READDATA, r);
    r->lib->curl_easy_setopt(r->easy, CURLOPT_SEEKFUNCTION, rewind_upload);
    r->lib->curl_easy_setopt(r->easy, CURLOPT_SEEKDATA, r);
}

static void set_method(struct cenv_http_request *r)
{
    const struct cenv_http_upload *upload = r->transfer->upload;

    switch (r->transfer->method) {
    case CENV_HTTP_GET:
        return;
    case CENV_HTTP_HEAD:
        set_long(r, CURLOPT_NOBODY, 1);
        return;
    case CENV_HTTP_MKCOL:
        set_text(r, CURLOPT_CUSTOMREQUEST, "MKCOL");
        return;
    case CENV_HTTP_PUT:
        set_long(r, CURLOPT_UPLOAD, 1);
        set_upload(r);
        return;
    case CENV_HTTP_POST:
        set_long(r, CURLOPT_POST, 1);
        r->lib->curl_easy_setopt(r->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                                 (curl_off_t)(upload ? upload->size : 0));
        set_text(r, CURLOPT_POSTFIELDS, upload ? upload->data : "");
        return;
    }
}

int cenv_http_request_make(struct cenv_http_request *request, struct cenv_error *err)
{
    const struct cenv_http_transfer *transfer = request->transfer;
    const struct cenv_http_options *o = request->options;
    const char *url = cenv_secret_url_text(transfer->url).data;
    const char *proxy = cenv_http_proxy_find(o->proxies, o->nr_proxies, url);

    request->easy = request->lib->curl_easy_init();
    if (!request->easy || !add_lines(request))
        return cenv_error_oom(err);
    set_text(request, CURLOPT_URL, cenv_secret_url_for_request(transfer->url));
    request->lib->curl_easy_setopt(request->easy, CURLOPT_HTTPHEADER, request->lines);
    set_text(request, CURLOPT_USERAGENT, "cenv");
    set_long(request, CURLOPT_PIPEWAIT, 1); /* see whether it is HTTP/2 first */
    if (transfer->text)
        set_text(request, CURLOPT_ACCEPT_ENCODING, "");
    set_method(request);
    set_redirects(request, url);
    set_limits(request);
    set_login(request);
    if (proxy)
        set_text(request, CURLOPT_PROXY, proxy);
    set_certificates(request);
    return 0;
}

void cenv_http_request_release(struct cenv_http_request *request)
{
    if (request->easy)
        request->lib->curl_easy_cleanup(request->easy);
    request->lib->curl_slist_free_all(request->lines);
    request->easy = NULL;
    request->lines = NULL;
}
