/* SPDX-License-Identifier: BSD-3-Clause */
/* One remote of a scripted server, and files of blobs. */
#ifndef REMOTE_SCENE_H
#define REMOTE_SCENE_H

#include "base/alloc.h"
#include "base/digest.h"
#include "check.h"
#include "http_script.h"
#include "remote/remote.h"
#include "scratch.h"

#define KEY              "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NONE             "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"
#define CREATED          "HTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n"
#define OK(length, text) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n" text

static struct server server;
static struct scratch s;
static struct cenv_error err;
static struct cenv_task task;
static struct cenv_secret_url *url;
static struct cenv_remote *remote;
static struct cenv_remote_options options;
static struct cenv_buf document;

/* `format` has "%u" where the port goes. */
__attribute__((unused)) static void open_remote(const char *format)
{
    char text[200];

    server.nr_requests = 0;
    start_server(&server);
    s = scratch_open();
    snprintf(text, sizeof(text), format, server.port);
    cenv_task_init(&task, NULL, NULL);
    cenv_buf_init(&document, 100);
    CHECK_INT(cenv_secret_url_new(&url, cenv_str(text), &err), 0);
    CHECK_INT(cenv_remote_open(&remote, url, &options, &err), 0);
}

__attribute__((unused)) static void close_remote(void)
{
    cenv_remote_free(remote);
    cenv_secret_url_free(url);
    cenv_error_release(&err);
    cenv_task_release(&task);
    cenv_buf_release(&document);
    scratch_close(&s);
    stop_server(&server);
    server = (struct server){.nr_requests = 0};
    options = (struct cenv_remote_options){.timeout_ms = 0};
    CHECK_INT(cenv_alloc_live(), 0);
}

/* The replies of the script, to be set before the remote is opened. */
#define SCRIPT(...) \
    server = (struct server) \
    { \
        .replies = { __VA_ARGS__ } \
    }

/* The blob of a text, in a file of the scratch directory. */
__attribute__((unused)) static struct cenv_remote_blob blob_of(const char *text,
                                                               const char *file)
{
    struct cenv_remote_blob blob = {
        .size = strlen(text), .kind = CENV_BLOB_DELTA, .dir = s.fd, .file = file};

    CHECK(cenv_digest_sha256_hex(cenv_str(text), blob.sha256));
    return blob;
}

/* Whether the request (the last line of a head may be in it, or what is sent) has the text. */
__attribute__((unused)) static bool request_has(unsigned index, const char *text)
{
    return index < server.nr_requests && strstr(server.requests[index], text);
}

#endif
