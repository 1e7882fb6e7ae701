/* SPDX-License-Identifier: BSD-3-Clause */
/* What can be told of a clone on its way. */
#include "clone/job.h"

#include "os/host.h"

enum { THREADS_OF_USE = 4 };

unsigned cenv_clone_job_threads(const struct cenv_clone_job *job)
{
    unsigned wanted = job->options->threads, cpus = cenv_host_cpus();
    if (wanted)
        return wanted;
    return cpus < THREADS_OF_USE ? cpus : THREADS_OF_USE;
}
