/* SPDX-License-Identifier: BSD-3-Clause */
/* Environments of layers: what is shown is what a link makes; what cannot be so is refused. */
#include "cenv.h"
#include "codec/json.h"
#include "os/namespace.h"
#include "store/layered_entry.h"

#include "package.h"
#include "storekit.h"

enum { PACKAGES_MAX = 4, RECORDS_MAX = 16384 };

/* A store with packages, and their records as a solve gives them. */
struct scene {
    struct storekit k;
    struct cenv_link_package packages[PACKAGES_MAX]; /* as they lie in the store */
    char contents[PACKAGES_MAX][1024], texts[PACKAGES_MAX][2048];
    size_t nr;
    char records[RECORDS_MAX];
};

static struct package begin(struct scene *s, const char *name, const char *extra)
{
    char hash[CENV_DIGEST_HEX_MAX], all[1024];
    cenv_digest_sha256_hex(cenv_str(name), hash);
    snprintf(all, sizeof(all), ",\"sha256\":\"%s\"%s", hash, extra);
    return package_begin(&s->k.s, name, strcmp(name, "python") ? "1" : "3.13.1", all);
}

/* Publishes the package, and adds it to the records. */
static void end(struct scene *s, struct package *p, const char *name)
{
    char hash[CENV_DIGEST_HEX_MAX];
    struct cenv_scratch scratch;
    struct cenv_buf path;
    struct storekit *k = &s->k;
    package_end(p);
    cenv_digest_sha256_hex(cenv_str(name), hash);
    CHECK_INT(cenv_scratch_open(k->store, &scratch, &k->err), 0);
    mkdirat(scratch.fd, "e", 0755);
    CHECK_INT(renameat(k->s.fd, p->dir, scratch.fd, "e/content"), 0);
    CHECK_INT(storekit_describe(scratch.fd, "e", p->record, &k->task, &k->err), 0);
    CHECK_INT(cenv_package_entry_publish(k->store, cenv_str(hash), &scratch, "e", false,
                                         &k->err),
              0);
    cenv_scratch_close(k->store, &scratch);
    cenv_buf_init(&path, 1024);
    cenv_package_entry_add_path(k->store, cenv_str(hash), &path, &k->err);
    snprintf(s->contents[s->nr], sizeof(s->contents[0]), "%s", path.data);
    snprintf(s->texts[s->nr], sizeof(s->texts[0]), "%s", p->record);
    s->packages[s->nr] =
        (struct cenv_link_package){cenv_str(s->texts[s->nr]), s->contents[s->nr]};
    size_t len = strlen(s->records);
    snprintf(s->records + len, sizeof(s->records) - len, "%s%s", s->nr ? "," : "[",
             p->record);
    s->nr++;
    cenv_buf_release(&path);
}

static struct scene open_scene(void)
{
    return (struct scene){.k = storekit_open()};
}

/* One file, plain or relocated. */
static void add_package(struct scene *s, const char *name, const char *extra,
                        const char *path, const char *text, const char *keys)
{
    struct package p = begin(s, name, extra);
    package_data(&p, path, text, strlen(text), 0755, keys);
    if (strstr(extra, "noarch"))
        package_info(&p, "link.json",
                     "{\"package_metadata_version\":1,\"noarch\":{\"type\":\"python\","
                     "\"entry_points\":[\"run-n = n:main\"]}}");
    end(s, &p, name);
}

/* The reply's tree, for the caller to free; NULL when it failed. */
static struct cenv_json *open_layers(struct scene *s)
{
    char all[RECORDS_MAX];
    struct cenv_json *reply = NULL;
    snprintf(all, sizeof(all), "%s]", s->records);
    cenv_buf_clear(&s->k.out);
    if (cenv_layered_open(s->k.store, all, "{\"specs\":[\"tool 1\"],\"offline\":true}",
                          &s->k.task, &s->k.out, &s->k.err) == 0)
        cenv_json_parse(&reply, cenv_buf_str(&s->k.out), "reply", &s->k.err);
    return reply;
}

static bool shows_layers(void)
{
    struct cenv_buf reason;
    cenv_buf_init(&reason, 4096);
    bool shows = cenv_ns_works("/tmp", &reason);
    if (!shows)
        printf("not tried: %s\n", reason.data);
    cenv_buf_release(&reason);
    return shows;
}

/* ---- what is shown ---- */

struct comparison {
    const struct cenv_layered *layered;
    size_t compared;
};

