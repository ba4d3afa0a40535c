// SPDX-License-Identifier: MIT
//
// libcurl's codes as ours.
#include <errno.h>
#include <string.h>
#include <uv.h>

#include "io/fetch.h"
#include "io/ioerr.h"

// The system's error behind it; or the one that is likeliest.
static int system_code(const struct lg_fetch *f, int likeliest)
{
    long err = 0;
    lg__curl()->easy_getinfo(f->easy, CURLINFO_OS_ERRNO, &err);
    bool is_telling = err != 0 && err != EINPROGRESS && err != EAGAIN;
    return lg__ioerr_of(is_telling ? -(int)err : likeliest);
}

// The server, or a proxy that has not made the connection to it.
static bool is_refused_by_proxy(const struct lg_fetch *f)
{
    long status = 0;
    lg__curl()->easy_getinfo(f->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    return status >= 300;
}

// Of HTTP/0.9 libcurl says no more than of a scheme that it does not know.
static int unsupported_code(const struct lg_fetch *f)
{
    return lg__ioerr_of(strstr(f->message, "HTTP/0.9") ? UV_EPROTO : UV_EPROTONOSUPPORT);
}

int lg__fetch_code(const struct lg_fetch *f, CURLcode result)
{
    if (f->own_status != LG_OK) {
        return f->own_status;
    }
    if (result != CURLE_OK && is_refused_by_proxy(f)) {
        return lg__ioerr_of(UV_ECONNREFUSED);
    }
    switch ((int)result) {
    case CURLE_OK: return LG_EOF;
    case CURLE_OUT_OF_MEMORY: return LG_ENOMEM;
    case CURLE_OPERATION_TIMEDOUT: return LG_ETIMEDOUT;
    case CURLE_URL_MALFORMAT: return lg__ioerr_of(UV_EINVAL);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY: return lg__ioerr_of(UV_EAI_NONAME);
    case CURLE_COULDNT_CONNECT:
    case CURLE_PROXY: return system_code(f, UV_ECONNREFUSED);
    case CURLE_SEND_ERROR:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_RECV_ERROR: return system_code(f, UV_ECONNRESET);
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE: return lg__ioerr_of(UV_EOF);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_CACERT_BADFILE: return LG_ECERT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_SHUTDOWN_FAILED:
    case CURLE_USE_SSL_FAILED: return LG_ETLS;
    case CURLE_UNSUPPORTED_PROTOCOL: return unsupported_code(f);
    case CURLE_NOT_BUILT_IN:
    case CURLE_SSL_ENGINE_NOTFOUND: return lg__ioerr_of(UV_ENOSYS);
    default: return lg__ioerr_of(UV_EPROTO);
    }
}

// Where the code says all, libcurl's words would only vary it.
const char *lg_fetch_message(const lg_fetch *f)
{
    if (f->status == lg__ioerr_of(UV_EOF)) {
        return "unexpected end of stream";
    }
    bool is_telling = f->status == LG_ECERT || f->status == LG_ETLS ||
                      f->status == lg__ioerr_of(UV_EPROTO) ||
                      f->status == lg__ioerr_of(UV_ENOSYS) ||
                      strstr(f->message, "proxy") || strstr(f->message, "CONNECT");
    return is_telling && f->message[0] ? f->message : lg_strerror(f->status);
}
