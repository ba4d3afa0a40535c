// SPDX-License-Identifier: MIT
//
// libcurl, loaded when it is first needed: it brings some thirty libraries, which a program that
// asks no server should not pay for. See docs/decisions/http_client.md.
#ifndef LG_IO_CURL_H
#define LG_IO_CURL_H

#include <curl/curl.h>

#include "base/base.h"

// libcurl's macros of these names check arguments at compile time, and would stand in the way.
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

struct curl {
    CURLcode (*global_init)(long flags);
    curl_version_info_data *(*version_info)(CURLversion which);
    CURL *(*easy_init)(void);
    CURLcode (*easy_setopt)(CURL *easy, CURLoption option, ...);
    CURLcode (*easy_getinfo)(CURL *easy, CURLINFO info, ...);
    CURLcode (*easy_pause)(CURL *easy, int what);
    void (*easy_cleanup)(CURL *easy);
    const char *(*easy_strerror)(CURLcode code);
    struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
    void (*slist_free_all)(struct curl_slist *list);
    CURLM *(*multi_init)(void);
    CURLMcode (*multi_setopt)(CURLM *multi, CURLMoption option, ...);
    CURLMcode (*multi_add_handle)(CURLM *multi, CURL *easy);
    CURLMcode (*multi_remove_handle)(CURLM *multi, CURL *easy);
    CURLMcode (*multi_socket_action)(CURLM *multi, curl_socket_t fd, int events,
                                     int *out_nrunning);
    CURLMcode (*multi_assign)(CURLM *multi, curl_socket_t fd, void *ud);
    CURLMsg *(*multi_info_read)(CURLM *multi, int *out_nleft);
    CURLMcode (*multi_cleanup)(CURLM *multi);
};

// Loads it on the calling thread, for good; once, whoever asks.
void lg__curl_load(void);

// The library; NULL: it is not loaded.
const struct curl *lg__curl(void);

#endif // LG_IO_CURL_H
