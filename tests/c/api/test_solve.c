/* SPDX-License-Identifier: BSD-3-Clause */
/* Real repodata and conda's own solver tests (docs/design/solve.md 6.3, P1 to P29), where the shared data is. */
#include "universe.h"

#include "base/alloc.h"
#include "base/pool.h"
#include "os/fs_data.h"
#include "os/raw_file.h"

#define MACHINE \
    "\"virtual_packages\":[[\"__glibc\",\"2.36\",\"0\"],[\"__linux\",\"6.1\",\"0\"]," \
    "[\"__unix\",\"0\",\"0\"],[\"__archspec\",\"1\",\"x86_64_v3\"]]"

static const char *shared(void)
{
    const char *given = getenv("CENV_SHARED");
    return given ? given : "../shared";
}

/* A file of the shared folder, unpacked; NULL when the folder is not there. Caller frees. */
static char *read_shared(const char *name)
{
    struct cenv_buf packed, text;
    struct cenv_error err = CENV_ERROR_INIT;
    char path[1024];
    char *data = NULL;
    snprintf(path, sizeof(path), "%s/repodata/%s.zst", shared(), name);
    cenv_buf_init(&packed, 64 << 20);
    cenv_buf_init(&text, 256 << 20);
    if (cenv_fs_read_file(CENV_CWD, path, &packed, &err) == 0 &&
        CHECK_INT(cenv_decode(CENV_CODEC_ZSTD, cenv_buf_str(&packed), &text, &err), 0))
        data = cenv_buf_detach(&text);
    cenv_buf_release(&packed);
    cenv_buf_release(&text);
    cenv_error_release(&err);
    return data;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorts the words of `names` in place. */
static void sort_words(char *names)
{
    char *words[2048];
    char *copy = cenv_strdup(names), *at = names;
    size_t nr = 0;
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        words[nr++] = word;
    qsort(words, nr, sizeof(*words), by_name);
    for (size_t i = 0; i < nr; i++)
        at += sprintf(at, "%s%s", i ? " " : "", words[i]);
    cenv_free(copy);
}

/* The dictionary of records as repodata; with `reversed`, records and dependencies back to front. */
static char *as_repodata(const char *dictionary, bool reversed)
{
    struct cenv_json *root = NULL, *packages = cenv_json_object(), *item;
    struct cenv_json *all[8192];
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf text;
    size_t nr = 0;
    cenv_buf_init(&text, 64 << 20);
    CHECK_INT(cenv_json_parse(&root, cenv_str(dictionary), "universe", &err), 0);
    cenv_json_each(item, root) all[nr++] = item;
    for (size_t i = 0; i < nr; i++) {
        struct cenv_json *from = all[reversed ? nr - 1 - i : i],
                         *record = cenv_json_dup(from);
        struct cenv_json *depends = cenv_json_array(), *texts[256], *text_item;
        size_t nr_texts = 0;
        cenv_json_each(text_item, cenv_json_get(from, "depends")) texts[nr_texts++] =
            text_item;
        for (size_t k = 0; k < nr_texts; k++)
            cenv_json_append(depends,
                             cenv_json_dup(texts[reversed ? nr_texts - 1 - k : k]));
        cenv_json_set(record, "depends", depends);
        cenv_json_set(packages, cenv_json_key(from), record);
    }
    cenv_buf_puts(&text, "{\"packages\":");
    cenv_json_print(packages, 0, &text);
    /* conda's tests add a record for each feature */
    cenv_buf_puts(&text,
                  ",\"packages.conda\":{\"feature-0-0.conda\":{\"name\":\"feature\","
                  "\"version\":\"0\",\"build\":\"0\",\"build_number\":0,"
                  "\"track_features\":\"mkl\",\"depends\":[]}}}");
    cenv_json_free(packages);
    cenv_json_free(root);
    return cenv_buf_detach(&text);
}

static const struct {
    const char *label, *request, *want; /* sorted; a leading + : these are among them */
    size_t nr;                          /* of records, 0: as many as in `want` */
} goldens[] = {
    {"P1",
     "{\"specs\":[\"iopro 1.4*\",\"python 2.7*\",\"numpy 1.7*\"],\"add_pip\":true}",
     "distribute-0.6.36-py27_1 iopro-1.4.3-np17py27_p0 numpy-1.7.1-py27_0 openssl-1.0.1c-0 "
     "pip-1.3.1-py27_1 python-2.7.5-0 readline-6.2-0 sqlite-3.7.13-0 system-5.8-1 tk-8.5.13-0 "
     "unixodbc-2.3.1-0 zlib-1.2.7-0",
     0},
    {"P2", "{\"specs\":[\"iopro\",\"python 2.7*\",\"numpy 1.5*\"],\"add_pip\":true}",
     "+iopro-1.4.3-np15py27_p0 numpy-1.5.1-py27_4", 12},
    {"P3",
     "{\"specs\":[\"anaconda 1.5.0\",\"python 2.7*\",\"numpy 1.7*\"],\"add_pip\":true}",
     "+scipy-0.12.0-np17py27_0 anaconda-1.5.0-np17py27_0", 107},
    {"P4", "{\"specs\":[\"anaconda 1.4.0\"],\"add_pip\":true}",
     "+anaconda-1.4.0-np17py33_0 freetype-2.4.10-0", 0},
    {"P5", "{\"specs\":[\"pytz 2012d\",\"python 3*\"],\"add_pip\":true}",
     "+pytz-2012d-py33_0", 10},
    {"P6",
     "{\"specs\":[\"python 2.6*\",\"numpy 1.6*\",\"scipy 0.11*\"],\"add_pip\":true}",
     "+numpy-1.6.2-py26_4 python-2.6.8-6 scipy-0.11.0-np16py26_3", 0},
    {"P1 mkl",
     "{\"specs\":[\"iopro 1.4*\",\"python 2.7*\",\"numpy 1.7*\",\"*[track_features=mkl]\"],"
     "\"add_pip\":true}",
     "distribute-0.6.36-py27_1 feature-0-0 iopro-1.4.3-np17py27_p0 mkl-rt-11.0-p0 numpy-1.7.1-py27_p0 "
     "openssl-1.0.1c-0 pip-1.3.1-py27_1 python-2.7.5-0 readline-6.2-0 sqlite-3.7.13-0 "
     "system-5.8-1 tk-8.5.13-0 unixodbc-2.3.1-0 zlib-1.2.7-0",
     0},
    {"P2 mkl",
     "{\"specs\":[\"iopro\",\"python 2.7*\",\"numpy 1.5*\",\"*[track_features=mkl]\"],"
     "\"add_pip\":true}",
     "distribute-0.6.36-py27_1 feature-0-0 iopro-1.4.3-np15py27_p0 mkl-rt-11.0-p0 numpy-1.5.1-py27_p4 "
     "openssl-1.0.1c-0 pip-1.3.1-py27_1 python-2.7.5-0 readline-6.2-0 sqlite-3.7.13-0 "
     "system-5.8-1 tk-8.5.13-0 unixodbc-2.3.1-0 zlib-1.2.7-0",
     0},
    {"P6 mkl",
     "{\"specs\":[\"python 2.6*\",\"numpy 1.6*\",\"scipy 0.11*\",\"mkl@\"],\"add_pip\":true}",
     "distribute-0.6.36-py26_1 feature-0-0 mkl-rt-11.0-p0 numpy-1.6.2-py26_p4 openssl-1.0.1c-0 "
     "pip-1.3.1-py26_1 python-2.6.8-6 readline-6.2-0 scipy-0.11.0-np16py26_p3 sqlite-3.7.13-0 "
     "system-5.8-1 tk-8.5.13-0 zlib-1.2.7-0",
     0},
    {"P31",
     "{\"specs\":[\"scipy\",\"python 2.7*\",\"numpy 1.7*\",\"*[track_features=mkl]\"],"
     "\"add_pip\":true}",
     "+numpy-1.7.1-py27_p0 scipy-0.12.0-np17py27_p0", 0},
    {"P32", "{\"specs\":[\"mkl 11*\",\"*[track_features=mkl]\"],\"add_pip\":true}",
     "+mkl-11.0-np17py33_p1 mkl-rt-11.0-p0", 0},
    {"P33 mkl",
     "{\"specs\":[\"accelerate\",\"*[track_features=mkl]\"],\"add_pip\":true}",
     "+accelerate-1.1.0-np17py33_p0", 0},
    {"P33", "{\"specs\":[\"accelerate\"],\"add_pip\":true}",
     "+accelerate-1.1.0-np17py33_p0", 0},
};

static void check_golden(size_t i, const struct outcome *o)
{
    char *names = outcome_names(o), *want = cenv_strdup(goldens[i].want);
    sort_words(names);
    if (want[0] == '+') {
        for (char *word = strtok(want + 1, " "); word; word = strtok(NULL, " "))
            if (!CHECK(strstr(names, word)))
                fprintf(stderr, "    no %s in %s\n", word, names);
    } else {
        CHECK_STR(names, want);
    }
    if (goldens[i].nr)
        CHECK_INT(cenv_json_len(cenv_json_get(o->root, "records")), goldens[i].nr);
    cenv_free(names);
    cenv_free(want);
}

static void test_solve__conda_goldens(void)
{
    char *dictionary = read_shared("universes/index.json");
    char *replies[2][CHECK_NR(goldens)];
    for (int reversed = 0; dictionary && reversed < 2; reversed++) {
        struct universe u = {0};
        char *repodata = as_repodata(dictionary, reversed);
        universe_add(&u, "universe", "linux-64", "index.json", repodata,
                     strlen(repodata));
        struct cenv_index *index = universe_open(&u);
        for (size_t i = 0; i < CHECK_NR(goldens); i++) {
            check_case(goldens[i].label);
            struct outcome o = solve_on(index, goldens[i].request);
            if (CHECK_INT(o.rc, 0)) {
                check_golden(i, &o);
                judge_reply(goldens[i].request, &o, false);
            }
            replies[reversed][i] = outcome_names(&o);
            outcome_release(&o);
        }
        cenv_index_free(index);
        cenv_free(repodata);
    }
    for (size_t i = 0; dictionary && i < CHECK_NR(goldens); i++) {
        CHECK_STR(replies[1][i],
                  replies[0][i]); /* the order of the file does not matter */
        cenv_free(replies[0][i]);
        cenv_free(replies[1][i]);
    }
    cenv_free(dictionary);
}

/* P7 and P13 on conda's own universe. */
static void test_solve__conda_unsatisfiable(void)
{
    static const struct {
        const char *request, *conflict, *has;
    } cases[] = {
        {"{\"specs\":[\"numpy 1.5*\",\"scipy 0.12.0b1\"]}",
         "[\"numpy 1.5*\",\"scipy 0.12.0b1\"]",
         "scipy 0.12.0b1 needs numpy 1.7* or 1.6*, but numpy 1.5* is asked for"},
        {"{\"specs\":[\"notarealpackage 2.0*\"]}", "[\"notarealpackage 2.0*\"]",
         "no channel has a package named notarealpackage"},
        {"{\"specs\":[\"numpy 1.5\"]}", "[\"numpy 1.5\"]", "there is only numpy"},
    };
    char *dictionary = read_shared("universes/index.json");
    for (int reversed = 0; dictionary && reversed < 2; reversed++) {
        struct universe u = {0};
        char *repodata = as_repodata(dictionary, reversed);
        universe_add(&u, "universe", "linux-64", "index.json", repodata,
                     strlen(repodata));
        struct cenv_index *index = universe_open(&u);
        for (size_t i = 0; i < CHECK_NR(cases); i++) {
            struct cenv_buf conflict;
            check_case(cases[i].request);
            struct outcome o = solve_on(index, cases[i].request);
            cenv_buf_init(&conflict, 1 << 16);
            CHECK_INT(o.rc, CENV_EUNSAT);
            cenv_json_print(cenv_json_get(o.root, "conflict"), 0, &conflict);
            CHECK_STR(conflict.data, cases[i].conflict);
            if (!CHECK(strstr(o.err.message, cases[i].has)))
                fprintf(stderr, "    %s\n", o.err.message);
            cenv_buf_release(&conflict);
            outcome_release(&o);
        }
        cenv_index_free(index);
        cenv_free(repodata);
    }
    cenv_free(dictionary);
}

static const struct {
    const char *label, *request;
    int rc;
    const char *has; /* in the names, or in the message */
} dummies[] = {
    {"P21", "{\"specs\":[\"foo<4\"]}", 0, "foo-3.0.2-py36h1af98f8_3"},
    {"P22 absent", "{\"specs\":[\"bar\"]}", CENV_EUNSAT, "this machine has no __unix"},
    {"P22", "{\"specs\":[\"bar\"]," MACHINE "}", 0, "bar-1.2.3-unix"},
    {"P23", "{\"specs\":[\"foobar >=2\",\"bors >=2\"]}", CENV_EUNSAT, "bors <2.0"},
    {"P24",
     "{\"specs\":[\"bors >=2\"],\"locked\":[{\"name\":\"bors\",\"version\":\"1.0\","
     "\"build\":\"bla_1\",\"build_number\":1,\"subdir\":\"linux-64\","
     "\"fn\":\"bors-1.0-bla_1.tar.bz2\"}]}",
     CENV_EUNSAT, "bors==1.0=bla_1 is locked"},
    {"P25", "{\"specs\":[\"xbar\",\"xfoo==1\"]}", CENV_EUNSAT, "xbar 1 "},
    {"P26", "{\"specs\":[\"issue_717\"]}", CENV_EUNSAT, "issue_717"},
    {"P27", "{\"specs\":[\"foo>=4\"],\"exclude_newer\":\"2021-12-12\"}", CENV_EUNSAT,
     "2021-12-12"},
    {"P28",
     "{\"specs\":[\"cuda-version\"],\"virtual_packages\":[[\"__cuda\",\"1\",\"0\"]]}",
     CENV_EUNSAT, "__cuda >=12.1"},
    {"P28 absent", "{\"specs\":[\"cuda-version\"]}", 0, "cuda-version-12.5-hd4f0392_3"},
    {"P29", "{\"specs\":[\"foo=3.0.2=py36h1af98f8_1\"]}", 0,
     "foo-3.0.2-py36h1af98f8_1"},
    {"R6", "{\"specs\":[\"track-features\"]}", 0, "track-features-4-xxx"},
};

static void test_solve__rattler_goldens(void)
{
    char *text = read_shared("dummy/linux-64/repodata.json");
    struct universe u = {0};
    if (!text)
        return;
    universe_add(&u, "dummy", "linux-64", "dummy", text, strlen(text));
    struct cenv_index *index = universe_open(&u);
    for (size_t i = 0; i < CHECK_NR(dummies); i++) {
        check_case(dummies[i].label);
        struct outcome o = solve_on(index, dummies[i].request);
        char *names = outcome_names(&o);
        CHECK_INT(o.rc, dummies[i].rc);
        const char *in = o.rc == 0 ? names : o.err.message;
        if (!CHECK(strstr(in, dummies[i].has)))
            fprintf(stderr, "    no \"%s\" in: %s\n", dummies[i].has, in);
        if (o.rc == 0 && strcmp(dummies[i].label, "P29") == 0)
            CHECK(strstr(o.reply.data, "foo-3.0.2-py36h1af98f8_1.conda"));
        cenv_free(names);
        outcome_release(&o);
    }
    cenv_index_free(index);
    cenv_free(text);
}

static void test_solve__conda_forge(void)
{
    static const struct {
        const char *specs;
        const char *conflict; /* NULL: there is a solution */
    } cases[] = {
        {"\"python\"", NULL},
        {"\"python=3.12\",\"numpy\",\"pandas\",\"scipy\"", NULL},
        {"\"jupyterlab\"", NULL},
        {"\"pytorch\"", NULL},
        {"\"tensorflow\"", NULL},
        {"\"gdal\",\"geopandas\",\"xarray\",\"dask\",\"jupyterlab\"", NULL},
        {"\"python=3.13\",\"scipy=1.10\"", "[\"python=3.13\",\"scipy=1.10\"]"},
        {"\"numpy=1.21\",\"pandas>=3\"", "[\"numpy=1.21\",\"pandas>=3\"]"},
        {"\"zlib\",\"python=3.9\",\"jupyterlab>=4.6\"",
         "[\"python=3.9\",\"jupyterlab>=4.6\"]"},
        {"\"asdfasdf\",\"python\"", "[\"asdfasdf\"]"},
        {"\"libgdal-core=3.13\",\"openssl<3\"",
         "[\"libgdal-core=3.13\",\"openssl<3\"]"},
    };
    char *arch = read_shared("conda-forge/linux-64/repodata.json");
    char *noarch = arch ? read_shared("conda-forge/noarch/repodata.json") : NULL;
    struct universe u = {0};
    if (!noarch)
        return;
    universe_add(&u, "conda-forge", "linux-64", "linux-64", arch, strlen(arch));
    universe_add(&u, "conda-forge", "noarch", "noarch", noarch, strlen(noarch));
    struct cenv_index *index = universe_open(&u);
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        char request[1024];
        struct cenv_buf conflict;
        check_case(cases[i].specs);
        snprintf(request, sizeof(request), "{\"specs\":[%s]," MACHINE "}",
                 cases[i].specs);
        struct outcome o = solve_on(index, request);
        CHECK_INT(o.rc, cases[i].conflict ? CENV_EUNSAT : 0);
        cenv_buf_init(&conflict, 1 << 16);
        if (o.rc == 0)
            judge_reply(request, &o, false);
        else if (cenv_json_print(cenv_json_get(o.root, "conflict"), 0, &conflict))
            CHECK_STR(conflict.data, cases[i].conflict);
        cenv_buf_release(&conflict);
        outcome_release(&o);
    }
    cenv_index_free(index);
    cenv_free(arch);
    cenv_free(noarch);
}

