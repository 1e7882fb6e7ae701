/* SPDX-License-Identifier: BSD-3-Clause */
/* fetch/fetch_packages under the sanitizers: many packages from files and from a small server, in parallel. */
#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>

#include "cenv.h"
#include "check.h"
#include "store/layout.h"
#include "storekit.h"
#include "tarball.h"

enum { PACKAGES = 12 };

/* A .conda "pN-1-0" with one file, in the scratch directory; its SHA-256. */
static void make_package(const struct scratch *s, int number, char *sha256)
{
    struct cenv_buf info, pkg, out;
    char text[200], stem[32], name[40];

    cenv_buf_init(&info, 1 << 20);
    cenv_buf_init(&pkg, 1 << 20);
    cenv_buf_init(&out, 1 << 20);
    snprintf(stem, sizeof(stem), "p%d-1-0", number);
    snprintf(text, sizeof(text), "{\"name\":\"p%d\",\"version\":\"1\",\"build\":\"0\"}",
             number);
    tar_file(&info, "info/index.json", text);
    tar_file(&info, "info/paths.json",
             "{\"paths_version\":1,\"paths\":[{\"_path\":\"share/f\"}]}");
    tar_end(&info);
    tar_file(&pkg, "share/f", text);
    tar_end(&pkg);
    conda_pack(&out, stem, cenv_buf_str(&info), cenv_buf_str(&pkg));
    cenv_digest_sha256_hex(cenv_buf_str(&out), sha256);
    snprintf(name, sizeof(name), "%s.conda", stem);
    struct cenv_error err = CENV_ERROR_INIT;
    CHECK_INT(cenv_fs_write_new(s->fd, name, cenv_buf_str(&out), 0644, &err), 0);
    cenv_buf_release(&info);
    cenv_buf_release(&pkg);
    cenv_buf_release(&out);
}

/* Records of all packages below `base`, as JSON. */
static struct cenv_buf make_channel(const struct scratch *s, const char *base)
{
    struct cenv_buf records;
    char sha256[CENV_DIGEST_HEX_MAX];

    cenv_buf_init(&records, 1 << 20);
    for (int i = 0; i < PACKAGES; i++) {
        make_package(s, i, sha256);
        cenv_buf_addf(
            &records,
            "%c{\"name\":\"p%d\",\"version\":\"1\",\"build\":\"0\",\"sha256\":\"%s\","
            "\"url\":\"%s/p%d-1-0.conda\"}",
            i ? ',' : '[', i, sha256, base, i);
    }
    cenv_buf_putc(&records, ']');
    return records;
}

static void check_all_there(struct storekit *k, const struct cenv_buf *records)
{
    struct cenv_buf out;

    cenv_buf_init(&out, 1 << 20);
    CHECK_INT(cenv_fetch_packages(k->store, records->data, "{\"offline\":true}",
                                  &k->task, &out, &k->err),
              0);
    CHECK(out.data && strstr(out.data, "p11-1-0.conda"));
    cenv_buf_release(&out);
}

static void test_fetch_packages__from_files(void)
{
    struct storekit k = storekit_open();
    char base[300];
    struct cenv_buf records;

    snprintf(base, sizeof(base), "file://%s", k.s.path);
    records = make_channel(&k.s, base);
    CHECK_INT(cenv_fetch_packages(k.store, records.data, "{}", &k.task, &k.out, &k.err),
              0);
    CHECK_STR(k.err.message, "");
    check_all_there(&k, &records);
    cenv_buf_release(&records);
    storekit_close(&k);
}

/* ---- a server of files in one directory: one request a connection ---- */

struct server {
    int fd, dir, busy; /* busy: first replies that are 503 */
    unsigned port;
    pthread_t thread;
};

static void serve_one(struct server *server, int fd)
{
    char request[4096] = "", name[200] = "", head[200];
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf body;
    ssize_t len = read(fd, request, sizeof(request) - 1);
    bool found = len > 0 && sscanf(request, "GET /%199s", name) == 1;

    cenv_buf_init(&body, 1 << 20);
    found = found && server->busy == 0 &&
            cenv_fs_read_file(server->dir, name, &body, &err) == 0;
    len = snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n",
                   found          ? "200 OK"
                   : server->busy ? "503 Busy"
                                  : "404 Not Found",
                   body.len, "Connection: close\r\n");
    server->busy -= server->busy > 0;
    if (send(fd, head, (size_t)len, MSG_NOSIGNAL) == len && found)
        len = send(fd, body.data, body.len, MSG_NOSIGNAL);
    cenv_buf_release(&body);
    cenv_error_release(&err);
}

