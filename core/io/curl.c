// SPDX-License-Identifier: MIT
//
// What is found at the first try counts for the life of the process.
#include "io/curl.h"

#include <dlfcn.h>
#include <stdio.h>
#include <uv.h>

#include "lagoon.h"

static const unsigned VERSION_MIN = 0x075800; // 7.88: its TLS never raises SIGPIPE

static const char missing_yet[] = "libcurl has not been loaded";

static struct curl functions;
static char reason[256];
static uv_once_t once = UV_ONCE_INIT;
// -- any thread: stored with release by who has loaded it, which publishes the above --
static _Atomic(const struct curl *) loaded;
static _Atomic(const char *) missing = missing_yet;

#define ENTRY(name)                                \
    {                                              \
        "curl_" #name, offsetof(struct curl, name) \
    }
static const struct {
    const char *name;
    size_t offset;
} entries[] = {
    ENTRY(global_init),         ENTRY(version_info),    ENTRY(easy_init),
    ENTRY(easy_setopt),         ENTRY(easy_getinfo),    ENTRY(easy_pause),
    ENTRY(easy_cleanup),        ENTRY(easy_strerror),   ENTRY(slist_append),
    ENTRY(slist_free_all),      ENTRY(multi_init),      ENTRY(multi_setopt),
    ENTRY(multi_add_handle),    ENTRY(multi_assign),    ENTRY(multi_remove_handle),
    ENTRY(multi_socket_action), ENTRY(multi_info_read), ENTRY(multi_cleanup),
};
#undef ENTRY

static bool find_all(void *library)
{
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        void *symbol = dlsym(library, entries[i].name);
        if (!symbol) {
            snprintf(reason, sizeof reason, "libcurl has no %s", entries[i].name);
            return false;
        }
        *(void **)(void *)((char *)&functions + entries[i].offset) = symbol;
    }
    return true;
}

static bool begin(void)
{
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        snprintf(reason, sizeof reason, "no libcurl: %s", dlerror());
        return false;
    }
    if (!find_all(library)) {
        return false;
    }
    const curl_version_info_data *version = functions.version_info(CURLVERSION_NOW);
    if (version->version_num < VERSION_MIN) {
        snprintf(reason, sizeof reason, "libcurl %s is too old, 7.88 is needed",
                 version->version);
        return false;
    }
    if (functions.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        snprintf(reason, sizeof reason, "libcurl %s cannot be set up", version->version);
        return false;
    }
    return true;
}

static void load(void)
{
    bool is_there = begin();
    // release: pairs with the acquires in lg__curl() and lg_fetch_missing(); publishes
    // `functions` and `reason`
    atomic_store_explicit(&missing, is_there ? NULL : reason, memory_order_release);
    atomic_store_explicit(&loaded, is_there ? &functions : NULL, memory_order_release);
}

void lg__curl_load(void)
{
    uv_once(&once, load);
}

const struct curl *lg__curl(void)
{
    // acquire: pairs with the release in load()
    return atomic_load_explicit(&loaded, memory_order_acquire);
}

const char *lg_fetch_missing(void)
{
    // acquire: pairs with the release in load()
    return atomic_load_explicit(&missing, memory_order_acquire);
}
