/* SPDX-License-Identifier: BSD-3-Clause */
/* Version constraints: see versionspec.h. */
#include "model/versionspec.h"

#include "codec/regex.h"
#include "model/chars.h"
#include "model/strmatch.h"

/*
 * Every comparison with a version is a range of the order ("<2", "1.8.*", "~=1.8.1") or what is
 * outside of one ("!=1.8"). Ranges joined by `,` are intersected while parsing, so that matching
 * ">=1.8,<2" is two comparisons of bytes.
 */
enum kind { ANYTHING, RANGE, GLOB, REGEX, LITERAL, AND, OR };

struct cenv_verterm {
    enum kind kind;
    bool negated; /* RANGE, GLOB: matches what is outside */
    enum cenv_versionspec_form form;
    struct cenv_str text;            /* of a leaf, without blanks */
    struct cenv_str version;         /* of a leaf, without operator and stars */
    struct cenv_version_range range; /* RANGE; AND: what its ranges have in common */
    const struct cenv_regex *regex;
    struct cenv_verterm *first, *next; /* operands of AND, OR */
};

enum { DEPTH_MAX = 32 };

struct parser {
    struct cenv_str text;
    size_t at;
    unsigned depth;
    struct cenv_arena *arena;
    struct cenv_error *err;
    size_t column;
};

static int refuse_spec(struct parser *p, size_t at, const char *wrong)
{
    p->column = at;
    return cenv_error_set(p->err, CENV_ESPEC,
                          "version constraint '%.*s' is not valid: %s",
                          CENV_STR_ARG(cenv_str_slice(p->text, 0, 300)), wrong);
}

static struct cenv_verterm *new_term(struct parser *p, enum kind kind)
{
    struct cenv_verterm *term = cenv_arena_calloc(p->arena, 1, sizeof(*term));

    if (!term) {
        cenv_error_oom(p->err);
        return NULL;
    }
    term->kind = kind;
    term->form = CENV_VERSIONSPEC_OTHER;
    return term;
}

static struct cenv_str max_lo(struct cenv_str a, struct cenv_str b)
{
    return cenv_str_cmp(a, b) >= 0 ? a : b;
}

/* An empty one is no bound. */
static struct cenv_str min_hi(struct cenv_str a, struct cenv_str b)
{
    if (!a.len || !b.len)
        return a.len ? a : b;
    return cenv_str_cmp(a, b) <= 0 ? a : b;
}

static void narrow_range(struct cenv_version_range *range,
                         const struct cenv_version_range *other)
{
    range->lo = max_lo(range->lo, other->lo);
    range->hi = min_hi(range->hi, other->hi);
}

/* ---- leaves ---- */

enum op { NONE, EQ, NE, LE, GE, LT, GT, FUZZY, COMPATIBLE, BAD };

static bool is_op_char(char c)
{
    return cenv_char_is(c, CENV_CHAR_OP);
}

static bool is_blank(char c)
{
    return cenv_char_is(c, CENV_CHAR_BLANK);
}

/* What two words side by side would meet with. */
static bool is_word_char(char c)
{
    return !cenv_char_is(c, CENV_CHAR_BLANK | CENV_CHAR_OP) && c != '+' && c != '*' &&
           c != '.';
}

/* Takes the operator off the leaf; BAD when another operator or nothing follows. */
static enum op take_op(struct cenv_str *leaf)
{
    static const struct {
        char text[3];
        enum op op;
    } ops[] = {{"==", EQ},         {"!=", NE},   {"<=", LE}, {">=", GE},
               {"~=", COMPATIBLE}, {"=", FUZZY}, {"<", LT},  {">", GT}};

    if (!is_op_char(leaf->data[0]))
        return NONE;
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        size_t len = strlen(ops[i].text);
        if (!cenv_str_starts(*leaf, cenv_str_n(ops[i].text, len)))
            continue;
        *leaf = cenv_str_slice(*leaf, len, leaf->len);
        return leaf->len && !is_op_char(leaf->data[0]) ? ops[i].op : BAD;
    }
    return BAD;
}

/* Takes the stars at the end, and the dots before them; true when there were any. */
static bool take_stars(struct cenv_str *version)
{
    if (!version->len || version->data[version->len - 1] != '*')
        return false;
    while (version->len && version->data[version->len - 1] == '*')
        version->len--;
    while (version->len && version->data[version->len - 1] == '.')
        version->len--;
    return true;
}

static int parse_version(struct parser *p, struct cenv_version *out,
                         struct cenv_str text)
{
    return cenv_version_parse(out, text, p->arena, p->err);
}

/* The NUL that lies behind every key makes the least byte string that is greater. */
static struct cenv_str successor_of(struct cenv_str key)
{
    return cenv_str_n(key.data, key.len + 1);
}

