/* SPDX-License-Identifier: BSD-3-Clause */
/* A server that says what a table tells it to: one connection a request, one reply each. */
#ifndef HTTP_SCRIPT_H
#define HTTP_SCRIPT_H

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

enum { REPLIES_MAX = 8, REQUEST_MAX = 4096 };

struct server {
    const char *replies[REPLIES_MAX]; /* the last one is followed by NULL */
    char requests[REPLIES_MAX][REQUEST_MAX];
    unsigned nr_requests;
    bool repeats; /* the last reply again and again */
    int listener;
    unsigned port;
    pthread_t thread;
};

__attribute__((unused)) static void read_request(int fd, char *into)
{
    size_t len = 0;
    ssize_t n;
    while (len + 1 < REQUEST_MAX &&
           (n = recv(fd, into + len, REQUEST_MAX - 1 - len, 0)) > 0) {
        len += (size_t)n;
        into[len] = '\0';
        const char *end = strstr(into, "\r\n\r\n");
        const char *size = strstr(into, "Content-Length: ");
        if (end &&
            len >= (size_t)(end + 4 - into) + (size ? strtoul(size + 16, NULL, 10) : 0))
            break;
    }
}

__attribute__((unused)) static void *serve(void *ctx)
{
    struct server *s = ctx;
    for (unsigned i = 0; i < REPLIES_MAX && s->replies[i]; i++) {
        bool last = i + 1 == REPLIES_MAX || !s->replies[i + 1];
        int fd = accept(s->listener, NULL, NULL);
        if (fd < 0)
            break;
        read_request(fd, s->requests[i]);
        s->nr_requests = i + 1;
        send(fd, s->replies[i], strlen(s->replies[i]), MSG_NOSIGNAL);
        close(fd);
        i -= last && s->repeats;
    }
    return NULL;
}

__attribute__((unused)) static void start_server(struct server *s)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_INT(bind(s->listener, (struct sockaddr *)&at, sizeof(at)), 0);
    CHECK_INT(listen(s->listener, 16), 0);
    CHECK_INT(getsockname(s->listener, (struct sockaddr *)&at, &len), 0);
    s->port = ntohs(at.sin_port);
    CHECK_INT(pthread_create(&s->thread, NULL, serve, s), 0);
}

/* A reply that nobody asked for is not waited for. */
__attribute__((unused)) static void stop_server(struct server *s)
{
    shutdown(s->listener, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->listener);
}

#endif