/* The uppermost layer's file against the linked one's; times of day differ. */
static int compare_file(void *ctx, const struct cenv_walk_entry *at,
                        struct cenv_error *err)
{
    struct comparison *c = ctx;
    struct cenv_buf linked, shown;
    char path[2048] = "";
    struct cenv_stat st;
    if (at->entry.type != CENV_FT_FILE || cenv_str_is(at->path, "conda-meta/history") ||
        cenv_str_is(at->path, "conda-meta/created_at"))
        return 0;
    for (size_t i = 0; i < c->layered->nr; i++) {
        snprintf(path, sizeof(path), "%s/%s", c->layered->dirs[i], at->path.data);
        if (cenv_raw_stat(CENV_CWD, path, &st) == 0)
            break;
    }
    cenv_buf_init(&linked, 1 << 20);
    cenv_buf_init(&shown, 1 << 20);
    CHECK_INT(cenv_fs_read_file(at->parent, at->entry.name, &linked, err), 0);
    check_case(at->path.data);
    if (CHECK_INT(cenv_fs_read_file(CENV_CWD, path, &shown, err), 0))
        CHECK_STR(shown.data, linked.data);
    c->compared++;
    cenv_buf_release(&linked);
    cenv_buf_release(&shown);
    return 0;
}

/* Links the same packages, and compares; how many files there are. */
static size_t compare_with_link(struct scene *s, const char *path)
{
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_layered layered = {0};
    struct cenv_str spec = CENV_STR("tool 1");
    struct storekit *k = &s->k;
    struct comparison c = {&layered, 0};
    CHECK_INT(cenv_layered_entry_read(path, &arena, &layered, &k->err), 0);
    CHECK_INT(layered.nr, s->nr + 1);
    struct cenv_link_options options = plain_link;
    options.store = k->store;
    options.specs = &spec;
    options.nr_specs = 1;
    struct linked l =
        link_packages(&k->s, "linked", layered.prefix, s->packages, s->nr, options);
    CHECK_INT(l.rc, 0);
    int dir = cenv_fs_open_root(scratch_path(&k->s, "linked"), &k->err);
    CHECK_INT(cenv_fs_walk(dir, true, compare_file, &c, &k->task, &k->err), 0);
    check_case(NULL);
    cenv_fd_close(dir);
    linked_release(&l);
    cenv_arena_release(&arena);
    return c.compared;
}

static void fill_scene(struct scene *s)
{
    add_package(s, "python", "", "bin/python3.13", fake_python, "");
    add_package(s, "n", ",\"noarch\":\"python\"", "site-packages/n.py", "x = 1\n", "");
    add_package(s, "low", "", "share/both", "of low\n", "");
    struct package p = begin(s, "tool", "");
    package_data(&p, "bin/tool", "#!" PLACEHOLDER "/bin/sh\n",
                 sizeof("#!" PLACEHOLDER "/bin/sh\n") - 1, 0755, TEXT_KEYS);
    package_file(&p, "share/both", "of tool\n", 0644);
    package_link(&p, "lib/link", "../bin/tool", "");
    package_file(&p, "etc/conda/env_vars.d/tool.json", "{\"TOOL\":\"1\"}", 0644);
    end(s, &p, "tool");
}

static void test_layered__shows_what_a_link_makes(void)
{
    struct scene s = open_scene();
    fill_scene(&s);
    struct cenv_json *reply = open_layers(&s);
    if (CHECK(reply != NULL)) {
        const char *path = cenv_json_get_cstr(reply, "path");
        CHECK_INT(cenv_json_get_int(reply, "made", 0), 4);
        CHECK_INT(cenv_json_len(cenv_json_get(reply, "warnings")), 1);
        /* Five of packages, bytecode, an entry point, four records. */
        if (CHECK(path != NULL))
            CHECK_INT(compare_with_link(&s, path), 11);
    }
    cenv_json_free(reply);
    storekit_close(&s.k);
}

static void test_layered__tells_what_a_python_lists(void)
{
    struct scene s = open_scene();
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_layered layered = {0};
    char path[1024];
    fill_scene(&s);
    struct cenv_json *reply = open_layers(&s);
    const char *entry = cenv_json_get_cstr(reply, "path");
    CHECK_INT(cenv_layered_entry_read(entry, &arena, &layered, &s.k.err), 0);
    if (CHECK_INT(layered.nr_listed, 2)) {
        snprintf(path, sizeof(path), "%s/lib/python3.13", layered.prefix);
        CHECK_STR(layered.listed[0], path);
        snprintf(path, sizeof(path), "%s/lib/python3.13/site-packages", layered.prefix);
        CHECK_STR(layered.listed[1], path);
    }
    cenv_json_free(reply);
    cenv_arena_release(&arena);
    storekit_close(&s.k);
}

