/* SPDX-License-Identifier: BSD-3-Clause */
/* Paths as bytes: see path.h. */
#include "os/path.h"

#include "base/alloc.h"
#include "os/path_system.h"

char *cenv_path_join(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    if (n == 0 || cenv_path_root((struct cenv_str){b, m}))
        return cenv_strdup(b);
    bool slash = a[n - 1] != '/';
    char *out = cenv_malloc(n + slash + m + 1);
    if (!out)
        return NULL;
    memcpy(out, a, n);
    if (slash)
        out[n] = '/';
    memcpy(out + n + slash, b, m + 1);
    return out;
}

static struct cenv_str without_slashes(struct cenv_str path)
{
    size_t root = cenv_path_root(path);
    size_t least = root ? root : 1;
    while (path.len > least && path.data[path.len - 1] == '/')
        path.len--;
    return path;
}

struct cenv_str cenv_path_parent(struct cenv_str path)
{
    path = without_slashes(path);
    size_t at = cenv_str_rfind(path, '/');
    if (at == path.len)
        return cenv_str_slice(path, 0, 0);
    size_t root = cenv_path_root(path);
    return at < root ? cenv_str_slice(path, 0, root)
                     : without_slashes(cenv_str_slice(path, 0, at));
}

struct cenv_str cenv_path_base(struct cenv_str path)
{
    path = without_slashes(path);
    size_t at = cenv_str_rfind(path, '/');
    return at == path.len ? path : cenv_str_slice(path, at + 1, path.len);
}

static bool is_up(struct cenv_str name)
{
    return cenv_str_is(name, "..");
}

/* Takes the last component off what has been written since `start`; false when there is none. */
static bool drop_last(struct cenv_buf *out, size_t start)
{
    struct cenv_str done = cenv_str_slice(cenv_buf_str(out), start, out->len);
    if (done.len == 0 || is_up(cenv_path_base(done)))
        return false;
    size_t at = cenv_str_rfind(done, '/');
    out->len = start + (at == done.len ? 0 : at);
    out->data[out->len] = '\0';
    return true;
}

bool cenv_path_clean(struct cenv_str path, struct cenv_buf *out)
{
    size_t root = cenv_path_root(path), begin = out->len;
    cenv_buf_add(out, path.data, root);
    path = cenv_str_slice(path, root, path.len);
    size_t start = out->len;
    while (path.len && !out->failed) {
        struct cenv_str name = cenv_str_cut(&path, '/');
        if (name.len == 0 || cenv_str_is(name, "."))
            continue;
        if (is_up(name) && (drop_last(out, start) || root))
            continue;
        if (out->len > start)
            cenv_buf_putc(out, '/');
        cenv_buf_add_str(out, name);
    }
    if (out->len == begin)
        cenv_buf_putc(out, '.');
    return !out->failed;
}

bool cenv_path_is_inside(struct cenv_str path, struct cenv_str root)
{
    if (!cenv_str_starts(path, root))
        return false;
    bool is_whole = root.len && root.len == cenv_path_root(root); /* "/", "C:/" */
    return is_whole || path.len == root.len || path.data[root.len] == '/';
}

/* Length of the directories both begin with, no slash at the end. */
static size_t shared_length(struct cenv_str a, struct cenv_str b)
{
    size_t last = 0, i = 0;
    for (; i < a.len && i < b.len && a.data[i] == b.data[i]; i++)
        if (a.data[i] == '/')
            last = i;
    bool a_ends = i == a.len || a.data[i] == '/';
    bool b_ends = i == b.len || b.data[i] == '/';
    return a_ends && b_ends ? i : last;
}

bool cenv_path_relative(struct cenv_str from, struct cenv_str to, struct cenv_buf *out)
{
    size_t begin = out->len, root = cenv_path_root(from);
    if (!cenv_str_starts(to, cenv_str_slice(from, 0, root)))
        return cenv_buf_add_str(out, to); /* another drive */
    from.len -= root && from.len == root;
    to.len -= root && to.len == root;
    size_t same = shared_length(from, to);
    struct cenv_str up = cenv_str_slice(from, same, from.len);
    for (size_t i = 0; i < up.len; i++)
        if (up.data[i] == '/')
            cenv_buf_puts(out, out->len == begin ? ".." : "/..");
    struct cenv_str down = cenv_str_slice(to, same + 1, to.len);
    if (down.len && out->len > begin)
        cenv_buf_putc(out, '/');
    cenv_buf_add_str(out, down);
    if (out->len == begin)
        cenv_buf_putc(out, '.');
    return !out->failed;
}

size_t cenv_path_depth(struct cenv_str path)
{
    size_t nr = path.len > 0;
    for (size_t i = 0; i < path.len; i++)
        nr += path.data[i] == '/';
    return nr;
}

static const char *bad_bytes(struct cenv_str path)
{
    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.data[i];
        if (c < 0x20 || c == 0x7f)
            return c ? "holds a control character" : "holds a NUL";
    }
    return NULL;
}

static const char *bad_component(struct cenv_str name)
{
    if (is_up(name))
        return "leads out by '..'";
    return name.len > CENV_PATH_NAME_MAX ? "has a component over 255 bytes" : NULL;
}

static const char *bad_whole(struct cenv_str path)
{
    if (cenv_path_root(path))
        return "is absolute";
    if (path.len > CENV_PATH_PACKAGE_MAX)
        return "is too long";
    if (cenv_path_depth(path) > CENV_PATH_DEPTH_MAX)
        return "is nested too deeply";
    const char *why = bad_bytes(path);
    return why ? why : cenv_path_unfit(path);
}

const char *cenv_path_refused(struct cenv_str path)
{
    const char *why = path.len ? bad_whole(path) : "is empty";
    bool more = true;
    while (!why && more) {
        more = cenv_str_find(path, '/') < path.len;
        struct cenv_str name = cenv_str_cut(&path, '/');
        why = bad_component(name);
        if (!why && (name.len == 0 || cenv_str_is(name, ".")))
            why = "is not normalised";
    }
    return why;
}

const char *cenv_path_normalise(struct cenv_str path, struct cenv_buf *out)
{
    const char *why = bad_whole(path);
    size_t begin = out->len;
    while (!why && path.len) {
        struct cenv_str name = cenv_str_cut(&path, '/');
        if (name.len == 0 || cenv_str_is(name, "."))
            continue;
        why = bad_component(name);
        if (!why && out->len > begin)
            cenv_buf_putc(out, '/');
        if (!why)
            cenv_buf_add_str(out, name);
    }
    if (why && out->data) {
        out->len = begin;
        out->data[begin] = '\0';
    }
    return why;
}

bool cenv_path_link_stays(struct cenv_str path, struct cenv_str target)
{
    size_t depth = 0;
    for (size_t i = 0; i < path.len; i++)
        depth += path.data[i] == '/';
    if (target.len == 0 || cenv_path_root(target) || cenv_path_unfit(target))
        return false;
    while (target.len) {
        struct cenv_str name = cenv_str_cut(&target, '/');
        if (name.len == 0 || cenv_str_is(name, "."))
            continue;
        if (!is_up(name))
            depth++;
        else if (depth-- == 0)
            return false;
    }
    return true;
}

bool cenv_path_is_name(struct cenv_str name)
{
    return name.len && !cenv_str_is(name, ".") && !is_up(name) &&
           cenv_str_find(name, '/') == name.len &&
           cenv_str_find(name, '\0') == name.len;
}
