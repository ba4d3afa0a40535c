// SPDX-License-Identifier: MIT
//
// Loops of random shape, nested, blocking and canceled at random: every number once if the
// loop says that it is done, and at most once if not; nothing runs after it has returned.
#include "load.h"

enum { LOOPERS = 6, N_MAX = 400 };

struct looper {
    struct spec_random random;
    lg_ref ref;
    int depth;
    _Atomic int n_inside;
    _Atomic bool is_over;
    _Atomic unsigned char n_seen[N_MAX];
};

static lg_runtime *host;
static lg_mutex mutex;
static int guarded;
static struct looper loopers[LOOPERS];
static _Atomic int n_ended;
static _Atomic int n_canceled;
static _Atomic int n_complete;

static void run_loop(struct looper *looper);

static void chunk(void *arg, size_t begin, size_t end)
{
    struct looper *looper = arg;
    CHECK(!looper->is_over);
    looper->n_inside++;
    // Of the numbers, and not of who came first: repeatable
    struct spec_random random = {.state = looper->random.state + begin};
    for (size_t i = begin; i < end; i++) {
        CHECK_INT(looper->n_seen[i]++, 0);
        switch (spec_random_below(&random, 40)) {
        case 0: CHECK_OK(lg_yield()); break;
        case 1: lg_sleep_until(lg_now(host) + 1000); break;
        case 2:
            if (lg_mutex_lock(&mutex, LG_NEVER) == LG_OK) {
                guarded++;
                CHECK_OK(lg_mutex_unlock(&mutex));
            }
            break;
        case 3:
            if (looper->depth < 2) {
                struct looper *inner = calloc(1, sizeof *inner);
                inner->random = random;
                inner->depth = looper->depth + 1;
                run_loop(inner);
                free(inner);
            }
            break;
        default: break;
        }
    }
    looper->n_inside--;
}

static void run_loop(struct looper *looper)
{
    size_t n = 1 + spec_random_below(&looper->random, looper->depth > 0 ? 20 : N_MAX);
    size_t grain = spec_random_below(&looper->random, 12);
    for (size_t i = 0; i < n; i++) {
        looper->n_seen[i] = 0;
    }
    looper->is_over = false;
    int rc = lg_parallel_for(host, n, grain, chunk, looper);
    CHECK(rc == LG_OK || rc == LG_ECANCELED);
    CHECK_INT(looper->n_inside, 0);
    looper->is_over = true;
    for (size_t i = 0; i < n && rc == LG_OK; i++) {
        CHECK_INT(looper->n_seen[i], 1);
    }
    *(rc == LG_OK ? &n_complete : &n_canceled) += 1;
}

static void loop_often(void *arg)
{
    struct looper *looper = arg;
    for (int round = 0; round < spec_rounds(60); round++) {
        run_loop(looper);
    }
    n_ended++;
}

static void cancel_often(void *arg)
{
    struct spec_random random = spec_random_new(99);
    while (n_ended < LOOPERS) {
        lg_cancel(loopers[spec_random_below(&random, LOOPERS)].ref);
        lg_sleep_until(lg_now(host) + 20000);
    }
    (void)arg;
}

static void loop_all(__attribute__((unused)) void *arg)
{
    for (int i = 0; i < LOOPERS; i++) {
        loopers[i].random = spec_random_new((uint64_t)i);
        loopers[i].ref = spec_go(host, loop_often, &loopers[i]);
    }
    spec_go(host, cancel_often, NULL);
    SETTLE(n_ended == LOOPERS && lg_num_goroutine(host) == 1);
    CHECK(n_complete > 0);
}

it("loops at random", "meet every number once", .limit_s = 60)
{
    for (int procs = 1; procs <= 4; procs += 3) {
        n_ended = 0;
        host = spec_open(procs);
        spec_main(host, loop_all, NULL);
        spec_close(host);
    }
}
