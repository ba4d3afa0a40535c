// SPDX-License-Identifier: MIT
#include "io/conntls.h"

#include <errno.h>
#include <stdio.h>

#include "io/call.h"
#include "io/conn.h"
#include "io/ioerr.h"
#include "io/openssl.h"
#include "io/tlsconfig.h"
#include "os/socket.h"
#include "sched/runtime.h"

// ---------------------------------------------------------------------------
// The socket, for OpenSSL: its own way to write raises SIGPIPE
// ---------------------------------------------------------------------------

static int report(lg_conn *c, BIO *bio, ssize_t n, int direction)
{
    lg__openssl.BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
    if (n == -EAGAIN) {
        lg__openssl.BIO_set_flags(bio, direction | BIO_FLAGS_SHOULD_RETRY);
    } else if (n < 0) {
        c->tls->socket_err = (int)n;
    }
    return n < 0 ? -1 : (int)n;
}

static int read_socket(BIO *bio, char *buffer, int size)
{
    lg_conn *c = lg__openssl.BIO_get_data(bio);
    ssize_t n = lg__socket_recv(c->watch.fd, buffer, (size_t)size);
    c->tls->is_at_end = n == 0;
    return report(c, bio, n, BIO_FLAGS_READ);
}

static int write_socket(BIO *bio, const char *data, int size)
{
    lg_conn *c = lg__openssl.BIO_get_data(bio);
    ssize_t n = lg__socket_send(c->watch.fd, data, (size_t)size);
    return report(c, bio, n, BIO_FLAGS_WRITE);
}

static long control_socket(BIO *bio, int command, long number, void *arg)
{
    const lg_conn *c = lg__openssl.BIO_get_data(bio);
    (void)number, (void)arg;
    return command == BIO_CTRL_FLUSH || (command == BIO_CTRL_EOF && c->tls->is_at_end);
}

static uv_once_t method_guard = UV_ONCE_INIT;
static BIO_METHOD *method; // NULL: no memory. Behind the guard

static void make_method(void)
{
    int type = lg__openssl.BIO_get_new_index() | BIO_TYPE_SOURCE_SINK;
    method = lg__openssl.BIO_meth_new(type, "lagoon");
    if (method) {
        lg__openssl.BIO_meth_set_read(method, read_socket);
        lg__openssl.BIO_meth_set_write(method, write_socket);
        lg__openssl.BIO_meth_set_ctrl(method, control_socket);
    }
}

// ---------------------------------------------------------------------------
// What comes of a call of OpenSSL's
// ---------------------------------------------------------------------------

static bool is_started(const struct conn_tls *tls)
{
    return lg__openssl.SSL_is_init_finished(tls->ssl);
}

// Whoever waits is to look again, but for the one that knows.
static void rouse_others(lg_conn *c, enum tls_op knows)
{
    for (int op = 0; op < NTLS_OPS; op++) {
        if (op != (int)knows) {
            c->tls->wants[op] = UV_READABLE | UV_WRITABLE;
        }
    }
    lg__conn_watch(c);
}

static const char *reason_of(const struct conn_tls *tls, unsigned long code)
{
    if (ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        return lg__openssl.X509_verify_cert_error_string(
            lg__openssl.SSL_get_verify_result(tls->ssl));
    }
    const char *reason = code ? lg__openssl.ERR_reason_error_string(code) : NULL;
    return reason ? reason : "protocol error";
}

static int fail(lg_conn *c, enum tls_op op, bool is_socket)
{
    struct conn_tls *tls = c->tls;
    unsigned long code = lg__openssl.ERR_get_error();
    bool is_certificate = ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED;
    if (is_socket && tls->socket_err != 0) {
        tls->status = lg__ioerr_of(tls->socket_err);
    } else {
        tls->status = is_certificate ? LG_ECERT : LG_ETLS;
        snprintf(tls->why, sizeof tls->why, "%s%s",
                 is_certificate ? "certificate verify failed: " : "",
                 reason_of(tls, code));
    }
    rouse_others(c, op);
    return tls->status;
}

static int outcome(lg_conn *c, int result, enum tls_op op)
{
    struct conn_tls *tls = c->tls;
    int kind = result > 0 ? SSL_ERROR_NONE : lg__openssl.SSL_get_error(tls->ssl, result);
    switch (kind) {
    case SSL_ERROR_NONE: return LG_OK;
    case SSL_ERROR_WANT_READ: tls->wants[op] = UV_READABLE; return LG_EAGAIN;
    case SSL_ERROR_WANT_WRITE: tls->wants[op] = UV_WRITABLE; return LG_EAGAIN;
    case SSL_ERROR_ZERO_RETURN: return LG_EOF;
    default: return fail(c, op, kind == SSL_ERROR_SYSCALL);
    }
}

// The errors of a thread are a list, which SSL_get_error() looks at.
static int begin(struct conn_tls *tls)
{
    lg__openssl.ERR_clear_error();
    return tls->status;
}

int lg__conntls_start(lg_conn *c, enum tls_op op)
{
    struct conn_tls *tls = c->tls;
    int rc = begin(tls);
    if (rc != LG_OK || is_started(tls)) {
        return rc;
    }
    rc = outcome(c, lg__openssl.SSL_do_handshake(tls->ssl), op);
    if (rc == LG_OK) {
        rouse_others(c, op);
    }
    return rc;
}

