// SPDX-License-Identifier: MIT
#include "os/backtrace.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <stdio.h>
#include <string.h>

void lg__backtrace_init(void)
{
    void *pcs[1];
    backtrace(pcs, 1); // loads the unwinder
}

int lg__backtrace(void *pcs[BACKTRACE_MAX])
{
    return backtrace(pcs, BACKTRACE_MAX);
}

void lg__backtrace_describe(const void *pc, char *out, size_t size)
{
    Dl_info info;
    if (dladdr(pc, &info) == 0) {
        snprintf(out, size, "%p", pc);
        return;
    }
    const char *slash = strrchr(info.dli_fname, '/');
    const char *file = slash ? slash + 1 : info.dli_fname;
    if (info.dli_sname) {
        snprintf(out, size, "%s+0x%zx (%s)", info.dli_sname,
                 (size_t)((const char *)pc - (const char *)info.dli_saddr), file);
    } else {
        snprintf(out, size, "0x%zx (%s)",
                 (size_t)((const char *)pc - (const char *)info.dli_fbase), file);
    }
}
