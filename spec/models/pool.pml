// SPDX-License-Identifier: MIT
//
// The pool of workers in which tasks of parallel() run. Models bindings/hub.c
// (place, make_worker, do_without, lagoon__hub_next), worker.c (begin, on_begin,
// on_look, lagoon__worker_give) and retire.c (take_old, close_one, pin_idle), with
// jobs and strands as core/sched/job.c and strand.c make them (strand.pml).
//
// Task 1 starts task 2 and waits for its end; task 3 starts task 4 and forgets it.
// Two Ms take jobs and strands from run queues, in any order. A worker is free
// when it has looked whether a task waits and found none; it may have goroutines
// then, and be busy again with them. A goroutine closes workers that are free and
// have none; another asks idle workers for something. Shown: each task begins
// exactly once, never in the worker that started it; no task waits beside a free
// worker, nor where nobody will look; nothing is posted to a worker that is closed
// or about to be, nor is one touched as the origin of a task; there are never more
// than MAX; and all tasks end. What is done under the hub's lock is one step; a
// strand's posts are a set, run in any order. Memory is sequentially consistent.
//
// pan has found three things that hub.c had not thought of at first, each of
// which is a task that waits for ever, or an origin that is gone in use:
//   COUNTS_CLOSING   a worker that is being closed does not count: a task waits
//                    only if all that count will look, and it will not
//   FAILS_SILENTLY   when one that was counted cannot be made, one of the tasks that
//                    wait is queued as a job again: it had relied on it to look
//   FORGETS_ORIGIN   a worker is pinned while a job that it has started has not been
//                    placed: that may have to wait in its list
//
// check:
// check: -DTHREE
// check: -DFAILS
// check: -DPINS

#ifdef THREE
#define MAX 3                     // lg_procs() + 1
#define NCLOSES 1
#else
#define MAX 2
#define NCLOSES 2
#endif
#define NTASKS 4

#define IDLE 0                    // strands
#define QUEUED 1
#define INSIDE 2

#define BEGIN 1                   // posts; and a bit for the step of each task
#define LOOK 2
#define REQUEST 4
#define STEP(t) (4 << (t))

#define NONE 0                    // workers
#define MAKING 1
#define LIVE 2
#define CLOSING 3

#define NEW 0                     // tasks
#define JOB 1                     // in a run queue
#define PLACED 2                  // given, or being given
#define WAITS 3                   // in its origin's list
#define RUNS 4
#define PARKED 5
#define ENDED 6

byte task[NTASKS + 1];
byte origin[NTASKS + 1];          // the worker that started it; 0: the root
byte home[NTASKS + 1];            // the worker in which it runs

byte nworkers;
byte worker[MAX + 1];
byte strand[MAX + 1];
byte posts[MAX + 1];
byte given[MAX + 1];
byte nbusy[MAX + 1];
byte npins[MAX + 1];              // requests, and jobs of it that are not placed
bool is_free[MAX + 1];
byte nfails;

#define is_live(w) (worker[w] == LIVE)
#define may_take(w, t) (is_free[w] && w != origin[t])
#define has_list(w) ((task[2] == WAITS && origin[2] == w) || \
    (task[4] == WAITS && origin[4] == w))

#ifdef THREE
#define pick_free(w, t, cond) \
    :: may_take(1, t) && cond(1) -> w = 1 \
    :: may_take(2, t) && cond(2) -> w = 2 \
    :: may_take(3, t) && cond(3) -> w = 3
#define has_free(t, cond) ((may_take(1, t) && cond(1)) || (may_take(2, t) && cond(2)) || \
    (may_take(3, t) && cond(3)))
#else
#define pick_free(w, t, cond) \
    :: may_take(1, t) && cond(1) -> w = 1 \
    :: may_take(2, t) && cond(2) -> w = 2
#define has_free(t, cond) ((may_take(1, t) && cond(1)) || (may_take(2, t) && cond(2)))
#endif
#define idle(w) (strand[w] == IDLE)
#define any(w) true

inline post(w, what)              // lg_strand_post
{
    atomic {
        assert(is_live(w));
        posts[w] = posts[w] | (what);
        if
        :: strand[w] == IDLE -> strand[w] = QUEUED
        :: else
        fi
    }
}

// The worker that has started a task stays while it may have to take it into its
// list.
inline pin_origin(t)
{
    skip;
#ifndef FORGETS_ORIGIN
    if
    :: origin[t] != 0 -> npins[origin[t]]++
    :: else
    fi
#endif
}

inline unpin_origin(t)
{
    skip;
#ifndef FORGETS_ORIGIN
    if
    :: origin[t] != 0 -> npins[origin[t]]--
    :: else
    fi
#endif
}

inline start(t, from)             // lagoon__hub_start
{
    atomic {
        assert(task[t] == NEW);
        task[t] = JOB;
        origin[t] = from;
        pin_origin(t)
    }
}

