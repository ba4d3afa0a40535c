// SPDX-License-Identifier: MIT
//
// What one side of TLS connections has and asks for: certificates, a key, protocols. Fixed once
// it is made, so any number of strands may use it.
#ifndef LG_IO_TLSCONFIG_H
#define LG_IO_TLSCONFIG_H

#include <openssl/types.h>

#include "base/base.h"
#include "lagoon.h"

struct lg_tls {
    _Atomic uint32_t nusers; // who may still ask: its owner, listeners, connections
    SSL_CTX *context;
    lg_tls_role role;
    bool verifies; // the other side has to show who it is
    // Protocols as the wire has them: each behind a byte with its length.
    size_t alpn_size;
    unsigned char *alpn;
};

// One more user, and one less: the last one frees it. NULL stays NULL.
lg_tls *lg__tlsconfig_get(lg_tls *tls);
void lg__tlsconfig_put(lg_tls *tls);

#endif // LG_IO_TLSCONFIG_H
