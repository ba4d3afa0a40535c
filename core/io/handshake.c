// SPDX-License-Identifier: MIT
//
// What the world sees of TLS on a connection: it is given one, shakes hands, and tells about it.
#include <stdio.h>
#include <string.h>

#include "io/call.h"
#include "io/conn.h"
#include "io/conntls.h"
#include "io/openssl.h"
#include "io/tlsconfig.h"
#include "sched/runtime.h"

// ---------------------------------------------------------------------------
// The handshake as a call of its own
// ---------------------------------------------------------------------------

static int hook(struct waiter *w)
{
    lg_conn *c = w->owner;
    if (c->watch.fd < 0) {
        return LG_ECLOSED;
    }
    if (!c->tls) {
        return LG_OK; // there is nothing to be done
    }
    if (c->tls->starter) {
        return LG_EBUSY;
    }
    c->tls->starter = w;
    return LG_OK;
}

static void unhook(struct waiter *w)
{
    lg_conn *c = w->owner;
    if (c->tls) {
        c->tls->starter = NULL;
        lg__conn_watch(c);
    }
}

static bool is_over(struct waiter *w)
{
    lg_conn *c = w->owner;
    int rc = c->tls ? lg__conntls_start(c, TLS_START) : LG_OK;
    lg__call_op(w)->rc = rc == LG_EAGAIN ? LG_OK : rc;
    return rc != LG_EAGAIN;
}

static void take(struct waiter *w)
{
    (void)w; // is_over() has the code
}

static int await(struct waiter *w)
{
    return lg__conn_watch(w->owner);
}

static int cut(struct waiter *w, int rc)
{
    (void)w;
    return rc;
}

static const struct call_kind shaking = {
    .reason = "io wait",
    .hook = hook,
    .unhook = unhook,
    .is_ready = is_over,
    .take = take,
    .await = await,
    .cut = cut,
    .limit = lg__conn_limit,
};

int lg_conn_handshake(lg_conn *c, int64_t deadline_ns)
{
    struct waiter *w = lg__call_prepare(&shaking, c);
    return w ? lg__call(w, c->strand, deadline_ns) : LG_EAGAIN;
}

// ---------------------------------------------------------------------------
// Given to a connection
// ---------------------------------------------------------------------------

struct gift {
    lg_conn *conn;
    lg_tls *tls;
    const char *name;
};

static int give_at_once(void *owner, int64_t amount)
{
    const struct gift *gift = owner;
    lg_conn *c = gift->conn;
    (void)amount;
    if (c->watch.fd < 0) {
        return LG_ECLOSED;
    }
    if (c->tls || c->reader || c->writer || c->in.size > 0) {
        return LG_EBUSY;
    }
    return lg__conntls_open(c, gift->tls, gift->name);
}

int lg_conn_tls(lg_conn *c, lg_tls *tls, const char *name)
{
    struct gift gift = {.conn = c, .tls = tls, .name = name};
    if (tls->role == LG_TLS_CLIENT && tls->verifies && !name) {
        return LG_EINVAL;
    }
    return lg__call_at_once(c->strand, give_at_once, &gift, 0);
}

static int is_tls_at_once(void *owner, int64_t amount)
{
    (void)amount;
    return ((lg_conn *)owner)->tls ? LG_OK : LG_EINVAL;
}

bool lg_conn_is_tls(lg_conn *c)
{
    return lg__call_at_once(c->strand, is_tls_at_once, c, 0) == LG_OK;
}

// ---------------------------------------------------------------------------
// Told about
// ---------------------------------------------------------------------------

static void copy(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text ? text : "");
}

// Who asks about a connection, and where the answer goes.
struct question {
    lg_conn *conn;
    void *out;
};

static int why_at_once(void *owner, int64_t amount)
{
    const struct question *question = owner;
    const lg_conn *c = question->conn;
    (void)amount;
    copy(question->out, LG_WHY_SIZE, c->tls ? c->tls->why : "");
    return LG_OK;
}

void lg_conn_why(lg_conn *c, char *out)
{
    struct question question = {.conn = c, .out = out};
    if (lg__call_at_once(c->strand, why_at_once, &question, 0) != LG_OK) {
        *out = '\0';
    }
}

static void copy_peer(SSL *ssl, lg_tls_info *out)
{
    X509 *certificate = lg__openssl.SSL_get1_peer_certificate(ssl);
    out->peer[0] = '\0';
    if (certificate) {
        lg__openssl.X509_NAME_oneline(lg__openssl.X509_get_subject_name(certificate),
                                      out->peer, sizeof out->peer);
        lg__openssl.X509_free(certificate);
    }
}

static void copy_protocol(SSL *ssl, lg_tls_info *out)
{
    const unsigned char *protocol;
    unsigned length; // 255 at most
    lg__openssl.SSL_get0_alpn_selected(ssl, &protocol, &length);
    if (length > 0) {
        memcpy(out->alpn, protocol, length);
    }
    out->alpn[length] = '\0';
}

static int tell_at_once(void *owner, int64_t amount)
{
    const struct question *question = owner;
    const struct conn_tls *tls = question->conn->tls;
    lg_tls_info *out = question->out;
    (void)amount;
    if (!tls || !lg__openssl.SSL_is_init_finished(tls->ssl)) {
        return tls ? LG_EAGAIN : LG_EINVAL;
    }
    copy(out->version, sizeof out->version, lg__openssl.SSL_get_version(tls->ssl));
    copy(out->cipher, sizeof out->cipher,
         lg__openssl.SSL_CIPHER_get_name(lg__openssl.SSL_get_current_cipher(tls->ssl)));
    copy(out->server_name, sizeof out->server_name,
         lg__openssl.SSL_get_servername(tls->ssl, TLSEXT_NAMETYPE_host_name));
    copy_protocol(tls->ssl, out);
    copy_peer(tls->ssl, out);
    return LG_OK;
}

int lg_conn_tls_info(lg_conn *c, lg_tls_info *out)
{
    struct question question = {.conn = c, .out = out};
    return lg__call_at_once(c->strand, tell_at_once, &question, 0);
}
