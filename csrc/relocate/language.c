/* SPDX-License-Identifier: BSD-3-Clause */
/* A name says more than content; without one that is known the first characters do. */
#include "relocate/language.h"

struct ending {
    struct cenv_str text;
    enum cenv_language language;
};

static const struct ending endings[] = {
    {{".json", 5}, CENV_LANGUAGE_JSON},
    {{".jsonl", 6}, CENV_LANGUAGE_JSON},
    {{".ipynb", 6}, CENV_LANGUAGE_JSON},
    {{".geojson", 8}, CENV_LANGUAGE_JSON},
    {{".webmanifest", 12}, CENV_LANGUAGE_JSON},
    {{".xml", 4}, CENV_LANGUAGE_XML},
    {{".html", 5}, CENV_LANGUAGE_XML},
    {{".htm", 4}, CENV_LANGUAGE_XML},
    {{".xhtml", 6}, CENV_LANGUAGE_XML},
    {{".svg", 4}, CENV_LANGUAGE_XML},
    {{".plist", 6}, CENV_LANGUAGE_XML},
    {{".sh", 3}, CENV_LANGUAGE_SHELL},
    {{".bash", 5}, CENV_LANGUAGE_SHELL},
    {{".zsh", 4}, CENV_LANGUAGE_SHELL},
    {{".ksh", 4}, CENV_LANGUAGE_SHELL},
    {{".pc", 3}, CENV_LANGUAGE_SHELL},
    {{".cmake", 6}, CENV_LANGUAGE_CMAKE},
    {{"CMakeLists.txt", 14}, CENV_LANGUAGE_CMAKE},
    {{".fish", 5}, CENV_LANGUAGE_FISH},
    {{".csh", 4}, CENV_LANGUAGE_CSH},
    {{".tcsh", 5}, CENV_LANGUAGE_CSH},
    {{".ps1", 4}, CENV_LANGUAGE_POWERSHELL},
    {{".psm1", 5}, CENV_LANGUAGE_POWERSHELL},
    {{".psd1", 5}, CENV_LANGUAGE_POWERSHELL},
    {{".xsh", 4}, CENV_LANGUAGE_XONSH},
    {{".nu", 3}, CENV_LANGUAGE_NUSHELL},
    {{"bin/activate", 12}, CENV_LANGUAGE_SHELL},
};

static const struct ending shells[] = {
    {{"sh", 2}, CENV_LANGUAGE_SHELL},        {{"bash", 4}, CENV_LANGUAGE_SHELL},
    {{"dash", 4}, CENV_LANGUAGE_SHELL},      {{"ksh", 3}, CENV_LANGUAGE_SHELL},
    {{"zsh", 3}, CENV_LANGUAGE_SHELL},       {{"fish", 4}, CENV_LANGUAGE_FISH},
    {{"csh", 3}, CENV_LANGUAGE_CSH},         {{"tcsh", 4}, CENV_LANGUAGE_CSH},
    {{"pwsh", 4}, CENV_LANGUAGE_POWERSHELL}, {{"xonsh", 5}, CENV_LANGUAGE_XONSH},
    {{"nu", 2}, CENV_LANGUAGE_NUSHELL},
};

/* "#!/bin/sh", "#!/usr/bin/env bash -e": the last name before options. */
static enum cenv_language shell_of(struct cenv_str line)
{
    struct cenv_str name = {"", 0};
    for (struct cenv_str rest = cenv_str_slice(line, 2, line.len); rest.len;) {
        struct cenv_str word = cenv_str_trim(cenv_str_cut(&rest, ' '));
        if (word.len && word.data[0] == '-')
            break;
        size_t slash = cenv_str_rfind(word, '/');
        if (word.len)
            name = cenv_str_slice(word, slash < word.len ? slash + 1 : 0, word.len);
        if (name.len && !cenv_str_is(name, "env"))
            break;
    }
    for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
        if (cenv_str_eq(name, shells[i].text))
            return shells[i].language;
    return CENV_LANGUAGE_UNKNOWN;
}

