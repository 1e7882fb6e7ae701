/* SPDX-License-Identifier: BSD-3-Clause */
/* The SAT face: verbs, cores, incremental use, cancellation, and out of memory as a status. */
#include "check.h"

#include "base/task.h"
#include "solve/sat.h"

struct fixture {
    struct cenv_sat *sat;
    struct cenv_task task;
    struct cenv_error err;
};

static void open_fixture(struct fixture *f, cenv_poll_fn poll, void *ctx)
{
    f->sat = cenv_sat_new();
    f->err = (struct cenv_error)CENV_ERROR_INIT;
    cenv_task_init(&f->task, poll, ctx);
    CHECK(f->sat != NULL);
}

static void close_fixture(struct fixture *f)
{
    cenv_sat_free(f->sat);
    cenv_task_release(&f->task);
    cenv_error_release(&f->err);
}

#define ADD(f, ...) \
    CHECK(cenv_sat_add((f)->sat, (int[]){__VA_ARGS__}, \
                       sizeof((int[]){__VA_ARGS__}) / sizeof(int)))

static int solve(struct fixture *f, const int *assumed, size_t nr)
{
    for (size_t i = 0; i < nr; i++)
        CHECK(cenv_sat_assume(f->sat, assumed[i]));
    return cenv_sat_solve(f->sat, &f->task, &f->err);
}

static void test_sat__answers_and_model(void)
{
    struct fixture f;
    open_fixture(&f, NULL, NULL);
    CHECK(cenv_sat_reserve(f.sat, 3));
    ADD(&f, 1, 2);
    ADD(&f, -1, 3);
    CHECK_INT(solve(&f, (int[]){-2}, 1), 1);
    CHECK(cenv_sat_value(f.sat, 1) && cenv_sat_value(f.sat, 3) &&
          !cenv_sat_value(f.sat, 2));
    CHECK(cenv_sat_value(f.sat, -2));
    CHECK_INT(solve(&f, NULL, 0), 1);
    CHECK_INT((int)cenv_sat_stats(f.sat).solves, 2);
    close_fixture(&f);
}

static void test_sat__core_names_only_what_refutes(void)
{
    struct fixture f;
    open_fixture(&f, NULL, NULL);
    CHECK(cenv_sat_reserve(f.sat, 5));
    ADD(&f, -1, 4);
    ADD(&f, -2, -4);
    CHECK_INT(solve(&f, (int[]){3, 1, 5, 2}, 4), 0);
    bool one = false, two = false;
    for (size_t i = 0; i < cenv_sat_nr_failed(f.sat); i++) {
        one |= cenv_sat_failed(f.sat, i) == 1;
        two |= cenv_sat_failed(f.sat, i) == 2;
        CHECK(cenv_sat_failed(f.sat, i) != 3 && cenv_sat_failed(f.sat, i) != 5);
    }
    CHECK(one && two);
    CHECK_INT(solve(&f, (int[]){3, 1, 5}, 3), 1); /* the assumptions are forgotten */
    close_fixture(&f);
}

static void test_sat__unsatisfiable_for_good(void)
{
    struct fixture f;
    open_fixture(&f, NULL, NULL);
    CHECK(cenv_sat_reserve(f.sat, 2));
    ADD(&f, 1);
    CHECK_INT(cenv_sat_fixed(f.sat, 1), 1);
    CHECK_INT(cenv_sat_fixed(f.sat, -1), -1);
    CHECK_INT(cenv_sat_fixed(f.sat, 2), 0);
    ADD(&f, -1);
    CHECK_INT(solve(&f, (int[]){2}, 1), 0);
    CHECK_INT((int)cenv_sat_nr_failed(f.sat), 0);
    close_fixture(&f);
}

static void test_sat__phase_and_activity_steer(void)
{
    struct fixture f;
    open_fixture(&f, NULL, NULL);
    CHECK(cenv_sat_reserve(f.sat, 3));
    ADD(&f, -1, -2);
    cenv_sat_phase(f.sat, 1, true);
    cenv_sat_phase(f.sat, 2, true);
    cenv_sat_activity(f.sat, 2, 10.0);
    CHECK_INT(solve(&f, NULL, 0), 1);
    CHECK(cenv_sat_value(f.sat, 2) && !cenv_sat_value(f.sat, 1));
    close_fixture(&f);
}

/* Pigeons into one hole too few: exponential for resolution, so it runs until it is stopped. */
static void add_pigeons(struct fixture *f, int pigeons)
{
    int holes = pigeons - 1;
    int clause[64];
    CHECK(cenv_sat_reserve(f->sat, (uint32_t)(pigeons * holes)));
    for (int p = 0; p < pigeons; p++) {
        for (int h = 0; h < holes; h++)
            clause[h] = p * holes + h + 1;
        CHECK(cenv_sat_add(f->sat, clause, (size_t)holes));
    }
    for (int h = 0; h < holes; h++)
        for (int p = 0; p < pigeons; p++)
            for (int q = 0; q < p; q++)
                ADD(f, -(p * holes + h + 1), -(q * holes + h + 1));
}

static int stop_at_third(void *ctx)
{
    return ++*(int *)ctx >= 3;
}

static void test_sat__proves_over_many_slices(void)
{
    struct fixture f;
    open_fixture(&f, NULL, NULL);
    add_pigeons(&f, 8);
    CHECK_INT(solve(&f, NULL, 0), 0);
    CHECK(cenv_sat_stats(f.sat).conflicts > 500);
    close_fixture(&f);
}

static void test_sat__can_be_cancelled(void)
{
    int polls = 0;
    struct fixture f;
    open_fixture(&f, stop_at_third, &polls);
    add_pigeons(&f, 14);
    CHECK_INT(solve(&f, NULL, 0), CENV_ECANCELLED);
    CHECK_INT(f.err.status, CENV_ECANCELLED);
    CHECK_INT(polls, 3);
    close_fixture(&f);
}

int main(void)
{
    RUN(test_sat__answers_and_model);
    RUN(test_sat__core_names_only_what_refutes);
    RUN(test_sat__unsatisfiable_for_good);
    RUN(test_sat__phase_and_activity_steer);
    RUN(test_sat__proves_over_many_slices);
    RUN(test_sat__can_be_cancelled);
    return check_report();
}
