// SPDX-License-Identifier: MIT
//
// The wait word. Models core/sched/wait.h (arm, take_cancel, claim, deliver,
// commit, retire), core/sched/park.c (lg__wait_for, lg__wait_settle,
// lg__wait_withdraw, lg__wait_fire, on_deadline, lg_ready, lg_cancel,
// lg__wait_cancel) and core/sched/sched.c (lg__sched_commit).
//
// One goroutine waits twice in a queue, perhaps with a deadline, perhaps without
// heeding cancellations, then ends. Channel partners, its timer, the holder of
// an old ticket and two cancelers come at it. Shown: it is made ready exactly
// once per park, never before it has left its stack; no element is copied into a
// wait that is over; an element is received if and only if a partner gave one;
// each cancellation ends one wait at most, never one that does not heed it, and
// is not lost; and when nothing moves any more, the goroutine has ended or it
// waits with no cancellation pending. Each atomic{} is one read-modify-write of
// the word, or the inside of one lock. Memory is sequentially consistent here.
//
// LIVES: the record is used again; its second wait is another goroutine's, at
// which the cancelers do not aim. The others say who comes; all at once would be
// too many states.
//
// check: -DPARTNER -DOLD_TICKET -DNC=0
// check: -DPARTNER -DTIMER -DNC=0
// check: -DPARTNER -DNC=1
// check: -DTIMER -DNC=1
// check: -DTIMER -DLIVES -DNC=1
// check: -DNC=2

mtype = { NOTHING, READY, TICKET, TIMEOUT, CANCELED, WITHDRAWN };

// the word
byte number;
bool armed, heeds, claimed, fired, parked;
mtype how = NOTHING;

byte cancel;             // the id of who is to be canceled, 0: nobody
byte queued;             // number of the waiter in the queue, 0: none
byte timer;              // cookie of the timer in the heap, 0: none
byte ticket;             // number in a ticket that was given away, 0: none
byte id = 1;             // of the goroutine; 0: it has ended, 2: a later one
bool on_stack = true;
byte left;               // Ms that have yet to commit for the goroutine
byte runnable;           // how often it stands in run queues
byte elem;               // written by partners
byte ngiven, nreceived, nputs, ncanceled;
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

inline put_cancel(is_put)
{
    byte seen;
    do
    :: seen = cancel;
        if
        :: id != 1 -> is_put = false; break
        :: else
        fi;
        atomic {
            if
            :: cancel == seen -> cancel = 1; is_put = true; break
            :: else
            fi
        }
    od
}

inline take_cancel(who, took)
{
    atomic {
        if
        :: cancel == who -> cancel = 0; took = true
        :: else -> took = false
        fi
    }
}

inline wait_cancel(who)  // lg__wait_cancel
{
    do
    :: atomic { n = number; can = armed && heeds && !claimed }
        if
        :: id != who -> break     // LG_ESRCH
        :: else
        fi;
        if
        :: !can -> break
        :: else
        fi;
        take_cancel(who, flag);
        if
        :: !flag -> break
        :: else
        fi;
        claim(n, CANCELED, flag);
        if
        :: flag -> fire(flag); break
        :: else
        fi;
        put_cancel(flag);
        if
        :: !flag -> break
        :: else
        fi
    od
}

inline retire()
{
    id = 0;                       // lg__g_free
    atomic {                      // lg__wait_retire, a store
        assert(!armed || fired);
        number++;
        armed = false; claimed = false; fired = false; parked = false;
        how = NOTHING
    }
}

proctype goroutine()
{
    byte round = 0;
    bool flag, does_heed;
    do
    :: round < 2 ->
        round++;
        if
        :: does_heed = true; take_cancel(id, flag)   // lg__wait_begin
        :: does_heed = false; flag = false       // lg__wait_begin_uncancelable
        fi;
        if
        :: flag -> assert(id == 1); ncanceled++; goto next // LG_ECANCELED
        :: else
        fi;
        atomic {         // lg__wait_arm, a store
            assert(!armed || fired);
            number++;
            armed = true; heeds = does_heed;
            fired = false; claimed = false; parked = false; how = NOTHING
        }
        elem = 0;
        queued = number;          // under the queue's lock
        ticket = number;
        if
        :: timer = number
        :: skip
        fi;
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
            left++;               // lg__wait_commit, by who took over the thread
end:        atomic { runnable > 0 -> runnable--; on_stack = true }
        fi;
        assert(fired);            // lg__wait_settle
        timer = 0;
        atomic { queued = 0 };
        if
        :: how == READY -> assert(elem == number); nreceived++
        :: else -> assert(elem == 0)
        fi;
        if
        :: how == CANCELED -> assert(does_heed && id == 1); ncanceled++
        :: else
        fi;
next:
#ifdef LIVES
        if
        :: round == 1 -> retire(); cancel = 0; id = 2 // lg__g_new
        :: else
        fi
#else
        skip
#endif
    :: else -> break
    od;
    retire();
    is_over = true
}

proctype m()                      // lg__sched_commit
{
    byte n, n2;
    bool flag, can;
end:
    do
    :: atomic { left > 0 -> left-- }
        atomic {
            assert(armed && !parked);
            parked = true;
            flag = fired
        }
        if
        :: flag -> make_ready()
        :: else ->
            if
            :: cancel != 0 -> n2 = cancel; wait_cancel(n2)
            :: else
            fi
        fi
    :: is_over -> break
    od
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
    bool flag, can;
    nputs++;
    put_cancel(flag);
    if
    :: flag -> wait_cancel(1)
    :: else
    fi
}

init {
    atomic {
        run goroutine(); run m(); run m();
#ifdef PARTNER
        run partner(); run partner();
#endif
#ifdef TIMER
        run timer_thread();
#endif
#ifdef OLD_TICKET
        run ticket_holder();
#endif
#if NC > 0
        run canceler();
#endif
#if NC > 1
        run canceler()
#endif
    }
    timeout;
    assert(runnable == 0);
    assert(ngiven == nreceived);
    assert(ncanceled <= nputs);
    assert(id != 1 || NC != 1 || ncanceled == 1 || cancel == 1);
    assert(is_over || (armed && parked && !claimed && !(cancel == id && heeds)))
}
