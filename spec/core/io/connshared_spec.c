// SPDX-License-Identifier: MIT
//
// Connections of descriptors that others use as well, and that block.
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "script.h"

enum { PIECE_BYTES = 4096 };

static int ends[2];
static _Atomic int n_read;
static _Atomic bool is_waiting;
static _Atomic bool is_over;

static void read_all(void *arg)
{
    static char buffer[4 * PIECE_BYTES];
    lg_conn *c = arg;
    int rc;
    do {
        size_t n = 0;
        is_waiting = true;
        rc = lg_conn_read(c, buffer, sizeof buffer, &n, LG_NEVER);
        n_read += (int)n;
    } while (rc == LG_OK);
    CHECK_CODE(rc, LG_EOF);
    is_over = true;
}

static bool blocks(int fd)
{
    return !(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

static void read_what_blocks(void *arg)
{
    static char bytes[PIECE_BYTES];
    lg_runtime *host = arg;
    lg_conn *c = NULL;
    CHECK_INT(pipe(ends), 0);
    CHECK_OK(lg_conn_adopt_shared(dup(ends[0]), &c));
    spec_go(host, read_all, c);
    SETTLE(is_waiting);
    memset(bytes, 'x', sizeof bytes);
    for (int n = 1; n <= 4; n++) {
        // as much as fills rooms exactly: what is read behind it would wait for ever
        CHECK_INT(write(ends[1], bytes, sizeof bytes), PIECE_BYTES);
        SETTLE(n_read == n * PIECE_BYTES);
        CHECK(blocks(ends[0]));
    }
    close(ends[1]);
    SETTLE(is_over);
    lg_conn_free(c);
    close(ends[0]);
}

it("a shared connection",
   "reads what blocks without waiting in the system, and leaves it so")
{
    n_read = 0;
    rt = spec_open(1);
    spec_main(rt, read_what_blocks, rt);
}
