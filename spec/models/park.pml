// SPDX-License-Identifier: MIT
//
// The wait word. Models core/sched/wait.h (lg__wait_arm, claim, deliver,
// commit, retire) and core/sched/park.c (lg__wait_for, lg__wait_settle,
// lg__wait_withdraw, lg__wait_fire, on_deadline, lg_ready, lg_cancel).
//
// One goroutine waits twice in a queue with a deadline, then ends. Two channel
// partners, its timer, the holder of an old ticket and a canceler come at it.
// Shown: it is made ready exactly once per park, never before it has left its
// stack, never lost; no element is copied into a wait that is over; an element
// is received if and only if a partner gave one; a canceled goroutine that has
// ended is left alone. Each atomic{} is one read-modify-write of the word, or
// the inside of one lock. Memory is sequentially consistent here.
//
// check:

mtype = { NOTHING, READY, TICKET, TIMEOUT, CANCELED, WITHDRAWN };

// the word
byte number;
bool armed, claimed, fired, parked, cancel;
mtype how = NOTHING;

byte queued;             // number of the waiter in the queue, 0: none
byte timer;              // cookie of the timer in the heap, 0: none
byte ticket;             // number in a ticket that was given away, 0: none
byte id = 1;             // of the goroutine; 0: it has ended
bool on_stack = true;
byte runnable;           // how often it stands in run queues
byte elem;               // written by partners
byte ngiven, nreceived;
bool is_over;

inline make_ready()      // lg__sched_ready
{
    atomic {
        assert(runnable == 0);
        assert(!on_stack);
        runnable++;
    }
}

inline claim(n, w, won)  // lg__wait_claim
{
    atomic {
        if
        :: number == n && armed && !claimed -> claimed = true; how = w; won = true
        :: else -> won = false
        fi
    }
}

inline deliver(was_parked) // lg__wait_deliver
{
    atomic {
        assert(claimed && !fired);
        fired = true;
        was_parked = parked
    }
}

inline fire(flag)        // lg__wait_fire
{
    deliver(flag);
    if
    :: flag -> make_ready()
    :: else
    fi
}

proctype goroutine()
{
    byte round = 0;
    bool flag;
    do
    :: round < 2 ->
        round++;
        atomic {         // lg__wait_arm
            number++;
            fired = false; claimed = false; parked = false; how = NOTHING;
            if
            :: cancel -> cancel = false; armed = false; flag = true
            :: else -> armed = true; flag = false
            fi
        }
        if
        :: flag -> goto next      // LG_ECANCELED
        :: else
        fi;
        elem = 0;
        queued = number;          // under the queue's lock
        ticket = number;
        timer = number;
        if
        :: skip                   // withdraw, as a select that found one ready
            -> claim(number, WITHDRAWN, flag);
            if
            :: flag -> deliver(flag); assert(!flag)
            :: else
            fi
        :: skip
        fi;
        if
        :: fired                  // park_native
        :: else ->
            on_stack = false;
            atomic {              // lg__wait_commit, by who took over the thread
                assert(armed && !parked);
                parked = true;
                flag = fired
            }
            if
            :: flag -> make_ready()
            :: else
            fi;
            atomic { runnable > 0 -> runnable--; on_stack = true }
        fi;
        assert(fired);            // lg__wait_settle
        timer = 0;
        atomic { queued = 0 };
        if
        :: how == READY -> assert(elem == number); nreceived++
        :: else -> assert(elem == 0)
        fi;
next:   skip
    :: else -> break
    od;
    id = 0;                       // lg__g_free
    atomic {                      // lg__wait_retire
        number++;
        armed = false; claimed = false; fired = false; parked = false;
        how = NOTHING; cancel = false
    }
    is_over = true
}

// A channel partner: takes a waiter off the queue under the queue's lock.
proctype partner()
{
    byte n;
    bool flag;
    atomic { n = queued; queued = 0 }
    if
    :: n == 0
    :: else ->
        claim(n, READY, flag);
        if
        :: flag ->
            atomic {
                assert(number == n && !fired && armed);
                elem = n;
                ngiven++
            }
            fire(flag)
        :: else
        fi
    fi
}

proctype timer_thread()           // lg__timers_run, on_deadline
{
    byte n;
    bool flag;
end:
    do
    :: atomic { timer != 0 -> n = timer; timer = 0 }
        claim(n, TIMEOUT, flag);
        if
        :: flag -> fire(flag)
        :: else
        fi
    :: is_over -> break
    od
}

proctype ticket_holder()          // lg_ready, perhaps long after
{
    byte n;
    bool flag;
    n = ticket;
    claim(n, TICKET, flag);
    if
    :: flag -> fire(flag)
    :: else
    fi
}

proctype canceler()               // lg_cancel
{
    byte n;
    bool a, c, f, p, k, flag;
    do
    :: atomic { n = number; a = armed; c = claimed; f = fired; p = parked; k = cancel }
        if
        :: id != 1 -> break       // LG_ESRCH
        :: else
        fi;
        atomic {                  // the CAS
            if
            :: n == number && a == armed && c == claimed && f == fired &&
               p == parked && k == cancel ->
                assert(!is_over);
                if
                :: a && !c -> claimed = true; how = CANCELED; flag = true
                :: else -> cancel = true; flag = false
                fi;
                a = true; n = 0
            :: else -> n = 1
            fi
        }
        if
        :: n == 0 && flag -> fire(flag); break
        :: n == 0 && !flag -> break
        :: else
        fi
    od
}

init {
    atomic {
        run goroutine(); run partner(); run partner();
        run timer_thread(); run ticket_holder(); run canceler()
    }
    timeout;
    assert(is_over);              // none is lost
    assert(runnable == 0);
    assert(ngiven == nreceived)
}
