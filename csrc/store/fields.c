/* SPDX-License-Identifier: BSD-3-Clause */
/* Members of JSON documents that hold what JSON has no type for. */
#include "store/fields.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/hex.h"

enum { NUMBER_MAX = 24 };

void cenv_fields_write_path(struct cenv_json_writer *w, const char *key,
                            const char *hex_key, const char *path)
{
    size_t len = strlen(path);
    char *hex = cenv_malloc(2 * len + 1);
    if (hex)
        cenv_hex((const unsigned char *)path, len, hex);
    cenv_json_write_cstr(w, key, path);
    cenv_json_write_cstr(w, hex_key, hex ? hex : "");
    w->out->failed |= !hex;
    cenv_free(hex);
}

int cenv_fields_read_path(const struct cenv_json *doc, const char *hex_key,
                          struct cenv_arena *arena, const char **path,
                          struct cenv_error *err)
{
    struct cenv_str hex = cenv_json_get_str(doc, hex_key);
    size_t len = hex.len / 2;
    if (!len)
        return 1;
    char *bytes = cenv_arena_calloc(arena, len + 1, 1);
    if (!bytes)
        return cenv_error_oom(err);
    if (!cenv_unhex(hex, (unsigned char *)bytes, len))
        return 1;
    *path = bytes;
    return 0;
}

void cenv_fields_write_u64(struct cenv_json_writer *w, const char *key, uint64_t value)
{
    char text[NUMBER_MAX];
    snprintf(text, sizeof(text), "%" PRIu64, value);
    cenv_json_write_cstr(w, key, text);
}

uint64_t cenv_fields_read_u64(const struct cenv_json *doc, const char *key)
{
    const char *text = cenv_json_get_cstr(doc, key);
    return text ? strtoull(text, NULL, 10) : 0;
}

static const struct cenv_shape_member owner_members[] = {
    {"pid", &cenv_shape_number, true},    {"start", &cenv_shape_string, true},
    {"pid_ns", &cenv_shape_string, true}, {"boot_id", &cenv_shape_string, true},
    {"host", &cenv_shape_string, true},   {NULL, NULL, false},
};
const struct cenv_shape cenv_fields_owner = {CENV_JSON_OBJECT, owner_members, NULL};

void cenv_fields_write_owner(struct cenv_json_writer *w, const struct cenv_owner *owner)
{
    cenv_json_write_object(w, "owner");
    cenv_json_write_i64(w, "pid", owner->pid);
    cenv_fields_write_u64(w, "start", owner->start);
    cenv_fields_write_u64(w, "pid_ns", owner->pid_ns);
    cenv_json_write_cstr(w, "boot_id", owner->boot_id);
    cenv_json_write_cstr(w, "host", owner->host);
    cenv_json_write_end(w);
}

static void copy_text(const struct cenv_json *doc, const char *key, char *out,
                      size_t size)
{
    const char *text = cenv_json_get_cstr(doc, key);
    snprintf(out, size, "%s", text ? text : "");
}

void cenv_fields_read_owner(const struct cenv_json *doc, struct cenv_owner *out)
{
    doc = cenv_json_get(doc, "owner");
    *out = (struct cenv_owner){.pid = cenv_json_get_int(doc, "pid", 0)};
    out->start = cenv_fields_read_u64(doc, "start");
    out->pid_ns = cenv_fields_read_u64(doc, "pid_ns");
    copy_text(doc, "boot_id", out->boot_id, sizeof(out->boot_id));
    copy_text(doc, "host", out->host, sizeof(out->host));
}