static void test_solve__hard_and_unsatisfiable(void)
{
    char *text = read_shared("sudoku/noarch/repodata.json");
    struct universe u = {0};
    if (!text)
        return;
    universe_add(&u, "sudoku", "noarch", "sudoku", text, strlen(text));
    struct cenv_index *index = universe_open(&u);
    struct outcome o = solve_on(index, "{\"specs\":[\"sudoku_0_0 ==5\"]}");
    CHECK_INT(o.rc, CENV_EUNSAT);
    CHECK(strstr(o.err.message, "sudoku_0_0 ==5 cannot be installed"));
    outcome_release(&o);
    cenv_index_free(index);
    cenv_free(text);
}

static int stop(void *ctx)
{
    (void)ctx;
    return 1;
}

/* What follows needs no shared data. */
static const char tiny[] =
    "{\"packages\":{\"a-1.0-0.tar.bz2\":{\"name\":\"a\",\"version\":\"1.0\",\"build\":\"0\","
    "\"build_number\":0,\"depends\":[\"b >=1\",\"b <2\"],\"constrains\":[\"c <3\"],\"odd\":[1,{}]},"
    "\"a-2.0-0.tar.bz2\":{\"name\":\"a\",\"version\":\"2.0\",\"build\":\"0\",\"build_number\":0,"
    "\"depends\":[\"b >=2\",\"missing\"]},"
    "\"b-1.5-0.tar.bz2\":{\"name\":\"b\",\"version\":\"1.5\",\"build\":\"0\",\"build_number\":0},"
    "\"c-3-0.tar.bz2\":{\"name\":\"c\",\"version\":\"3\",\"build\":\"0\",\"build_number\":0}}}";

