// SPDX-License-Identifier: MIT
//
// The load for bench/idle: N connections, each of which says something once, hears an answer and then
// nothing more. What the server has grown by meanwhile is read in /proc, page tables included.
//
//   idle PORT PID CONNECTIONS     prints bytes per connection
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

// An echo says it back; a server of HTTP answers.
static const char REQUEST[] = "GET /hello HTTP/1.1\r\n"
                              "Host: 127.0.0.1:8080\r\n"
                              "User-Agent: load\r\n"
                              "Accept: */*\r\n\r\n";

enum { WARM_UP = 100, SETTLE_MS = 300 };

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static double resident_bytes(int pid)
{
    char line[256];
    snprintf(line, sizeof line, "/proc/%d/status", pid);
    FILE *file = fopen(line, "r");
    if (!file) {
        die(line);
    }
    double total = 0;
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, "VmRSS:", 6) == 0 || strncmp(line, "VmPTE:", 6) == 0) {
            total += 1024 * atof(line + 6);
        }
    }
    fclose(file);
    return total;
}

static int converse(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char answer[1024];
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        die("connect");
    }
    if (send(fd, REQUEST, sizeof REQUEST - 1, MSG_NOSIGNAL) != sizeof REQUEST - 1 ||
        recv(fd, answer, sizeof answer, 0) <= 0) {
        die("exchange");
    }
    return fd;
}

static void settle(void)
{
    struct timespec pause = {0, SETTLE_MS * 1000000L};
    nanosleep(&pause, NULL);
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        return 2;
    }
    int port = atoi(argv[1]);
    int pid = atoi(argv[2]);
    int n = atoi(argv[3]);
    int warm[WARM_UP];
    for (int i = 0; i < WARM_UP; i++) {
        warm[i] = converse(port);
    }
    for (int i = 0; i < WARM_UP; i++) {
        close(warm[i]);
    }
    settle();
    double before = resident_bytes(pid);
    for (int i = 0; i < n; i++) {
        converse(port);
    }
    settle();
    printf("%.0f\n", (resident_bytes(pid) - before) / n);
    return 0;
}
