/* SPDX-License-Identifier: BSD-3-Clause */
/* specs SPECS UNIVERSE: ns to parse a version and a spec, and to match one with a candidate. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/intern.h"
#include "base/task.h"
#include "model/matchspec.h"
#include "model/matchspec_match.h"
#include "model/record.h"

enum { LINES = 200000 };

static struct cenv_str specs[LINES];
static struct cenv_matchspec parsed[LINES];
static struct cenv_record records[LINES];
static struct cenv_version versions[LINES];
static struct cenv_intern names;
static struct {
    size_t from, to;
} ranges[LINES];

static struct cenv_str read_file(const char *path)
{
    struct cenv_buf text;
    FILE *file = fopen(path, "rb");
    size_t got = 1;

    cenv_buf_init(&text, 1 << 28);
    while (file && got) {
        char *room = cenv_buf_reserve(&text, 1 << 16);
        got = room ? fread(room, 1, 1 << 16, file) : 0;
        text.len += got;
    }
    if (!file || text.failed)
        exit(1);
    fclose(file);
    return cenv_buf_str(&text);
}

static size_t read_universe(const char *path)
{
    struct cenv_str rest = read_file(path);
    size_t nr = 0;

    for (; rest.len && nr < LINES; nr++) {
        struct cenv_str line = cenv_str_cut(&rest, '\n');
        records[nr].name = cenv_str_cut(&line, '\t');
        records[nr].version = cenv_str_cut(&line, '\t');
        records[nr].build = cenv_str_cut(&line, '\t');
        records[nr].parsed = &versions[nr];
        uint32_t id = cenv_intern_id(&names, records[nr].name);
        if (!ranges[id].to)
            ranges[id].from = nr;
        ranges[id].to = nr + 1;
    }
    return nr;
}

static void report(const char *what, uint64_t ns, size_t nr, const char *unit)
{
    printf("%-22s %8.1f ns per %-10s %9zu of them\n", what, (double)ns / (double)nr,
           unit, nr);
}

static void parse(size_t nr_specs, size_t nr_records, struct cenv_arena *arena)
{
    struct cenv_error err = CENV_ERROR_INIT;
    uint64_t start = cenv_clock_ns();

    for (size_t i = 0; i < nr_records; i++)
        if (cenv_version_parse(&versions[i], records[i].version, arena, &err) < 0)
            exit(1);
    report("parse a version", cenv_clock_ns() - start, nr_records, "version");
    start = cenv_clock_ns();
    for (size_t i = 0; i < nr_specs; i++)
        if (cenv_matchspec_parse(&parsed[i], specs[i], arena, &err) < 0)
            exit(1);
    report("parse a spec", cenv_clock_ns() - start, nr_specs, "spec");
}

static void match(size_t nr_specs)
{
    size_t candidates = 0, matches = 0;
    uint64_t start = cenv_clock_ns();

    for (size_t i = 0; i < nr_specs; i++) {
        uint32_t id = cenv_intern_find(&names, parsed[i].name);
        size_t to = id == CENV_NONE ? 0 : ranges[id].to;
        for (size_t k = to ? ranges[id].from : 0; k < to; k++, candidates++)
            matches += cenv_matchspec_match(&parsed[i], &records[k]);
    }
    report("match a candidate", cenv_clock_ns() - start, candidates, "candidate");
    printf("%zu matches\n", matches);
}

int main(int argc, char **argv)
{
    size_t nr_specs = 0;

    if (argc != 3)
        return 2;
    size_t nr_records = read_universe(argv[2]);
    for (struct cenv_str rest = read_file(argv[1]); rest.len && nr_specs < LINES;) {
        struct cenv_str line = cenv_str_cut(&rest, '\n');
        specs[nr_specs++] = cenv_str_cut(&line, '\t');
    }
    for (int round = 0; round < 3; round++) {
        struct cenv_arena arena = CENV_ARENA_INIT;
        parse(nr_specs, nr_records, &arena);
        match(nr_specs);
        cenv_arena_release(&arena);
    }
    return 0;
}