static struct cenv_index *open_tiny(void)
{
    struct universe u = {0};
    universe_add(&u, "tiny", "linux-64", "tiny", tiny, sizeof(tiny) - 1);
    return universe_open(&u);
}

static void test_solve__can_be_cancelled(void)
{
    struct cenv_index *index = open_tiny();
    struct cenv_task task;
    struct cenv_error err = CENV_ERROR_INIT;
    struct cenv_buf out;
    cenv_task_init(&task, stop, NULL);
    cenv_buf_init(&out, 1 << 20);
    CHECK_INT(cenv_solve(index, "{\"specs\":[\"a\"]}", &task, &out, &err),
              CENV_ECANCELLED);
    CHECK_INT(out.len, 0);
    cenv_buf_release(&out);
    cenv_error_release(&err);
    cenv_task_release(&task);
    cenv_index_free(index);
}

static int solve_job(void *ctx, size_t i, unsigned thread, struct cenv_error *err)
{
    struct cenv_task task;
    struct cenv_buf out;
    char **replies = ((void **)ctx)[1];
    (void)thread;
    cenv_task_init(&task, NULL, NULL);
    cenv_buf_init(&out, 1 << 20);
    int rc = cenv_solve(((void **)ctx)[0], "{\"specs\":[\"a\"]}", &task, &out, err);
    replies[i] = cenv_buf_detach(&out);
    cenv_task_release(&task);
    return rc;
}

