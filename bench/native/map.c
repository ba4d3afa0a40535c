// SPDX-License-Identifier: MIT
//
// What do a look-up, a store under a key that is there, an addition by compare and swap,
// and a key's coming and going cost in a concurrent map, when `size` goroutines do that at
// once? Each has 1024 keys of 8 bytes of its own; the look-ups are among the keys of all.
#include "meter.h"

enum { KEYS = 1024, WORKERS_MAX = 64 };

struct worker {
    lg_map *map;
    int64_t number;
    int64_t nworkers;
    int64_t times;
    void (*work)(struct worker *w);
    lg_waitgroup *done;
};

// Keys as a program has them: numbers that are near each other.
static uint64_t key_of(const struct worker *w, int64_t i)
{
    return (uint64_t)(w->number * KEYS + i % KEYS);
}

static void get(struct worker *w)
{
    uint64_t sum = 0;
    uint64_t random = (uint64_t)w->number + 1;
    for (int64_t i = 0; i < w->times; i++) {
        uint64_t key =
            (meter_random(&random) >> 32) * (uint64_t)(KEYS * w->nworkers) >> 32;
        lg_cell cell = {0};
        meter_check(lg_map_get(w->map, &key, sizeof key, &cell) == LG_OK,
                    "a key is gone");
        sum += cell.bits - key;
    }
    meter_check(sum == 0, "a wrong value");
}

static void set(struct worker *w)
{
    for (int64_t i = 0; i < w->times; i++) {
        uint64_t key = key_of(w, i);
        lg_cell cell = {key, NULL};
        meter_check(lg_map_set(w->map, &key, sizeof key, &cell, NULL) == LG_OK,
                    "a key is gone");
    }
}

// All add to the first key of each.
static void add(struct worker *w)
{
    for (int64_t i = 0; i < w->times; i++) {
        uint64_t key = (uint64_t)(KEYS * (i % w->nworkers));
        lg_cell old = {0};
        lg_cell sum;
        do {
            meter_ok(lg_map_get(w->map, &key, sizeof key, &old));
            sum = (lg_cell){old.bits + 1, NULL};
        } while (lg_map_replace(w->map, &key, sizeof key, &old, &sum) != LG_OK);
    }
}

static void put_and_take(struct worker *w)
{
    for (int64_t i = 0; i < w->times; i++) {
        uint64_t key = ~key_of(w, i);
        lg_cell cell = {key, NULL};
        meter_check(lg_map_set(w->map, &key, sizeof key, &cell, NULL) == LG_ESRCH,
                    "a key is there");
        meter_check(lg_map_set(w->map, &key, sizeof key, NULL, &cell) == LG_OK,
                    "a key is gone");
    }
}

static void run(void *arg)
{
    struct worker *w = arg;
    w->work(w);
    lg_waitgroup_add(w->done, -1);
}

static lg_map *filled(int64_t nworkers)
{
    lg_map *map = lg_map_new(meter_rt);
    meter_check(map, "out of memory");
    for (uint64_t key = 0; key < (uint64_t)(KEYS * nworkers); key++) {
        lg_cell cell = {key, NULL};
        meter_check(lg_map_set(map, &key, sizeof key, &cell, NULL) == LG_ESRCH,
                    "a key comes twice");
    }
    return map;
}

static void (*work_of_body)(struct worker *w);

static void body(int64_t ops, int64_t size)
{
    struct worker workers[WORKERS_MAX];
    lg_map *map = filled(size);
    lg_waitgroup done = {0};
    lg_waitgroup_add(&done, size);
    for (int64_t i = 0; i < size; i++) {
        workers[i] = (struct worker){map, i, size, ops / size, work_of_body, &done};
        meter_go(run, &workers[i]);
    }
    lg_waitgroup_wait(&done, LG_NEVER);
    meter_check(lg_map_len(map) == (size_t)(KEYS * size), "keys were lost");
}

static void ask(const char *name, void (*work)(struct worker *w), int64_t ops,
                int64_t size)
{
    work_of_body = work;
    meter_run(name, meter_ops(ops, size), size, body, size);
}

static void bench(int64_t size)
{
    meter_check(size <= WORKERS_MAX, "at most 64 goroutines");
    ask("map", get, 5000000, size);
    ask("map.set", set, 5000000, size);
    ask("map.add", add, 1000000, size);
    ask("map.new", put_and_take, 1000000, size);
}

int main(int argc, char **argv)
{
    return meter_main(argc, argv, 1, bench);
}