/* But for those with which conda and pip start Python ("\'\'\'exec'", see shebang.h). */
static enum cenv_language script_of(struct cenv_str data)
{
    size_t end = cenv_str_find(data, '\n');
    bool python = cenv_str_starts(cenv_str_slice(data, end + 1, data.len),
                                  CENV_STR("\'\'\'exec'"));
    if (python || !cenv_str_starts(data, CENV_STR("#!")))
        return CENV_LANGUAGE_UNKNOWN;
    return shell_of(cenv_str_slice(data, 0, end));
}

/* The first character that is no blank, and the next such, 0 behind the end. */
static void read_beginning(struct cenv_str data, char out[2])
{
    enum { FAR = 4096 };
    size_t nr = 0;
    out[0] = out[1] = 0;
    for (size_t i = 0; i < data.len && i < FAR && nr < 2; i++)
        if (!cenv_is_blank(data.data[i]))
            out[nr++] = data.data[i];
}

enum cenv_language cenv_language_of(struct cenv_str data, struct cenv_str path)
{
    char begin[2];
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
        if (cenv_str_ends(path, endings[i].text))
            return endings[i].language;
    if (cenv_str_starts(data, CENV_STR("\xef\xbb\xbf")))
        data = cenv_str_slice(data, 3, data.len);
    enum cenv_language script = script_of(data);
    if (script != CENV_LANGUAGE_UNKNOWN)
        return script;
    read_beginning(data, begin);
    if ((begin[0] == '{' && (begin[1] == '"' || begin[1] == '}')) ||
        (begin[0] == '[' && (begin[1] == '"' || begin[1] == '{')))
        return CENV_LANGUAGE_JSON;
    if (begin[0] == '<' &&
        (begin[1] == '?' || begin[1] == '!' || cenv_is_alpha(begin[1])))
        return CENV_LANGUAGE_XML;
    return CENV_LANGUAGE_UNKNOWN;
}

/* Where the line of `at` begins, or `at` when that is too far away. */
static uint64_t find_line(struct cenv_str data, uint64_t at)
{
    enum { FAR = 1024 };
    for (uint64_t from = at; at - from < FAR; from--)
        if (from == 0 || data.data[from - 1] == '\n')
            return from;
    return at;
}

static enum cenv_quoting quote_of(enum cenv_language language, char c)
{
    if (c == '"')
        return CENV_QUOTING_DOUBLE;
    return c == '\'' && language != CENV_LANGUAGE_CMAKE ? CENV_QUOTING_SINGLE
                                                        : CENV_QUOTING_NONE;
}

/* Whether the character takes the meaning of the next one. */
static bool is_escape(enum cenv_language language, enum cenv_quoting quoting, char c)
{
    switch (language) {
    case CENV_LANGUAGE_POWERSHELL:
        return c == '`' && quoting != CENV_QUOTING_SINGLE;
    case CENV_LANGUAGE_CSH:
        return c == '\\' && quoting == CENV_QUOTING_NONE;
    case CENV_LANGUAGE_FISH:
    case CENV_LANGUAGE_XONSH:
        return c == '\\';
    case CENV_LANGUAGE_NUSHELL:
        return c == '\\' && quoting == CENV_QUOTING_DOUBLE;
    default:
        return c == '\\' && quoting != CENV_QUOTING_SINGLE;
    }
}

enum cenv_quoting cenv_language_quoting(enum cenv_language language,
                                        struct cenv_str data, uint64_t at)
{
    enum cenv_quoting quoting = CENV_QUOTING_NONE;
    uint64_t from = find_line(data, at);
    struct cenv_str line = cenv_str_slice(data, from, at);
    if (from == at && at > 0 && data.data[at - 1] != '\n')
        return CENV_QUOTING_UNKNOWN;
    if (cenv_str_starts(cenv_str_trim(line), CENV_STR("#")))
        return CENV_QUOTING_UNKNOWN;
    for (size_t i = 0; i < line.len; i++) {
        enum cenv_quoting quote = quote_of(language, line.data[i]);
        if (is_escape(language, quoting, line.data[i]))
            i++;
        else if (quoting == CENV_QUOTING_NONE)
            quoting = quote;
        else if (quote == quoting)
            quoting = CENV_QUOTING_NONE;
    }
    return quoting;
}
