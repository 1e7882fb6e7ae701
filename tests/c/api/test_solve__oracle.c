/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The solver against exhaustive search on small random universes: two channels under all priorities,
 * a cutoff, constraints, track_features, a virtual package, locked, pinned and favoured records. The
 * optimum is the stated one (docs/design/solve.md 3), written here once more from records of numbers;
 * of refuted requests the conflict is one, is minimal, and what is said to help does.
 * CENV_ROUNDS=N tries N universes, CENV_SEED=N starts elsewhere.
 */
#include "universe.h"

enum { NAMES = 5, GLIBC = NAMES, RECORDS = 4, DEPS = 2, ASKED = 10, NONE = -1 };

static const char *const names[] = {"a", "b", "c", "d", "e", "__glibc"};

/* What a spec says of the version. */
enum range { ANY, AT_LEAST, LESS, EXACTLY, NOT, RANGES };

struct dep {
    int name, version;
    enum range range;
};

struct rec {
    int name, version, number, channel, time;
    bool noarch, tracks, favored, locked;
    struct dep depends[DEPS], constrains[1];
    int nr_depends, nr_constrains;
    int id;
};

enum kind { SPEC, LOCKED, PINNED, STRICT, CUTOFF, MACHINE };

struct asked {
    enum kind kind;
    struct dep spec;
    int record;
    char text[64];
};

struct world {
    struct rec records[NAMES * RECORDS];
    int nr, glibc; /* glibc 0: there is none */
    struct asked asked[ASKED];
    int nr_asked, favored;
    enum { FLEXIBLE, STRICTLY, DISABLED } priority;
    int cutoff; /* 0: none */
};

/* The candidates of each name, best first: numbers of records. */
struct order {
    int cands[NAMES][RECORDS], nr[NAMES];
};

static uint32_t seed = 1;

static int pick(int below)
{
    seed = seed * 1664525u + 1013904223u;
    return (int)((seed >> 8) % (uint32_t)below);
}

/* ---- making one ---- */

static struct dep random_dep(int nr_names)
{
    return (struct dep){pick(nr_names), 1 + pick(3), (enum range)pick(RANGES)};
}

static void make_record(struct world *w, int name)
{
    struct rec *r = &w->records[w->nr];
    *r = (struct rec){.name = name,
                      .version = 1 + pick(3),
                      .number = pick(2),
                      .channel = pick(2),
                      .time = 1 + pick(3),
                      .noarch = pick(4) == 0,
                      .tracks = pick(8) == 0,
                      .id = w->nr};
    r->nr_depends = pick(DEPS + 1);
    r->nr_constrains = pick(4) == 0;
    for (int i = 0; i < r->nr_depends; i++)
        r->depends[i] = random_dep(pick(6) ? NAMES : NAMES + 1);
    for (int i = 0; i < r->nr_constrains; i++)
        r->constrains[i] = random_dep(NAMES + 1);
    w->nr++;
}

static void print_dep(char *out, size_t size, struct dep dep)
{
    static const char *const signs[] = {"", " >=", " <", " ==", " !="};
    if (dep.range == ANY)
        snprintf(out, size, "%s", names[dep.name]);
    else
        snprintf(out, size, "%s%s%d", names[dep.name], signs[dep.range], dep.version);
}

static void print_build(char *out, size_t size, const struct rec *r)
{
    snprintf(out, size, "h%02d_%d", r->id, r->number);
}

static void ask(struct world *w, enum kind kind)
{
    struct asked *a = &w->asked[w->nr_asked];
    char build[16];
    *a = (struct asked){.kind = kind, .record = NONE};
    if (kind == SPEC || kind == PINNED) {
        a->spec = random_dep(NAMES);
        print_dep(a->text, sizeof(a->text), a->spec);
    } else if (kind == LOCKED) {
        a->record = pick(w->nr);
        const struct rec *r = &w->records[a->record];
        w->records[a->record].locked = true;
        print_build(build, sizeof(build), r);
        snprintf(a->text, sizeof(a->text), "%s==%d=%s", names[r->name], r->version,
                 build);
    } else if (kind == STRICT) {
        snprintf(a->text, sizeof(a->text), "channel_priority=strict");
    } else if (kind == CUTOFF) {
        snprintf(a->text, sizeof(a->text), "exclude_newer=200%d-06-01", w->cutoff);
    } else {
        snprintf(a->text, sizeof(a->text), "__glibc=%d", w->glibc);
    }
    w->nr_asked++;
}

