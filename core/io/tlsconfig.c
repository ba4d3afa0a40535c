// SPDX-License-Identifier: MIT
//
// The record comes from the C library, as all that OpenSSL keeps: it is made where no runtime
// need be, and its last user may be a thread outside of any.
#include "io/tlsconfig.h"

#include <openssl/pemerr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/openssl.h"

enum { ALPN_NAME_MAX = 255 };

lg_tls *lg__tlsconfig_get(lg_tls *tls)
{
    if (tls) {
        // relaxed: whoever hands it on has it
        atomic_fetch_add_explicit(&tls->nusers, 1, memory_order_relaxed);
    }
    return tls;
}

void lg__tlsconfig_put(lg_tls *tls)
{
    // acq_rel: pairs with the puts of the others; what they did with it is done before it
    // is freed
    if (tls && atomic_fetch_sub_explicit(&tls->nusers, 1, memory_order_acq_rel) == 1) {
        lg__openssl.SSL_CTX_free(tls->context);
        free(tls->alpn);
        free(tls);
    }
}

// ---------------------------------------------------------------------------
// Certificates and keys
// ---------------------------------------------------------------------------

// What is not usable, and OpenSSL's reason, the first one.
static int refuse(char *why, const char *what)
{
    unsigned long code = lg__openssl.ERR_get_error();
    const char *reason = code ? lg__openssl.ERR_reason_error_string(code) : NULL;
    snprintf(why, LG_WHY_SIZE, "%s: %s", what, reason ? reason : "not usable");
    lg__openssl.ERR_clear_error();
    return LG_ETLS;
}

// Certificates are read until there are none: then OpenSSL has found no line to start at.
static bool has_read_all(void)
{
    unsigned long code = lg__openssl.ERR_peek_last_error();
    bool is_end =
        ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
    if (is_end) {
        lg__openssl.ERR_clear_error();
    }
    return is_end;
}

// Hands each certificate of a text to `take`, which tells whether it went well.
static bool each_certificate(const char *pem, lg_tls *tls,
                             bool (*take)(lg_tls *tls, X509 *certificate, int i))
{
    BIO *text = lg__openssl.BIO_new_mem_buf(pem, (int)strlen(pem));
    if (!text) {
        return false;
    }
    int i = 0;
    bool is_ok = true;
    X509 *certificate;
    while (is_ok &&
           (certificate = lg__openssl.PEM_read_bio_X509(text, NULL, NULL, NULL))) {
        is_ok = take(tls, certificate, i++);
        lg__openssl.X509_free(certificate);
    }
    lg__openssl.BIO_free(text);
    return is_ok && i > 0 && has_read_all();
}

// The first one is its own, the others lead from there to a root.
static bool take_own(lg_tls *tls, X509 *certificate, int i)
{
    if (i == 0) {
        return lg__openssl.SSL_CTX_use_certificate(tls->context, certificate) == 1;
    }
    enum { CERTIFICATE_IS_COPIED = 1 };
    return lg__openssl.SSL_CTX_ctrl(tls->context, SSL_CTRL_CHAIN_CERT,
                                    CERTIFICATE_IS_COPIED, certificate) == 1;
}

static bool take_authority(lg_tls *tls, X509 *certificate, int i)
{
    (void)i;
    X509_STORE *store = lg__openssl.SSL_CTX_get_cert_store(tls->context);
    bool is_ok = lg__openssl.X509_STORE_add_cert(store, certificate) == 1;
    if (is_ok && tls->role == LG_TLS_SERVER) { // clients are told whose it takes
        is_ok = lg__openssl.SSL_CTX_add_client_CA(tls->context, certificate) == 1;
    }
    return is_ok;
}

// OpenSSL would ask whoever sits at the terminal.
static int know_no_password(char *out, int size, int rwflag, void *arg)
{
    (void)size, (void)rwflag, (void)arg;
    *out = '\0';
    return -1;
}

static bool use_key(lg_tls *tls, const char *pem)
{
    BIO *text = lg__openssl.BIO_new_mem_buf(pem, (int)strlen(pem));
    EVP_PKEY *key =
        text ? lg__openssl.PEM_read_bio_PrivateKey(text, NULL, know_no_password, NULL)
             : NULL;
    bool is_ok = key && lg__openssl.SSL_CTX_use_PrivateKey(tls->context, key) == 1 &&
                 lg__openssl.SSL_CTX_check_private_key(tls->context) == 1;
    lg__openssl.EVP_PKEY_free(key);
    lg__openssl.BIO_free(text);
    return is_ok;
}

