/* SPDX-License-Identifier: BSD-3-Clause */
/* Members of an archive in an input of bytes, for targets that build an archive of them. */
#ifndef CENV_FUZZ_ITEMS_H
#define CENV_FUZZ_ITEMS_H

#include <stdbool.h>

#include "base/str.h"

/* "TYPE MODE name\nlink\ndata\0", TYPE and MODE being one character; types are those of tar. */
struct item {
    char type;
    unsigned mode;
    struct cenv_str name, link, data;
};

/* Takes the next from `rest`; false: there is none. Texts are borrowed from the input. */
static inline bool next_item(struct cenv_str *rest, struct item *item)
{
    if (rest->len < 3)
        return false;
    item->type = rest->data[0];
    item->mode = (unsigned char)rest->data[1] * 16u + 07u;
    *rest = cenv_str_slice(*rest, 2, rest->len);
    struct cenv_str all = cenv_str_cut(rest, '\0');
    item->name = cenv_str_cut(&all, '\n');
    item->link = cenv_str_cut(&all, '\n');
    item->data = all;
    return true;
}

#endif
