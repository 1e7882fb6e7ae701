/* SPDX-License-Identifier: BSD-3-Clause */
/* MiniSat behind sat.h: every wrapper catches all, for MiniSat throws when memory runs out. */
#include "solve/sat.h"

#include <cerrno>
#include <new>

#include <minisat/core/Solver.h>

extern "C" int cenv_task_poll(struct cenv_task *task, struct cenv_error *err);

using namespace Minisat;

namespace
{

const uint64_t CONFLICT_SLICE = 500;
const uint64_t PROPAGATION_SLICE = 500000; /* some tens of ms */

/*
 * Solver::solveLimited run in slices would forget its restart schedule and the learnt clauses'
 * limit each time, and might never end; so the loop around search() is here, and looks at the
 * task between restarts. The protected members are MiniSat's interface for subclasses.
 */
class Search : public Solver
{
  public:
    vec<Lit> clause;
    int status = 0; /* of the task, when it cancelled the search */

    int run(const vec<Lit> &assumed, struct cenv_task *task, struct cenv_error *err);
    void set_activity(Var v, double value);
    int fixed(Lit p) const;

  private:
    lbool slices(struct cenv_task *task, struct cenv_error *err);
    void start();
    void keep_model();
};

/* The Luby sequence 1 1 2 1 1 2 4 ... (Knuth's reluctant doubling). */
struct Luby {
    int u = 1, v = 1;

    int next()
    {
        int value = v;
        if ((u & -u) == v) {
            u++;
            v = 1;
        } else {
            v *= 2;
        }
        return value;
    }
};

void Search::start()
{
    model.clear();
    conflict.clear();
    solves++;
    max_learnts = nClauses() * learntsize_factor;
    if (max_learnts < 1000)
        max_learnts = 1000;
    learntsize_adjust_confl = learntsize_adjust_start_confl;
    learntsize_adjust_cnt = static_cast<int>(learntsize_adjust_confl);
}

lbool Search::slices(struct cenv_task *task, struct cenv_error *err)
{
    uint64_t most = 20 * static_cast<uint64_t>(nVars());
    Luby luby;
    lbool result = l_Undef;
    while (result == l_Undef) {
        status = cenv_task_poll(task, err);
        if (status < 0)
            break;
        setConfBudget(CONFLICT_SLICE);
        setPropBudget(
            static_cast<int64_t>(most > PROPAGATION_SLICE ? most : PROPAGATION_SLICE));
        result = search(luby.next() * restart_first);
    }
    budgetOff();
    return result;
}

void Search::keep_model()
{
    model.growTo(nVars());
    for (Var v = 0; v < nVars(); v++)
        model[v] = value(v);
}

int Search::run(const vec<Lit> &assumed, struct cenv_task *task, struct cenv_error *err)
{
    assumed.copyTo(assumptions);
    start();
    lbool result = ok ? slices(task, err) : l_False;
    if (result == l_True)
        keep_model();
    else if (result == l_False && conflict.size() == 0)
        ok = false;
    cancelUntil(0);
    if (result == l_Undef)
        return status;
    return result == l_True;
}

void Search::set_activity(Var v, double value)
{
    activity[v] = value;
    if (order_heap.inHeap(v))
        order_heap.update(v);
}

int Search::fixed(Lit p) const
{
    if (value(p) == l_Undef || level(var(p)) != 0)
        return 0;
    return value(p) == l_True ? 1 : -1;
}

Lit literal(int lit)
{
    return mkLit((lit < 0 ? -lit : lit) - 1, lit < 0);
}

} // namespace

struct cenv_sat {
    Search search;
    vec<Lit> assumed;
    bool assumed_used = false; /* the next assume starts a new list */
    /* MiniSat's vectors are not to be touched once one of them could not grow: it has lost its
     * elements, and believes that it has room for more. */
    bool broken = false;
};

namespace
{

/* Whether `step` was taken; false, and for ever, once memory ran out. */
template <typename Step> bool try_step(struct cenv_sat *sat, Step step)
{
    if (sat->broken)
        return false;
    errno = 0; /* MiniSat's vectors read it when realloc gives NULL */
    try {
        step();
    } catch (...) {
        sat->broken = true;
    }
    return !sat->broken;
}

} // namespace

extern "C" {

struct cenv_sat *cenv_sat_new(void)
{
    errno = 0;
    try {
        return new (std::nothrow) cenv_sat();
    } catch (...) {
        return nullptr;
    }
}

void cenv_sat_free(struct cenv_sat *sat)
{
    delete sat;
}

bool cenv_sat_reserve(struct cenv_sat *sat, uint32_t nr)
{
    return try_step(sat, [&] {
        while (static_cast<uint32_t>(sat->search.nVars()) < nr)
            sat->search.newVar();
    });
}

bool cenv_sat_add(struct cenv_sat *sat, const int *lits, size_t nr)
{
    return try_step(sat, [&] {
        vec<Lit> &clause = sat->search.clause;
        clause.clear();
        for (size_t i = 0; i < nr; i++)
            clause.push(literal(lits[i]));
        sat->search.addClause_(clause);
    });
}

void cenv_sat_phase(struct cenv_sat *sat, int var, bool value)
{
    if (!sat->broken)
        sat->search.setPolarity(var - 1, value ? l_False : l_True);
}

void cenv_sat_activity(struct cenv_sat *sat, int var, double activity)
{
    if (!sat->broken)
        sat->search.set_activity(var - 1, activity);
}

bool cenv_sat_assume(struct cenv_sat *sat, int lit)
{
    return try_step(sat, [&] {
        if (sat->assumed_used)
            sat->assumed.clear();
        sat->assumed_used = false;
        sat->assumed.push(literal(lit));
    });
}

int cenv_sat_solve(struct cenv_sat *sat, struct cenv_task *task, struct cenv_error *err)
{
    int result = 0;
    bool done = try_step(sat, [&] {
        if (sat->assumed_used)
            sat->assumed.clear();
        sat->assumed_used = true;
        result = sat->search.run(sat->assumed, task, err);
    });
    return done ? result : cenv_error_oom(err);
}

bool cenv_sat_value(const struct cenv_sat *sat, int lit)
{
    return sat->search.modelValue(literal(lit)) == l_True;
}

size_t cenv_sat_nr_failed(const struct cenv_sat *sat)
{
    return static_cast<size_t>(sat->search.conflict.size());
}

int cenv_sat_failed(const struct cenv_sat *sat, size_t i)
{
    Lit p = sat->search.conflict[static_cast<int>(i)];
    return sign(p) ? var(p) + 1 : -(var(p) + 1);
}

int cenv_sat_fixed(const struct cenv_sat *sat, int lit)
{
    return sat->search.fixed(literal(lit));
}

struct cenv_sat_stats cenv_sat_stats(const struct cenv_sat *sat)
{
    const Search &s = sat->search;
    struct cenv_sat_stats stats = {};
    stats.variables = static_cast<uint64_t>(s.nVars());
    stats.clauses = static_cast<uint64_t>(s.nClauses());
    stats.solves = s.solves;
    stats.conflicts = s.conflicts;
    stats.decisions = s.decisions;
    stats.propagations = s.propagations;
    return stats;
}

} // extern "C"
