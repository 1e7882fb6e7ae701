/* SPDX-License-Identifier: BSD-3-Clause */
/* Transfers by libcurl's multi interface, on the calling thread alone. */
#include "net/http.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/digest.h"
#include "net/http_failure.h"
#include "net/http_request.h"
#include "os/fs.h"
#include "os/raw_data.h"

enum {
    TRIES = 4,
    WAIT_MS = 50,
    RETRY_AFTER_MAX = 60,
    DROPPED_MAX = 1 << 20,
    HEADERS_MAX = 256 << 10,
    TOO_LARGE = 100,  /* CURLE_TOO_LARGE, of newer headers than we need */
    CONNECTIONS = 64, /* to one host, of HTTP/1.1; HTTP/2 needs one */
};

struct cenv_http {
    const struct cenv_curl *lib;
    CURLM *multi;
    const struct cenv_http_options *options;
};

/* One of those that run at the same time. */
struct slot {
    struct run *run;
    struct cenv_http_request request;
    struct cenv_http_transfer *transfer; /* NULL: free */
    struct cenv_digest *digest;          /* of what is there of the body; NULL: none */
    struct cenv_span span;               /* of the transfer */
    uint64_t start_ns;                   /* of the next try; 0: it runs */
    uint64_t first_ns, began_ns; /* the first try; the first since a byte moved */
    uint64_t resume;             /* bytes there are of the version below */
    struct cenv_http_told told;
    char version[256]; /* its strong ETag, or Last-Modified */
    int fd;            /* of the file written; -1: none yet */
    uint64_t dropped;  /* bytes of the body that nobody wants */
    bool cut_off;      /* the reply is taken, and the rest of its body is not */
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

/* Of the answer in hand; 0: none has come. */
static long read_status(const struct slot *slot)
{
    long status = 0;

    slot->request.lib->curl_easy_getinfo(slot->request.easy, CURLINFO_RESPONSE_CODE,
                                         &status);
    return status;
}

/* Forgets what was received, for the server starts over. */
static int start_over(struct slot *slot)
{
    struct cenv_http_transfer *transfer = slot->transfer;
    int rc = 0;

    cenv_task_advance(slot->run->task, (uint64_t)0 - transfer->reply.received);
    transfer->reply.received = slot->resume = 0;
    if (transfer->refusal)
        cenv_buf_clear(transfer->refusal);
    if (slot->digest && !cenv_digest_reset(slot->digest))
        return cenv_error_oom(&transfer->err);
    if (transfer->body)
        cenv_buf_clear(transfer->body);
    else if (slot->fd >= 0)
        rc = cenv_raw_truncate(slot->fd, 0);
    return rc < 0 ? cenv_fs_fail(&transfer->err, rc, slot->fd, NULL, "cannot write")
                  : 0;
}

/* Bytes of the body; 0: any. */
static uint64_t most_wanted(const struct cenv_http_transfer *transfer)
{
    return transfer->part ? transfer->part : transfer->max_size;
}

static int refuse_size(struct cenv_http_transfer *transfer)
{
    return cenv_error_set(&transfer->err, CENV_EINTEGRITY,
                          "the server sends more than %llu bytes",
                          (unsigned long long)most_wanted(transfer));
}

static int refuse_headers(struct cenv_http_transfer *transfer)
{
    cenv_error_set(&transfer->err, CENV_ECHANNEL,
                   "the server's headers are too long, or there is no memory for them");
    return cenv_error_hint(&transfer->err, "check the URL");
}

static int write_body(struct slot *slot, const char *data, size_t len)
{
    struct cenv_http_transfer *transfer = slot->transfer;
    uint64_t most = most_wanted(transfer);
    int rc;

    if (most && transfer->reply.received + len > most)
        return refuse_size(transfer);
    if (slot->digest && !cenv_digest_update(slot->digest, data, len))
        return cenv_error_oom(&transfer->err);
    if (transfer->body)
        return cenv_buf_add(transfer->body, data, len) ? 0
                                                       : cenv_error_oom(&transfer->err);
    rc = slot->fd < 0 ? 0
                      : cenv_raw_pwrite(slot->fd, data, len, transfer->reply.received);
    return rc < 0 ? cenv_fs_fail(&transfer->err, rc, slot->fd, NULL, "cannot write")
                  : 0;
}

/* Whether the body is what was asked for, and there is a place for it. */
static bool is_wanted(const struct slot *slot, long status)
{
    const struct cenv_http_transfer *transfer = slot->transfer;

    if (status == 206 && (transfer->part || slot->resume))
        return slot->told.range == (transfer->part ? transfer->first : slot->resume);
    return status == 200 && !transfer->part && (transfer->body || slot->fd >= 0);
}

/* Whether the body that is to come is told to be longer than there is a use for. */
static bool is_too_long(const struct slot *slot, long status)
{
    const struct cenv_http_transfer *transfer = slot->transfer;
    uint64_t there = status == 206 ? slot->resume : 0, most = most_wanted(transfer);
    bool followed = status < 200 || (status >= 300 && status < 400);

    if (followed || transfer->method == CENV_HTTP_HEAD || transfer->text)
        return false;
    if (!is_wanted(slot, status))
        return slot->told.length > DROPPED_MAX;
    return most && slot->told.length > most - there;
}

/* At the end of the headers: what is told too long is not waited for. */
static int check_length(struct slot *slot)
{
    long status = read_status(slot);

    if (!is_too_long(slot, status))
        return 0;
    slot->cut_off = !is_wanted(slot, status);
    return slot->cut_off ? -1 : refuse_size(slot->transfer);
}

static size_t on_header(char *data, size_t size, size_t nr, void *ctx)
{
    struct slot *slot = ctx;

    struct cenv_http_transfer *transfer = slot->transfer;
    struct cenv_str line = cenv_str_n(data, size * nr);

    cenv_http_header_read(&transfer->reply, &slot->told, line);
    cenv_http_header_keep(transfer->wanted, transfer->nr_wanted, line);
    if (slot->told.bytes > HEADERS_MAX) {
        refuse_headers(transfer);
        return 0;
    }
    return slot->told.over && check_length(slot) < 0 ? 0 : size * nr;
}

/* As much of any other body as there is room for: it explains. What goes on and on is cut off, as
 * is the whole where a part was asked for; how much libcurl is told to go on with. */
static size_t drop_body(struct slot *slot, long status, const char *data, size_t len)
{
    const struct cenv_http_transfer *transfer = slot->transfer;
    struct cenv_buf *out = status == 200 ? NULL : transfer->refusal;
    size_t room = out ? out->max - out->len : 0;

    if (status == 206 && (transfer->part || slot->resume))
        return 0; /* another part than asked for: tried again without a range */
    if (room)
        cenv_buf_add(out, data, len < room ? len : room);
    slot->dropped += len;
    slot->cut_off = slot->dropped > DROPPED_MAX || (status == 200 && transfer->part);
    return slot->cut_off ? 0 : len;
}

static size_t on_body(char *data, size_t size, size_t nr, void *ctx)
{
    struct slot *slot = ctx;
    struct cenv_http_transfer *transfer = slot->transfer;
    size_t len = size * nr;
    long status = read_status(slot);

    if (!is_wanted(slot, status))
        return drop_body(slot, status, data, len);
    if (status == 200 && slot->resume && start_over(slot) < 0)
        return 0;
    if (write_body(slot, data, len) < 0)
        return 0;
    transfer->reply.received += len;
    cenv_task_advance(slot->run->task, len);
    return len;
}

/* ---- how it starts ---- */

static void tear_down(struct run *run, struct slot *slot)
{
    const struct cenv_curl *lib = run->http->lib;

    if (slot->request.easy)
        lib->curl_multi_remove_handle(run->http->multi, slot->request.easy);
    if (slot->request.lib)
        cenv_http_request_release(&slot->request);
}

/* The file, made, or emptied unless it is gone on with. */
static int open_file(struct slot *slot, struct cenv_error *err)
{
    const struct cenv_http_transfer *transfer = slot->transfer;

    if (!transfer->body && transfer->file && slot->fd < 0) {
        slot->fd = cenv_fs_create(transfer->dir, transfer->file, 0666, err);
        return slot->fd < 0 ? slot->fd : 0;
    }
    if (slot->resume || start_over(slot) == 0)
        return 0;
    return cenv_error_move(err, &slot->transfer->err);
}

/* Milliseconds left of `all` since `since`; at least 1, where 0 is "no end". */
static unsigned left_of(unsigned all, uint64_t since)
{
    uint64_t gone = (cenv_clock_ns() - since) / 1000000;

    return !all ? 0 : gone < all ? all - (unsigned)gone : 1;
}

static int set_up(struct slot *slot, struct cenv_error *err)
{
    const struct cenv_http *http = slot->run->http;
    struct cenv_http_request *request = &slot->request;

    *request = (struct cenv_http_request){
        .lib = http->lib,
        .options = http->options,
        .transfer = slot->transfer,
        .resume = slot->resume,
        .version = slot->version,
        .patience_ms = left_of(http->options->patience_ms, slot->began_ns),
        .limit_ms = left_of(slot->transfer->limit_ms, slot->first_ns),
        .task = slot->run->task,
    };
    slot->text[0] = '\0';
    slot->dropped = 0;
    slot->told = (struct cenv_http_told){.range = UINT64_MAX};
    int rc = cenv_http_request_make(request, err);
    if (rc < 0)
        return rc;
    http->lib->curl_easy_setopt(request->easy, CURLOPT_PRIVATE, slot);
    http->lib->curl_easy_setopt(request->easy, CURLOPT_ERRORBUFFER, slot->text);
    http->lib->curl_easy_setopt(request->easy, CURLOPT_HEADERFUNCTION, on_header);
    http->lib->curl_easy_setopt(request->easy, CURLOPT_HEADERDATA, slot);
    http->lib->curl_easy_setopt(request->easy, CURLOPT_WRITEFUNCTION, on_body);
    http->lib->curl_easy_setopt(request->easy, CURLOPT_WRITEDATA, slot);
    return 0;
}

static int fail_multi(const struct cenv_curl *lib, CURLMcode code,
                      struct cenv_error *err)
{
    return cenv_error_set(err, CENV_EFAIL, "cannot download: %s",
                          lib->curl_multi_strerror(code));
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
    code = run->http->lib->curl_multi_add_handle(run->http->multi, slot->request.easy);
    return code == CURLM_OK ? 0 : fail_multi(run->http->lib, code, err);
}

static void begin_span(struct run *run, struct slot *slot)
{
    const struct cenv_http_transfer *transfer = slot->transfer;

    slot->span = cenv_span_begin(transfer->stage, transfer->what ? transfer->what : "");
    slot->span.thread = CENV_SPAN_LANE + (uint32_t)(slot - run->slots);
}

/* Takes the next transfer into a slot that is free. */
static int take_transfer(struct run *run, struct slot *slot, struct cenv_error *err)
{
    slot->transfer = run->transfers[run->next++];
    slot->first_ns = slot->began_ns = cenv_clock_ns();
    begin_span(run, slot);
    if (slot->transfer->sha256)
        slot->digest = cenv_digest_new(CENV_SHA256);
    if (slot->transfer->sha256 && !slot->digest)
        return cenv_error_oom(err);
    return start_transfer(run, slot, err);
}

/* ---- how it ends ---- */

/* Milliseconds until the next try: what the server asked, or 0.25 s, 0.5 s, 1 s. */
static uint64_t pause_ms(const struct slot *slot)
{
    unsigned asked = slot->told.retry_after > RETRY_AFTER_MAX ? RETRY_AFTER_MAX
                                                              : slot->told.retry_after;

    return asked ? asked * 1000U : 125U << slot->transfer->reply.tries;
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

/* Whether the next try comes before patience, and the time for all of it, are at their ends. */
static bool has_time(const struct slot *slot, CURLcode code)
{
    unsigned patience = slot->run->http->options->patience_ms;
    unsigned limit = slot->transfer->limit_ms;
    uint64_t next = cenv_clock_ns() + pause_ms(slot) * 1000000;

    if (patience && (code == CURLE_OPERATION_TIMEDOUT ||
                     next - slot->began_ns >= patience * (uint64_t)1000000))
        return false;
    return !limit || next - slot->first_ns < limit * (uint64_t)1000000;
}

/* It failed in a way that may pass, or a range was answered with what was not asked for. */
static bool may_try_again(const struct run *run, const struct slot *slot, CURLcode code)
{
    const struct cenv_http_transfer *transfer = slot->transfer;
    unsigned tries = run->http->options->tries ? run->http->options->tries : TRIES;
    long status = code == CURLE_OK ? transfer->reply.status : 0;

    return transfer->reply.tries < tries && !transfer->err.status && !slot->cut_off &&
           (is_misfit(slot) || cenv_http_failure_passes(code, status)) &&
           has_time(slot, code);
}

static void try_again(struct run *run, struct slot *slot)
{
    bool moved = slot->request.sent || slot->transfer->reply.received > slot->resume;

    slot->start_ns = cenv_clock_ns() + pause_ms(slot) * 1000000;
    if (moved)
        slot->began_ns = slot->start_ns;
    cenv_task_advance(run->task, (uint64_t)0 - slot->request.sent);
    keep_part(slot);
    tear_down(run, slot);
}

static void check_digest(const struct slot *slot)
{
    struct cenv_http_transfer *transfer = slot->transfer;
    char hex[CENV_DIGEST_HEX_MAX];

    if (!slot->digest || transfer->rc < 0 || transfer->reply.status != 200)
        return;
    if (!cenv_digest_hex(slot->digest, hex))
        transfer->rc = cenv_error_oom(&transfer->err);
    else if (strcmp(hex, transfer->sha256) != 0)
        transfer->rc = cenv_error_set(&transfer->err, CENV_EINTEGRITY,
                                      "what the server sends has the SHA-256 %s", hex);
}

/* Lets go of the slot's file, and of what else it held for the transfer. */
static void close_slot(struct run *run, struct slot *slot)
{
    struct cenv_http_transfer *transfer = slot->transfer;
    int closed = slot->fd < 0 ? 0 : cenv_raw_close(slot->fd);

    tear_down(run, slot);
    if (closed < 0 && transfer->rc == 0)
        transfer->rc = cenv_fs_fail(&transfer->err, closed, transfer->dir,
                                    transfer->file, "cannot write");
    cenv_digest_free(slot->digest);
    slot->digest = NULL;
    slot->fd = -1;
    slot->resume = 0;
    slot->cut_off = false;
    slot->transfer = NULL;
}

static void end_span(struct run *run, struct slot *slot)
{
    struct cenv_http_transfer *transfer = slot->transfer;

    transfer->took_ns = cenv_clock_ns() - slot->span.start_ns;
    slot->span.bytes = transfer->reply.received;
    if (transfer->what)
        cenv_span_end(run->task, &slot->span);
}

/* libcurl has no room for a line of 100 KiB, and says of it that memory ran out. */
static void fail_transfer(struct slot *slot, CURLcode code)
{
    struct cenv_http_transfer *transfer = slot->transfer;
    bool in_headers = slot->told.bytes && !slot->told.over;

    if (in_headers && (code == CURLE_OUT_OF_MEMORY || (int)code == TOO_LARGE))
        refuse_headers(transfer);
    else
        cenv_http_failure_set(&transfer->err, slot->request.lib, code, slot->text,
                              slot->run->http->options);
}

static int finish_transfer(struct run *run, struct slot *slot, CURLcode code,
                           struct cenv_error *err)
{
    const struct cenv_curl *lib = run->http->lib;
    struct cenv_http_transfer *transfer = slot->transfer;
    double connected = 0;

    transfer->reply.status = read_status(slot);
    if (may_try_again(run, slot, code)) {
        try_again(run, slot);
        return 0;
    }
    lib->curl_easy_getinfo(slot->request.easy, CURLINFO_PRETRANSFER_TIME, &connected);
    transfer->reply.reached = connected > 0;
    transfer->reply.timed_out = code == CURLE_OPERATION_TIMEDOUT;
    if (code != CURLE_OK && !slot->cut_off) {
        if (!transfer->err.status)
            fail_transfer(slot, code);
        transfer->rc = transfer->err.status;
    }
    if (transfer->reply.status == 206 && slot->resume)
        transfer->reply.status = 200; /* the whole is there */
    check_digest(slot);
    end_span(run, slot);
    close_slot(run, slot);
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
            rc = take_transfer(run, slot, err);
        } else if (slot->transfer && slot->start_ns &&
                   slot->start_ns <= cenv_clock_ns()) {
            rc = start_transfer(run, slot, err);
        }
    }
    return rc;
}

