// SPDX-License-Identifier: MIT
#include "io/ioerr.h"
#include "lagoon.h"

const char *lg_strerror(int code)
{
    switch (code) {
    case LG_WAIT: return "waiting";
    case LG_OK: return "ok";
    case LG_ENOMEM: return "out of memory";
    case LG_EINVAL: return "invalid argument";
    case LG_EAGAIN: return "would wait";
    case LG_ETIMEDOUT: return "timed out";
    case LG_ECANCELED: return "canceled";
    case LG_ECLOSED: return "closed channel";
    case LG_EPERM: return "not held";
    case LG_EDEADLOCK: return "all goroutines are asleep";
    case LG_ETHREAD: return "no thread available";
    case LG_ESRCH: return "no such goroutine";
    case LG_EOF: return "end of stream";
    case LG_EBUSY: return "another goroutine is at it";
    case LG_EBROKEN: return "an earlier write was cut short";
    case LG_ECERT: return "certificate verify failed";
    case LG_ETLS: return "not fit for TLS";
    case LG_EDIVERGED: return "not the course of the recording";
    default: break;
    }
    const char *phrase = lg__ioerr_phrase(code);
    return phrase ? phrase : "unknown error";
}

const char *lg_version(void)
{
    return LG_VERSION;
}
