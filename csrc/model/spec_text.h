/* SPDX-License-Identifier: BSD-3-Clause */
/* Specs as they are written down: history, records and templates keep them, secrets they do not. */
#ifndef CENV_MODEL_SPEC_TEXT_H
#define CENV_MODEL_SPEC_TEXT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "codec/json.h"

/*
 * Appends the text of a spec: as it is when no URL stands in it, else in the canonical form, whose
 * URLs have no secrets; redacted when it does not parse. False when the buffer failed.
 */
bool cenv_spec_text_clean(struct cenv_buf *out, struct cenv_str text);

/*
 * The same for all texts of the array `*list`, which is `doc`'s member `key` or NULL: where it
 * changes one, a new array takes its place in `doc` and in `*list`. CENV_ENOMEM alone.
 */
int cenv_spec_text_clean_list(struct cenv_json *doc, const char *key,
                              const struct cenv_json **list, struct cenv_error *err);

#endif