static void test_layered__top_has_what_activation_reads(void)
{
    struct scene s = open_scene();
    char path[2048];
    struct cenv_buf out;
    fill_scene(&s);
    struct cenv_json *reply = open_layers(&s);
    snprintf(path, sizeof(path), "%s/content", cenv_json_get_cstr(reply, "path"));
    cenv_buf_init(&out, 1 << 20);
    CHECK_INT(cenv_activation_read(path, &out, &s.k.err), 0);
    CHECK(out.data && !strcmp(out.data, "etc/conda/env_vars.d/tool.json"));
    cenv_buf_release(&out);
    cenv_json_free(reply);
    storekit_close(&s.k);
}

/* ---- what is kept ---- */

static void test_layered__is_made_once(void)
{
    struct scene s = open_scene();
    char path[1024] = "";
    fill_scene(&s);
    struct cenv_json *reply = open_layers(&s);
    snprintf(path, sizeof(path), "%s", cenv_json_get_cstr(reply, "path"));
    cenv_json_free(reply);
    reply = open_layers(&s);
    CHECK_INT(cenv_json_get_int(reply, "made", 9), 0);
    CHECK_STR(cenv_json_get_cstr(reply, "path"), path);
    cenv_json_free(reply);
    CHECK_INT(cenv_layered_find(s.k.store, path, &s.k.task, &s.k.err), 0);
    CHECK_INT(storekit_count(&s.k, CENV_STORE_TMP), 0);
    cenv_buf_clear(&s.k.out);
    CHECK_INT(cenv_store_gc(s.k.store, 0, &s.k.task, &s.k.out, &s.k.err), 0);
    CHECK_INT(cenv_layered_find(s.k.store, path, &s.k.task, &s.k.err), 1);
    storekit_close(&s.k);
}

/* A solve's reply stands for the records in it. */
static void test_layered__takes_a_solution(void)
{
    struct scene s = open_scene();
    char told[RECORDS_MAX + 64];
    struct cenv_json *reply = NULL;
    add_package(&s, "tool", "", "bin/tool", "x\n", "");
    snprintf(told, sizeof(told), "{\"seconds\":1,\"records\":%s]}", s.records);
    cenv_buf_clear(&s.k.out);
    CHECK_INT(cenv_layered_open(s.k.store, told, "{\"offline\":true}", &s.k.task,
                                &s.k.out, &s.k.err),
              0);
    cenv_json_parse(&reply, cenv_buf_str(&s.k.out), "reply", &s.k.err);
    CHECK_INT(cenv_json_get_int(reply, "layers", 0), 1);
    cenv_json_free(reply);
    storekit_close(&s.k);
}

static void test_layered__makes_none_where_none_are_wanted(void)
{
    struct scene s = open_scene();
    const char *options = "{\"only_there\":true,\"offline\":true}";
    struct cenv_json *reply = NULL;
    char all[RECORDS_MAX];
    add_package(&s, "tool", "", "bin/tool", "x\n", "");
    snprintf(all, sizeof(all), "%s]", s.records);
    for (int there = 0; there <= 1; there++) {
        cenv_buf_clear(&s.k.out);
        CHECK_INT(
            cenv_layered_open(s.k.store, all, options, &s.k.task, &s.k.out, &s.k.err),
            0);
        cenv_json_parse(&reply, cenv_buf_str(&s.k.out), "reply", &s.k.err);
        CHECK_INT(cenv_json_get_cstr(reply, "path") != NULL, there);
        CHECK_INT(cenv_json_get_cstr(reply, "why") == NULL, there);
        cenv_json_free(reply);
        cenv_json_free(open_layers(&s));
    }
    storekit_close(&s.k);
}

/* Layers that gc took are made again below a top that is still there. */
static void test_layered__is_whole_or_made_again(void)
{
    struct scene s = open_scene();
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_layered layered = {0};
    add_package(&s, "tool", "", "bin/tool", "x\n", "");
    struct cenv_json *reply = open_layers(&s);
    const char *path = cenv_json_get_cstr(reply, "path");
    CHECK_INT(cenv_layered_entry_read(path, &arena, &layered, &s.k.err), 0);
    CHECK_INT(layered.nr_listed, 0);
    nftw(layered.dirs[1], scratch_rm, 32, FTW_DEPTH | FTW_PHYS);
    CHECK_INT(cenv_layered_find(s.k.store, path, &s.k.task, &s.k.err), 1);
    cenv_json_free(reply);
    reply = open_layers(&s);
    CHECK_INT(cenv_json_get_int(reply, "made", 0), 1);
    cenv_json_free(reply);
    cenv_arena_release(&arena);
    storekit_close(&s.k);
}

