/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Downloads by libcurl's multi interface, on the calling thread alone. The library is opened when
 * the first download starts: linking it would cost every command four milliseconds at start.
 */
#include "net/http.h"

#define CURL_DISABLE_TYPECHECK
#define CURL_DISABLE_DEPRECATION /* CURLOPT_PROTOCOLS_STR is too new for what we run on */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "cenv.h"
#include "os/fs.h"
#include "os/library.h"
#include "os/raw_data.h"

enum {
    TRIES = 4,
    WAIT_MS = 50,
    CONNECT_MS = 9150,
    SLOW_BYTES = 30,
    SLOW_SECONDS = 60,
    REDIRECTS = 10,
    RETRY_AFTER_MAX = 60,
    CONNECTIONS = 64, /* to one host, of HTTP/1.1; HTTP/2 needs one */
    BUFFER = 512 << 10,
};

#define CURL_FUNCTIONS(XX) \
    XX(curl_global_init) \
    XX(curl_easy_init) \
    XX(curl_easy_setopt) \
    XX(curl_easy_getinfo) \
    XX(curl_easy_strerror) \
    XX(curl_easy_cleanup) \
    XX(curl_multi_init) \
    XX(curl_multi_setopt) \
    XX(curl_multi_add_handle) \
    XX(curl_multi_remove_handle) \
    XX(curl_multi_perform) \
    XX(curl_multi_poll) \
    XX(curl_multi_info_read) \
    XX(curl_multi_strerror) \
    XX(curl_multi_cleanup) \
    XX(curl_slist_append) \
    XX(curl_slist_free_all)

/* The library's functions; filled once, then only read. */
static struct {
#define XX(name) __typeof__(name) *name;
    CURL_FUNCTIONS(XX)
#undef XX
    bool tried;
    char failure[256];
} lib;
static struct cenv_mutex lib_lock = CENV_MUTEX_INIT;

/* A wheel carries libcurl (CENV_LINK_CURL): it must run where none is installed. */
#ifdef CENV_LINK_CURL
static void find_functions(void)
{
#define XX(name) lib.name = name;
    CURL_FUNCTIONS(XX)
#undef XX
}
#else
static void find_functions(void)
{
    static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4",
                                        "libcurl.4.dylib", NULL};
    void *handle = cenv_library_open(names);

    if (!handle) {
        snprintf(lib.failure, sizeof(lib.failure), "libcurl cannot be loaded");
        return;
    }