static void test_solve__many_threads_on_one_index(void)
{
    enum { JOBS = 16 };
    char *replies[JOBS] = {NULL};
    struct cenv_index *index = open_tiny();
    void *ctx[] = {index, replies};
    struct cenv_task task;
    struct cenv_error err = CENV_ERROR_INIT;
    cenv_task_init(&task, NULL, NULL);
    CHECK_INT(cenv_pool_run(4, JOBS, solve_job, ctx, &task, &err), 0);
    for (int i = 0; i < JOBS; i++)
        CHECK_STR(replies[i], replies[0]);
    CHECK(replies[0] && strstr(replies[0], "a-1.0-0"));
    for (int i = 0; i < JOBS; i++)
        cenv_free(replies[i]);
    cenv_task_release(&task);
    cenv_index_free(index);
}

static void test_solve__keeps_the_record(void)
{
    struct cenv_index *index = open_tiny();
    struct outcome o = solve_on(index, "{\"specs\":[\"a\"]}");
    const struct cenv_json *a =
        cenv_json_next(cenv_json_first(cenv_json_get(o.root, "records")));
    CHECK_STR(cenv_json_get_cstr(a, "fn"), "a-1.0-0.tar.bz2");
    CHECK_STR(cenv_json_get_cstr(a, "channel"), "tiny");
    CHECK_STR(cenv_json_get_cstr(a, "subdir"), "linux-64");
    CHECK_STR(cenv_json_get_cstr(a, "url"),
              "https://conda.anaconda.org/tiny/linux-64/a-1.0-0.tar.bz2");
    CHECK_INT(cenv_json_len(cenv_json_get(a, "odd")), 2);
    CHECK(cenv_json_get_int(cenv_json_get(o.root, "stats"), "variables", 0) > 0);
    outcome_release(&o);
    cenv_index_free(index);
}

