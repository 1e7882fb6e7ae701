/* SPDX-License-Identifier: BSD-3-Clause */
/* The stories of tests/solver, each solved as written and with its records shuffled. */
#include "universe.h"

#include "os/fs_data.h"
#include "os/raw_file.h"
#include <dirent.h>

/*
 * A story, line by line; # starts a comment:
 *   channel NAME/SUBDIR                      the records that follow lie there
 *   NAME VERSION BUILD [KEY=VALUE ... extra:GROUP=DEPENDENCY,...] [; DEPENDENCY ...] [! CONSTRAINT ...]
 *   spec | pinned | locked | favored SPEC    virtual NAME VERSION BUILD
 *   priority | exclude_newer | explain TEXT  add_pip
 *   = NAME-VERSION-BUILD ...                 the solution, in link order
 *   x SPEC                                   a member of the conflict, in order
 *   > TEXT                                   a line of the message or of the explanation
 *   ? TEXT                                   part of the hint
 */
enum { MAX_LINES = 200 };

struct story {
    char *text;
    char *lines[MAX_LINES];
    size_t nr;
    struct cenv_buf repodata[UNIVERSE_SOURCES];
    size_t nr_channels;
    struct cenv_buf request;
    struct universe universe;
};

static bool starts(const char *line, const char *word)
{
    size_t len = strlen(word);
    return strncmp(line, word, len) == 0 && (line[len] == ' ' || !line[len]);
}

static const char *rest(const char *line)
{
    const char *space = strchr(line, ' ');
    return space ? space + 1 : "";
}

static const char *const keywords[] = {
    "channel",       "spec",    "pinned",  "locked", "favored", "virtual", "priority",
    "exclude_newer", "explain", "add_pip", "=",      "x",       ">",       "?"};

static bool is_record(const char *line)
{
    for (size_t i = 0; i < CHECK_NR(keywords); i++)
        if (starts(line, keywords[i]))
            return false;
    return true;
}

/* One group; a record of these stories has one at most. */
static void add_extra(struct cenv_buf *out, struct cenv_str group,
                      struct cenv_str names)
{
    cenv_buf_addf(out, ",\"extra_depends\":{\"%.*s\":[", CENV_STR_ARG(group));
    for (bool first = true; names.len; first = false) {
        cenv_buf_puts(out, first ? "" : ",");
        cenv_json_quote(out, cenv_str_cut(&names, ','));
    }
    cenv_buf_puts(out, "]}");
}

static void add_field(struct cenv_buf *out, struct cenv_str field)
{
    struct cenv_str key = cenv_str_cut(&field, '=');
    const char *name = cenv_str_is(key, "number")  ? "build_number"
                       : cenv_str_is(key, "ts")    ? "timestamp"
                       : cenv_str_is(key, "track") ? "track_features"
                                                   : NULL;
    if (cenv_str_starts(key, CENV_STR("extra:"))) { /* extra:GROUP=DEP,DEP */
        add_extra(out, cenv_str_slice(key, 6, key.len), field);
        return;
    }
    cenv_buf_addf(out, ",\"%.*s\":", (int)(name ? strlen(name) : key.len),
                  name ? name : key.data);
    if (cenv_str_is(key, "number") || cenv_str_is(key, "ts"))
        cenv_buf_add_str(out, field);
    else
        cenv_json_quote(out, field);
}

static void add_list(struct cenv_buf *out, const char *key, char mark,
                     struct cenv_str line)
{
    bool first = true;
    cenv_buf_addf(out, ",\"%s\":[", key);
    for (size_t i = 0; i < line.len; i++) {
        if (line.data[i] != mark || !i || line.data[i - 1] != ' ' ||
            line.data[i + 1] != ' ')
            continue;
        size_t end = i + 1;
        while (end < line.len && !(line.data[end - 1] == ' ' && end + 1 < line.len &&
                                   line.data[end + 1] == ' ' &&
                                   (line.data[end] == ';' || line.data[end] == '!')))
            end++;
        cenv_buf_puts(out, first ? "" : ",");
        cenv_json_quote(out, cenv_str_trim(cenv_str_slice(line, i + 1, end)));
        first = false;
    }
    cenv_buf_putc(out, ']');
}