inline unlink_locked(w)           // take_free_locked has found it
{
    assert(is_live(w));
#ifndef TAKES_TWICE
    is_free[w] = false
#endif
}

// The worker's list is of the one that is there, or nowhere.
inline wait_locked(t)
{
    assert(origin[t] == 0 || is_live(origin[t]));
    task[t] = WAITS
}

// A worker that was counted cannot be made: a task that has relied on it to look is
// a job again.
inline lower_locked()
{
    nworkers--;
    if
#ifndef FAILS_SILENTLY
    :: task[1] == WAITS -> task[1] = JOB
    :: task[2] == WAITS -> task[2] = JOB; pin_origin(2)
    :: task[3] == WAITS -> task[3] = JOB
    :: task[4] == WAITS -> task[4] = JOB; pin_origin(4)
#endif
    :: else
    fi
}

inline end_task(t)
{
    if
    :: t == 2 -> post(home[1], STEP(1))
    :: else
    fi;
    task[t] = ENDED
}

#ifdef UNPINS_EARLY
#define unpin_made(t) skip
#else
#define unpin_made(t) unpin_origin(t)
#endif

proctype machine()
{
    byte t, w, o;
    bool must_make, must_wait;
end:
    do
    :: atomic {                   // place(), of any job
            if
            :: task[1] == JOB -> t = 1
            :: task[2] == JOB -> t = 2
            :: task[3] == JOB -> t = 3
            :: task[4] == JOB -> t = 4
            fi;
            task[t] = PLACED
        }
        atomic {
            w = 0;
            if
            pick_free(w, t, idle)
            :: !has_free(t, idle) && nworkers < MAX -> must_make = true;
#ifndef COUNTS_LATE
                nworkers++
#endif
            :: !has_free(t, idle) && nworkers >= MAX ->
                if
                pick_free(w, t, any)
                :: !has_free(t, any) -> must_wait = true
                fi
            fi;
            if
            :: w != 0 -> unlink_locked(w); unpin_origin(t)
#ifndef WAITS_LATE
            :: must_wait -> wait_locked(t); unpin_origin(t)
#endif
#ifdef UNPINS_EARLY
            :: must_make -> unpin_origin(t)
#endif
            :: else
            fi
        }
#ifdef WAITS_LATE
        if
        :: must_wait -> wait_locked(t); unpin_origin(t)
        :: else
        fi;
#endif
        if
        :: must_make ->
#ifdef COUNTS_LATE
            nworkers++;
#endif
            atomic {
                assert(nworkers <= MAX);
                if
                :: worker[1] == NONE -> w = 1
                :: worker[2] == NONE -> w = 2
#ifdef THREE
                :: worker[3] == NONE -> w = 3
#endif
                fi;
                worker[w] = MAKING
            }
            if
            :: atomic { worker[w] = LIVE; unpin_made(t) }
#ifdef FAILS
            :: nfails < 3 ->
                atomic { nfails++; worker[w] = NONE; lower_locked(); w = 0 }
                atomic {          // do_without
                    if
                    pick_free(w, t, any)
                    :: !has_free(t, any) &&
                        nworkers > (origin[t] != 0) -> wait_locked(t); must_wait = true
                    :: !has_free(t, any) && nworkers <= (origin[t] != 0)
                    fi;
                    if
                    :: w != 0 -> unlink_locked(w)
                    :: else
                    fi;
                    unpin_made(t)
                }
                if
                :: w == 0 && !must_wait -> end_task(t) // lagoon__remote_drop
                :: else
                fi
#endif
            fi
        :: else
        fi;
        if
        :: w != 0 ->              // lagoon__worker_give
            assert(given[w] == 0);
            given[w] = t;
            post(w, BEGIN)
        :: else
        fi;
        atomic { t = 0; w = 0; must_make = false; must_wait = false }

    :: atomic {                   // lg__strand_run
            if
            :: strand[1] == QUEUED -> w = 1
            :: strand[2] == QUEUED -> w = 2
#ifdef THREE
            :: strand[3] == QUEUED -> w = 3
#endif
            fi;
            strand[w] = INSIDE
        }
        do
        :: atomic { posts[w] == 0 -> strand[w] = IDLE; w = 0; t = 0; break }
        :: atomic { posts[w] & BEGIN -> posts[w] = posts[w] & ~BEGIN; t = given[w] }
            given[w] = 0;
begin:      assert(task[t] == PLACED && is_live(w) && w != origin[t]);
            home[t] = w;
            atomic { nbusy[w]++; task[t] = RUNS }
            post(w, STEP(t));
            post(w, LOOK);
            t = 0
        :: atomic { posts[w] & LOOK -> posts[w] = posts[w] & ~LOOK }
            atomic {              // lagoon__hub_next
                assert(!is_free[w]);
                if
#ifndef LOOKS_NOT
#ifdef TAKES_OWN
                :: task[4] == WAITS -> t = 4
#else
                :: task[4] == WAITS && origin[4] != w -> t = 4
#endif
                :: task[1] == WAITS -> t = 1
                :: task[2] == WAITS && origin[2] != w -> t = 2
                :: task[3] == WAITS -> t = 3
#endif
                :: else -> is_free[w] = true
                fi;
                if
                :: t != 0 ->
                    assert(origin[t] == 0 || is_live(origin[t])); // whose list it is
                    task[t] = PLACED
                :: else
                fi
            }
            if
            :: t != 0 -> goto begin
            :: else
            fi
        :: atomic { posts[w] & REQUEST -> posts[w] = posts[w] & ~REQUEST; npins[w]-- }
        :: atomic { posts[w] & STEP(1) -> posts[w] = posts[w] & ~STEP(1) }
            if
            :: task[1] == RUNS ->
                task[1] = PARKED; // before its child can end
                start(2, w)
            :: else -> task[1] = ENDED; nbusy[w]--
            fi
        :: atomic { posts[w] & STEP(2) -> posts[w] = posts[w] & ~STEP(2) }
            end_task(2);
            nbusy[w]--
        :: atomic { posts[w] & STEP(3) -> posts[w] = posts[w] & ~STEP(3) }
            start(4, w);
            task[3] = ENDED;
            nbusy[w]--
        :: atomic { posts[w] & STEP(4) -> posts[w] = posts[w] & ~STEP(4) }
            task[4] = ENDED;
            nbusy[w]--
        od
    od
}

