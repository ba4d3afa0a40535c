// SPDX-License-Identifier: MIT
#include "io/openssl.h"

#include <dlfcn.h>
#include <string.h>
#include <uv.h>

// The interface of its headers: another one may have other structs.
#define LIBRARY "libssl.so.3"

struct openssl lg__openssl;

static uv_once_t guard = UV_ONCE_INIT;
static const char *trouble; // NULL: it is loaded. Behind the guard

static const struct {
    const char *name;
    size_t offset;
} functions[] = {
#define ENTRY(name) {#name, offsetof(struct openssl, name)},
    OPENSSL_FUNCTIONS(ENTRY)
#undef ENTRY
};

static bool find_all(void *library)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        // libcrypto's, too: a library is asked together with those that it needs.
        void *at = dlsym(library, functions[i].name);
        if (!at) {
            trouble = functions[i].name;
            return false;
        }
        memcpy((char *)&lg__openssl + functions[i].offset, &at, sizeof at);
    }
    return true;
}

// It must not clean up at exit(): a process ends around threads that still use it.
static void load(void)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        trouble = LIBRARY;
        return;
    }
    if (!find_all(library)) {
        return;
    }
    if (!lg__openssl.OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, NULL)) {
        trouble = "OPENSSL_init_ssl";
        return;
    }
    X509_STORE *store = lg__openssl.X509_STORE_new();
    if (!store || !lg__openssl.X509_STORE_set_default_paths(store)) {
        trouble = "X509_STORE_set_default_paths";
    }
    lg__openssl.system_store = store;
    lg__openssl.ERR_clear_error();
}

bool lg__openssl_load(void)
{
    uv_once(&guard, load);
    return trouble == NULL;
}

const char *lg__openssl_trouble(void)
{
    return trouble;
}