static void make(struct world *w)
{
    memset(w, 0, sizeof(*w));
    for (int name = 0; name < NAMES; name++)
        for (int i = pick(RECORDS + 1); i > 0; i--)
            make_record(w, name);
    w->glibc = pick(4);
    w->cutoff = pick(3) ? 0 : 1 + pick(3);
    w->priority = pick(3);
    w->favored = NONE;
    for (int i = 1 + pick(3); i > 0; i--)
        ask(w, SPEC);
    if (w->nr && pick(4) == 0)
        ask(w, LOCKED);
    if (pick(4) == 0)
        ask(w, PINNED);
    if (w->nr && pick(4) == 0) {
        w->favored = pick(w->nr);
        w->records[w->favored].favored = true;
    }
    if (w->priority == STRICTLY)
        ask(w, STRICT);
    if (w->cutoff)
        ask(w, CUTOFF);
    if (w->glibc)
        ask(w, MACHINE);
}

/* ---- as JSON ---- */

static void add_deps(struct cenv_buf *out, const char *key, const struct dep *deps,
                     int nr)
{
    char text[64];
    cenv_buf_addf(out, ",\"%s\":[", key);
    for (int i = 0; i < nr; i++) {
        print_dep(text, sizeof(text), deps[i]);
        cenv_buf_addf(out, "%s\"%s\"", i ? "," : "", text);
    }
    cenv_buf_putc(out, ']');
}

static void add_record(struct cenv_buf *out, const struct rec *r)
{
    char build[16];
    print_build(build, sizeof(build), r);
    cenv_buf_addf(
        out,
        "\"name\":\"%s\",\"version\":\"%d\",\"build\":\"%s\",\"build_number\":%d,"
        "\"timestamp\":%lld,\"subdir\":\"%s\",\"fn\":\"%s-%d-%s.conda\"",
        names[r->name], r->version, build, r->number,
        (946684800LL + r->time * 31557600LL) * 1000, r->noarch ? "noarch" : "linux-64",
        names[r->name], r->version, build);
    if (r->tracks)
        cenv_buf_puts(out, ",\"track_features\":\"odd\"");
    if (r->noarch)
        cenv_buf_puts(out, ",\"noarch\":\"generic\"");
    add_deps(out, "depends", r->depends, r->nr_depends);
    add_deps(out, "constrains", r->constrains, r->nr_constrains);
}

static void write_source(const struct world *w, int channel, bool noarch,
                         struct cenv_buf *out)
{
    bool first = true;
    cenv_buf_init(out, 1 << 20);
    cenv_buf_puts(out, "{\"packages.conda\":{");
    for (int i = 0; i < w->nr; i++) {
        const struct rec *r = &w->records[i];
        char build[16];
        if (r->channel != channel || r->noarch != noarch)
            continue;
        print_build(build, sizeof(build), r);
        cenv_buf_addf(out, "%s\"%s-%d-%s.conda\":{", first ? "" : ",", names[r->name],
                      r->version, build);
        add_record(out, r);
        cenv_buf_putc(out, '}');
        first = false;
    }
    cenv_buf_puts(out, "}}");
}

static void add_asked(struct cenv_buf *out, const struct world *w, enum kind kind,
                      const char *key)
{
    bool first = true;
    cenv_buf_addf(out, ",\"%s\":[", key);
    for (int i = 0; i < w->nr_asked; i++) {
        if (w->asked[i].kind != kind)
            continue;
        cenv_buf_puts(out, first ? "" : ",");
        first = false;
        if (kind != LOCKED) {
            cenv_buf_addf(out, "\"%s\"", w->asked[i].text);
            continue;
        }
        cenv_buf_putc(out, '{');
        add_record(out, &w->records[w->asked[i].record]);
        cenv_buf_putc(out, '}');
    }
    cenv_buf_putc(out, ']');
}

static void write_request(const struct world *w, struct cenv_buf *out)
{
    static const char *const priorities[] = {"flexible", "strict", "disabled"};
    cenv_buf_init(out, 1 << 20);
    cenv_buf_addf(out, "{\"channel_priority\":\"%s\"", priorities[w->priority]);
    add_asked(out, w, SPEC, "specs");
    add_asked(out, w, LOCKED, "locked");
    add_asked(out, w, PINNED, "pinned");
    if (w->favored != NONE) {
        cenv_buf_puts(out, ",\"favored\":[{");
        add_record(out, &w->records[w->favored]);
        cenv_buf_puts(out, "}]");
    }
    if (w->cutoff)
        cenv_buf_addf(out, ",\"exclude_newer\":\"200%d-06-01\"", w->cutoff);
    if (w->glibc)
        cenv_buf_addf(out, ",\"virtual_packages\":[[\"__glibc\",\"%d\",\"0\"]]",
                      w->glibc);
    cenv_buf_putc(out, '}');
}