// may_close_locked
#ifdef CLOSES_BUSY
#define has_none(w) true
#else
#define has_none(w) (nbusy[w] == 0)
#endif
#ifdef CLOSES_PINNED
#define is_pinned(w) false
#else
#define is_pinned(w) (npins[w] != 0)
#endif
#ifdef CLOSES_LIST
#define has_waiting(w) false
#else
#define has_waiting(w) has_list(w)
#endif
#define may_close(w) (is_free[w] && strand[w] == IDLE && has_none(w) && !is_pinned(w) && \
    !has_waiting(w))

#ifdef THREE
#define any_may_close (may_close(1) || may_close(2) || may_close(3))
#else
#define any_may_close (may_close(1) || may_close(2))
#endif

proctype closer()
{
    byte w;
    byte ncloses;
end:
    do
    :: atomic {                   // take_old
            ncloses < NCLOSES && any_may_close;
            if
            :: may_close(1) -> w = 1
            :: may_close(2) -> w = 2
#ifdef THREE
            :: may_close(3) -> w = 3
#endif
            fi;
            assert(is_live(w));
#ifndef CLOSES_LISTED
            is_free[w] = false;
#endif
#ifndef COUNTS_CLOSING
            nworkers--;
#endif
            worker[w] = CLOSING
        }
        assert(strand[w] == IDLE && posts[w] == 0 && nbusy[w] == 0); // close_one
        worker[w] = NONE;
#ifdef COUNTS_CLOSING
        nworkers--;
#endif
        atomic { ncloses++; w = 0 }
    :: ncloses == NCLOSES -> break
    od
}

#ifdef PINS
proctype asker()                  // lagoon__retire_collect, pin_uncollected
{
    byte w, n;
end:
    do
    :: atomic {                   // pin_idle
            n < 2;
            if
            :: is_live(1) && strand[1] == IDLE -> w = 1
            :: is_live(2) && strand[2] == IDLE -> w = 2
            :: else -> break
            fi;
            n++;
            npins[w]++
        }
        post(w, REQUEST)
    :: n == 2 -> break
    od
}
#endif

// No task waits beside a free worker.
#define is_missed(t) (task[t] == WAITS && ((is_free[1] && origin[t] != 1) || \
    (is_free[2] && origin[t] != 2)))
proctype monitor()
{
end:
    atomic {
        is_missed(1) || is_missed(2) || is_missed(3) || is_missed(4);
        assert(false)
    }
}

init {
    byte w;
    atomic {
        start(1, 0);
        start(3, 0);
        run machine(); run machine(); run closer(); run monitor();
#ifdef PINS
        run asker();
#endif
        skip
    }
    timeout;
    assert(task[1] == ENDED && task[3] == ENDED);
    assert(task[2] == ENDED || (task[2] == NEW && home[1] == 0)); // 1 was dropped
    assert(task[4] == ENDED || (task[4] == NEW && home[3] == 0));
    for (w : 1 .. MAX) {
        assert(strand[w] == IDLE && posts[w] == 0 && nbusy[w] == 0 && npins[w] == 0);
        assert(worker[w] == NONE || (is_live(w) && is_free[w]))
    }
}
