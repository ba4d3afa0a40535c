// SPDX-License-Identifier: MIT
//
// Closing a strand. Models core/sched/strand.c (lg_strand_close, drop_if_ours,
// lg__strands_nudge_locked, lg__strand_push, rounds, try_leave, yield_strand),
// sched.c (lg__is_unmanned, lg__sched_forget, lg__sched_ready), go.c
// (lg__g_drop) and drive.c (driver_enter, driver_leave).
//
// The strand has two goroutines: 1 waits, and a thread from outside may wake
// it; 2 was started from outside and is held for the next lg_drive(). A thread
// drives twice and leaves whenever it likes; another closes the strand at any
// moment. Shown: nobody touches the strand after it is freed, nor goroutine 1
// after it is dropped; the freed strand stands in no run queue and no M is
// inside; and the close comes to an end, driven or not. The inbox is a set
// here: its order and its CAS are strand.pml's. Memory is sequentially
// consistent.
//
// The C code has learned four things from it (it did not have them at 06b2943),
// without each of which pan finds what is gone in use (spec/models/run --mutants):
//   NUDGED_LATE      before all else, and under the lock, the close takes the
//                    strand off the list of those that lg_drive() nudges
//   FORGETS_LATE     it forgets the strand under the lock under which it saw
//                    that the runtime is unmanned, and only if it stood in a
//                    queue: who pushed may not have queued it yet
//   LOOKS_ONLY       by a CAS from idle it goes inside, so that who pushes from
//                    then on does not queue the strand
//   DROPS_EARLY      a goroutine that somebody else is waking is dropped when
//                    that one's push has come in, which touches it last
//
// check:
// check: -DUNDRIVEN

#define IDLE 8                    // else a set: 1, 2, or both
#define PARKED 0
#define CLAIMED 1
#define FIRED 2

byte inbox = IDLE;
byte work;                        // of who is inside
byte held = 2;
byte wait = PARKED;               // goroutine 1's
byte nstanding;                   // of the strand in run queues
bool lives[3];
bool lk;                          // rt->lock
bool is_listed = true;            // in rt->strands
bool is_driven;                   // !lg__is_unmanned()
bool is_occupied, is_closing, is_freed;

inline lock() { atomic { !lk -> lk = true } }
inline unlock() { lk = false }

// push_inbox
inline push(post, was_idle)
{
    atomic {
        assert(!is_freed);
        was_idle = inbox == IDLE;
        inbox = (was_idle -> post : inbox | post)
    }
}

inline turn_inbox_over()
{
    atomic {
        assert(!is_freed);
        work = (inbox == IDLE -> work : work | inbox);
        inbox = 0
    }
}

proctype waker()                  // lg_ready
{
    bool was_idle;
    atomic {                      // lg__wait_claim
        if
        :: wait == PARKED && lives[1] -> wait = CLAIMED
        :: else -> goto end_missed
        fi
    }
    wait = FIRED;                 // lg__wait_deliver
    assert(lives[1]);             // lg__sched_ready
    push(1, was_idle);
    if
    :: was_idle -> atomic { !lk -> assert(!is_freed); nstanding++ } // push_global
    :: else
    fi;
end_missed:
    skip
}

proctype driver()
{
    bool was_idle, is_over;
    byte left;
    byte drives = 2;
    do
    :: drives > 0 ->
        drives--;
        lock();                   // driver_enter
        is_driven = true;
        if                        // lg__strands_nudge_locked
        :: is_listed && held != 0 ->
            held = 0;
            assert(lives[2]);
            push(2, was_idle);
            if
            :: was_idle -> nstanding++
            :: else
            fi
        :: else
        fi;
        unlock();
        is_over = false;
        do
        :: !is_over && nstanding > 0 ->
            atomic {              // takes it from the queue, lg__strand_run
                if
                :: nstanding > 0 -> nstanding--; left = 3
                :: else
                fi
            }
            do                    // rounds
            :: left > 0 ->
                atomic { assert(!is_freed && (is_occupied || left == 3)); is_occupied = true }
                if
                :: is_closing ->
                    turn_inbox_over();
try:                is_occupied = false; // try_leave
                    atomic {
                        assert(!is_freed);
                        if
                        :: inbox == 0 -> inbox = IDLE; left = 0
                        :: else -> is_occupied = true
                        fi
                    }
                :: !is_closing && left == 1 -> // yield_strand
                    is_occupied = false;
                    atomic { assert(nstanding == 0 && !is_freed); nstanding++; left = 0 }
                :: !is_closing && left > 1 ->
                    left--;
                    if
                    :: inbox != 0 -> turn_inbox_over()
                    :: else
                    fi;
                    if            // step: they end
                    :: work & 1 -> atomic { work = work & 2; lives[1] = false }
                    :: work & 2 -> atomic { work = work & 1; lives[2] = false }
                    :: work == 0 -> goto try
                    fi
                fi
            :: left == 0 -> break
            od
        :: !is_over -> is_over = true
        :: is_over -> break
        od;
        atomic { !lk -> is_driven = false } // driver_leave
    :: drives == 0 -> break
    od
}

proctype closer()                 // lg_strand_close
{
#ifndef NUDGED_LATE
    atomic { !lk -> is_listed = false; held = 0 }
#endif
    is_closing = true;
    if
#ifndef LOOKS_ONLY
    :: atomic { inbox == IDLE -> inbox = 0 } // goes inside
#else
    :: inbox == IDLE
#endif
#ifndef FORGETS_LATE
    :: atomic { inbox != IDLE && !lk && !is_driven && nstanding > 0 -> nstanding-- }
#else
    :: atomic { inbox != IDLE && !lk && !is_driven } // lg__is_unmanned
        atomic { !lk -> nstanding = 0 } // lg__sched_forget
#endif
    fi;
    turn_inbox_over();
#ifdef NUDGED_LATE
    held = 0;
#endif
    if                            // drop_if_ours: goroutine 1
    :: lives[1] ->
        atomic {
            if
            :: wait == PARKED -> wait = CLAIMED; lives[1] = false
            :: else
            fi
        }
        if
        :: lives[1] ->
            wait == FIRED;        // somebody else has claimed it
#ifndef DROPS_EARLY
            (work & 1) || (inbox != IDLE && (inbox & 1)); // and has pushed it
#endif
            lives[1] = false
        :: else
        fi
    :: else
    fi;
    lives[2] = false;             // goroutine 2
#ifdef NUDGED_LATE
    atomic { !lk -> is_listed = false }
#endif
    assert(nstanding == 0 && !is_occupied);
    is_freed = true
}

init {
    atomic {
        lives[1] = true; lives[2] = true;
        run waker(); run closer();
#ifndef UNDRIVEN
        run driver();
#endif
        skip
    }
    timeout;
    assert(is_freed && nstanding == 0 && !is_occupied);
    assert(!lives[1] && !lives[2])
}