/* ---- the rules, once more ---- */

static bool matches(struct dep dep, int version)
{
    return dep.range == ANY        ? true
           : dep.range == AT_LEAST ? version >= dep.version
           : dep.range == LESS     ? version < dep.version
           : dep.range == EXACTLY  ? version == dep.version
                                   : version != dep.version;
}

/* The times are 2001 .. 2003, half a year before and after the cutoffs' days. */
static bool is_hidden(const struct world *w, const struct rec *r, bool strict,
                      bool cutoff)
{
    int best = 1;
    for (int i = 0; i < w->nr; i++)
        if (w->records[i].name == r->name && w->records[i].channel < best)
            best = w->records[i].channel;
    if (r->locked)
        return false;
    return (strict && r->channel > best) || (cutoff && r->time > w->cutoff);
}

static bool is_asked(const struct world *w, uint32_t mask, enum kind kind)
{
    for (int i = 0; i < w->nr_asked; i++)
        if (w->asked[i].kind == kind && (mask >> i & 1))
            return true;
    return false;
}

static const struct world *sorting;
static bool visible[NAMES * RECORDS];

static int by_merit(const struct rec *a, const struct rec *b)
{
    int channel = a->channel - b->channel, version = b->version - a->version;
    bool last = sorting->priority == DISABLED;
    int order[] = {b->favored - a->favored,  a->tracks - b->tracks,
                   last ? version : channel, last ? channel : version,
                   b->number - a->number,    a->noarch - b->noarch};
    for (size_t i = 0; i < CHECK_NR(order); i++)
        if (order[i])
            return order[i];
    return 0;
}

/* How bad the best version is that the record's specs on a name allow; of several the worst. */
static int allowance(const struct rec *r, int name)
{
    int worst = 0;
    for (int i = 0; i < r->nr_depends; i++) {
        if (r->depends[i].name != name)
            continue;
        int best = 1000;
        for (int k = 0; name != GLIBC && k < sorting->nr; k++) {
            const struct rec *c = &sorting->records[k];
            int bad = 10 - c->version + 100 * c->tracks;
            if (visible[k] && c->name == name && matches(r->depends[i], c->version) &&
                bad < best)
                best = bad;
        }
        if (name == GLIBC && sorting->glibc && matches(r->depends[i], sorting->glibc))
            best = 0;
        worst = best > worst ? best : worst;
    }
    return worst;
}

static bool depends_on(const struct rec *r, int name)
{
    for (int i = 0; i < r->nr_depends; i++)
        if (r->depends[i].name == name)
            return true;
    return false;
}

/* All visible records that tie with this one depend on the name. */
static bool is_common(const struct rec *r, int name)
{
    for (int k = 0; k < sorting->nr; k++) {
        const struct rec *other = &sorting->records[k];
        if (visible[k] && other->name == r->name && !by_merit(r, other) &&
            !depends_on(other, name))
            return false;
    }
    return true;
}

static int by_order(const void *left, const void *right)
{
    const struct rec *a = &sorting->records[*(const int *)left],
                     *b = &sorting->records[*(const int *)right];
    char builds[2][16];
    int order = by_merit(a, b);
    for (int i = -1; !order && i < NAMES; i++) { /* "__glibc" is before "a" */
        int name = i < 0 ? GLIBC : i;
        if (is_common(a, name))
            order = allowance(a, name) - allowance(b, name);
    }
    order = order ? order : b->time - a->time;
    print_build(builds[0], sizeof(builds[0]), a);
    print_build(builds[1], sizeof(builds[1]), b);
    return order ? order : strcmp(builds[1], builds[0]);
}

static void put_in_order(const struct world *w, uint32_t mask, struct order *o)
{
    bool strict = is_asked(w, mask, STRICT), cutoff = is_asked(w, mask, CUTOFF);
    memset(o, 0, sizeof(*o));
    sorting = w;
    for (int i = 0; i < w->nr; i++) {
        visible[i] = !is_hidden(w, &w->records[i], strict, cutoff);
        if (visible[i])
            o->cands[w->records[i].name][o->nr[w->records[i].name]++] = i;
    }
    for (int n = 0; n < NAMES; n++)
        qsort(o->cands[n], (size_t)o->nr[n], sizeof(o->cands[n][0]), by_order);
}

/* A choice of a place for each name, or NONE; the machine is the last. */
struct choice {
    const struct world *w;
    const struct order *o;
    int place[NAMES];
    bool glibc;
};

static const struct rec *chosen(const struct choice *c, int name)
{
    return c->place[name] == NONE ? NULL
                                  : &c->w->records[c->o->cands[name][c->place[name]]];
}