#define XX(name) \
    if (!cenv_library_find(handle, #name, &lib.name)) \
        snprintf(lib.failure, sizeof(lib.failure), "libcurl has no " #name);
    CURL_FUNCTIONS(XX)
#undef XX
}
#endif

static void load_library(void)
{
    lib.tried = true;
    find_functions();
    if (!lib.failure[0] && lib.curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        snprintf(lib.failure, sizeof(lib.failure), "libcurl cannot be initialised");
}

static int need_library(struct cenv_error *err)
{
    cenv_mutex_lock(&lib_lock);
    if (!lib.tried)
        load_library();
    cenv_mutex_unlock(&lib_lock);
    if (!lib.failure[0])
        return 0;
    cenv_error_set(err, CENV_EFAIL, "cannot download: %s", lib.failure);
    return cenv_error_hint(
        err, "install libcurl (Debian, Ubuntu: libcurl4), or work --offline");
}

struct cenv_http {
    CURLM *multi;
    const struct cenv_http_options *options;
};

/* One of those that run at the same time. */
struct slot {
    struct run *run;
    CURL *easy;
    struct curl_slist *headers;
    struct cenv_http_transfer *transfer; /* NULL: free */
    uint64_t start_ns;                   /* of the next try; 0: it runs */
    uint64_t resume;                     /* bytes there are of the version below */
    struct cenv_http_told told;
    char version[256]; /* its strong ETag, or Last-Modified */
    int fd;            /* of the file written; -1: none yet */
    char text[CURL_ERROR_SIZE];
};

struct run {
    struct cenv_http_transfer *const *transfers;
    size_t nr, next, running; /* next to start; not yet over */
    struct slot *slots;
    unsigned nr_slots;
    struct cenv_http *http;
    cenv_http_done_fn done;
    void *ctx;
    struct cenv_task *task;
};

/* ---- what arrives ---- */

static size_t on_header(char *data, size_t size, size_t nr, void *ctx)
{
    struct slot *slot = ctx;

    cenv_http_header_read(&slot->transfer->reply, &slot->told,
                          cenv_str_n(data, size * nr));
    return size * nr;
}

/* Forgets what was received, for the server starts over. */
static int start_over(struct slot *slot)
{
    struct cenv_http_transfer *transfer = slot->transfer;
    int rc = 0;

    cenv_task_advance(slot->run->task, (uint64_t)0 - transfer->reply.received);
    transfer->reply.received = slot->resume = 0;
    if (transfer->body)
        cenv_buf_clear(transfer->body);
    else if (slot->fd >= 0)
        rc = cenv_raw_truncate(slot->fd, 0);
    return rc < 0 ? cenv_fs_fail(&transfer->err, rc, slot->fd, NULL, "cannot write")
                  : 0;
}

static int write_body(struct slot *slot, const char *data, size_t len)
{
    struct cenv_http_transfer *transfer = slot->transfer;
    int rc;

    if (transfer->max_size && transfer->reply.received + len > transfer->max_size)
        return cenv_error_set(&transfer->err, CENV_EINTEGRITY,
                              "the server sends more than %llu bytes",
                              (unsigned long long)transfer->max_size);
    if (transfer->body)
        return cenv_buf_add(transfer->body, data, len) ? 0
                                                       : cenv_error_oom(&transfer->err);
    rc = cenv_raw_pwrite(slot->fd, data, len, transfer->reply.received);
    return rc < 0 ? cenv_fs_fail(&transfer->err, rc, slot->fd, NULL, "cannot write")
                  : 0;
}

static size_t on_body(char *data, size_t size, size_t nr, void *ctx)
{
    struct slot *slot = ctx;
    struct cenv_http_transfer *transfer = slot->transfer;
    size_t len = size * nr;
    long status = 0;

    lib.curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status == 206 && slot->resume && slot->told.range != slot->resume)
        return 0; /* another part than asked for: tried again without a range */
    if (status != 200 && (status != 206 || !slot->resume))
        return len;
    if (status == 200 && slot->resume && start_over(slot) < 0)
        return 0;
    if (write_body(slot, data, len) < 0)
        return 0;
    transfer->reply.received += len;
    cenv_task_advance(slot->run->task, len);
    return len;
}

/* ---- how it is asked for ---- */

/* A file or directory instead of, not beside, those compiled in. */
static void set_ca(CURL *easy, const char *path)
{
    bool dir = cenv_raw_is_dir(CENV_CWD, path) == 1; /* else libcurl says what it is */

    lib.curl_easy_setopt(easy, CURLOPT_CAPATH, dir ? path : NULL);
    lib.curl_easy_setopt(easy, CURLOPT_CAINFO, dir ? NULL : path);
}

static void set_certificates(CURL *easy, const struct cenv_http_options *o)
{
    const char *path = cenv_certificates_find(&o->certificates, cenv_carries_libcurl());

    if (path)
        set_ca(easy, path);
    if (o->insecure) {
        lib.curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        lib.curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (o->cert)
        lib.curl_easy_setopt(easy, CURLOPT_SSLCERT, o->cert);
    if (o->key)
        lib.curl_easy_setopt(easy, CURLOPT_SSLKEY, o->key);
}

static int add_header(struct slot *slot, const char *name, const char *value)
{
    char line[400];
    struct curl_slist *list;

    if (!value || !*value)
        return 0;
    snprintf(line, sizeof(line), "%s: %s", name, value);
    list = lib.curl_slist_append(slot->headers, line);
    slot->headers = list ? list : slot->headers;
    return list ? 0 : -1;
}

static void set_limits(CURL *easy, const struct cenv_http_options *o, const char *url)
{
    bool secure = cenv_str_starts_nocase(cenv_str(url), CENV_STR("https:"));

    lib.curl_easy_setopt(easy, CURLOPT_PROTOCOLS,
                         (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
    lib.curl_easy_setopt(
        easy, CURLOPT_REDIR_PROTOCOLS,
        (long)(secure ? CURLPROTO_HTTPS : CURLPROTO_HTTP | CURLPROTO_HTTPS));
    lib.curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
    lib.curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)REDIRECTS);
    lib.curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                         (long)(o->connect_ms ? o->connect_ms : CONNECT_MS));
    lib.curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES);
    lib.curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
                         (long)(o->read_seconds ? o->read_seconds : SLOW_SECONDS));
    lib.curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    lib.curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)BUFFER);
}