/* ---- what is refused ---- */

static void test_layered__refuses_what_a_link_would_make_other(void)
{
    static const struct {
        const char *low, *extra, *high, *why;
    } cases[] = {
        {"bin/.low-post-link.sh", "", "share/x", "low-1-0 has a link script"},
        {"python-scripts/.low-post-link.sh", ",\"noarch\":\"python\"", "share/x",
         "low-1-0 has a link script"},
        {"share/x", "", "share/x/y", "'share/x' is in low-1-0 and in tool-1-0"},
        {"site-packages/x.py", ",\"noarch\":\"python\"", SITE "x.py",
         "'" SITE "x.py' is in low-1-0 and in tool-1-0"},
    };
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct scene s = open_scene();
        check_case(cases[i].low);
        if (cases[i].extra[0])
            add_package(&s, "python", "", "bin/python3.13", fake_python, "");
        add_package(&s, "low", cases[i].extra, cases[i].low, "low\n", "");
        add_package(&s, "tool", "", cases[i].high, "high\n", "");
        struct cenv_json *reply = open_layers(&s);
        if (CHECK(reply != NULL)) {
            CHECK(!cenv_json_get_cstr(reply, "path"));
            CHECK_STR(cenv_json_get_cstr(reply, "why"), cases[i].why);
        }
        cenv_json_free(reply);
        storekit_close(&s.k);
    }
}

static void test_layered__refuses_what_is_none(void)
{
    struct scene s = open_scene();
    struct cenv_arena arena = CENV_ARENA_INIT;
    struct cenv_layered layered;
    CHECK_INT(cenv_layered_entry_read("/tmp", &arena, &layered, &s.k.err), 1);
    add_package(&s, "tool", "", "bin/tool", "x\n", "");
    char path[1024];
    snprintf(path, sizeof(path), "%s", s.contents[0]);
    *strrchr(path, '/') = '\0'; /* the entry of a package */
    CHECK_INT(cenv_layered_entry_read(path, &arena, &layered, &s.k.err),
              CENV_EINTEGRITY);
    cenv_arena_release(&arena);
    storekit_close(&s.k);
}

/* ---- faults ---- */

static void test_layered__survives_any_allocation(void)
{
    struct scene s = open_scene();
    bool done = false;
    add_package(&s, "low", "", "share/both", "of low\n", "");
    add_package(&s, "tool", "", "share/both", "of tool\n", "");
    cenv_json_free(open_layers(&s)); /* the layers are there, the top goes each time */
    char top[1024];
    for (long n = 1; !done; n++) {
        struct cenv_json *reply = open_layers(&s);
        snprintf(top, sizeof(top), "%s", cenv_json_get_cstr(reply, "path"));
        cenv_json_free(reply);
        nftw(top, scratch_rm, 32, FTW_DEPTH | FTW_PHYS);
        long live = cenv_alloc_live();
        cenv_alloc_fail_nth(n);
        reply = open_layers(&s);
        done = !cenv_alloc_fail_nth(0);
        CHECK(reply || s.k.err.status == CENV_ENOMEM);
        CHECK(!reply || !strcmp(cenv_json_get_cstr(reply, "path"), top));
        cenv_json_free(reply);
        cenv_error_release(&s.k.err);
        s.k.err = (struct cenv_error)CENV_ERROR_INIT;
        CHECK_INT(cenv_alloc_live(), live);
        CHECK_INT(storekit_count(&s.k, CENV_STORE_TMP), 0);
    }
    storekit_close(&s.k);
}

int main(void)
{
    RUN(test_layered__refuses_what_is_none);
    if (!shows_layers())
        return check_report();
    RUN(test_layered__shows_what_a_link_makes);
    RUN(test_layered__tells_what_a_python_lists);
    RUN(test_layered__top_has_what_activation_reads);
    RUN(test_layered__is_made_once);
    RUN(test_layered__takes_a_solution);
    RUN(test_layered__makes_none_where_none_are_wanted);
    RUN(test_layered__is_whole_or_made_again);
    RUN(test_layered__refuses_what_a_link_would_make_other);
    RUN(test_layered__survives_any_allocation);
    return check_report();
}
