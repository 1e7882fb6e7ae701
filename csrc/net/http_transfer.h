/* SPDX-License-Identifier: BSD-3-Clause */
/* What is asked of a server, how, and what comes of it: the ground of http.h. */
#ifndef CENV_NET_HTTP_TRANSFER_H
#define CENV_NET_HTTP_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/stage.h"
#include "codec/secret_url.h"
#include "net/certificates.h"
#include "net/http_header.h"
#include "net/http_proxy.h"

/* How the network is reached; zero is the default. All strings are borrowed. */
struct cenv_http_options {
    bool insecure; /* any certificate will do */
    struct cenv_certificates certificates;
    const char *cert, *key; /* the client's own, or NULL */
    const struct cenv_http_proxy *proxies;
    size_t nr_proxies;
    unsigned connect_ms;   /* 0: 9150 */
    unsigned read_seconds; /* 0: 60 */
    unsigned tries;        /* 0: 4 */
    unsigned slow_bytes;   /* a second; 0: 30 */
    const char *way_out;   /* what else to do where nobody is reached, or NULL */
    /* Not 0: a transfer that has moved no byte for so long is over, and is not tried again. */
    unsigned patience_ms;
};

enum cenv_http_method {
    CENV_HTTP_GET,
    CENV_HTTP_HEAD,
    CENV_HTTP_PUT,
    CENV_HTTP_POST,
    CENV_HTTP_MKCOL, /* makes a directory (WebDAV) */
};

/* What is sent: `data`, or where that is NULL the first `size` bytes of the open file `fd`. */
struct cenv_http_upload {
    const char *data;
    int fd;
    uint64_t size;
};

/* Signature version 4, of all that is sent. `scope` is "aws:amz:REGION:SERVICE". */
struct cenv_http_signer {
    const char *scope, *user, *secret;
};

/*
 * One request. The body of a 200 is appended to `body`, or written to `file`, made new in the
 * directory `dir` when the transfer starts (0666 through the umask); of other statuses `refusal`
 * has as much as it takes, and the rest is dropped. A reply of any status is a success here. `rc`
 * and `err` are the transfer's own: no connection, a body cut short, a body over `max_size` or of
 * another digest (CENV_EINTEGRITY), a failing disk (CENV_EOS). A body that breaks off is asked for
 * from there on (Range with If-Range) where the server names its version. All is borrowed.
 */
struct cenv_http_transfer {
    const struct cenv_secret_url *url; /* http or https */
    enum cenv_http_method method;
    const struct cenv_http_upload *upload; /* of a PUT or POST; NULL: nothing is sent */
    /* Further lines "Name: value", a NULL behind them. Authorization stays with its origin. */
    const char *const *headers;
    const struct cenv_http_signer *signer; /* or NULL */
    bool keep_redirect;                    /* also where it sends or signs */
    unsigned limit_ms;                     /* for all of it; 0: none */
    const char *etag, *modified;           /* of the copy we have, or NULL */
    struct cenv_buf *body; /* empty, or NULL: a file, or none where that is NULL too */
    int dir;
    const char *file;
    struct cenv_buf *refusal; /* or NULL */
    uint64_t max_size;        /* 0: any */
    /* Not 0: so many bytes from `first` on, a 206; from a server that has no parts a 200 without a
     * body. */
    uint64_t part, first;
    const char *sha256;              /* of the body, in hex; or NULL */
    bool text;                       /* may come compressed */
    struct cenv_http_wanted *wanted; /* headers of the reply to keep */
    size_t nr_wanted;
    /* With `what`, not NULL, the transfer is a span of this stage, in a lane of its slot. The span
     * counts bytes alone: that of the whole work counts the items. */
    enum cenv_stage stage;
    const char *what;
    struct cenv_http_reply reply;
    uint64_t took_ns; /* from its first try to its end */
    int rc;
    struct cenv_error err;
};

#endif
