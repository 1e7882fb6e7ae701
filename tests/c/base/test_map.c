/* SPDX-License-Identifier: BSD-3-Clause */
/* base/map: many keys, replaced values, empty keys. */
#include "base/map.h"

#include "base/alloc.h"
#include "check.h"

enum { KEYS = 5000 };

static struct cenv_str key_of(unsigned i)
{
    static char text[KEYS][8];
    snprintf(text[i], sizeof(text[i]), "k%u", i);
    return cenv_str(text[i]);
}

static void test_map__finds_what_was_put(void)
{
    struct cenv_map map = {0};
    for (unsigned i = 0; i < KEYS; i++)
        CHECK(cenv_map_put(&map, key_of(i), i));
    CHECK_INT(map.nr, KEYS);
    CHECK_INT(map.alloc & (map.alloc - 1), 0);
    for (unsigned i = 0; i < KEYS; i++)
        CHECK_INT(cenv_map_get(&map, key_of(i)), i);
    CHECK_INT(cenv_map_get(&map, CENV_STR("k")), CENV_NONE);
    cenv_map_release(&map);
    CHECK_INT(cenv_map_get(&map, key_of(1)), CENV_NONE);
}

static void test_map__replaces(void)
{
    struct cenv_map map = {0};
    CHECK(cenv_map_put(&map, CENV_STR("a"), 1));
    CHECK(cenv_map_put(&map, CENV_STR("a"), 2));
    CHECK_INT(map.nr, 1);
    CHECK_INT(cenv_map_get(&map, CENV_STR("a")), 2);
    cenv_map_release(&map);
}

static void test_map__takes_an_empty_key(void)
{
    struct cenv_map map = {0};
    CHECK_INT(cenv_map_get(&map, cenv_str_n(NULL, 0)), CENV_NONE);
    CHECK(cenv_map_put(&map, cenv_str_n(NULL, 0), 7));
    CHECK_INT(cenv_map_get(&map, CENV_STR("")), 7);
    cenv_map_release(&map);
}

static void test_map__lacks_memory_and_keeps_what_it_has(void)
{
    struct cenv_map map = {0};
    unsigned nr = 0;
    while (map.nr + 1 <= map.alloc / 4 * 3 || nr == 0)
        CHECK(cenv_map_put(&map, key_of(nr), nr)), nr++;
    cenv_alloc_fail_nth(1);
    CHECK(!cenv_map_put(&map, key_of(nr), nr));
    cenv_alloc_fail_nth(0);
    CHECK_INT(map.nr, nr);
    CHECK_INT(cenv_map_get(&map, key_of(0)), 0);
    cenv_map_release(&map);
}

int main(void)
{
    RUN(test_map__finds_what_was_put);
    RUN(test_map__replaces);
    RUN(test_map__takes_an_empty_key);
    RUN(test_map__lacks_memory_and_keeps_what_it_has);
    return check_report();
}