static int set_compare(struct parser *p, struct cenv_verterm *term, enum op op)
{
    struct cenv_version v;
    int rc = parse_version(p, &v, term->version);

    if (rc < 0)
        return rc;
    if (op == EQ || op == NE || op == GE || op == GT)
        term->range.lo = op == GT ? successor_of(v.key) : v.key;
    if (op == EQ || op == NE || op == LE || op == LT)
        term->range.hi = op == LT ? v.key : successor_of(v.key);
    term->negated = op == NE;
    if (op == EQ)
        term->form = CENV_VERSIONSPEC_EXACT;
    return 0;
}

static int set_prefix(struct parser *p, struct cenv_verterm *term, bool negated)
{
    term->negated = negated;
    term->form = negated ? CENV_VERSIONSPEC_OTHER : CENV_VERSIONSPEC_FUZZY;
    return cenv_version_prefix(&term->range, term->version, p->arena, p->err);
}

/* `~=1.8.1` is `>=1.8.1,1.8.*`. */
static int set_compatible(struct parser *p, struct cenv_verterm *term)
{
    struct cenv_version_range prefix;
    size_t dot = cenv_str_rfind(term->version, '.');

    if (cenv_str_find(term->version, '*') < term->version.len)
        return refuse_spec(p, p->column, "'~=' takes a version without '*'");
    if (dot == term->version.len)
        return refuse_spec(p, p->column, "'~=' takes a version of two parts at least");
    int rc = set_compare(p, term, GE);
    if (rc == 0)
        rc = cenv_version_prefix(&prefix, cenv_str_slice(term->version, 0, dot),
                                 p->arena, p->err);
    if (rc == 0)
        narrow_range(&term->range, &prefix);
    return rc;
}

/* `X.*`, `X*` and their like: `version` has lost its stars, `whole` has them. */
static int set_starred(struct parser *p, struct cenv_verterm *term, enum op op,
                       struct cenv_str whole)
{
    if (!term->version.len && op != NE) {
        term->kind = ANYTHING;
        term->form = CENV_VERSIONSPEC_ANY;
        return 0;
    }
    if (cenv_str_find(term->version, '*') == term->version.len)
        return set_prefix(p, term, op == NE);
    for (size_t i = 0; i < whole.len; i++)
        if (!cenv_char_is(whole.data[i], CENV_CHAR_ALNUM | CENV_CHAR_VERSION))
            return refuse_spec(p, p->column,
                               "only letters, digits and . _ - + ! * may stand in it");
    term->kind = GLOB;
    term->negated = op == NE;
    term->version = whole;
    if (op == EQ)
        term->text = whole;
    return 0;
}

/* `X.*` of `X*`. */
static int canonical_stars(struct parser *p, struct cenv_verterm *term)
{
    if (term->kind != RANGE || cenv_str_ends(term->text, CENV_STR(".*")))
        return 0;
    char *text = cenv_arena_alloc(p->arena, term->version.len + 2);
    if (!text)
        return cenv_error_oom(p->err);
    memcpy(text, term->version.data, term->version.len);
    memcpy(text + term->version.len, ".*", 2);
    term->text = cenv_str_n(text, term->version.len + 2);
    return 0;
}

static int set_bare(struct parser *p, struct cenv_verterm *term)
{
    struct cenv_str whole = term->version;

    if (take_stars(&term->version)) {
        int rc = set_starred(p, term, NONE, whole);
        if (rc < 0)
            return rc;
        return canonical_stars(p, term);
    }
    if (cenv_str_find(whole, '*') < whole.len)
        return set_starred(p, term, NONE, whole);
    if (cenv_str_find(whole, '@') == whole.len)
        return set_compare(p, term, EQ);
    term->kind = LITERAL;
    return 0;
}

static int set_operator(struct parser *p, struct cenv_verterm *term, enum op op)
{
    struct cenv_str whole = term->version;

    switch (op) {
    case BAD:
        return refuse_spec(p, p->column, "an operator stands without its version");
    case COMPATIBLE:
        return set_compatible(p, term);
    case EQ:
    case NE:
    case FUZZY:
        if (take_stars(&term->version) || cenv_str_find(whole, '*') < whole.len)
            return set_starred(p, term, op, whole);
        return op == FUZZY ? set_prefix(p, term, false) : set_compare(p, term, op);
    default: /* what `.*` could mean here is what it means without */
        if (cenv_str_ends(whole, CENV_STR(".*")))
            term->version.len -= 2;
        return set_compare(p, term, op);
    }
}

static int set_regex(struct parser *p, struct cenv_verterm *term)
{
    size_t at = p->column, column = 0;
    const char *text = term->text.data;

    if (text[0] != '^' || text[term->text.len - 1] != '$')
        return refuse_spec(p, at,
                           "a regular expression begins with '^' and ends with '$'");
    term->kind = REGEX;
    int rc =
        cenv_regex_compile(&term->regex, term->text, false, p->arena, &column, p->err);
    p->column = at + column;
    return rc;
}