static void add_record(struct cenv_buf *out, const char *text)
{
    struct cenv_str line = cenv_str(text), head = line;
    for (const char *mark = text; (mark = strpbrk(mark, ";!")); mark++)
        if (mark > text && mark[-1] == ' ' && mark[1] == ' ') {
            head.len = (size_t)(mark - text) - 1;
            break;
        }
    struct cenv_str name = cenv_str_cut(&head, ' '), version = cenv_str_cut(&head, ' ');
    struct cenv_str build = cenv_str_cut(&head, ' ');
    cenv_buf_addf(
        out,
        "%s\"%.*s-%.*s-%.*s.conda\":{\"name\":\"%.*s\",\"version\":\"%.*s\",\"build\":\"%.*s\"",
        out->len && out->data[out->len - 1] == '}' ? "," : "", CENV_STR_ARG(name),
        CENV_STR_ARG(version), CENV_STR_ARG(build), CENV_STR_ARG(name),
        CENV_STR_ARG(version), CENV_STR_ARG(build));
    bool numbered = false;
    while (head.len) {
        struct cenv_str field = cenv_str_cut(&head, ' ');
        numbered |= cenv_str_starts(field, CENV_STR("number="));
        if (field.len)
            add_field(out, field);
    }
    if (!numbered)
        cenv_buf_puts(out, ",\"build_number\":0");
    add_list(out, "depends", ';', line);
    add_list(out, "constrains", '!', line);
    cenv_buf_putc(out, '}');
}

/* Records in the order of `order`, each into its channel's repodata. */
static void write_repodata(struct story *s, const size_t *order)
{
    size_t channel_of[MAX_LINES] = {0}, channel = 0;
    s->nr_channels = 0;
    for (size_t i = 0; i < s->nr; i++) {
        if (starts(s->lines[i], "channel")) {
            channel = s->nr_channels++;
            cenv_buf_init(&s->repodata[channel], 1 << 20);
            cenv_buf_puts(&s->repodata[channel], "{\"packages.conda\":{");
        }
        channel_of[i] = channel;
    }
    for (size_t k = 0; k < s->nr; k++)
        if (is_record(s->lines[order[k]]))
            add_record(&s->repodata[channel_of[order[k]]], s->lines[order[k]]);
    for (size_t c = 0; c < s->nr_channels; c++)
        cenv_buf_puts(&s->repodata[c], "}}");
}

static void add_sources(struct story *s)
{
    size_t channel = 0;
    s->universe.nr = 0;
    for (size_t i = 0; i < s->nr; i++) {
        char name[256];
        if (!starts(s->lines[i], "channel"))
            continue;
        snprintf(name, sizeof(name), "%s", rest(s->lines[i]));
        char *slash = strrchr(name, '/');
        *slash = '\0';
        universe_add(&s->universe, name, slash + 1, s->lines[i],
                     s->repodata[channel].data, s->repodata[channel].len);
        channel++;
    }
}

static void add_strings(struct story *s, const char *word, const char *key)
{
    bool first = true;
    cenv_buf_addf(&s->request, "%s\"%s\":[", s->request.len > 1 ? "," : "", key);
    for (size_t i = 0; i < s->nr; i++) {
        if (!starts(s->lines[i], word))
            continue;
        cenv_buf_puts(&s->request, first ? "" : ",");
        cenv_json_quote(&s->request, cenv_str(rest(s->lines[i])));
        first = false;
    }
    cenv_buf_putc(&s->request, ']');
}

static void add_machine(struct story *s)
{
    bool first = true;
    cenv_buf_puts(&s->request, ",\"virtual_packages\":[");
    for (size_t i = 0; i < s->nr; i++) {
        if (!starts(s->lines[i], "virtual"))
            continue;
        struct cenv_str line = cenv_str(rest(s->lines[i]));
        struct cenv_str name = cenv_str_cut(&line, ' '),
                        version = cenv_str_cut(&line, ' ');
        cenv_buf_addf(&s->request, "%s[\"%.*s\",\"%.*s\",\"%.*s\"]", first ? "" : ",",
                      CENV_STR_ARG(name), CENV_STR_ARG(version), CENV_STR_ARG(line));
        first = false;
    }
    cenv_buf_putc(&s->request, ']');
}

static void write_request(struct story *s)
{
    cenv_buf_init(&s->request, 1 << 20);
    cenv_buf_putc(&s->request, '{');
    add_strings(s, "spec", "specs");
    add_strings(s, "pinned", "pinned");
    add_strings(s, "locked", "locked");
    add_strings(s, "favored", "favored");
    add_machine(s);
    for (size_t i = 0; i < s->nr; i++) {
        const char *key = starts(s->lines[i], "priority")        ? "channel_priority"
                          : starts(s->lines[i], "exclude_newer") ? "exclude_newer"
                          : starts(s->lines[i], "explain")       ? "explain"
                                                                 : NULL;
        if (key)
            cenv_buf_addf(&s->request, ",\"%s\":\"%s\"", key, rest(s->lines[i]));
        if (starts(s->lines[i], "add_pip"))
            cenv_buf_puts(&s->request, ",\"add_pip\":true");
    }
    cenv_buf_putc(&s->request, '}');
}

