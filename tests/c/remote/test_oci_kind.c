/* SPDX-License-Identifier: BSD-3-Clause */
/* remote/oci_kind: what a registry is asked, told and believed. */
#include "remote_scene.h"

#define REPO  "oci+http://127.0.0.1:%u/team/cenv"
#define LOGIN "oci+http://user:secret@127.0.0.1:%u/team/cenv"
#define BASIC "Authorization: Basic dXNlcjpzZWNyZXQ=\r\n"
#define DIGEST \
    "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" /* of {} */
#define MANIFEST \
    "{\"config\":{\"mediaType\":\"application/vnd.cenv.template.v1+json\"," \
    "\"digest\":\"sha256:" DIGEST "\",\"size\":2}}"
#define REPLY(head, body) \
    make_reply((char[1000]){0}, "HTTP/1.1 " head "\r\nContent-Length: %zu\r\n\r\n", \
               body)
#define EMPTY(head) "HTTP/1.1 " head "\r\nContent-Length: 0\r\n\r\n"

static const char *make_reply(char *out, const char *head, const char *body)
{
    snprintf(out, 1000, head, strlen(body));
    strcat(out, body);
    return out;
}

enum { CHALLENGE = 300 };

/* A login by a token of the server itself. */
static void set_challenge(char challenge[CHALLENGE])
{
    snprintf(challenge, CHALLENGE,
             "HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer "
             "realm=\"http://127.0.0.1:%u/token\"\r\nContent-Length: 0\r\n\r\n",
             server.port);
}

static void test_oci_kind__finds_the_document_of_a_tag(void)
{
    SCRIPT(EMPTY("404 No"), REPLY("200 OK", MANIFEST), OK("2", "{}"));
    open_remote(REPO);
    CHECK_INT(cenv_remote_find(remote, KEY, &document, &task, &err), 0);
    CHECK(request_has(0, "GET /v2/team/cenv/manifests/" KEY " "));
    CHECK(request_has(0, "Accept: application/vnd.oci.image.manifest.v1+json\r\n"));
    CHECK_INT(cenv_remote_find(remote, KEY, &document, &task, &err), 1);
    CHECK_STR(document.data, "{}");
    CHECK(request_has(2, "GET /v2/team/cenv/blobs/sha256:" DIGEST " "));
    close_remote();
}

static void test_oci_kind__believes_no_strange_manifest(void)
{
    static const struct {
        const char *manifest, *document;
    } cases[] = {
        {"{}", NULL},
        {"[1", NULL},
        {"{\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\","
         "\"digest\":\"sha256:" DIGEST "\",\"size\":2}}",
         NULL},
        {"{\"config\":{\"mediaType\":\"application/vnd.cenv.template.v1+json\","
         "\"digest\":\"sha256:../../../../../../../../../../../../../../../../../../../"
         "/x\",\"size\":2}}",
         NULL},
        {MANIFEST, OK("2", "[]")},
        {MANIFEST,
         OK("101", "                                                     "
                   "                                                        ")},
    };

    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].manifest);
        SCRIPT(REPLY("200 OK", cases[i].manifest), cases[i].document);
        open_remote(REPO);
        CHECK_INT(cenv_remote_find(remote, KEY, &document, &task, &err),
                  CENV_EINTEGRITY);
        CHECK(strstr(err.message, "remote oci+http://127.0.0.1"));
        CHECK_INT(document.len, 0);
        close_remote();
    }
}