/*
 * `leaf` without the blanks in it, which stand around operators (">= 1.8") and, in data of old,
 * within versions (">=1 !164.3"); two words in a row are a mistake.
 */
static int remove_blanks(struct parser *p, struct cenv_str *leaf, size_t at)
{
    size_t len = 0;
    bool blank = false;

    for (size_t i = 0; i < leaf->len && !blank; i++)
        blank = is_blank(leaf->data[i]);
    if (!blank)
        return 0;
    char *text = cenv_arena_alloc(p->arena, leaf->len);
    if (!text)
        return cenv_error_oom(p->err);
    for (size_t i = 0; i < leaf->len; i++) {
        char c = leaf->data[i];
        if (is_blank(c))
            continue;
        if (i && is_blank(leaf->data[i - 1]) && is_word_char(c) &&
            is_word_char(text[len - 1]))
            return refuse_spec(p, at + i, "two versions stand side by side");
        text[len++] = c;
    }
    *leaf = cenv_str_n(text, len);
    return 0;
}

/* text[from:to] without the blanks around it is a leaf. */
static int parse_leaf(struct parser *p, struct cenv_verterm **out, size_t from,
                      size_t to)
{
    struct cenv_str leaf = cenv_str_trim(cenv_str_slice(p->text, from, to));
    size_t at = leaf.len ? (size_t)(leaf.data - p->text.data) : from;

    p->column = at;
    if (!leaf.len)
        return refuse_spec(p, from, "a version is missing");
    if (cenv_str_find(leaf, '\'') < leaf.len || cenv_str_find(leaf, '"') < leaf.len)
        return refuse_spec(p, at, "no version holds a quote");
    bool regex = leaf.data[0] == '^' || leaf.data[leaf.len - 1] == '$';
    int rc = regex ? 0 : remove_blanks(p, &leaf, at);
    if (rc < 0)
        return rc;
    struct cenv_verterm *term = new_term(p, RANGE);
    if (!term)
        return CENV_ENOMEM;
    term->text = term->version = leaf;
    if (regex) {
        rc = set_regex(p, term);
    } else {
        enum op op = take_op(&term->version);
        rc = op == NONE ? set_bare(p, term) : set_operator(p, term, op);
    }
    *out = term;
    return rc;
}

/* ---- expressions ---- */

static int parse_list(struct parser *p, struct cenv_verterm **out, enum kind kind);

static void skip_blanks(struct parser *p)
{
    while (p->at < p->text.len && is_blank(p->text.data[p->at]))
        p->at++;
}

static char peek_char(struct parser *p)
{
    skip_blanks(p);
    return p->at < p->text.len ? p->text.data[p->at] : '\0';
}

static int parse_parens(struct parser *p, struct cenv_verterm **out)
{
    size_t open = p->at++;

    if (++p->depth > DEPTH_MAX)
        return refuse_spec(p, open, "parentheses are nested too deeply");
    int rc = parse_list(p, out, OR);
    if (rc == 0 && peek_char(p) != ')')
        rc = p->at < p->text.len ? refuse_spec(p, p->at, "',' or '|' is missing")
                                 : refuse_spec(p, open, "'(' is never closed");
    p->at++;
    p->depth--;
    return rc;
}

/* A regular expression reaches to the first '$' whatever stands in it, other leaves to `()|,`. */
static size_t leaf_end(struct parser *p)
{
    struct cenv_str rest = cenv_str_slice(p->text, p->at, p->text.len);
    size_t dollar =
        rest.len && rest.data[0] == '^' ? cenv_str_find(rest, '$') : rest.len;
    size_t n = 0;

    if (dollar < rest.len)
        return p->at + dollar + 1;
    while (n < rest.len && !cenv_char_is(rest.data[n], CENV_CHAR_JOIN))
        n++;
    return p->at + n;
}

static int parse_operand(struct parser *p, struct cenv_verterm **out)
{
    if (peek_char(p) == '(')
        return parse_parens(p, out);
    size_t from = p->at;
    p->at = leaf_end(p);
    return parse_leaf(p, out, from, p->at);
}

static void append_term(struct cenv_verterm *list, struct cenv_verterm ***tail,
                        struct cenv_verterm *term)
{
    /* "(a|b)|c" is "a|b|c" */
    struct cenv_verterm *first = term->kind == list->kind ? term->first : term;

    **tail = first;
    while (**tail) {
        if ((**tail)->kind == RANGE && !(**tail)->negated && list->kind == AND)
            narrow_range(&list->range, &(**tail)->range);
        *tail = &(**tail)->next;
    }
}