static void *serve(void *arg)
{
    struct server *server = arg;
    int fd;

    while ((fd = accept(server->fd, NULL, NULL)) >= 0) {
        serve_one(server, fd);
        close(fd);
    }
    return NULL;
}

static void server_start(struct server *server, int dir)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->dir = dir;
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_INT(bind(server->fd, (struct sockaddr *)&address, len), 0);
    CHECK_INT(listen(server->fd, 64), 0);
    CHECK_INT(getsockname(server->fd, (struct sockaddr *)&address, &len), 0);
    server->port = ntohs(address.sin_port);
    pthread_create(&server->thread, NULL, serve, server);
}

static void server_stop(struct server *server)
{
    shutdown(server->fd, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->fd);
}

static void test_fetch_packages__from_a_server(void)
{
    for (int busy = 0; busy <= 3; busy += 3) {
        struct storekit k = storekit_open();
        struct server server = {.busy = busy};
        struct cenv_buf records;
        char base[100];

        server_start(&server, k.s.fd);
        snprintf(base, sizeof(base), "http://127.0.0.1:%u", server.port);
        records = make_channel(&k.s, base);
        CHECK_INT(
            cenv_fetch_packages(k.store, records.data, "{}", &k.task, &k.out, &k.err),
            0);
        CHECK_STR(k.err.message, "");
        check_all_there(&k, &records);
        server_stop(&server);
        cenv_buf_release(&records);
        storekit_close(&k);
    }
}

static void test_fetch_packages__one_is_missing(void)
{
    struct storekit k = storekit_open();
    struct server server = {.busy = 0};
    struct cenv_buf records;
    char base[100];

    server_start(&server, k.s.fd);
    snprintf(base, sizeof(base), "http://127.0.0.1:%u", server.port);
    records = make_channel(&k.s, base);
    unlinkat(k.s.fd, "p7-1-0.conda", 0);
    CHECK_INT(cenv_fetch_packages(k.store, records.data, "{}", &k.task, &k.out, &k.err),
              CENV_ECHANNEL);
    CHECK(strstr(k.err.message, "p7-1-0.conda") && strstr(k.err.message, "HTTP 404"));
    CHECK_INT(k.out.len, 0);
    CHECK_INT(cenv_raw_is_empty_dir(k.store->dirs[CENV_STORE_TMP]), 1);
    server_stop(&server);
    cenv_buf_release(&records);
    storekit_close(&k);
}

static int stop_soon(void *ctx)
{
    return ++*(int *)ctx > 1;
}

/* A server that never answers: cancelling ends the wait. */
static void test_fetch_packages__can_be_cancelled(void)
{
    struct storekit k = storekit_open();
    struct server server = {.busy = 0};
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    struct cenv_buf records;
    char base[100];
    int polls = 0;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_INT(bind(server.fd, (struct sockaddr *)&address, len), 0);
    CHECK_INT(listen(server.fd, 64), 0);
    getsockname(server.fd, (struct sockaddr *)&address, &len);
    snprintf(base, sizeof(base), "http://127.0.0.1:%u", ntohs(address.sin_port));
    records = make_channel(&k.s, base);
    cenv_task_release(&k.task);
    cenv_task_init(&k.task, stop_soon, &polls);
    CHECK_INT(cenv_fetch_packages(k.store, records.data, "{}", &k.task, &k.out, &k.err),
              CENV_ECANCELLED);
    CHECK_INT(cenv_raw_is_empty_dir(k.store->dirs[CENV_STORE_PKGS]), 1);
    close(server.fd);
    cenv_buf_release(&records);
    storekit_close(&k);
}

int main(void)
{
    RUN(test_fetch_packages__from_files);
    RUN(test_fetch_packages__from_a_server);
    RUN(test_fetch_packages__one_is_missing);
    RUN(test_fetch_packages__can_be_cancelled);
    return check_report();
}
