/* SPDX-License-Identifier: BSD-3-Clause */
/* Formats of messages: C99's on every system. */
#ifndef CENV_BASE_FORMAT_H
#define CENV_BASE_FORMAT_H

/* Argument `text` is a format of printf's, its values begin with argument `first` (0: a va_list).
 * To GCC for Windows "printf" means Microsoft's, which does not know %zu. */
#if defined(_WIN32) && !defined(__clang__)
#define CENV_PRINTF(text, first) __attribute__((format(gnu_printf, text, first)))
#else
#define CENV_PRINTF(text, first) __attribute__((format(printf, text, first)))
#endif

#endif