/* Operands joined by `|`, each of them operands joined by `,`. */
static int parse_list(struct parser *p, struct cenv_verterm **out, enum kind kind)
{
    char separator = kind == OR ? '|' : ',';
    struct cenv_verterm *term = NULL, *list, **tail;

    int rc = kind == OR ? parse_list(p, &term, AND) : parse_operand(p, &term);
    *out = term;
    if (rc < 0 || peek_char(p) != separator)
        return rc;
    if (!(list = new_term(p, kind)))
        return CENV_ENOMEM;
    tail = &list->first;
    append_term(list, &tail, term);
    while (peek_char(p) == separator) {
        p->at++;
        rc = kind == OR ? parse_list(p, &term, AND) : parse_operand(p, &term);
        if (rc < 0)
            return rc;
        append_term(list, &tail, term);
    }
    *out = list;
    return 0;
}

int cenv_versionspec_parse(struct cenv_versionspec *out, struct cenv_str text,
                           struct cenv_arena *arena, size_t *column,
                           struct cenv_error *err)
{
    struct parser p = {.text = text, .arena = arena, .err = err};
    struct cenv_verterm *root = NULL;

    int rc = parse_list(&p, &root, OR);
    skip_blanks(&p);
    if (rc == 0 && p.at < text.len)
        rc = refuse_spec(&p, p.at,
                         text.data[p.at] == ')' ? "')' was never opened"
                                                : "',' or '|' is missing");
    if (rc == 0)
        *out = (struct cenv_versionspec){.text = text, .root = root};
    else if (column)
        *column = p.column;
    return rc;
}

/* ---- use ---- */

static bool match_term(const struct cenv_verterm *term, const struct cenv_version *v);

static bool match_all(const struct cenv_verterm *list, const struct cenv_version *v)
{
    if (!cenv_version_in(v, &list->range))
        return false;
    for (const struct cenv_verterm *term = list->first; term; term = term->next)
        if ((term->kind != RANGE || term->negated) && !match_term(term, v))
            return false;
    return true;
}

static bool match_any(const struct cenv_verterm *list, const struct cenv_version *v)
{
    for (const struct cenv_verterm *term = list->first; term; term = term->next)
        if (match_term(term, v))
            return true;
    return false;
}

static bool match_term(const struct cenv_verterm *term, const struct cenv_version *v)
{
    switch (term->kind) {
    case ANYTHING:
        return true;
    case RANGE:
        return cenv_version_in(v, &term->range) != term->negated;
    case GLOB:
        return cenv_strmatch_glob(term->version, v->text, false) != term->negated;
    case REGEX:
        return cenv_regex_search(term->regex, v->text);
    case LITERAL:
        return cenv_str_eq(term->text, v->text);
    case AND:
        return match_all(term, v);
    case OR:
        return match_any(term, v);
    }
    return false;
}

bool cenv_versionspec_match(const struct cenv_versionspec *spec,
                            const struct cenv_version *v)
{
    return !spec->root || match_term(spec->root, v);
}

bool cenv_versionspec_range(const struct cenv_versionspec *spec,
                            struct cenv_version_range *out)
{
    const struct cenv_verterm *root = spec->root;

    if (root && root->kind != ANYTHING && root->kind != AND &&
        (root->kind != RANGE || root->negated))
        return false;
    if (root && root->kind == AND)
        for (const struct cenv_verterm *term = root->first; term; term = term->next)
            if (term->kind != ANYTHING && (term->kind != RANGE || term->negated))
                return false;
    *out = root ? root->range : (struct cenv_version_range){{NULL, 0}, {NULL, 0}};
    return true;
}

enum cenv_versionspec_form cenv_versionspec_form(const struct cenv_versionspec *spec,
                                                 struct cenv_str *literal)
{
    *literal = spec->root ? spec->root->version : CENV_STR("");
    return spec->root ? spec->root->form : CENV_VERSIONSPEC_ANY;
}

static void print_term(const struct cenv_verterm *term, bool parens, bool in_and,
                       struct cenv_buf *out)
{
    bool open = parens && in_and && term->kind == OR;

    if (term->kind != AND && term->kind != OR) {
        cenv_buf_add_str(out, term->text);
        return;
    }
    if (open)
        cenv_buf_putc(out, '(');
    for (const struct cenv_verterm *t = term->first; t; t = t->next) {
        print_term(t, parens, term->kind == AND, out);
        if (t->next)
            cenv_buf_putc(out, term->kind == AND ? ',' : '|');
    }
    if (open)
        cenv_buf_putc(out, ')');
}

void cenv_versionspec_print(const struct cenv_versionspec *spec, bool parens,
                            struct cenv_buf *out)
{
    if (spec->root)
        print_term(spec->root, parens, false, out);
    else
        cenv_buf_putc(out, '*');
}