/* A blob is asked for, gets a place, and is sent there; its manifest comes last. */
static void test_oci_kind__puts_blobs_then_the_tag(void)
{
    SCRIPT(
        EMPTY("404 No"),
        "HTTP/1.1 202 Here\r\nLocation: /v2/team/cenv/blobs/uploads/1?_state=s%3D\r\n"
        "Content-Length: 0\r\n\r\n",
        CREATED, OK("2", ""), CREATED);
    open_remote(REPO);
    struct cenv_remote_blob a = blob_of("alpha", "a"), *one[] = {&a};
    char text[200];
    a.kind = CENV_BLOB_CONDA;
    scratch_file(&s, "a", "alpha", 0600);
    CHECK_INT(cenv_remote_put_blobs(remote, one, 1, &task, &err), 0);
    CHECK_INT(a.rc, 0);
    CHECK(a.there);
    CHECK(request_has(0, "HEAD /v2/team/cenv/blobs/sha256:"));
    CHECK(request_has(1, "POST /v2/team/cenv/blobs/uploads/ "));
    snprintf(text, sizeof(text),
             "PUT /v2/team/cenv/blobs/uploads/1?_state=s%%3D&digest=sha256:%s ",
             a.sha256);
    CHECK(request_has(2, text));
    CHECK(request_has(2, "\r\n\r\nalpha"));
    CHECK_INT(cenv_remote_put(remote, KEY, CENV_STR("{}"), one, 1, &task, &err), 0);
    CHECK(request_has(3, "HEAD /v2/team/cenv/blobs/sha256:" DIGEST " "));
    CHECK(request_has(4, "PUT /v2/team/cenv/manifests/" KEY " "));
    CHECK(request_has(4,
                      "\"config\":{\"mediaType\":\"application/"
                      "vnd.cenv.template.v1+json\",\"digest\":\"sha256:" DIGEST "\""));
    CHECK(request_has(4, "{\"mediaType\":\"application/vnd.conda.package.v2\""));
    close_remote();
}

static void test_oci_kind__mounts_what_another_repository_has(void)
{
    SCRIPT(EMPTY("404 No"), CREATED);
    setenv("CENV_REMOTE_MOUNT", "mirror/conda", 1);
    open_remote(REPO);
    unsetenv("CENV_REMOTE_MOUNT");
    struct cenv_remote_blob a = blob_of("alpha", "a"), *one[] = {&a};
    scratch_file(&s, "a", "alpha", 0600);
    CHECK_INT(cenv_remote_put_blobs(remote, one, 1, &task, &err), 0);
    CHECK(a.there && a.rc == 0);
    CHECK(request_has(1, "?mount=sha256:"));
    CHECK(request_has(1, "&from=mirror/conda "));
    CHECK_INT(server.nr_requests, 2);
    close_remote();
}

static void test_oci_kind__sends_to_no_unsafe_place(void)
{
    static const char *const places[] = {"", "Location: ftp://h/x\r\n",
                                         "Location: file:///x\r\n"};
    char reply[200];

    for (size_t i = 0; i < CHECK_NR(places); i++) {
        check_case(places[i]);
        snprintf(reply, sizeof(reply),
                 "HTTP/1.1 202 Here\r\n%sContent-Length: 0\r\n\r\n", places[i]);
        SCRIPT(EMPTY("404 No"), reply);
        open_remote(REPO);
        struct cenv_remote_blob a = blob_of("alpha", "a"), *one[] = {&a};
        scratch_file(&s, "a", "alpha", 0600);
        CHECK_INT(cenv_remote_put_blobs(remote, one, 1, &task, &err), 0);
        CHECK_INT(a.rc, CENV_EREMOTE);
        CHECK(!a.there);
        CHECK_INT(server.nr_requests, 2);
        cenv_error_release(&a.err);
        close_remote();
    }
}

/* The token is got with the login where the service is the registry's own, and is sent from then
 * on; what the scope of one does not allow makes another. */
static void test_oci_kind__gets_tokens_as_it_is_challenged(void)
{
    char challenge[CHALLENGE];

    SCRIPT(challenge, REPLY("200 OK", "{\"token\":\"t\"}"), REPLY("200 OK", MANIFEST),
           OK("2", "{}"), EMPTY("404 No"));
    open_remote(LOGIN);
    snprintf(challenge, sizeof(challenge),
             "HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer realm=\"http://127.0.0.1:%u/"
             "token?x=1\",service=\"reg istry\",scope=\"repository:a:pull "
             "repository:b:pull\"\r\nContent-Length: 0\r\n\r\n",
             server.port);
    CHECK_INT(cenv_remote_find(remote, KEY, &document, &task, &err), 1);
    CHECK_STR(document.data, "{}");
    CHECK(request_has(0, BASIC));
    CHECK(request_has(1,
                      "GET /token?x=1&service=reg%20istry&scope=repository%3Aa%3Apull&"
                      "scope=repository%3Ab%3Apull HTTP"));
    CHECK(request_has(1, BASIC));
    CHECK(request_has(2, "Authorization: Bearer t\r\n") && !request_has(2, "Basic"));
    CHECK(request_has(3, "Authorization: Bearer t\r\n"));
    close_remote();
}

