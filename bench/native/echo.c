// SPDX-License-Identifier: MIT
//
// A server that says back what it hears, for bench/echo: native goroutines, one per
// connection. Prints its port and serves until it is killed.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lagoon.h>

static lg_runtime *rt;

static void echo(void *arg)
{
    lg_conn *c = arg;
    char buffer[16384];
    size_t n;
    size_t written;
    while (lg_conn_read(c, buffer, sizeof buffer, &n, LG_NEVER) == LG_OK &&
           lg_conn_write(c, buffer, n, &written, LG_NEVER) == LG_OK) {
    }
    lg_conn_free(c);
}

static void serve(void *arg)
{
    (void)arg;
    lg_listener *l;
    char place[LG_ADDRESS_SIZE];
    if (lg_listen("tcp4", "127.0.0.1:0", NULL, &l) != LG_OK ||
        lg_listener_local(l, place, sizeof place) != LG_OK) {
        abort();
    }
    printf("%s\n", strrchr(place, ':') + 1);
    fflush(stdout);
    lg_conn *c;
    lg_ref ref;
    while (lg_accept(l, &c, LG_NEVER) == LG_OK) {
        if (lg_go(rt, echo, c, NULL, &ref) != LG_OK) {
            abort();
        }
    }
}

int main(void)
{
    lg_options opts;
    lg_options_init(&opts);
    if (lg_options_env(&opts, NULL, 0) != LG_OK || lg_open(&opts, &rt) != LG_OK) {
        return 1;
    }
    return lg_run(rt, serve, NULL);
}
