// SPDX-License-Identifier: MIT
#include "io/ioerr.h"

#include <uv.h>

const char *lg_error_name(int code)
{
#define NAME(name, _)                     \
    if (code == LG_ESYSTEM + UV_##name) { \
        return #name;                     \
    }
    UV_ERRNO_MAP(NAME)
#undef NAME
    return code == LG_ECERT ? "ECERT" : code == LG_ETLS ? "ETLS" : NULL;
}

const char *lg__ioerr_phrase(int code)
{
    // uv_strerror() leaks for codes that it does not know.
    return code < LG_ESYSTEM && lg_error_name(code) ? uv_strerror(code - LG_ESYSTEM)
                                                    : NULL;
}