/* Another host is another party: it is told neither login nor token. */
static void test_oci_kind__tells_other_hosts_nothing(void)
{
    struct server other = {.replies = {REPLY("200 OK", "{\"token\":\"t\"}"), CREATED}};
    char challenge[CHALLENGE], place[300];

    setenv("DOCKER_CONFIG", "/nonexistent", 1);
    start_server(&other);
    snprintf(challenge, sizeof(challenge),
             "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\n"
             "WWW-Authenticate: Bearer realm=\"http://127.0.0.1:%u/token\"\r\n"
             "Content-Length: 0\r\n\r\n",
             other.port);
    snprintf(place, sizeof(place),
             "HTTP/1.1 202 Here\r\nLocation: http://127.0.0.1:%u/up\r\n"
             "Content-Length: 0\r\n\r\n",
             other.port);
    SCRIPT(challenge, EMPTY("404 No"), place);
    open_remote(LOGIN);
    struct cenv_remote_blob a = blob_of("alpha", "a"), *one[] = {&a};
    scratch_file(&s, "a", "alpha", 0600);
    CHECK_INT(cenv_remote_put_blobs(remote, one, 1, &task, &err), 0);
    CHECK_INT(a.rc, 0);
    CHECK(request_has(1, "Authorization: Bearer t\r\n"));
    CHECK_INT(other.nr_requests, 2);
    CHECK(strstr(other.requests[0], "GET /token?service= ") == other.requests[0]);
    CHECK(strstr(other.requests[1], "PUT /up?digest=sha256:") == other.requests[1]);
    for (int i = 0; i < 2; i++)
        CHECK(!strstr(other.requests[i], "Authorization"));
    stop_server(&other);
    close_remote();
}

static void test_oci_kind__uses_logins_of_docker(void)
{
    char config[200];

    SCRIPT("HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\n"
           "Content-Length: 0\r\n\r\n",
           EMPTY("404 No"), EMPTY("404 No"));
    open_remote(REPO);
    snprintf(config, sizeof(config),
             "{\"auths\": {\"127.0.0.1:%u\": {\"auth\": \"dXNlcjpzZWNyZXQ=\"}}}",
             server.port);
    scratch_file(&s, "config.json", config, 0600);
    setenv("DOCKER_CONFIG", s.path, 1);
    CHECK_INT(cenv_remote_find(remote, KEY, &document, &task, &err), 0);
    CHECK(!request_has(0, "Authorization") && request_has(1, BASIC));
    CHECK_INT(cenv_remote_find(remote, KEY, &document, &task, &err), 0);
    CHECK(request_has(2, BASIC));
    close_remote();
}

static void test_oci_kind__refreshes_tokens_of_docker(void)
{
    char config[200], challenge[CHALLENGE];

    SCRIPT(challenge, REPLY("200 OK", "{\"access_token\":\"t\"}"), EMPTY("404 No"));
    open_remote(REPO);
    snprintf(challenge, sizeof(challenge),
             "HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer "
             "realm=\"http://127.0.0.1:%u/token\",service=s,scope=a\r\n"
             "Content-Length: 0\r\n\r\n",
             server.port);
    snprintf(config, sizeof(config),
             "{\"auths\": {\"127.0.0.1:%u\": {\"identitytoken\": \"r+1\"}}}",
             server.port);
    scratch_file(&s, "config.json", config, 0600);
    setenv("DOCKER_CONFIG", s.path, 1);
    CHECK_INT(cenv_remote_find(remote, KEY, &document, &task, &err), 0);
    CHECK(request_has(1, "POST /token HTTP"));
    CHECK(request_has(1, "\r\n\r\ngrant_type=refresh_token&client_id=cenv&"
                         "refresh_token=r%2B1&service=s&scope=a"));
    CHECK(request_has(2, "Authorization: Bearer t\r\n"));
    close_remote();
}

