// SPDX-License-Identifier: MIT
//
// Mutexes that more want than can have: nobody is left out, whatever comes in between.
#include "script.h"
#include "shares.h"

enum { CONTENDERS = 8, ROUNDS = 300, TURNS_MAX = CONTENDERS * ROUNDS };

static lg_mutex mutex;
static struct shares shares;
static int64_t guarded;
static _Atomic int n_got;
static lg_runtime *host;

// ---------------------------------------------------------------------------
// One that never lets go for long
// ---------------------------------------------------------------------------

static void lock_often(__attribute__((unused)) void *arg)
{
    for (int i = 0; i < 20; i++) {
        CHECK_OK(lg_mutex_lock(&mutex, LG_NEVER));
        n_got++;
        CHECK_OK(lg_mutex_unlock(&mutex));
        CHECK_OK(lg_yield());
    }
    n_got = 1000;
}

// Whenever somebody else runs, this one holds it.
static void hog(void)
{
    CHECK_OK(lg_mutex_lock(&mutex, LG_NEVER));
    while (n_got < 1000) {
        CHECK_OK(lg_yield());
        CHECK_OK(lg_mutex_unlock(&mutex));
        CHECK_OK(lg_mutex_lock(&mutex, LG_NEVER));
    }
    CHECK_OK(lg_mutex_unlock(&mutex));
}

it("mutex.lock beside one that holds it whenever others run", "gets it all the same",
   .procs = 1)
{
    spec_go(rt, lock_often, NULL);
    hog();
    SETTLE(n_got == 1000);
}

it("mutex.lock beside one that holds it whenever others run", "gets it on two Ps",
   .procs = 2)
{
    spec_go(rt, lock_often, NULL);
    hog();
    SETTLE(n_got == 1000);
}

// ---------------------------------------------------------------------------
// A clock that the host drives
// ---------------------------------------------------------------------------

static int turns[2][TURNS_MAX];
static int n_turns;

static int64_t clock_stands(__attribute__((unused)) void *ud)
{
    return 1;
}

static lg_runtime *open_driven(uint64_t seed)
{
    lg_options opts;
    lg_options_init(&opts);
    opts.procs = 1;
    opts.seed = seed;
    opts.clock = clock_stands;
    return spec_open_with(&opts);
}

static void drive(uint64_t seed, void (*fn)(void *arg))
{
    host = open_driven(seed);
    spec_main(host, fn, NULL);
    spec_close(host);
}

static void take_turns(void *arg)
{
    int who = (int)(intptr_t)arg;
    struct spec_random random = spec_random_new((uint64_t)who);
    for (int i = 0; i < ROUNDS; i++) {
        CHECK_OK(lg_mutex_lock(&mutex, LG_NEVER));
        turns[guarded][n_turns++] = who;
        for (uint32_t n = spec_random_below(&random, 3); n > 0; n--) {
            CHECK_OK(lg_yield());
        }
        CHECK_OK(lg_mutex_unlock(&mutex));
        if (spec_random_below(&random, 4) == 0) {
            CHECK_OK(lg_yield());
        }
    }
    shares.nended++;
}

static void contend_driven(__attribute__((unused)) void *arg)
{
    n_turns = 0;
    shares.nended = 0;
    for (intptr_t i = 0; i < CONTENDERS; i++) {
        spec_go(host, take_turns, (void *)i);
    }
    SETTLE(shares.nended == CONTENDERS);
}

static void lock_and_end(__attribute__((unused)) void *arg)
{
    CHECK_OK(lg_mutex_lock(&mutex, LG_NEVER));
    n_got = 1000;
    CHECK_OK(lg_mutex_unlock(&mutex));
}

// Nobody makes it wait but by having the mutex.
static void hog_without_yield(__attribute__((unused)) void *arg)
{
    CHECK_OK(lg_mutex_lock(&mutex, LG_NEVER));
    lg_ref ref = spec_go(host, lock_and_end, NULL);
    SETTLE(spec_is_waiting(host, ref));
    while (n_got < 1000) {
        CHECK_OK(lg_mutex_unlock(&mutex));
        CHECK_OK(lg_mutex_lock(&mutex, LG_NEVER));
    }
    CHECK_OK(lg_mutex_unlock(&mutex));
}

it("mutex with a clock that the host drives", "is handed to who waits")
{
    drive(1, hog_without_yield);
}

