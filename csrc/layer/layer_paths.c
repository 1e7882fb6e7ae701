/* SPDX-License-Identifier: BSD-3-Clause */
/* The file: a header, the numbers, and the hex digits of the SHA-256 of both. */
#include "layer/layer_paths.h"

#include "base/alloc.h"
#include "os/fs_data.h"
#include "store/package_entry.h"

#define NAME "paths"

/* In the byte order of the machine, as a manifest. */
static const uint64_t MAGIC = 0x3168746170766e65; /* "envpath1" */
enum { BYTES_MAX = 1 << 30, SUM = CENV_DIGEST_HEX_MAX - 1 };

struct file_header {
    uint64_t magic;
    uint32_t nr;
    uint32_t activates; /* 0 or 1 */
};

bool cenv_layer_paths_is_activation(const struct cenv_package_file *file)
{
    return file->type == CENV_FT_FILE &&
           (cenv_str_starts(file->path, CENV_STR("etc/conda/activate.d/")) ||
            cenv_str_starts(file->path, CENV_STR("etc/conda/env_vars.d/")));
}

/* ---- writing ---- */

/* Never 0, and odd for a directory. */
static int number_path(const struct cenv_package_file *file, uint64_t *number,
                       struct cenv_task *task, struct cenv_error *err)
{
    unsigned char digest[CENV_SHA256_LEN];
    int rc = cenv_digest_sha256(file->path, digest, task, err);
    memcpy(number, digest, sizeof(*number));
    *number = (*number | 3) - (file->type != CENV_FT_DIR);
    return rc;
}

static bool add_sum(struct cenv_buf *out)
{
    char sum[CENV_DIGEST_HEX_MAX];
    return !out->failed && cenv_digest_sha256_hex(cenv_buf_str(out), sum) &&
           cenv_buf_puts(out, sum);
}

static int format_paths(const struct cenv_package_manifest *manifest,
                        struct cenv_buf *out, struct cenv_task *task,
                        struct cenv_error *err)
{
    struct file_header header = {MAGIC, (uint32_t)manifest->nr, 0};
    int rc = 0;
    for (size_t i = 0; i < manifest->nr; i++)
        header.activates |= cenv_layer_paths_is_activation(&manifest->entries[i]);
    cenv_buf_add(out, &header, sizeof(header));
    for (size_t i = 0; i < manifest->nr && rc == 0; i++) {
        uint64_t number;
        rc = number_path(&manifest->entries[i], &number, task, err);
        cenv_buf_add(out, &number, sizeof(number));
    }
    return rc == 0 && !add_sum(out) ? cenv_error_oom(err) : rc;
}

int cenv_layer_paths_write(const struct cenv_package_manifest *manifest, int entry,
                           struct cenv_task *task, struct cenv_error *err)
{
    struct cenv_buf out;
    cenv_buf_init(&out, BYTES_MAX);
    int rc = format_paths(manifest, &out, task, err);
    if (rc == 0)
        rc = cenv_fs_write_new(entry, NAME, cenv_buf_str(&out), 0644, err);
    cenv_buf_release(&out);
    return rc;
}

/* ---- comparing ---- */

/* The numbers in a file; false when it is damaged. */
static bool parse_paths(struct cenv_str file, struct cenv_str *numbers, bool *activates)
{
    struct file_header header;
    char sum[CENV_DIGEST_HEX_MAX];
    if (file.len < sizeof(header) + SUM)
        return false;
    memcpy(&header, file.data, sizeof(header));
    *numbers = cenv_str_n(file.data + sizeof(header), file.len - sizeof(header) - SUM);
    if (header.magic != MAGIC || numbers->len != header.nr * sizeof(uint64_t) ||
        !cenv_digest_sha256_hex(cenv_str_n(file.data, file.len - SUM), sum) ||
        memcmp(sum, file.data + file.len - SUM, SUM) != 0)
        return false;
    *activates = header.activates;
    return true;
}

/* Appends a layer's numbers; 1 when it has none, or damaged ones. */
static int read_paths(const struct cenv_layers *layers, struct cenv_layer *layer,
                      struct cenv_buf *file, struct cenv_buf *numbers)
{
    struct cenv_str found;
    cenv_buf_clear(file);
    layer->activates = true; /* unless the file says otherwise */
    int rc = cenv_package_entry_read(layers->store, cenv_str(layer->key), NAME, file,
                                     layers->err);
    if (rc != 0)
        return rc;
    if (!parse_paths(cenv_buf_str(file), &found, &layer->activates))
        return 1;
    return cenv_buf_add_str(numbers, found) ? 0 : cenv_error_oom(layers->err);
}

/* False: another layer may have it, too. There is room in the table for all. */
static bool add_number(uint64_t *table, size_t mask, uint64_t number)
{
    size_t at = (number >> 1) & mask;
    for (; table[at]; at = (at + 1) & mask)
        if (((table[at] ^ number) | 1) == 1)
            return table[at] == number && (number & 1);
    table[at] = number;
    return true;
}

/* 0, 1 when some may be the same, or a status. */
static int compare_numbers(struct cenv_str numbers, struct cenv_error *err)
{
    size_t nr = numbers.len / sizeof(uint64_t), alloc = 16;
    bool apart = true;
    while (alloc < 2 * nr)
        alloc *= 2;
    uint64_t *table = cenv_calloc(alloc, sizeof(*table));
    if (!table)
        return cenv_error_oom(err);
    for (size_t i = 0; i < nr && apart; i++) {
        uint64_t number;
        memcpy(&number, numbers.data + i * sizeof(number), sizeof(number));
        apart = number == 0 || add_number(table, alloc - 1, number);
    }
    cenv_free(table);
    return !apart;
}

int cenv_layer_paths_compare(struct cenv_layers *layers)
{
    struct cenv_buf file, numbers;
    int rc = 0, whole = 0;
    cenv_buf_init(&file, BYTES_MAX);
    cenv_buf_init(&numbers, BYTES_MAX);
    for (size_t i = 0; i < layers->nr && rc >= 0; i++) {
        rc = read_paths(layers, &layers->list[i], &file, &numbers);
        whole |= rc;
    }
    if (rc >= 0)
        rc = whole ? 1 : compare_numbers(cenv_buf_str(&numbers), layers->err);
    cenv_buf_release(&file);
    cenv_buf_release(&numbers);
    return rc;
}
