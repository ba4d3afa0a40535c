// SPDX-License-Identifier: MIT
//
// The load for bench/http: N connections, each of which asks for a page and waits for it, again and
// again. A response is over when "hello, world\n" is there: its last bytes are looked at, no more.
//
//   http PORT CONNECTIONS MILLISECONDS     prints requests per second, and how many it
//                                        were in all
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, RESPONSE_MAX = 1024 };

static const char REQUEST[] = "GET /hello HTTP/1.1\r\n"
                              "Host: 127.0.0.1:8080\r\n"
                              "User-Agent: load\r\n"
                              "Accept: */*\r\n\r\n";
static const char BODY[] = "hello, world\n";

// What each connection has heard of its response.
struct heard {
    size_t n;
    char bytes[RESPONSE_MAX];
};

static struct heard *heard;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int dial(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        die("connect");
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static void ask(int fd)
{
    if (send(fd, REQUEST, sizeof REQUEST - 1, MSG_NOSIGNAL) != sizeof REQUEST - 1) {
        die("send");
    }
}

// Whether the response is there as a whole.
static int hear(int fd)
{
    struct heard *own = &heard[fd];
    size_t nbody = sizeof BODY - 1;
    ssize_t n = recv(fd, own->bytes + own->n, RESPONSE_MAX - own->n, MSG_DONTWAIT);
    if (n <= 0) {
        die("recv");
    }
    own->n += (size_t)n;
    if (own->n < nbody || memcmp(own->bytes + own->n - nbody, BODY, nbody) != 0) {
        return 0;
    }
    if (memcmp(own->bytes, "HTTP/1.1 200 OK\r\n", 17) != 0) {
        fprintf(stderr, "the response is wrong\n");
        exit(1);
    }
    own->n = 0;
    return 1;
}

static int64_t run_for(int poll, int64_t ns)
{
    struct epoll_event events[EVENTS];
    int64_t nrequests = 0;
    int64_t end_ns = now_ns() + ns;
    while (now_ns() < end_ns) {
        int n = epoll_wait(poll, events, EVENTS, 1000);
        for (int i = 0; i < n; i++) {
            if (hear(events[i].data.fd)) {
                nrequests++;
                ask(events[i].data.fd);
            }
        }
    }
    return nrequests;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        return 2;
    }
    int n = atoi(argv[2]);
    int64_t ns = atoll(argv[3]) * 1000000;
    int poll = epoll_create1(0);
    heard = calloc((size_t)n + 64, sizeof *heard);
    for (int i = 0; i < n; i++) {
        int fd = dial(atoi(argv[1]));
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
        ask(fd);
    }
    int64_t nwarm = run_for(poll, ns / 10);
    int64_t began_ns = now_ns();
    int64_t nrequests = run_for(poll, ns);
    printf("%.0f %lld\n", (double)nrequests * 1e9 / (double)(now_ns() - began_ns),
           (long long)(nwarm + nrequests));
    return 0;
}