it("mutex with a clock that the host drives", "has the same turns each time")
{
    for (guarded = 0; guarded < 2; guarded++) {
        drive(7, contend_driven);
        CHECK_INT(n_turns, TURNS_MAX);
    }
    for (int i = 0; i < TURNS_MAX; i++) {
        CHECK_INT(turns[0][i], turns[1][i]);
    }
}

// ---------------------------------------------------------------------------
// Competing
// ---------------------------------------------------------------------------

// One P, whose goroutines are asked to make room after 10 ms: until then who is woken does
// not run.
static void compete(void (*fn)(void *arg))
{
    lg_options opts;
    lg_options_init(&opts);
    opts.procs = 1;
    opts.signals = true;
    host = spec_open_with(&opts);
    spec_main(host, fn, NULL);
}

static void lock_once(__attribute__((unused)) void *arg)
{
    CHECK_OK(lg_mutex_lock(&mutex, LG_NEVER));
    n_got++;
    CHECK_OK(lg_mutex_unlock(&mutex));
}

// Is faster than one that waits, until that starves. False: a millisecond has gone by
// before, and it was handed over.
static bool beat(lg_ref waiter)
{
    for (int i = 0; i < 4; i++) {
        SETTLE(spec_is_waiting(host, waiter));
        CHECK_OK(lg_mutex_unlock(&mutex));
        if (lg_mutex_lock(&mutex, 0) != LG_OK) {
            return false;
        }
    }
    SETTLE(spec_is_waiting(host, waiter));
    return true;
}

// Locks it, and has a goroutine wait for it that was beaten four times.
static lg_ref start_beaten(void (*fn)(void *arg))
{
    for (;;) {
        CHECK_OK(lg_mutex_lock(&mutex, LG_NEVER));
        lg_ref waiter = spec_go(host, fn, NULL);
        if (beat(waiter)) {
            return waiter;
        }
        SETTLE(n_got == 1);
        n_got = 0;
    }
}

static void beat_and_hand_over(__attribute__((unused)) void *arg)
{
    start_beaten(lock_once);
    lg_ref second = spec_go(host, lock_once, NULL);
    SETTLE(spec_is_waiting(host, second));
    CHECK_OK(lg_mutex_unlock(&mutex)); // handed over
    CHECK_INT(n_got, 0);
    CHECK(lg_mutex_is_locked(&mutex));
    CHECK_CODE(lg_mutex_lock(&mutex, 0), LG_EAGAIN);
    SETTLE(n_got == 2);
    CHECK(!lg_mutex_is_locked(&mutex));
}

it("mutex", "is handed to who was beaten four times")
{
    compete(beat_and_hand_over);
}

static void give_up(__attribute__((unused)) void *arg)
{
    CHECK_CODE(lg_mutex_lock(&mutex, LG_NEVER), LG_ECANCELED);
    n_got++;
}

static void lock_or_give_up(__attribute__((unused)) void *arg)
{
    int rc = lg_mutex_lock(&mutex, LG_NEVER);
    n_got++;
    if (rc == LG_OK) {
        CHECK_OK(lg_mutex_unlock(&mutex));
    } else {
        CHECK_CODE(rc, LG_ECANCELED);
    }
}

static void starve_and_cancel(__attribute__((unused)) void *arg)
{
    lg_ref starving = start_beaten(lock_or_give_up);
    lg_ref next = spec_go(host, lock_once, NULL);
    SETTLE(spec_is_waiting(host, next));
    CHECK_OK(lg_cancel(starving));
    SETTLE(n_got == 1); // without it: that is here
    CHECK_OK(lg_mutex_unlock(&mutex));
    SETTLE(n_got == 2);
    CHECK_OK(lg_mutex_lock(&mutex, 0)); // it is an ordinary one again
    CHECK_OK(lg_mutex_unlock(&mutex));
}

it("mutex.lock that starves and is canceled", "leaves the mutex to the next")
{
    compete(starve_and_cancel);
}

static void cancel_on_the_way(__attribute__((unused)) void *arg)
{
    CHECK_OK(lg_mutex_lock(&mutex, LG_NEVER));
    lg_ref beaten = spec_go(host, give_up, NULL);
    SETTLE(spec_is_waiting(host, beaten));
    lg_ref next = spec_go(host, lock_once, NULL);
    SETTLE(spec_is_waiting(host, next));
    CHECK_OK(lg_mutex_unlock(&mutex));
    CHECK_OK(lg_cancel(beaten)); // it is woken already, and will find this when beaten
    CHECK_OK(lg_mutex_lock(&mutex, 0));
    SETTLE(n_got == 1);
    CHECK_OK(lg_mutex_unlock(&mutex));
    SETTLE(n_got == 2);
}