// ---------------------------------------------------------------------------
// Bytes
// ---------------------------------------------------------------------------

int lg__conntls_recv(lg_conn *c, void *buffer, size_t size, size_t *out_n)
{
    int rc = lg__conntls_start(c, TLS_READ);
    if (rc == LG_OK) {
        rc = outcome(c, lg__openssl.SSL_read_ex(c->tls->ssl, buffer, size, out_n),
                     TLS_READ);
    }
    return rc;
}

int lg__conntls_send(lg_conn *c, const void *data, size_t size, size_t *out_n)
{
    int rc = lg__conntls_start(c, TLS_WRITE);
    if (rc == LG_OK) {
        rc = outcome(c, lg__openssl.SSL_write_ex(c->tls->ssl, data, size, out_n),
                     TLS_WRITE);
        c->tls->has_half = rc == LG_EAGAIN;
    }
    return rc;
}

int lg__conntls_end(lg_conn *c)
{
    struct conn_tls *tls = c->tls;
    if (tls->end == END_SAID) {
        return LG_OK;
    }
    int rc = tls->has_half ? LG_EBROKEN : lg__conntls_start(c, TLS_WRITE);
    if (rc != LG_OK) {
        return rc;
    }
    tls->end = END_BEGUN;
    int result = lg__openssl.SSL_shutdown(tls->ssl);
    rc =
        result == 0 ? LG_OK : outcome(c, result, TLS_WRITE); // 0: it has not heard theirs
    if (rc == LG_OK) {
        tls->end = END_SAID;
        rc = lg__ioerr_of(lg__socket_shutdown(c->watch.fd));
    }
    return rc;
}

bool lg__conntls_has_more(const lg_conn *c)
{
    return c->tls->status != LG_OK || lg__openssl.SSL_pending(c->tls->ssl) > 0;
}

int lg__conntls_interest(const lg_conn *c, bool reads)
{
    const struct conn_tls *tls = c->tls;
    return (reads ? tls->wants[TLS_READ] : 0) | (c->writer ? tls->wants[TLS_WRITE] : 0) |
           (tls->starter ? tls->wants[TLS_START] : 0);
}

// ---------------------------------------------------------------------------
// Life
// ---------------------------------------------------------------------------

// A host's name goes along to the server, which may have several; an address does not.
static bool expect(struct conn_tls *tls, const char *name)
{
    SSL *ssl = tls->ssl;
    X509_VERIFY_PARAM *param = lg__openssl.SSL_get0_param(ssl);
    if (lg__openssl.X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1) {
        return true;
    }
    lg__openssl.SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                           X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return lg__openssl.SSL_set1_host(ssl, name) == 1 &&
           lg__openssl.SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME,
                                TLSEXT_NAMETYPE_host_name, (void *)(uintptr_t)name) == 1;
}

static bool connect_to(struct conn_tls *tls, lg_conn *c, const char *name)
{
    uv_once(&method_guard, make_method);
    BIO *bio = method ? lg__openssl.BIO_new(method) : NULL;
    if (!bio) {
        return false;
    }
    lg__openssl.BIO_set_data(bio, c);
    lg__openssl.BIO_set_init(bio, 1);
    lg__openssl.SSL_set_bio(tls->ssl, bio, bio); // has it now, once for both
    if (tls->config->role == LG_TLS_SERVER) {
        lg__openssl.SSL_set_accept_state(tls->ssl);
        return true;
    }
    lg__openssl.SSL_set_connect_state(tls->ssl);
    return !name || expect(tls, name);
}

int lg__conntls_open(lg_conn *c, lg_tls *config, const char *name)
{
    struct conn_tls *tls = lg__alloc_new_for(&c->rt->alloc, LG_USE_BUFFERS, sizeof *tls);
    if (!tls) {
        return LG_ENOMEM;
    }
    tls->config = lg__tlsconfig_get(config);
    tls->wants[TLS_START] = UV_READABLE | UV_WRITABLE;
    tls->wants[TLS_READ] = UV_READABLE;
    tls->wants[TLS_WRITE] = UV_WRITABLE;
    tls->ssl = lg__openssl.SSL_new(config->context);
    c->tls = tls;
    if (!tls->ssl || !connect_to(tls, c, name)) {
        lg__openssl.ERR_clear_error();
        lg__conntls_free(c);
        return LG_ENOMEM;
    }
    return LG_OK;
}

void lg__conntls_part(lg_conn *c)
{
    struct conn_tls *tls = c->tls;
    if (tls && tls->end != END_SAID && !tls->has_half && is_started(tls) &&
        begin(tls) == LG_OK) {
        lg__openssl.SSL_shutdown(tls->ssl);
    }
}

void lg__conntls_free(lg_conn *c)
{
    struct conn_tls *tls = c->tls;
    if (tls) {
        c->tls = NULL;
        lg__openssl.SSL_free(tls->ssl);
        lg__tlsconfig_put(tls->config);
        lg__alloc_free_for(&c->rt->alloc, LG_USE_BUFFERS, tls, sizeof *tls);
    }
}