static void test_oci_kind__refusals_are_told(void)
{
    static const struct {
        const char *first, *second, *message;
    } cases[] = {
        {"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", NULL,
         "it wants a login (HTTP 401)"},
        {"HTTP/1.1 403 No\r\nContent-Length: 41\r\n\r\n"
         "{\"errors\": [{ \"code\" : \"DENIED\", \"x\":1}]}",
         NULL, "access is refused (HTTP 403, DENIED)"},
        {"HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer realm=\"/token\"\r\n"
         "Content-Length: 0\r\n\r\n",
         NULL, "its token service '/token' has no URL"},
        {"HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer realm=\"http://u:p@h/\"\r\n"
         "Content-Length: 0\r\n\r\n",
         NULL, "has no URL"},
    };

    setenv("DOCKER_CONFIG", "/nonexistent", 1);
    for (size_t i = 0; i < CHECK_NR(cases); i++) {
        check_case(cases[i].message);
        SCRIPT(cases[i].first, cases[i].second);
        open_remote(LOGIN);
        CHECK_INT(cenv_remote_find(remote, KEY, &document, &task, &err), CENV_EREMOTE);
        CHECK(strstr(err.message, cases[i].message));
        CHECK(!strstr(err.message, "secret") && !strstr(err.message, "u:p"));
        close_remote();
    }
}

/* As ECR and Harbor answer where the repository, or its project, has to be made first. */
static void test_oci_kind__says_that_there_is_no_repository(void)
{
    SCRIPT(NONE, "HTTP/1.1 404 No\r\nContent-Length: 47\r\n\r\n"
                 "{\"errors\":[{\"code\":\"NAME_UNKNOWN\",\"message\":1}]}");
    open_remote("oci+http://127.0.0.1:%u/team/cenv");
    struct cenv_remote_blob a = blob_of("alpha", "a"), *one[] = {&a};
    scratch_file(&s, "a", "alpha", 0600);
    CHECK_INT(cenv_remote_put_blobs(remote, one, 1, &task, &err), 0);
    CHECK_INT(a.rc, CENV_EREMOTE);
    CHECK(strstr(a.err.message, "(HTTP 404, NAME_UNKNOWN)"));
    CHECK(strstr(a.err.hint, "make the repository"));
    cenv_error_release(&a.err);
    close_remote();
}

static void test_oci_kind__tokens_that_are_none_are_refused(void)
{
    static const char *const tokens[] = {
        "{\"token\":\"a\\r\\nX: y\"}",
        "{\"token\":\"\"}",
        "secret-1",
        "[]",
    };
    char challenge[CHALLENGE];

    for (size_t i = 0; i < CHECK_NR(tokens); i++) {
        check_case(tokens[i]);
        SCRIPT(challenge, REPLY("200 OK", tokens[i]), CREATED);
        open_remote(REPO);
        set_challenge(challenge);
        CHECK_INT(cenv_remote_find(remote, KEY, &document, &task, &err), CENV_EREMOTE);
        CHECK(strstr(err.message, "its token service sends no token"));
        CHECK(!strstr(err.message, "secret-1"));
        CHECK_INT(server.nr_requests, 2);
        close_remote();
    }
}

/* A file that a challenge left behind is no file in the way. */
static void test_oci_kind__gets_blobs_after_a_challenge(void)
{
    SCRIPT("HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\n"
           "Content-Length: 0\r\n\r\n",
           OK("5", "alpha"), OK("5", "omega"), EMPTY("404 No"));
    char config[200];
    open_remote(REPO);
    snprintf(config, sizeof(config),
             "{\"auths\": {\"127.0.0.1:%u\": {\"auth\": \"dXNlcjpzZWNyZXQ=\"}}}",
             server.port);
    scratch_file(&s, "config.json", config, 0600);
    setenv("DOCKER_CONFIG", s.path, 1);
    struct cenv_remote_blob a = blob_of("alpha", "got"), *one[] = {&a};
    CHECK_INT(cenv_remote_get(remote, one, 1, &task, &err), 0);
    CHECK(a.there && a.rc == 0);
    CHECK_STR(scratch_text(&s, "got"), "alpha");
    a.file = "wrong";
    CHECK_INT(cenv_remote_get(remote, one, 1, &task, &err), 0);
    CHECK_INT(a.rc, CENV_EINTEGRITY);
    CHECK(!scratch_has(&s, "wrong"));
    CHECK_INT(cenv_remote_get(remote, one, 1, &task, &err), 0);
    CHECK(a.rc == 0 && !a.there && !scratch_has(&s, "wrong"));
    close_remote();
}