it("mutex.lock that is canceled when it is beaten", "leaves the mutex to the next")
{
    compete(cancel_on_the_way);
}

// ---------------------------------------------------------------------------
// Strands
// ---------------------------------------------------------------------------

static struct interpreter interpreters[2];
static _Atomic int n_done;

static void settle_done(__attribute__((unused)) void *arg)
{
    SETTLE(n_done == 1);
}

static int lock_scripted(struct script *script, int result)
{
    SCRIPT_BEGIN
    for (script->round = 0; script->round < 20; script->round++) {
        SCRIPT_AWAIT(lg_mutex_lock(&mutex, LG_NEVER));
        CHECK_OK(result);
        SCRIPT_AWAIT(lg_yield());
        CHECK_OK(lg_mutex_unlock(&mutex));
        SCRIPT_KEEP(lg_mutex_lock(&mutex, LG_NEVER));
        CHECK_OK(result);
        CHECK_OK(lg_mutex_unlock(&mutex));
    }
    n_got++;
    SCRIPT_END
}

static void hog_until_scripts_are_done(__attribute__((unused)) void *arg)
{
    CHECK_OK(lg_mutex_lock(&mutex, LG_NEVER));
    while (n_got < 4) {
        CHECK_OK(lg_yield());
        CHECK_OK(lg_mutex_unlock(&mutex));
        CHECK_OK(lg_mutex_lock(&mutex, LG_NEVER));
    }
    CHECK_OK(lg_mutex_unlock(&mutex));
}

it("mutex.lock of scripted goroutines beside one that hogs it", "gets it", .limit_s = 20)
{
    host = shares_open(2, false);
    for (int i = 0; i < 2; i++) {
        lg_strand *strand = script_strand(host, &interpreters[i]);
        script_go(strand, lock_scripted, NULL);
        script_go(strand, lock_scripted, NULL);
    }
    spec_main(host, hog_until_scripts_are_done, NULL);
}

static int lock_and_end_scripted(struct script *script, int result)
{
    SCRIPT_BEGIN
    SCRIPT_AWAIT(lg_mutex_lock(&mutex, LG_NEVER));
    CHECK_OK(result);
    n_got = 1000;
    CHECK_OK(lg_mutex_unlock(&mutex));
    SCRIPT_END
}

// Leaves the strand only if it must wait for the mutex.
static int hog_strand(struct script *script, int result)
{
    SCRIPT_BEGIN
    SCRIPT_AWAIT(lg_mutex_lock(&mutex, LG_NEVER));
    SCRIPT_AWAIT(lg_yield()); // the other one queues
    while (n_got < 1000) {
        CHECK_OK(lg_mutex_unlock(&mutex));
        SCRIPT_AWAIT(lg_mutex_lock(&mutex, LG_NEVER));
    }
    CHECK_OK(lg_mutex_unlock(&mutex));
    n_done++;
    SCRIPT_END
}

it("mutex.lock beside one that locks it again and again", "is not left out in a strand")
{
    host = shares_open(2, false);
    lg_strand *strand = script_strand(host, &interpreters[0]);
    script_go(strand, hog_strand, NULL);
    script_go(strand, lock_and_end_scripted, NULL);
    spec_main(host, settle_done, NULL);
}

static int lock_in_vain(struct script *script, int result)
{
    SCRIPT_BEGIN
    SCRIPT_AWAIT(lg_mutex_lock(&mutex, LG_NEVER));
    CHECK(false);
    SCRIPT_END
}

static lg_strand *closing;
static lg_ref handed;

// The M stays here, so that nobody comes to what was handed the mutex.
static void drop_it(__attribute__((unused)) void *arg)
{
    CHECK_OK(lg_mutex_lock(&mutex, LG_NEVER));
    SETTLE(spec_is_waiting(host, handed));
    lg_ref next = spec_go(host, lock_once, NULL);
    SETTLE(spec_is_waiting(host, next));
    CHECK_OK(lg_mutex_unlock(&mutex));
    lg_strand_close(closing);
    SETTLE(n_got == 1);
    CHECK(!lg_mutex_is_locked(&mutex));
}

