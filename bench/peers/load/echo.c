// SPDX-License-Identifier: MIT
//
// The load for bench/echo: N connections, each of which sends 64 bytes and waits until they are
// back, again and again.
//
//   echo PORT CONNECTIONS MILLISECONDS     prints round trips per second, and how many it
//                                        were in all
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SIZE = 64, EVENTS = 256 };

static char message[SIZE];

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

static void say(int fd)
{
    if (send(fd, message, SIZE, MSG_NOSIGNAL) != SIZE) {
        die("send");
    }
}

// How many bytes each connection has heard of its message.
static unsigned char *heard;

// Whether the message is back as a whole.
static int hear(int fd)
{
    char buffer[SIZE];
    ssize_t n = recv(fd, buffer, (size_t)(SIZE - heard[fd]), MSG_DONTWAIT);
    if (n <= 0) {
        die("recv");
    }
    if (memcmp(buffer, message + heard[fd], (size_t)n) != 0) {
        fprintf(stderr, "the echo is wrong\n");
        exit(1);
    }
    heard[fd] = (unsigned char)(heard[fd] + n);
    if (heard[fd] < SIZE) {
        return 0;
    }
    heard[fd] = 0;
    return 1;
}

static int64_t run_for(int poll, int64_t ns)
{
    struct epoll_event events[EVENTS];
    int64_t rounds = 0;
    int64_t end_ns = now_ns() + ns;
    while (now_ns() < end_ns) {
        int n = epoll_wait(poll, events, EVENTS, 1000);
        for (int i = 0; i < n; i++) {
            if (hear(events[i].data.fd)) {
                rounds++;
                say(events[i].data.fd);
            }
        }
    }
    return rounds;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        return 2;
    }
    int n = atoi(argv[2]);
    int64_t ns = atoll(argv[3]) * 1000000;
    int poll = epoll_create1(0);
    heard = calloc((size_t)n + 64, 1);
    for (int i = 0; i < SIZE; i++) {
        message[i] = (char)('a' + i % 26);
    }
    for (int i = 0; i < n; i++) {
        int fd = dial(atoi(argv[1]));
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
        say(fd);
    }
    int64_t nwarm = run_for(poll, ns / 10);
    int64_t began_ns = now_ns();
    int64_t rounds = run_for(poll, ns);
    printf("%.0f %lld\n", (double)rounds * 1e9 / (double)(now_ns() - began_ns),
           (long long)(nwarm + rounds));
    return 0;
}