static bool met(const struct choice *c, struct dep dep, bool limit)
{
    if (dep.name == GLIBC)
        return c->glibc ? matches(dep, c->w->glibc) : limit;
    const struct rec *r = chosen(c, dep.name);
    return r ? matches(dep, r->version) : limit;
}

static bool is_valid(const struct choice *c, uint32_t mask)
{
    for (int i = 0; i < c->w->nr_asked; i++) {
        const struct asked *a = &c->w->asked[i];
        if (!(mask >> i & 1))
            continue;
        if ((a->kind == SPEC && !met(c, a->spec, false)) ||
            (a->kind == PINNED && !met(c, a->spec, true)) ||
            (a->kind == MACHINE && !c->glibc))
            return false;
        if (a->kind == LOCKED) {
            const struct rec *r = &c->w->records[a->record];
            if (chosen(c, r->name) != r)
                return false;
        }
    }
    for (int n = 0; n < NAMES; n++) {
        const struct rec *r = chosen(c, n);
        for (int i = 0; r && i < r->nr_depends; i++)
            if (!met(c, r->depends[i], false))
                return false;
        for (int i = 0; r && i < r->nr_constrains; i++)
            if (!met(c, r->constrains[i], true))
                return false;
    }
    return true;
}

/* The names in the order in which they are decided. */
static int decisions(const struct choice *c, int *order)
{
    bool seen[NAMES + 1] = {false};
    int nr = 0, from = 0;
    for (int i = 0; i < c->w->nr_asked; i++) {
        const struct asked *a = &c->w->asked[i];
        int name = a->kind == SPEC     ? a->spec.name
                   : a->kind == LOCKED ? c->w->records[a->record].name
                                       : NONE;
        if (name != NONE && !seen[name]) {
            seen[name] = true;
            order[nr++] = name;
        }
    }
    while (from < nr) {
        bool next[NAMES + 1] = {false};
        for (; from < nr; from++) {
            const struct rec *r = chosen(c, order[from]);
            for (int i = 0; r && i < r->nr_depends; i++)
                next[r->depends[i].name] = true;
        }
        for (int n = 0; n < NAMES; n++)
            if (next[n] && !seen[n]) {
                seen[n] = true;
                order[nr++] = n;
            }
    }
    return nr;
}

static bool is_better(const struct choice *a, const struct choice *b)
{
    int order[NAMES];
    int nr = decisions(a, order);
    for (int i = 0; i < nr; i++)
        if (a->place[order[i]] != b->place[order[i]])
            return b->place[order[i]] == NONE ||
                   a->place[order[i]] < b->place[order[i]];
    return false;
}

static bool next_choice(struct choice *c)
{
    for (int n = 0; n < NAMES; n++) {
        if (++c->place[n] < c->o->nr[n])
            return true;
        c->place[n] = NONE;
    }
    return false;
}

/* The best of all combinations under what the mask keeps of what is asked. */
static bool exhaust(const struct world *w, uint32_t mask, const struct order *o,
                    struct choice *best)
{
    bool found = false, machine = is_asked(w, mask, MACHINE);
    for (int glibc = 1; glibc >= 0; glibc--) {
        struct choice c = {.w = w, .o = o, .glibc = glibc && w->glibc};
        if (machine && !glibc)
            break;
        memset(c.place, 0xff, sizeof(c.place));
        do {
            if (is_valid(&c, mask) && (!found || (best && is_better(&c, best)))) {
                found = true;
                if (!best)
                    return true;
                *best = c;
            }
        } while (next_choice(&c));
    }
    return found;
}

static bool has_solution(const struct world *w, uint32_t mask)
{
    struct order o;
    put_in_order(w, mask, &o);
    return exhaust(w, mask, &o, NULL);
}

/* ---- the checks ---- */

static void check_best(const struct choice *best, const struct outcome *o)
{
    int order[NAMES], nr = decisions(best, order);
    const struct cenv_json *records = cenv_json_get(o->root, "records"), *item;
    CHECK_INT(cenv_json_len(records), (size_t)nr);
    for (int i = 0; i < nr; i++) {
        const struct rec *r = chosen(best, order[i]);
        char build[16];
        bool found = false;
        print_build(build, sizeof(build), r);
        cenv_json_each(item, records) found |=
            cenv_str_is(cenv_json_get_str(item, "build"), build);
        CHECK(found);
    }
}