it("mutex.lock that is handed the mutex in a strand that is closed", "passes it on")
{
    host = open_driven(1);
    closing = script_strand(host, &interpreters[0]);
    handed = script_go(closing, lock_in_vain, NULL);
    spec_main(host, drop_it, NULL);
}

// ---------------------------------------------------------------------------
// Shares
// ---------------------------------------------------------------------------

static void end_contest(void)
{
    int64_t total = 0;
    for (int i = 0; i < CONTENDERS; i++) {
        total += shares.got[i];
    }
    CHECK_INT(guarded, total);
    CHECK(!lg_mutex_is_locked(&mutex));
}

// Held for so long that a starving waiter's millisecond is some turns of the others.
static void take_and_work(void *arg)
{
    bool goes_on = true;
    while (goes_on) {
        CHECK_OK(lg_mutex_lock(&mutex, LG_NEVER));
        int64_t before = guarded;
        goes_on = shares_take(&shares, (int)(intptr_t)arg);
        guarded = before + 1;
        CHECK_OK(lg_mutex_unlock(&mutex));
    }
    shares.nended++;
}

static void share_all(__attribute__((unused)) void *arg)
{
    shares_begin(&shares, CONTENDERS, spec_rounds(200));
    for (intptr_t i = 0; i < CONTENDERS; i++) {
        spec_go(host, take_and_work, (void *)i);
    }
    shares_check(&shares, CONTENDERS);
    end_contest();
}

it("mutex.lock beside one that locks it again and again", "is not left out on one P")
{
    host = shares_open(1, true);
    spec_main(host, hog_without_yield, NULL);
}

it("mutex.lock beside one that locks it again and again", "is not left out on two Ps")
{
    host = shares_open(2, false);
    spec_main(host, hog_without_yield, NULL);
}

it("mutex that eight goroutines want all the time", "is shared on one P", .limit_s = 60)
{
    host = shares_open(1, true);
    spec_main(host, share_all, NULL);
}

it("mutex that eight goroutines want all the time", "is shared on two Ps", .limit_s = 60)
{
    host = shares_open(2, false);
    spec_main(host, share_all, NULL);
}

it("mutex that eight goroutines want all the time", "is shared on four Ps", .limit_s = 60)
{
    host = shares_open(4, true);
    spec_main(host, share_all, NULL);
}

// Deadlines and a cancellation now and then; holds it over a switch, or hardly at all.
static void take_hastily(void *arg)
{
    int who = (int)(intptr_t)arg;
    struct spec_random random = spec_random_new((uint64_t)who);
    bool goes_on = true;
    while (goes_on) {
        uint32_t choice = spec_random_below(&random, 16);
        int64_t deadline_ns = LG_NEVER;
        if (choice == 0) {
            deadline_ns = lg_now(host) + spec_random_below(&random, 20000);
        } else if (choice == 1) {
            lg_cancel(lg_self());
        }
        int rc = lg_mutex_lock(&mutex, deadline_ns);
        if (rc != LG_OK) {
            CHECK(rc == (choice == 0 ? LG_ETIMEDOUT : LG_ECANCELED));
            goes_on = !shares_is_over(&shares);
            continue;
        }
        int64_t before = guarded;
        if (choice < 6) {
            CHECK_OK(lg_yield());
        }
        guarded = before + 1;
        goes_on = shares_take(&shares, who);
        CHECK_OK(lg_mutex_unlock(&mutex));
    }
    shares.nended++;
}

static void take_all_hastily(__attribute__((unused)) void *arg)
{
    shares_begin(&shares, CONTENDERS, spec_rounds(500));
    for (intptr_t i = 0; i < CONTENDERS; i++) {
        spec_go(host, take_hastily, (void *)i);
    }
    SETTLE(shares.nended == CONTENDERS);
    end_contest();
}

it("mutex of waiters with deadlines, some canceled", "leaves nobody out on one P",
   .limit_s = 60)
{
    host = shares_open(1, true);
    spec_main(host, take_all_hastily, NULL);
}

it("mutex of waiters with deadlines, some canceled", "leaves nobody out on four Ps",
   .limit_s = 60)
{
    host = shares_open(4, true);
    spec_main(host, take_all_hastily, NULL);
}
