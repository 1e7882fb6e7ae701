/* SPDX-License-Identifier: BSD-3-Clause */
/* Entry points: the checks of conda and mamba together, the script of conda byte for byte. */
#include "package/entry_points.h"

#include <stdbool.h>

#include "os/path.h"
#include "relocate/shebang.h"

static bool is_keyword(struct cenv_str word)
{
    static const char *const keywords[] = {
        "False",  "None",   "True",    "and",      "as",       "assert", "async",
        "await",  "break",  "class",   "continue", "def",      "del",    "elif",
        "else",   "except", "finally", "for",      "from",     "global", "if",
        "import", "in",     "is",      "lambda",   "nonlocal", "not",    "or",
        "pass",   "raise",  "return",  "try",      "while",    "with",   "yield",
    };

    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
        if (cenv_str_is(word, keywords[i]))
            return true;
    return false;
}

/* Bytes beyond ASCII may be letters; that they are is left to Python. */
static bool is_identifier(struct cenv_str word)
{
    if (!word.len || (word.data[0] >= '0' && word.data[0] <= '9') || is_keyword(word))
        return false;
    for (size_t i = 0; i < word.len; i++) {
        unsigned char c = (unsigned char)word.data[i], lower = c | 0x20;
        bool good = (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') ||
                    c == '_' || c >= 0x80;
        if (!good)
            return false;
    }
    return true;
}

static bool is_dotted(struct cenv_str text)
{
    size_t dots = 0;

    for (size_t i = 0; i < text.len; i++)
        dots += text.data[i] == '.';
    for (size_t i = 0; i <= dots; i++)
        if (!is_identifier(cenv_str_cut(&text, '.')))
            return false;
    return true;
}

static bool is_command(struct cenv_str name)
{
    return cenv_path_is_name(name) && !cenv_path_refused(name) && name.data[0] != '.' &&
           cenv_str_find(name, '\\') == name.len;
}

/* Recipes quote what YAML would not need quoted, and packages are published with the quotes. */
static struct cenv_str strip_quotes(struct cenv_str text)
{
    struct cenv_str trimmed = cenv_str_trim(text);
    char first = trimmed.len > 1 ? trimmed.data[0] : '\0';
    struct cenv_str inner = cenv_str_slice(trimmed, 1, trimmed.len - (trimmed.len > 1));

    if ((first != '"' && first != '\'') || trimmed.data[trimmed.len - 1] != first ||
        cenv_str_find(inner, first) < inner.len)
        return trimmed;
    return cenv_str_trim(inner);
}

int cenv_entry_point_parse(struct cenv_entry_point *out, struct cenv_str definition,
                           struct cenv_error *err)
{
    struct cenv_str whole = strip_quotes(definition);
    size_t equals = cenv_str_find(whole, '=');
    struct cenv_str object =
        strip_quotes(cenv_str_slice(whole, equals + (equals < whole.len), whole.len));
    size_t colon = cenv_str_rfind(object, ':');
    struct cenv_entry_point point = {
        strip_quotes(cenv_str_slice(whole, 0, equals)),
        cenv_str_trim(cenv_str_slice(object, 0, colon)),
        cenv_str_trim(cenv_str_slice(object, colon + (colon < object.len), object.len)),
    };
    const char *wrong = NULL;

    if (colon == object.len || equals == whole.len)
        wrong = "is not of the form 'command = module:function'";
    else if (!is_command(point.command))
        wrong = "names a command that is not a plain file name";
    else if (!is_dotted(point.module) || !is_dotted(point.func))
        wrong = "names a module or function that is not a dotted identifier";
    if (wrong)
        return cenv_error_set(err, CENV_EINTEGRITY, "entry point '%.*s' %s",
                              CENV_STR_ARG(cenv_str_slice(definition, 0, 200)), wrong);
    *out = point;
    return 0;
}

void cenv_entry_point_render(const struct cenv_entry_point *point, struct cenv_str exe,
                             struct cenv_buf *out)
{
    struct cenv_str import =
        cenv_str_slice(point->func, 0, cenv_str_find(point->func, '.'));

    cenv_shebang_render_entry(exe, out);
    cenv_buf_puts(out, "# -*- coding: utf-8 -*-\nimport re\nimport sys\n\nfrom ");
    cenv_buf_add_str(out, point->module);
    cenv_buf_puts(out, " import ");
    cenv_buf_add_str(out, import);
    cenv_buf_puts(
        out, "\n\nif __name__ == '__main__':\n"
             "    sys.argv[0] = re.sub(r'(-script\\.pyw?|\\.exe)?$', '', sys.argv[0])\n"
             "    sys.exit(");
    cenv_buf_add_str(out, point->func);
    cenv_buf_puts(out, "())\n");
}