static void set_login(CURL *easy)
{
    const char *netrc = getenv("NETRC");

    lib.curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
    if (netrc && *netrc)
        lib.curl_easy_setopt(easy, CURLOPT_NETRC_FILE, netrc);
}

/* Asks for the rest of what broke off, if it still is the same. */
static int add_range(struct slot *slot)
{
    char range[48];

    if (!slot->resume)
        return 0;
    snprintf(range, sizeof(range), "bytes=%llu-", (unsigned long long)slot->resume);
    return add_header(slot, "Range", range) < 0 ||
                   add_header(slot, "If-Range", slot->version) < 0
               ? -1
               : 0;
}

static int set_up(struct slot *slot, struct cenv_error *err)
{
    const struct cenv_http_options *o = slot->run->http->options;
    const struct cenv_http_transfer *transfer = slot->transfer;
    const char *url = cenv_secret_url_text(transfer->url).data;
    const char *proxy = cenv_http_proxy_find(o->proxies, o->nr_proxies, url);
    CURL *easy = slot->easy = lib.curl_easy_init();

    if (!easy || add_header(slot, "If-None-Match", transfer->etag) < 0 ||
        add_header(slot, "If-Modified-Since", transfer->modified) < 0 ||
        add_range(slot) < 0)
        return cenv_error_oom(err);
    slot->text[0] = '\0';
    lib.curl_easy_setopt(easy, CURLOPT_URL, cenv_secret_url_for_request(transfer->url));
    lib.curl_easy_setopt(easy, CURLOPT_PRIVATE, slot);
    lib.curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, slot->text);
    lib.curl_easy_setopt(easy, CURLOPT_HTTPHEADER, slot->headers);
    lib.curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    lib.curl_easy_setopt(easy, CURLOPT_HEADERDATA, slot);
    lib.curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    lib.curl_easy_setopt(easy, CURLOPT_WRITEDATA, slot);
    lib.curl_easy_setopt(easy, CURLOPT_USERAGENT, "cenv");
    lib.curl_easy_setopt(easy, CURLOPT_PIPEWAIT,
                         1L); /* see whether it is HTTP/2 first */
    if (transfer->text)
        lib.curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
    set_limits(easy, o, url);
    set_login(easy);
    if (proxy)
        lib.curl_easy_setopt(easy, CURLOPT_PROXY, proxy);
    set_certificates(easy, o);
    return 0;
}

static void tear_down(struct run *run, struct slot *slot)
{
    if (slot->easy) {
        lib.curl_multi_remove_handle(run->http->multi, slot->easy);
        lib.curl_easy_cleanup(slot->easy);
    }
    lib.curl_slist_free_all(slot->headers);
    slot->easy = NULL;
    slot->headers = NULL;
}

/* The file, made, or emptied unless it is gone on with. */
static int open_file(struct slot *slot, struct cenv_error *err)
{
    const struct cenv_http_transfer *transfer = slot->transfer;

    if (!transfer->body && slot->fd < 0) {
        slot->fd = cenv_fs_create(transfer->dir, transfer->file, 0666, err);
        return slot->fd < 0 ? slot->fd : 0;
    }
    if (slot->resume || start_over(slot) == 0)
        return 0;
    return cenv_error_move(err, &slot->transfer->err);
}

/* Starts the slot's transfer, or starts it again. */
static int start_transfer(struct run *run, struct slot *slot, struct cenv_error *err)
{
    struct cenv_http_reply *reply = &slot->transfer->reply;
    unsigned tries = reply->tries + 1;
    CURLMcode code;
    int rc;

    slot->start_ns = 0;
    rc = open_file(slot, err);
    *reply = (struct cenv_http_reply){
        .max_age = -1, .tries = tries, .received = slot->resume};
    if (rc == 0)
        rc = set_up(slot, err);
    if (rc < 0)
        return rc;
    code = lib.curl_multi_add_handle(run->http->multi, slot->easy);
    return code == CURLM_OK ? 0
                            : cenv_error_set(err, CENV_EFAIL, "cannot download: %s",
                                             lib.curl_multi_strerror(code));
}

