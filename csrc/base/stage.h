/* SPDX-License-Identifier: BSD-3-Clause */
/* The stages of the trace: what a span of work, and the progress display, is called. */
#ifndef CENV_BASE_STAGE_H
#define CENV_BASE_STAGE_H

/*
 * XX(NAME, name as users read it, what its progress counts: "" for nothing), in the order in
 * which reports list them. A stage that only the
 * Python package records stands here too: the extension exports this table as STAGES. A new stage
 * is a row here and a span where the work is done.
 */
#define CENV_STAGE_MAP(XX) \
    XX(DOWNLOAD_INDICES, "download indices", "bytes") \
    XX(PROCESS_INDICES, "process indices", "") \
    XX(REDUCE, "reduce", "") \
    XX(EXPRESS, "express", "") \
    XX(SOLVE, "solve", "") \
    XX(EXPLAIN, "explain", "") \
    XX(DOWNLOAD, "download", "bytes") \
    XX(IMPORT, "import", "bytes") \
    XX(PULL, "pull", "bytes") \
    XX(EXTRACT, "extract", "bytes") \
    XX(VERIFY, "verify", "files") \
    XX(LINK, "link", "files") \
    XX(COMPILE, "compile", "files") \
    XX(SCRIPTS, "scripts", "scripts") \
    XX(SETUP, "setup", "") \
    XX(PROCESS_MANIFEST, "process manifest", "") \
    XX(DIRECTORIES, "directories", "") \
    XX(FILES, "files", "files") \
    XX(MOUNT, "mount", "") \
    XX(RELOCATE, "relocate", "") \
    XX(RECORDS, "records", "") \
    XX(PUBLISH, "publish", "") \
    XX(RESET, "reset", "") \
    XX(GUARD, "guard", "") \
    XX(EXPORT, "export", "") \
    XX(PUSH, "push", "bytes")

enum cenv_stage {
#define XX(NAME, name, unit) CENV_STAGE_##NAME,
    CENV_STAGE_MAP(XX)
#undef XX
        CENV_NR_STAGES
};

/* A literal; NULL from CENV_NR_STAGES on. */
const char *cenv_stage_name(unsigned stage);

/* What the total and the done of a stage's progress are; NULL from CENV_NR_STAGES on. */
const char *cenv_stage_unit(unsigned stage);

#endif