static int use_certificates(lg_tls *tls, const lg_tls_options *opts, char *why)
{
    if (opts->cert && !each_certificate(opts->cert, tls, take_own)) {
        return refuse(why, "cert");
    }
    if (opts->cert && !use_key(tls, opts->key ? opts->key : opts->cert)) {
        return refuse(why, "key");
    }
    if (opts->ca && !each_certificate(opts->ca, tls, take_authority)) {
        return refuse(why, "ca");
    }
    if (!opts->ca && tls->role == LG_TLS_CLIENT) {
        lg__openssl.SSL_CTX_set1_cert_store(tls->context, lg__openssl.system_store);
    }
    return LG_OK;
}

// ---------------------------------------------------------------------------
// Protocols
// ---------------------------------------------------------------------------

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_size,
                           const unsigned char *theirs, unsigned theirs_size, void *arg)
{
    const lg_tls *tls = arg;
    unsigned char *chosen;
    (void)ssl;
    int rc = lg__openssl.SSL_select_next_proto(
        &chosen, out_size, tls->alpn, (unsigned)tls->alpn_size, theirs, theirs_size);
    *out = chosen;
    return rc == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

// "h2,http/1.1" as the wire has it. LG_EINVAL: it is no such list.
static int parse_protocols(lg_tls *tls, const char *list)
{
    size_t size = strlen(list) + 1;
    unsigned char *wire = malloc(size);
    if (!wire) {
        return LG_ENOMEM;
    }
    tls->alpn = wire;
    tls->alpn_size = size;
    for (const char *name = list;; wire += *wire + 1) {
        size_t length = strcspn(name, ",");
        if (length == 0 || length > ALPN_NAME_MAX) {
            return LG_EINVAL;
        }
        *wire = (unsigned char)length;
        memcpy(wire + 1, name, length);
        if (name[length] == '\0') {
            return LG_OK;
        }
        name += length + 1;
    }
}

static int use_protocols(lg_tls *tls, const char *list)
{
    int err = list ? parse_protocols(tls, list) : LG_OK;
    if (err || !list) {
        return err;
    }
    if (tls->role == LG_TLS_SERVER) {
        lg__openssl.SSL_CTX_set_alpn_select_cb(tls->context, choose_protocol, tls);
        return LG_OK;
    }
    int rc = lg__openssl.SSL_CTX_set_alpn_protos(tls->context, tls->alpn,
                                                 (unsigned)tls->alpn_size);
    return rc == 0 ? LG_OK : LG_ENOMEM;
}

// ---------------------------------------------------------------------------
// Public
// ---------------------------------------------------------------------------

// Buffers of connections that are idle go back. A write may go on from another place, and ends
// with each record, so that we know what is gone. Nobody renegotiates. Servers give no tickets: nobody
// takes a session up again, and a client that only writes would leave them unread and reset
// the connection by closing it.
static void set_habits(lg_tls *tls, const lg_tls_options *opts)
{
    SSL_CTX *context = tls->context;
    int version = opts->min_version == LG_TLS_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
    int mode = tls->verifies ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                             : SSL_VERIFY_NONE;
    lg__openssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, version, NULL);
    lg__openssl.SSL_CTX_ctrl(context, SSL_CTRL_MODE,
                             SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_AUTO_RETRY |
                                 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                 SSL_MODE_RELEASE_BUFFERS,
                             NULL);
    lg__openssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF,
                             NULL);
    lg__openssl.SSL_CTX_set_options(
        context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
    lg__openssl.SSL_CTX_set_num_tickets(context, 0);
    lg__openssl.SSL_CTX_set_verify(context, mode, NULL);
}

static int fill(lg_tls *tls, const lg_tls_options *opts, char *why)
{
    bool is_server = opts->role == LG_TLS_SERVER;
    tls->role = opts->role;
    tls->verifies = is_server ? opts->ca != NULL : opts->trust == LG_TLS_VERIFY;
    tls->context = lg__openssl.SSL_CTX_new(is_server ? lg__openssl.TLS_server_method()
                                                     : lg__openssl.TLS_client_method());
    if (!tls->context) {
        return refuse(why, "context");
    }
    set_habits(tls, opts);
    int err = use_certificates(tls, opts, why);
    return err ? err : use_protocols(tls, opts->alpn);
}

int lg_tls_new(const lg_tls_options *opts, lg_tls **out, char *why)
{
    why[0] = '\0';
    if (opts->role == LG_TLS_SERVER && !opts->cert) {
        return LG_EINVAL;
    }
    if (!lg__openssl_load()) {
        snprintf(why, LG_WHY_SIZE, "OpenSSL 3 cannot be loaded: %s",
                 lg__openssl_trouble());
        return LG_ETLS;
    }
    lg_tls *tls = calloc(1, sizeof *tls);
    if (!tls) {
        return LG_ENOMEM;
    }
    atomic_init(&tls->nusers, 1);
    int err = fill(tls, opts, why);
    if (err) {
        lg__tlsconfig_put(tls);
        return err;
    }
    *out = tls;
    return LG_OK;
}

void lg_tls_free(lg_tls *tls)
{
    lg__tlsconfig_put(tls);
}
