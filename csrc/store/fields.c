/* SPDX-License-Identifier: BSD-3-Clause */
/* Members of JSON documents that hold what JSON has no type for. */
#include "store/fields.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/digest.h"

enum { NUMBER_MAX = 24 };

int cenv_fields_set_path(struct cenv_json *doc, const char *key, const char *hex_key,
                         const char *path)
{
    static const char digits[] = "0123456789abcdef";
    struct cenv_buf hex;
    cenv_buf_init(&hex, 2 * strlen(path) + 1);
    for (const unsigned char *at = (const unsigned char *)path; *at; at++) {
        cenv_buf_putc(&hex, digits[*at >> 4]);
        cenv_buf_putc(&hex, digits[*at & 15]);
    }
    struct cenv_json *text = cenv_json_string(cenv_str(path));
    int rc = text ? cenv_json_set(doc, key, text) : 0;
    rc = rc ? rc : cenv_json_set_str(doc, hex_key, cenv_buf_str(&hex));
    cenv_buf_release(&hex);
    return rc;
}

int cenv_fields_set_u64(struct cenv_json *doc, const char *key, uint64_t value)
{
    char text[NUMBER_MAX];
    snprintf(text, sizeof(text), "%" PRIu64, value);
    return cenv_json_set_cstr(doc, key, text);
}

int cenv_fields_set_owner(struct cenv_json *doc, const struct cenv_owner *owner)
{
    struct cenv_json *out = cenv_json_object();
    int rc = cenv_json_set_int(out, "pid", owner->pid);
    rc = rc ? rc : cenv_fields_set_u64(out, "start", owner->start);
    rc = rc ? rc : cenv_fields_set_u64(out, "pid_ns", owner->pid_ns);
    rc = rc ? rc : cenv_json_set_cstr(out, "boot_id", owner->boot_id);
    rc = rc ? rc : cenv_json_set_cstr(out, "host", owner->host);
    if (rc != 0) {
        cenv_json_free(out);
        return rc;
    }
    return cenv_json_set(doc, "owner", out);
}

char *cenv_fields_get_path(const struct cenv_json *doc, const char *hex_key)
{
    struct cenv_str hex = cenv_json_get_str(doc, hex_key);
    size_t len = hex.len / 2;
    char *path = cenv_malloc(len + 1);
    if (path && (!len || !cenv_unhex(hex, (unsigned char *)path, len))) {
        cenv_free(path);
        return NULL;
    }
    if (path)
        path[len] = '\0';
    return path;
}

uint64_t cenv_fields_get_u64(const struct cenv_json *doc, const char *key)
{
    const char *text = cenv_json_get_cstr(doc, key);
    return text ? strtoull(text, NULL, 10) : 0;
}

static void get_text(const struct cenv_json *doc, const char *key, char *out,
                     size_t size)
{
    const char *text = cenv_json_get_cstr(doc, key);
    snprintf(out, size, "%s", text ? text : "");
}

void cenv_fields_get_owner(const struct cenv_json *doc, struct cenv_owner *out)
{
    doc = cenv_json_get(doc, "owner");
    *out = (struct cenv_owner){.pid = cenv_json_get_int(doc, "pid", 0)};
    out->start = cenv_fields_get_u64(doc, "start");
    out->pid_ns = cenv_fields_get_u64(doc, "pid_ns");
    get_text(doc, "boot_id", out->boot_id, sizeof(out->boot_id));
    get_text(doc, "host", out->host, sizeof(out->host));
}