/* ---- how it ends ---- */

static bool is_passing(CURLcode code, long status)
{
    switch (code) {
    case CURLE_OK:
        return status == 408 || status == 429 || status == 500 ||
               (status >= 502 && status <= 504);
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return true;
    default:
        return false;
    }
}

static const char *advice_of(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
        return "check the address and the network, or work --offline";
    case CURLE_OPERATION_TIMEDOUT:
        return "the server is too slow or does not answer: try again later";
    default:
        return "try again";
    }
}

/* Milliseconds until the next try: what the server asked, or 0.25 s, 0.5 s, 1 s. */
static uint64_t pause_ms(const struct slot *slot)
{
    unsigned asked = slot->told.retry_after > RETRY_AFTER_MAX ? RETRY_AFTER_MAX
                                                              : slot->told.retry_after;

    return asked ? asked * 1000U : 125U << slot->transfer->reply.tries;
}

static void advise_on_certificates(struct cenv_error *err,
                                   const struct cenv_http_options *options)
{
    bool carried = cenv_carries_libcurl();
    const char *path = cenv_certificates_find(&options->certificates, carried);
    char places[CENV_CERTIFICATES_TEXT];

    cenv_certificates_describe(places, sizeof(places), carried);
    if (path)
        cenv_error_hint(err,
                        "check the server's certificate against %s, or name your CA "
                        "file in SSL_CERT_FILE",
                        path);
    else
        cenv_error_hint(err,
                        "check the server's certificate, or name your CA file in "
                        "SSL_CERT_FILE: none was found in %s",
                        places);
}

static void set_failure(struct slot *slot, CURLcode code)
{
    struct cenv_http_transfer *transfer = slot->transfer;

    if (!transfer->err.status) {
        cenv_error_set(&transfer->err, CENV_ECHANNEL, "%s",
                       slot->text[0] ? slot->text : lib.curl_easy_strerror(code));
        if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
            advise_on_certificates(&transfer->err, slot->run->http->options);
        else
            cenv_error_hint(&transfer->err, "%s", advice_of(code));
    }
    transfer->rc = transfer->err.status;
}

/* A range was answered with another part, or with "there is none". */
static bool is_misfit(const struct slot *slot)
{
    long status = slot->transfer->reply.status;

    return slot->resume &&
           (status == 416 || (status == 206 && slot->told.range != slot->resume));
}

/* What arrived of a body that broke off is gone on with when the server named its version. */
static void keep_part(struct slot *slot)
{
    const struct cenv_http_transfer *transfer = slot->transfer;
    const struct cenv_http_reply *reply = &transfer->reply;
    const char *version = reply->etag[0] ? reply->etag : reply->modified;

    bool misfit = is_misfit(slot);

    if (!misfit && reply->status != 200 && reply->status != 206)
        return;
    slot->resume = 0;
    if (!misfit && !transfer->text && version[0] && strncmp(version, "W/", 2) != 0) {
        snprintf(slot->version, sizeof(slot->version), "%s", version);
        slot->resume = reply->received;
    }
}

/* It failed in a way that may pass, or a range was answered with what was not asked for. */
static bool may_try_again(const struct run *run, const struct slot *slot, CURLcode code)
{
    const struct cenv_http_transfer *transfer = slot->transfer;
    unsigned tries = run->http->options->tries ? run->http->options->tries : TRIES;
    long status = transfer->reply.status;

    return transfer->reply.tries < tries && !transfer->err.status &&
           (is_misfit(slot) || is_passing(code, code == CURLE_OK ? status : 0));
}

static int finish_transfer(struct run *run, struct slot *slot, CURLcode code,
                           struct cenv_error *err)
{
    struct cenv_http_transfer *transfer = slot->transfer;
    double connected = 0;
    int closed;