static void test_solve__refuses_bad_requests(void)
{
    static const struct {
        const char *request;
        int rc;
        const char *message;
    } cases[] = {
        {"", CENV_EINTEGRITY, "the solve request"},
        {"[]", CENV_EUSAGE, "must be an object"},
        {"{\"specs\":\"a\"}", CENV_EUSAGE, "'specs' of solve must be a list"},
        {"{\"spec\":[]}", CENV_EUSAGE, "no option 'spec'"},
        {"{\"specs\":[1]}", CENV_EUSAGE, "specs must be a list of specs"},
        {"{\"specs\":[\"a >=\"]}", CENV_ESPEC, "a >="},
        {"{\"specs\":[\"a[verzion=1]\"]}", CENV_ESPEC, "verzion"},
        {"{\"specs\":[\"*\"]}", CENV_ESPEC, "does not name one package"},
        {"{\"specs\":[],\"channel_priority\":\"odd\"}", CENV_EUSAGE, "not 'odd'"},
        {"{\"specs\":[],\"exclude_newer\":\"yesterday\"}", CENV_EUSAGE,
         "not 'yesterday'"},
        {"{\"specs\":[],\"virtual_packages\":[[\"__x\"]]}", CENV_EUSAGE,
         "virtual_packages"},
        {"{\"specs\":[],\"locked\":[{\"name\":\"a\"}]}", CENV_EINTEGRITY, "a record"},
    };
    struct cenv_index *index = open_tiny();
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        struct cenv_task task;
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_buf out;
        check_case(cases[i].request);
        cenv_task_init(&task, NULL, NULL);
        cenv_buf_init(&out, 1 << 20);
        CHECK_INT(cenv_solve(index, cases[i].request, &task, &out, &err), cases[i].rc);
        if (!CHECK(strstr(err.message, cases[i].message)))
            fprintf(stderr, "    %s\n", err.message);
        cenv_buf_release(&out);
        cenv_error_release(&err);
        cenv_task_release(&task);
    }
    cenv_index_free(index);
}

