// SPDX-License-Identifier: MIT
#include "io/address.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "lagoon.h"

static const char *const networks[] = {
    [NETWORK_TCP] = "tcp",
    [NETWORK_TCP4] = "tcp4",
    [NETWORK_TCP6] = "tcp6",
    [NETWORK_UNIX] = "unix",
};

static bool find_network(const char *name, enum network *out)
{
    for (unsigned i = 0; i < sizeof networks / sizeof *networks; i++) {
        if (strcmp(name, networks[i]) == 0) {
            *out = (enum network)i;
            return true;
        }
    }
    return false;
}

static bool parse_port(const char *text, uint16_t *out)
{
    uint32_t port = 0;
    const char *at = text;
    while (*at >= '0' && *at <= '9' && port <= UINT16_MAX) {
        port = port * 10 + (uint32_t)(*at++ - '0');
    }
    bool is_port = at > text && *at == '\0' && port <= UINT16_MAX;
    if (is_port) {
        *out = (uint16_t)port;
    }
    return is_port;
}

static bool copy_host(const char *from, size_t length, char *out)
{
    if (length >= HOST_SIZE) {
        return false;
    }
    memcpy(out, from, length);
    out[length] = '\0';
    return true;
}

static bool parse_host_port(const char *address, struct address_text *out)
{
    const char *colon = strrchr(address, ':');
    if (!colon || !parse_port(colon + 1, &out->port)) {
        return false;
    }
    const char *first = address;
    const char *end = colon;
    if (*first == '[') {
        first++;
        end--;
        if (end < first || *end != ']') {
            return false;
        }
    } else if (memchr(first, ':', (size_t)(end - first))) {
        return false; // an IPv6 address stands in brackets
    }
    return copy_host(first, (size_t)(end - first), out->host);
}

int lg__address_parse(const char *network, const char *address, struct address_text *out)
{
    *out = (struct address_text){0};
    if (!find_network(network, &out->network)) {
        return LG_EINVAL;
    }
    bool is_address = false;
    if (out->network == NETWORK_UNIX) {
        size_t length = strlen(address);
        is_address = length > 0 &&
                     length < sizeof((struct sockaddr_un *)NULL)->sun_path &&
                     copy_host(address, length, out->host);
    } else {
        is_address = parse_host_port(address, out);
    }
    return is_address ? LG_OK : LG_EINVAL;
}

static void set_path(const char *path, struct socket_address *out)
{
    size_t length = strlen(path);
    *out = (struct socket_address){0};
    out->unix_path.sun_family = AF_UNIX;
    memcpy(out->unix_path.sun_path, path, length + 1);
    out->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
}

static bool parse_number(const char *host, struct socket_address *out)
{
    *out = (struct socket_address){0};
    struct sockaddr_in *four = (struct sockaddr_in *)(void *)&out->storage;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)&out->storage;
    if (uv_ip4_addr(host, 0, four) == 0) {
        out->length = sizeof *four;
        return true;
    }
    out->length = sizeof *six;
    return uv_ip6_addr(host, 0, six) == 0;
}

bool lg__address_is_number(const struct address_text *text, struct socket_address *out,
                           int *out_err)
{
    *out_err = LG_OK;
    if (text->network == NETWORK_UNIX) {
        set_path(text->host, out);
        return true;
    }
    if (!parse_number(text->host, out)) {
        return false;
    }
    if (!lg__address_fits(text->network, out, text->port)) {
        *out_err = LG_EINVAL;
    }
    return true;
}

bool lg__address_fits(enum network network, struct socket_address *address, uint16_t port)
{
    if (address->any.sa_family == AF_INET && network != NETWORK_TCP6) {
        ((struct sockaddr_in *)(void *)&address->storage)->sin_port = htons(port);
        return true;
    }
    if (address->any.sa_family == AF_INET6 && network != NETWORK_TCP4) {
        ((struct sockaddr_in6 *)(void *)&address->storage)->sin6_port = htons(port);
        return true;
    }
    return false;
}

int lg__address_of_place(const struct address_text *text, struct socket_address *out)
{
    struct address_text numbers = *text;
    bool is_any = text->network != NETWORK_UNIX && text->host[0] == '\0';
    bool is_local = text->network != NETWORK_UNIX && strcmp(text->host, "localhost") == 0;
    const char *six = is_any ? "::" : "::1";
    const char *four = is_any ? "0.0.0.0" : "127.0.0.1";
    bool wants_six =
        text->network == NETWORK_TCP6 || (is_any && text->network == NETWORK_TCP);
    if (is_any || is_local) {
        snprintf(numbers.host, sizeof numbers.host, "%s", wants_six ? six : four);
    }
    int err;
    return lg__address_is_number(&numbers, out, &err) ? err : LG_EINVAL;
}

// ::ffff:a.b.c.d
static const unsigned char mapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

void lg__address_widen(struct socket_address *address)
{
    if (address->any.sa_family != AF_INET) {
        return;
    }
    struct sockaddr_in four = *(struct sockaddr_in *)(void *)&address->storage;
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = four.sin_port};
    memcpy(six.sin6_addr.s6_addr, mapped, sizeof mapped);
    memcpy(six.sin6_addr.s6_addr + sizeof mapped, &four.sin_addr, sizeof four.sin_addr);
    memcpy(&address->storage, &six, sizeof six);
    address->length = sizeof six;
}

void lg__address_narrow(struct socket_address *address)
{
    struct sockaddr_in6 six = *(struct sockaddr_in6 *)(void *)&address->storage;
    if (address->any.sa_family != AF_INET6 ||
        memcmp(six.sin6_addr.s6_addr, mapped, sizeof mapped) != 0) {
        return;
    }
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = six.sin6_port};
    memcpy(&four.sin_addr, six.sin6_addr.s6_addr + sizeof mapped, sizeof four.sin_addr);
    memcpy(&address->storage, &four, sizeof four);
    address->length = sizeof four;
}

void lg__address_format(const struct socket_address *address, char *out, size_t size)
{
    char host[INET6_ADDRSTRLEN + 1] = "";
    switch (address->any.sa_family) {
    case AF_INET: {
        const struct sockaddr_in *four = (const void *)&address->storage;
        uv_ip4_name(four, host, sizeof host);
        snprintf(out, size, "%s:%u", host, ntohs(four->sin_port));
        break;
    }
    case AF_INET6: {
        const struct sockaddr_in6 *six = (const void *)&address->storage;
        uv_ip6_name(six, host, sizeof host);
        snprintf(out, size, "[%s]:%u", host, ntohs(six->sin6_port));
        break;
    }
    case AF_UNIX: {
        // The other end of a connection mostly has no name.
        bool has_path = address->length > offsetof(struct sockaddr_un, sun_path);
        snprintf(out, size, "%s", has_path ? address->unix_path.sun_path : "");
        break;
    }
    default: snprintf(out, size, "?"); break;
    }
}