    lib.curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &transfer->reply.status);
    if (may_try_again(run, slot, code)) {
        slot->start_ns = cenv_clock_ns() + pause_ms(slot) * 1000000;
        keep_part(slot);
        tear_down(run, slot);
        return 0;
    }
    lib.curl_easy_getinfo(slot->easy, CURLINFO_PRETRANSFER_TIME, &connected);
    transfer->reply.reached = connected > 0;
    if (code != CURLE_OK)
        set_failure(slot, code);
    if (transfer->reply.status == 206 && slot->resume)
        transfer->reply.status = 200; /* the whole is there */
    tear_down(run, slot);
    closed = slot->fd < 0 ? 0 : cenv_raw_close(slot->fd);
    if (closed < 0 && transfer->rc == 0)
        transfer->rc = cenv_fs_fail(&transfer->err, closed, transfer->dir,
                                    transfer->file, "cannot write");
    slot->fd = -1;
    slot->transfer = NULL;
    run->running--;
    return run->done ? run->done(run->ctx, transfer, err) : 0;
}

/* ---- the loop ---- */

static int start_some(struct run *run, struct cenv_error *err)
{
    int rc = 0;

    for (unsigned i = 0; i < run->nr_slots && rc == 0; i++) {
        struct slot *slot = &run->slots[i];
        if (!slot->transfer && run->next < run->nr) {
            slot->transfer = run->transfers[run->next++];
            rc = start_transfer(run, slot, err);
        } else if (slot->transfer && slot->start_ns &&
                   slot->start_ns <= cenv_clock_ns()) {
            rc = start_transfer(run, slot, err);
        }
    }
    return rc;
}

static int finish_some(struct run *run, struct cenv_error *err)
{
    CURLMsg *message;
    int left, rc = 0;

    while (rc == 0 && (message = lib.curl_multi_info_read(run->http->multi, &left))) {
        CURLcode code = message->data.result;
        struct slot *slot = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        lib.curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &slot);
        rc = finish_transfer(run, slot, code, err);
    }
    return rc;
}

static int run_transfers(struct run *run, struct cenv_error *err)
{
    int rc = 0, active;

    while (rc == 0 && run->running > 0) {
        size_t before = run->running;
        CURLMcode code;
        rc = start_some(run, err);
        if (rc < 0)
            break;
        code = lib.curl_multi_perform(run->http->multi, &active);
        if (code == CURLM_OK)
            rc = finish_some(run, err);
        if (code == CURLM_OK && rc == 0 && run->running == before)
            code = lib.curl_multi_poll(run->http->multi, NULL, 0, WAIT_MS, NULL);
        if (code != CURLM_OK)
            rc = cenv_error_set(err, CENV_EFAIL, "cannot download: %s",
                                lib.curl_multi_strerror(code));
        if (rc == 0)
            rc = cenv_task_poll(run->task, err);
    }
    return rc;
}

int cenv_http_run(struct cenv_http *http, struct cenv_http_transfer *const *transfers,
                  size_t nr, unsigned parallel, cenv_http_done_fn done, void *ctx,
                  struct cenv_task *task, struct cenv_error *err)
{
    struct run run = {.transfers = transfers,
                      .nr = nr,
                      .running = nr,
                      .http = http,
                      .done = done,
                      .ctx = ctx,
                      .task = task};
    int rc;

    if (nr == 0)
        return 0;
    run.nr_slots = parallel < 1 ? 1 : parallel < nr ? parallel : (unsigned)nr;
    run.slots = cenv_calloc(run.nr_slots, sizeof(*run.slots));
    for (unsigned i = 0; run.slots && i < run.nr_slots; i++)
        run.slots[i] = (struct slot){.run = &run, .fd = -1};
    rc = run.slots ? run_transfers(&run, err) : cenv_error_oom(err);
    for (unsigned i = 0; run.slots && i < run.nr_slots; i++) {
        tear_down(&run, &run.slots[i]);
        cenv_fd_close(run.slots[i].fd);
    }
    cenv_free(run.slots);
    return rc;
}

int cenv_http_open(struct cenv_http **out, const struct cenv_http_options *options,
                   struct cenv_error *err)
{
    struct cenv_http *http;
    int rc = need_library(err);

    if (rc < 0)
        return rc;
    http = cenv_calloc(1, sizeof(*http));
    if (http)
        http->multi = lib.curl_multi_init();
    if (!http || !http->multi) {
        cenv_free(http);
        return cenv_error_oom(err);
    }
    http->options = options;
    lib.curl_multi_setopt(http->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                          (long)CONNECTIONS);
    lib.curl_multi_setopt(http->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    *out = http;
    return 0;
}

void cenv_http_free(struct cenv_http *http)
{
    if (!http)
        return;
    lib.curl_multi_cleanup(http->multi);
    cenv_free(http);
}
