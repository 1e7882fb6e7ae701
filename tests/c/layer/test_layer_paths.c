/* SPDX-License-Identifier: BSD-3-Clause */
/* Paths as numbers: they say that layers are apart only where the manifests would. */
#include "codec/json.h"
#include "layer/layer_paths.h"
#include "os/fs.h"
#include "store/package_entry.h"

#include "check.h"
#include "storekit.h"

#define RECORD \
    "{\"name\":\"%c\",\"version\":\"1\",\"build\":\"0\",\"sha256\":" \
    "\"%064d\"}"

/* Two layers, each of one path; of its type. */
struct pair {
    struct storekit k;
    struct cenv_json *records;
    struct cenv_layers layers;
};

static void publish_layer(struct pair *p, size_t at, const char *path,
                          enum cenv_file_type type)
{
    struct storekit *k = &p->k;
    struct cenv_scratch scratch;
    struct cenv_package_manifest manifest;
    struct cenv_package_file file = {
        .path = cenv_str(path), .link = CENV_STR(""), .type = type};
    const char *key = p->layers.list[at].key;
    int entry, content;
    cenv_package_manifest_init(&manifest);
    cenv_package_manifest_add(&manifest, &file);
    CHECK_INT(cenv_scratch_open(k->store, &scratch, &k->err), 0);
    CHECK_INT(cenv_package_entry_make(&scratch, key, &entry, &content, &k->err), 0);
    CHECK_INT(cenv_layer_paths_write(&manifest, entry, &k->task, &k->err), 0);
    CHECK_INT(cenv_package_entry_publish(k->store, cenv_str(key), &scratch, key, true,
                                         &k->err),
              0);
    cenv_fd_close(content);
    cenv_fd_close(entry);
    cenv_scratch_close(k->store, &scratch);
    cenv_package_manifest_release(&manifest);
}

static void open_pair(struct pair *p)
{
    char text[1024];
    *p = (struct pair){.k = storekit_open()};
    snprintf(text, sizeof(text), "[" RECORD "," RECORD "]", 'a', 1, 'b', 2);
    CHECK_INT(cenv_json_parse(&p->records, cenv_str(text), "records", &p->k.err), 0);
    CHECK_INT(
        cenv_layers_init(&p->layers, p->k.store, p->records, &p->k.task, &p->k.err), 0);
}

static void close_pair(struct pair *p)
{
    cenv_layers_release(&p->layers);
    cenv_json_free(p->records);
    storekit_close(&p->k);
}

static void test_layer_paths__tell_what_is_of_both(void)
{
    static const struct {
        const char *low, *high;
        enum cenv_file_type low_type, high_type;
        int rc;
    } cases[] = {
        {"share/a", "share/b", CENV_FT_FILE, CENV_FT_FILE, 0},
        {"share", "share", CENV_FT_DIR, CENV_FT_DIR, 0},
        {"share", "share", CENV_FT_FILE, CENV_FT_FILE, 1},
        {"share", "share", CENV_FT_DIR, CENV_FT_FILE, 1},
        {"share", "share", CENV_FT_SYMLINK, CENV_FT_DIR, 1},
        {"share", "share", CENV_FT_SYMLINK, CENV_FT_SYMLINK, 1},
    };
    struct pair p;
    open_pair(&p);
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].low);
        publish_layer(&p, 0, cases[i].low, cases[i].low_type);
        publish_layer(&p, 1, cases[i].high, cases[i].high_type);
        CHECK_INT(cenv_layer_paths_compare(&p.layers), cases[i].rc);
    }
    check_case(NULL);
    close_pair(&p);
}

static void test_layer_paths__tell_what_activation_reads(void)
{
    struct pair p;
    open_pair(&p);
    publish_layer(&p, 0, "etc/conda/activate.d/a.sh", CENV_FT_FILE);
    publish_layer(&p, 1, "etc/conda/activate.d", CENV_FT_DIR);
    CHECK_INT(cenv_layer_paths_compare(&p.layers), 0);
    CHECK(p.layers.list[0].activates && !p.layers.list[1].activates);
    close_pair(&p);
}

/* Then the manifests are asked, of what activation reads, too. */
static void test_layer_paths__believe_no_damaged_file(void)
{
    struct pair p;
    struct cenv_buf path;
    struct cenv_stat st;
    open_pair(&p);
    publish_layer(&p, 0, "share/a", CENV_FT_FILE);
    publish_layer(&p, 1, "share/b", CENV_FT_FILE);
    cenv_buf_init(&path, 4096);
    CHECK_INT(cenv_package_entry_add_path(p.k.store, cenv_str(p.layers.list[1].key),
                                          &path, &p.k.err),
              0);
    cenv_buf_puts(&path, "/../paths");
    CHECK_INT(cenv_raw_stat(CENV_CWD, path.data, &st), 0);
    for (uint64_t at = 0; at < st.size; at++) {
        int fd = open(path.data, O_RDWR | O_CLOEXEC);
        char was, is;
        CHECK_INT(pread(fd, &was, 1, (off_t)at), 1);
        is = (char)(was ^ 1);
        CHECK_INT(pwrite(fd, &is, 1, (off_t)at), 1);
        CHECK_INT(cenv_layer_paths_compare(&p.layers), 1);
        CHECK(p.layers.list[1].activates);
        CHECK_INT(pwrite(fd, &was, 1, (off_t)at), 1);
        close(fd);
    }
    CHECK_INT(cenv_layer_paths_compare(&p.layers), 0);
    CHECK_INT(truncate(path.data, (off_t)st.size - 8), 0);
    CHECK_INT(cenv_layer_paths_compare(&p.layers), 1);
    CHECK_INT(unlink(path.data), 0);
    CHECK_INT(cenv_layer_paths_compare(&p.layers), 1);
    cenv_buf_release(&path);
    close_pair(&p);
}

int main(void)
{
    RUN(test_layer_paths__tell_what_is_of_both);
    RUN(test_layer_paths__tell_what_activation_reads);
    RUN(test_layer_paths__believe_no_damaged_file);
    return check_report();
}