static int finish_some(struct run *run, struct cenv_error *err)
{
    const struct cenv_curl *lib = run->http->lib;
    CURLMsg *message;
    int left, rc = 0;

    while (rc == 0 && (message = lib->curl_multi_info_read(run->http->multi, &left))) {
        CURLcode code = message->data.result;
        struct slot *slot = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        lib->curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &slot);
        rc = finish_transfer(run, slot, code, err);
    }
    return rc;
}

static int run_transfers(struct run *run, struct cenv_error *err)
{
    const struct cenv_curl *lib = run->http->lib;
    int rc = 0, active;

    while (rc == 0 && run->running > 0) {
        size_t before = run->running;
        CURLMcode code;
        rc = start_some(run, err);
        if (rc < 0)
            break;
        code = lib->curl_multi_perform(run->http->multi, &active);
        if (code == CURLM_OK)
            rc = finish_some(run, err);
        if (code == CURLM_OK && rc == 0 && run->running == before)
            code = lib->curl_multi_poll(run->http->multi, NULL, 0, WAIT_MS, NULL);
        if (code != CURLM_OK)
            rc = fail_multi(lib, code, err);
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
        cenv_digest_free(run.slots[i].digest);
        cenv_fd_close(run.slots[i].fd);
    }
    cenv_free(run.slots);
    return rc;
}

int cenv_http_open(struct cenv_http **out, const struct cenv_http_options *options,
                   struct cenv_error *err)
{
    const struct cenv_curl *lib = NULL;
    struct cenv_http *http;
    int rc = cenv_curl_load(&lib, err);

    if (rc < 0)
        return rc;
    http = cenv_calloc(1, sizeof(*http));
    if (http)
        http->multi = lib->curl_multi_init();
    if (!http || !http->multi) {
        cenv_free(http);
        return cenv_error_oom(err);
    }
    http->lib = lib;
    http->options = options;
    lib->curl_multi_setopt(http->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                           (long)CONNECTIONS);
    lib->curl_multi_setopt(http->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    *out = http;
    return 0;
}

void cenv_http_free(struct cenv_http *http)
{
    if (!http)
        return;
    http->lib->curl_multi_cleanup(http->multi);
    cenv_free(http);
}

bool cenv_http_can_sign(const struct cenv_http *http)
{
    return http->lib->curl_version_info(CURLVERSION_NOW)->version_num >= 0x075800;
}