static bool has_line(const char *text, const char *line)
{
    size_t len = strlen(line);
    for (const char *at = text; (at = strstr(at, line)); at++)
        if ((at == text || at[-1] == '\n') && (at[len] == '\n' || !at[len]))
            return true;
    fprintf(stderr, "    no line \"%s\" in:\n%s\n", line, text);
    return false;
}

static void check_failure(const struct story *s, const struct outcome *o)
{
    const struct cenv_json *item = cenv_json_first(cenv_json_get(o->root, "conflict"));
    CHECK_INT(o->rc, CENV_EUNSAT);
    for (size_t i = 0; i < s->nr; i++) {
        if (starts(s->lines[i], "x")) {
            CHECK_STR(item ? cenv_json_cstr(item) : "(no more)", rest(s->lines[i]));
            item = item ? cenv_json_next(item) : NULL;
        } else if (starts(s->lines[i], "?")) {
            if (!CHECK(strstr(o->err.hint, rest(s->lines[i]))))
                fprintf(stderr, "    hint: %s\n", o->err.hint);
        } else if (starts(s->lines[i], ">")) {
            CHECK(has_line(o->err.message, rest(s->lines[i])));
        }
    }
    CHECK(item == NULL);
}

static void check_solution(const struct story *s, const struct outcome *o)
{
    char *names = outcome_names(o);
    const char *why = cenv_json_get_cstr(o->root, "explanation");
    if (!CHECK_INT(o->rc, 0))
        fprintf(stderr, "%s\n", o->err.message);
    for (size_t i = 0; i < s->nr; i++) {
        if (starts(s->lines[i], "="))
            CHECK_STR(names, rest(s->lines[i]));
        else if (starts(s->lines[i], ">"))
            CHECK(has_line(why ? why : "", rest(s->lines[i])));
    }
    judge_reply(s->request.data, o, false);
    cenv_free(names);
}

static void run_story(struct story *s, const size_t *order)
{
    bool fails = false;
    write_repodata(s, order);
    add_sources(s);
    struct cenv_index *index = universe_open(&s->universe);
    struct outcome o = solve_on(index, s->request.data);
    for (size_t i = 0; i < s->nr; i++)
        fails |= starts(s->lines[i], "x");
    if (fails)
        check_failure(s, &o);
    else
        check_solution(s, &o);
    outcome_release(&o);
    cenv_index_free(index);
    for (size_t c = 0; c < s->nr_channels; c++)
        cenv_buf_release(&s->repodata[c]);
}

static void cut_lines(struct story *s)
{
    char *line = s->text;
    while (line && *line) {
        char *end = strchr(line, '\n');
        if (end)
            *end = '\0';
        while (*line == ' ')
            line++;
        if (*line && *line != '#' && CHECK(s->nr < MAX_LINES))
            s->lines[s->nr++] = line;
        line = end ? end + 1 : NULL;
    }
}

static void read_story(struct story *s, const char *path)
{
    struct cenv_buf text;
    struct cenv_error err = CENV_ERROR_INIT;
    cenv_buf_init(&text, 1 << 20);
    CHECK_INT(cenv_fs_read_file(CENV_CWD, path, &text, &err), 0);
    s->text = cenv_buf_detach(&text);
    cut_lines(s);
    write_request(s);
}

static uint32_t seed = 7;

static void shuffle(size_t *order, size_t nr)
{
    for (size_t i = nr; i > 1; i--) {
        seed = seed * 1664525u + 1013904223u;
        size_t k = (seed >> 8) % i, swap = order[i - 1];
        order[i - 1] = order[k];
        order[k] = swap;
    }
}

static void tell(const char *path)
{
    struct story s = {0};
    size_t order[MAX_LINES];
    check_case(path);
    read_story(&s, path);
    for (size_t i = 0; i < MAX_LINES; i++)
        order[i] = i;
    run_story(&s, order);
    for (int round = 0; round < 3; round++) {
        shuffle(order, s.nr);
        run_story(&s, order);
    }
    cenv_buf_release(&s.request);
    cenv_free(s.text);
}

static int is_story(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return len > 4 && strcmp(entry->d_name + len - 4, ".txt") == 0;
}

static void test_solve__tells_every_story(void)
{
    struct dirent **entries;
    int nr = scandir("tests/solver", &entries, is_story, alphasort);
    CHECK(nr > 0);
    for (int i = 0; i < nr; i++) {
        char path[512];
        snprintf(path, sizeof(path), "tests/solver/%s", entries[i]->d_name);
        tell(path);
        free(entries[i]);
    }
    free(entries);
}

int main(void)
{
    RUN(test_solve__tells_every_story);
    return check_report();
}
