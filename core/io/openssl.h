// SPDX-License-Identifier: MIT
//
// OpenSSL, loaded when somebody first speaks TLS: linked, it would cost every start of a program
// more than a millisecond (docs/decisions/tls.md). Who has a struct lg_tls may call it.
#ifndef LG_IO_OPENSSL_H
#define LG_IO_OPENSSL_H

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/base.h"

// What we call of it.
#define OPENSSL_FUNCTIONS(X)         \
    X(OPENSSL_init_ssl)              \
    X(ERR_clear_error)               \
    X(ERR_get_error)                 \
    X(ERR_peek_last_error)           \
    X(ERR_reason_error_string)       \
    X(BIO_clear_flags)               \
    X(BIO_free)                      \
    X(BIO_get_data)                  \
    X(BIO_get_new_index)             \
    X(BIO_meth_new)                  \
    X(BIO_meth_set_ctrl)             \
    X(BIO_meth_set_read)             \
    X(BIO_meth_set_write)            \
    X(BIO_new)                       \
    X(BIO_new_mem_buf)               \
    X(BIO_set_data)                  \
    X(BIO_set_flags)                 \
    X(BIO_set_init)                  \
    X(EVP_PKEY_free)                 \
    X(PEM_read_bio_PrivateKey)       \
    X(PEM_read_bio_X509)             \
    X(SSL_CIPHER_get_name)           \
    X(SSL_CTX_add_client_CA)         \
    X(SSL_CTX_check_private_key)     \
    X(SSL_CTX_ctrl)                  \
    X(SSL_CTX_free)                  \
    X(SSL_CTX_get_cert_store)        \
    X(SSL_CTX_new)                   \
    X(SSL_CTX_set1_cert_store)       \
    X(SSL_CTX_set_alpn_protos)       \
    X(SSL_CTX_set_alpn_select_cb)    \
    X(SSL_CTX_set_num_tickets)       \
    X(SSL_CTX_set_options)           \
    X(SSL_CTX_set_verify)            \
    X(SSL_CTX_use_PrivateKey)        \
    X(SSL_CTX_use_certificate)       \
    X(SSL_ctrl)                      \
    X(SSL_do_handshake)              \
    X(SSL_free)                      \
    X(SSL_get0_alpn_selected)        \
    X(SSL_get0_param)                \
    X(SSL_get1_peer_certificate)     \
    X(SSL_get_current_cipher)        \
    X(SSL_get_error)                 \
    X(SSL_get_servername)            \
    X(SSL_get_verify_result)         \
    X(SSL_get_version)               \
    X(SSL_is_init_finished)          \
    X(SSL_new)                       \
    X(SSL_pending)                   \
    X(SSL_read_ex)                   \
    X(SSL_select_next_proto)         \
    X(SSL_set1_host)                 \
    X(SSL_set_accept_state)          \
    X(SSL_set_bio)                   \
    X(SSL_set_connect_state)         \
    X(SSL_set_hostflags)             \
    X(SSL_shutdown)                  \
    X(SSL_write_ex)                  \
    X(TLS_client_method)             \
    X(TLS_server_method)             \
    X(X509_NAME_oneline)             \
    X(X509_STORE_add_cert)           \
    X(X509_STORE_new)                \
    X(X509_STORE_set_default_paths)  \
    X(X509_VERIFY_PARAM_set1_ip_asc) \
    X(X509_free)                     \
    X(X509_get_subject_name)         \
    X(X509_verify_cert_error_string)

struct openssl {
#define FIELD(name) __typeof__(name) *(name);
    OPENSSL_FUNCTIONS(FIELD)
#undef FIELD
    X509_STORE *system_store; // whom this system trusts
};

extern struct openssl lg__openssl;

// Loads it, if it is not loaded yet; may take milliseconds. False: it is not there, and
// lg__openssl_trouble() says what is missing.
bool lg__openssl_load(void);
const char *lg__openssl_trouble(void);

#endif // LG_IO_OPENSSL_H