/* The items that a list of texts names, as a mask; each text one item, specs given twice all. */
static uint32_t mask_of(const struct world *w, const struct cenv_json *texts)
{
    const struct cenv_json *item;
    uint32_t mask = 0;
    cenv_json_each(item, texts)
    {
        uint32_t own = 0;
        for (int i = 0; i < w->nr_asked; i++)
            if (cenv_str_is(cenv_json_str(item), w->asked[i].text))
                own |= 1u << i;
        if (!CHECK(own != 0))
            fprintf(stderr, "    nothing asked is %s\n", cenv_json_cstr(item));
        mask |= own;
    }
    return mask;
}

static void check_conflict(const struct world *w, const struct outcome *o)
{
    const struct cenv_json *conflict = cenv_json_get(o->root, "conflict"), *item;
    uint32_t mask = mask_of(w, conflict);
    CHECK(!has_solution(w, mask));
    if (cenv_json_len(cenv_json_get(o->root, "not_found")))
        return; /* each name by itself */
    cenv_json_each(item, conflict)
    {
        uint32_t without = mask;
        for (int i = 0; i < w->nr_asked; i++)
            if (cenv_str_is(cenv_json_str(item), w->asked[i].text))
                without &= ~(1u << i);
        CHECK(has_solution(w, without));
    }
}

/* "works": the rest goes with that version, too. */
static void check_way(const struct world *w, const struct cenv_json *way)
{
    uint32_t all = (1u << w->nr_asked) - 1;
    struct world other = *w;
    uint32_t dropped = mask_of(w, cenv_json_get(way, "items"));
    struct cenv_str works = cenv_json_get_str(way, "works");
    struct cenv_str machine = cenv_json_get_str(way, "machine");
    if (machine.len) {
        if (!is_asked(w, all, MACHINE))
            other.asked[other.nr_asked++].kind = MACHINE;
        other.glibc = machine.data[machine.len - 1] - '0';
        all = (1u << other.nr_asked) - 1;
    }
    if (works.len) {
        struct asked *a = &other.asked[other.nr_asked];
        all |= 1u << other.nr_asked++;
        *a = (struct asked){.kind = SPEC};
        a->spec =
            (struct dep){works.data[0] - 'a', works.data[works.len - 1] - '0', EXACTLY};
    }
    CHECK(has_solution(&other, all & ~dropped));
}

static void check_refutation(const struct world *w, const struct outcome *o)
{
    const struct cenv_json *way;
    check_conflict(w, o);
    cenv_json_each(way, cenv_json_get(o->root, "relax")) check_way(w, way);
}

static bool check_world(const struct world *w, bool *solved)
{
    struct universe u = {0};
    struct cenv_buf texts[4], request;
    struct order o;
    struct choice best;
    uint32_t all = (1u << w->nr_asked) - 1;
    for (int i = 0; i < 4; i++) {
        write_source(w, i / 2, i % 2, &texts[i]);
        universe_add(&u, i / 2 ? "two" : "one", i % 2 ? "noarch" : "linux-64", "test",
                     texts[i].data, texts[i].len);
    }
    write_request(w, &request);
    put_in_order(w, all, &o);
    *solved = exhaust(w, all, &o, &best);
    struct cenv_index *index = universe_open(&u);
    struct outcome got = solve_on(index, request.data);
    bool ok = CHECK_INT(got.rc, *solved ? 0 : CENV_EUNSAT);
    if (ok && *solved)
        check_best(&best, &got);
    else if (ok)
        check_refutation(w, &got);
    if (getenv("CENV_SHOW")) /* to read what a seed is about */
        fprintf(stderr, "%s\n%s\n%s\n%s\n%s\n%s\nhint: %s\n", request.data,
                texts[0].data, texts[1].data, texts[2].data, texts[3].data,
                got.err.message, got.err.hint);
    outcome_release(&got);
    cenv_index_free(index);
    cenv_buf_release(&request);
    for (int i = 0; i < 4; i++)
        cenv_buf_release(&texts[i]);
    return ok;
}

static long number(const char *variable, long usual)
{
    const char *text = getenv(variable);
    return text ? atol(text) : usual;
}

static void test_solve__finds_the_optimum(void)
{
    long rounds = number("CENV_ROUNDS", 1500), solvable = 0;
    char label[32];
    seed = (uint32_t)number("CENV_SEED", 1);
    for (long round = 0; round < rounds; round++) {
        struct world w;
        bool solved;
        snprintf(label, sizeof(label), "seed %u", seed);
        check_case(label);
        make(&w);
        check_world(&w, &solved);
        solvable += solved;
    }
    check_case("");
    CHECK(solvable > rounds / 10 && solvable < rounds * 9 / 10);
}

int main(void)
{
    RUN(test_solve__finds_the_optimum);
    return check_report();
}