static void test_oci_kind__refuses_urls_without_repository(void)
{
    static const char *const urls[] = {"oci://h", "oci://h/Team/X", "oci://h/a%20b"};

    for (size_t i = 0; i < CHECK_NR(urls); i++) {
        check_case(urls[i]);
        CHECK_INT(cenv_secret_url_new(&url, cenv_str(urls[i]), &err), 0);
        CHECK_INT(cenv_remote_open(&remote, url, NULL, &err), CENV_EUSAGE);
        CHECK(strstr(err.message, "it names no repository"));
        cenv_secret_url_free(url);
        cenv_error_release(&err);
    }
    CHECK_INT(cenv_alloc_live(), 0);
}

/* All that a registry without anything, and one that sends to its own token service, is asked. */
static void test_oci_kind__every_failed_allocation_is_clean(void)
{
    char challenge[CHALLENGE];
    const char *const replies[] = {EMPTY("404 No"), challenge};

    for (size_t i = 0; i < CHECK_NR(replies); i++) {
        SCRIPT(replies[i]);
        server.repeats = true;
        open_remote(LOGIN);
        set_challenge(challenge);
        struct cenv_remote_blob a = blob_of("alpha", "a"), *one[] = {&a};
        scratch_file(&s, "a", "alpha", 0600);
        for (long n = 1;; n++) {
            cenv_alloc_fail_nth(n);
            int rc = cenv_remote_find(remote, KEY, &document, &task, &err);
            if (rc == 0)
                rc = cenv_remote_put_blobs(remote, one, 1, &task, &err);
            if (rc == 0 && a.rc == CENV_EREMOTE)
                rc = cenv_remote_put(remote, KEY, CENV_STR("{}"), one, 1, &task, &err);
            else if (rc == 0)
                rc = a.rc;
            bool unreached = cenv_alloc_fail_nth(0);
            CHECK_INT(rc, unreached ? CENV_EREMOTE : CENV_ENOMEM);
            cenv_error_release(&a.err);
            cenv_error_release(&err);
            if (unreached)
                break;
        }
        close_remote();
    }
}

/* Registries hide what is not there from those that may not read it: who pushes goes on. */
static void test_oci_kind__may_push_what_it_may_not_read(void)
{
    char challenge[CHALLENGE];

    SCRIPT(challenge, EMPTY("403 No"), challenge, EMPTY("403 No"), challenge,
           REPLY("200 OK", "{\"token\":\"t\"}"),
           "HTTP/1.1 202 Here\r\nLocation: /up\r\nContent-Length: 0\r\n\r\n", CREATED);
    options.pushing = true;
    open_remote(LOGIN);
    set_challenge(challenge);
    struct cenv_remote_blob a = blob_of("alpha", "a"), *one[] = {&a};
    scratch_file(&s, "a", "alpha", 0600);
    CHECK_INT(cenv_remote_find(remote, KEY, &document, &task, &err), 0);
    CHECK_INT(cenv_remote_put_blobs(remote, one, 1, &task, &err), 0);
    CHECK_INT(a.rc, 0);
    CHECK(a.there);
    CHECK(request_has(4, "POST ") && request_has(7, "PUT /up?digest"));
    close_remote();
}

int main(void)
{
    RUN(test_oci_kind__finds_the_document_of_a_tag);
    RUN(test_oci_kind__believes_no_strange_manifest);
    RUN(test_oci_kind__puts_blobs_then_the_tag);
    RUN(test_oci_kind__mounts_what_another_repository_has);
    RUN(test_oci_kind__sends_to_no_unsafe_place);
    RUN(test_oci_kind__gets_tokens_as_it_is_challenged);
    RUN(test_oci_kind__tells_other_hosts_nothing);
    RUN(test_oci_kind__uses_logins_of_docker);
    RUN(test_oci_kind__refreshes_tokens_of_docker);
    RUN(test_oci_kind__refusals_are_told);
    RUN(test_oci_kind__says_that_there_is_no_repository);
    RUN(test_oci_kind__tokens_that_are_none_are_refused);
    RUN(test_oci_kind__gets_blobs_after_a_challenge);
    RUN(test_oci_kind__refuses_urls_without_repository);
    RUN(test_oci_kind__every_failed_allocation_is_clean);
    RUN(test_oci_kind__may_push_what_it_may_not_read);
    return check_report();
}
