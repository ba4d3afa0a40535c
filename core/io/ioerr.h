// SPDX-License-Identifier: MIT
//
// Codes of the outside world: libuv's, which are negative errnos and some of its own,
// below LG_ESYSTEM.
#ifndef LG_IO_IOERR_H
#define LG_IO_IOERR_H

#include "base/base.h"
#include "lagoon.h"

// A code of ours for one of libuv's, or for a negative errno.
LG_INLINE int lg__ioerr_of(int uv_code)
{
    return uv_code >= 0 ? LG_OK : LG_ESYSTEM + uv_code;
}

// A phrase for one of the outside world; NULL: it is none.
const char *lg__ioerr_phrase(int code);

#endif // LG_IO_IOERR_H
