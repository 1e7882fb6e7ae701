/* SPDX-License-Identifier: BSD-3-Clause */
/* Processes by their numbers: see pid.h. */
#include "os/pid.h"

#include "os/windows/win.h"

int64_t cenv_pid_self(void)
{
    return GetCurrentProcessId();
}

static HANDLE open_process(int64_t pid)
{
    return OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, (DWORD)pid);
}

/* A number out of use is an invalid one; a process that somebody looks at outlives its end. */
bool cenv_pid_is_gone(int64_t pid)
{
    DWORD code = STILL_ACTIVE;
    HANDLE process = pid > 0 ? open_process(pid) : NULL;
    if (!process)
        return pid <= 0 || GetLastError() == ERROR_INVALID_PARAMETER;
    GetExitCodeProcess(process, &code);
    CloseHandle(process);
    return code != STILL_ACTIVE;
}

/* Of 100 ns since 1601. */
uint64_t cenv_pid_start(int64_t pid)
{
    FILETIME start = {0}, end, kernel, user;
    HANDLE process = open_process(pid);
    if (!process)
        return 0;
    GetProcessTimes(process, &start, &end, &kernel, &user);
    CloseHandle(process);
    return (uint64_t)start.dwHighDateTime << 32 | start.dwLowDateTime;
}

uint64_t cenv_pid_space(void)
{
    return 0; /* Windows has one space of numbers */
}

/* Windows has no name for a boot; the time of a start tells processes apart without. */
void cenv_pid_boot(char *out, size_t size)
{
    if (size)
        *out = '\0';
}