static void test_solve__locked_record_of_no_channel(void)
{
    struct cenv_index *index = open_tiny();
    struct outcome o = solve_on(
        index,
        "{\"specs\":[\"a\"],\"locked\":[{\"name\":\"b\",\"version\":\"1.7\",\"build\":\"mine\","
        "\"build_number\":0,\"subdir\":\"noarch\",\"fn\":\"b-1.7-mine.conda\","
        "\"url\":\"https://host/b-1.7-mine.conda\",\"channel\":\"elsewhere\"}]}");
    char *names = outcome_names(&o);
    CHECK_STR(names, "b-1.7-mine a-1.0-0");
    CHECK(o.rc == 0 && strstr(o.reply.data, "https://host/b-1.7-mine.conda"));
    cenv_free(names);
    outcome_release(&o);
    cenv_index_free(index);
}

#ifdef CENV_FAULTS
/* What is told of a solve, without how long it took. */
static char *tell_outcome(int rc, const struct cenv_buf *out,
                          const struct cenv_error *err)
{
    struct cenv_json *doc = NULL;
    struct cenv_error ignored = CENV_ERROR_INIT;
    struct cenv_buf text;
    cenv_buf_init(&text, 1 << 20);
    if (rc == 0 && cenv_json_parse(&doc, cenv_buf_str(out), "the reply", &ignored) == 0)
        cenv_json_print(cenv_json_get(doc, "records"), 0, &text);
    cenv_buf_addf(&text, "%d %s %s", rc, err->message, err->hint);
    cenv_json_free(doc);
    return cenv_buf_detach(&text);
}

