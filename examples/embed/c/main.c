// SPDX-License-Identifier: MIT
//
// A C program that has a loop of its own and nothing else: no Lua, no window.
//
//   cc main.c $(pkg-config --cflags --libs lagoon) && ./a.out
//
// Robots walk over a field, each a goroutine on a stack of its own. They live on the
// program's thread, so they share its data as if there were no others; what they find
// they report on a channel, and the loop reads it between frames.
#include <lagoon.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

enum { ROBOTS = 200, STEPS = 20 };

#define FRAME_NS 16666667
#define BUDGET_NS 4000000 // of a frame, for goroutines

struct robot {
    lg_runtime *rt;
    int id;
    int x, y;
    lg_chan *finds;
};

struct find {
    int robot;
    int x, y;
};

static void walk(void *arg)
{
    struct robot *robot = arg;
    for (int i = 1; i <= STEPS; i++) {
        robot->x += robot->id % 3 - 1;
        robot->y += robot->id % 5 - 2;
        lg_sleep_until(lg_now(robot->rt) + (int64_t)(1 + robot->id % 7) * 1000000);
        if (i % 10 == 0) {
            struct find find = {robot->id, robot->x, robot->y};
            lg_chan_send(robot->finds, &find, LG_NEVER);
        }
    }
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void sleep_until(int64_t moment_ns)
{
    int64_t left_ns = moment_ns - now_ns();
    if (left_ns > 0) {
        struct timespec left = {0, (long)left_ns};
        nanosleep(&left, NULL);
    }
}

static int start_robots(lg_runtime *rt, struct robot *robots, lg_chan *finds)
{
    lg_go_options options = {.name = "robot", .pinned = true}; // to this thread
    for (int i = 0; i < ROBOTS; i++) {
        robots[i] = (struct robot){.rt = rt, .id = i, .finds = finds};
        int err = lg_go(rt, walk, &robots[i], &options, NULL);
        if (err) {
            return err;
        }
    }
    return LG_OK;
}

static int read_finds(lg_chan *finds)
{
    int n = 0;
    struct find find;
    while (lg_chan_recv(finds, &find, 0) == LG_OK) {
        n++;
    }
    return n;
}

// One frame after the other, until all robots have walked to their ends.
static int play(lg_runtime *rt, lg_chan *finds)
{
    lg_update_report report = {.size_bytes = sizeof report};
    int64_t began_ns = now_ns();
    int found = 0;
    int frame = 0;
    bool is_busy = true;
    while (is_busy) {
        is_busy = lg_num_goroutine(rt) > 0; // if not, what they left is still to be read
        int err = lg_update(rt, BUDGET_NS, &report);
        if (err) {
            return err;
        }
        found += read_finds(finds);
        frame++;
        sleep_until(began_ns + frame * (int64_t)FRAME_NS);
    }
    printf("%d robots made %d finds in %d frames\n", ROBOTS, found, frame);
    return LG_OK;
}

int main(void)
{
    static struct robot robots[ROBOTS];
    lg_runtime *rt;
    lg_chan *finds;
    int err = lg_open(NULL, &rt);
    if (err) {
        goto failed;
    }
    err = lg_chan_new(rt, NULL, sizeof(struct find), 16, &finds);
    if (err) {
        goto close_runtime;
    }
    err = start_robots(rt, robots, finds);
    if (!err) {
        err = play(rt, finds);
    }
    lg_chan_free(finds);

close_runtime:
    lg_close(rt);
failed:
    if (err) {
        fprintf(stderr, "robots: %s\n", lg_strerror(err));
    }
    return err ? 1 : 0;
}