/* Every allocation fails once; each failure is a status or does no harm, and nothing leaks. */
static void fail_all(const char *request)
{
    char *want = NULL;
    bool reached = true;
    for (long n = 0; reached; n++) { /* none at first */
        long before = cenv_alloc_live();
        struct universe u = {0};
        struct cenv_index *index = NULL;
        struct cenv_task task;
        struct cenv_error err = CENV_ERROR_INIT;
        struct cenv_buf out;
        cenv_task_init(&task, NULL, NULL);
        cenv_buf_init(&out, 1 << 20);
        universe_add(&u, "tiny", "linux-64", "tiny", tiny, sizeof(tiny) - 1);
        cenv_alloc_fail_nth(n);
        int rc = cenv_index_open(&index, u.sources, u.nr, NULL, &task, &err);
        rc = rc < 0 ? rc : cenv_solve(index, request, &task, &out, &err);
        reached = !cenv_alloc_fail_nth(0) || n == 0;
        char *told = tell_outcome(rc, &out, &err);
        if (n && rc != CENV_ENOMEM)
            CHECK_STR(told, want);
        cenv_free(n ? told : NULL);
        want = n ? want : told;
        cenv_buf_release(&out);
        cenv_index_free(index);
        cenv_error_release(&err);
        cenv_task_release(&task);
        if (!CHECK_INT(cenv_alloc_live(), before + (n == 0)))
            break;
    }
    cenv_free(want);
}

static void test_solve__out_of_memory(void)
{
    fail_all("{\"specs\":[\"a\"],\"explain\":\"a\"," MACHINE "}");
    fail_all("{\"specs\":[\"a\",\"c\"]}");
    fail_all("{\"specs\":[\"bb\"]}");
    fail_all("{\"specs\":[\"a\"],\"explain\":\"a=2\"}");
    fail_all("{\"specs\":[\"a\"],\"explain\":\"b=9\"}");
    fail_all("{\"specs\":[\"a=1\",\"c\"],\"explain\":\"b\"}");
    fail_all("{\"specs\":[\"a\",\"a=2\",\"c=7\"]}");
    fail_all("{\"specs\":[\"a\",\"*[build_number=0]\"]}");
    fail_all("{\"specs\":[\"*[license=none]\"]}");
}
#endif

int main(void)
{
    RUN(test_solve__refuses_bad_requests);
    RUN(test_solve__keeps_the_record);
    RUN(test_solve__many_threads_on_one_index);
    RUN(test_solve__locked_record_of_no_channel);
    RUN(test_solve__can_be_cancelled);
#ifdef CENV_FAULTS
    RUN(test_solve__out_of_memory);
#endif
    RUN(test_solve__rattler_goldens);
    RUN(test_solve__conda_goldens);
    RUN(test_solve__conda_unsatisfiable);
    RUN(test_solve__hard_and_unsatisfiable);
    RUN(test_solve__conda_forge);
    return check_report();
}
