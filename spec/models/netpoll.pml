// SPDX-License-Identifier: MIT
//
// Waiting for the outside. Models core/sched/netpoll.c (lg__netpoll_settle, arm, post_all,
// lg__netpoll_queue, lg__netpoll_look, lg__netpoll_sleep, lg__m_wake), and of strand.c, idle.c
// and drive.c what touches that (rounds, try_leave, lg__idle, enter_idle_list,
// is_dead_locked, lg__wake_for_rest).
//
// One strand, whose goroutine waits for NEVENTS events, one after the other, and then for no
// more. Two Ms, which run it or sleep, one of them in the poll set. A waker wakes idle Ms NWAKES
// times for no reason; with LEAVES the first M is the driver, is called away once, and does not come
// back. SYSMON: somebody without a P looks, but once only, or it would hide what is lost.
//
// Shown: when nothing moves any more, no event that the strand waits for has been left
// lying, and nothing is queued; who counts as waiting for the outside is armed; nobody is
// asleep who was woken; a deadlock is reported only when nobody waits for the outside.
// Memory is sequentially consistent.
//
// What pan must notice (spec/models/run --mutants):
//   LOOKS_FIRST    the sleeper takes its note back before it says that it is the sleeper
//   ASKS_FIRST     the waker asks who the sleeper is before it sets the note
//   POSTS_FIRST    is_armed is taken back behind the post: the strand comes to that before and
//                  does not arm anew
//   COUNTS_EARLY   a strand is counted out before it is queued
//   ARMS_FIRST     the descriptor is armed before the strand is counted in
//   LEAVES_ALONE   the driver that leaves does not see to it that another sleeps in the set
//   SLEEPS_ONCE    who was the sleeper does not become it again
//
// check:
// check: -DNEVENTS=3
// check: -DNWAKES=2
// check: -DLEAVES
// check: -DSYSMON

#ifndef NEVENTS
#define NEVENTS 2
#endif
#ifndef NWAKES
#define NWAKES 1
#endif
#define NONE 2

bool ready;                    // the descriptor is readable
bool fd_armed;                 // and would tell
bool is_armed;                 // polled.is_armed
byte narmed;
bool awaited = true;           // the strand's goroutine waits for an event
bool posted;                   // the loop's turn is in the inbox
bool strand_idle = false;
bool queued = true;            // the strand is in a run queue
byte nleft = NEVENTS;          // events that are still awaited

bool note[2];
bool m_idle[2];
bool asleep[2];
bool used_up[2];
byte sleeper = NONE;
bool bell;
bool called, has_left, is_dead;

inline turn()                  // uv_run(): takes the event, its goroutine runs at once
{
    atomic {
        if
        :: ready -> ready = false; nleft--; awaited = nleft > 0
        :: else
        fi
    }
}

inline run_strand()
{
    do
    :: posted -> posted = false; turn()
    :: else ->
        if                     // lg__netpoll_settle
        :: !is_armed && awaited -> turn()
        :: else
        fi;
        if
        :: awaited && !is_armed ->
#ifdef ARMS_FIRST
            fd_armed = true;
            narmed++;
            is_armed = true
#else
            narmed++;
            is_armed = true;
            fd_armed = true
#endif
        :: !awaited && is_armed ->
            atomic {
                if
                :: is_armed -> is_armed = false; narmed--
                :: else
                fi
            }
            fd_armed = false
        :: else
        fi;
        atomic {               // try_leave
            if
            :: !posted -> strand_idle = true; break
            :: else
            fi
        }
    od
}

inline hear()                  // epoll_wait(): once
{
    atomic {
        if
        :: fd_armed && ready -> fd_armed = false; told = true
        :: else
        fi
    }
}

inline queue_told()            // lg__netpoll_queue
{
    if
    :: told ->
        told = false;
#ifdef POSTS_FIRST
        atomic { mine = strand_idle; posted = true; strand_idle = false }
#endif
        atomic { out = is_armed; is_armed = false }
#ifndef POSTS_FIRST
        atomic { mine = strand_idle; posted = true; strand_idle = false }
#endif
#ifdef COUNTS_EARLY
        narmed = narmed - out;
#endif
        if
        :: mine -> queued = true
        :: else
        fi;
#ifndef COUNTS_EARLY
        narmed = narmed - out;
#endif
        mine = false;
        out = false
    :: else
    fi
}

inline wake(who)               // lg__m_wake
{
#ifdef ASKS_FIRST
    was = sleeper;
    note[who] = true;
#else
    note[who] = true;
    was = sleeper;
#endif
    if
    :: was == who -> bell = true
    :: else
    fi;
    was = NONE
}

proctype machine(byte id)
{
    bool told, mine, out;
    byte was = NONE;
loop:
#ifdef LEAVES
    if
    :: called && id == 0 ->
#ifndef LEAVES_ALONE
        if                     // lg__wake_for_rest
        :: queued || (narmed > 0 && sleeper == NONE) ->
            atomic { mine = m_idle[1]; m_idle[1] = false }
            if
            :: mine -> wake(1)
            :: else
            fi
        :: else
        fi;
#endif
        has_left = true;
        goto end_left
    :: else
    fi;
#endif
    if                         // look around, and at the set
    :: narmed > 0 -> hear(); queue_told()
    :: else
    fi;
    if
    :: atomic { queued -> queued = false } run_strand(); goto loop
    :: else
    fi;
    atomic {                   // enter_idle_list
        if
        :: queued || (called && id == 0) -> goto loop
        :: else -> m_idle[id] = true
        fi;
        if                     // is_dead_locked
        :: (m_idle[0] || has_left) && m_idle[1] && narmed == 0 && !queued ->
            assert(!awaited);
            is_dead = true
        :: else
        fi
    }
    if                         // lg__netpoll_sleep
#ifdef SLEEPS_ONCE
    :: narmed > 0 && !used_up[id] ->
        used_up[id] = true;
#else
    :: narmed > 0 ->
#endif
#ifdef LOOKS_FIRST
        if
        :: note[id] -> note[id] = false; goto awake
        :: else
        fi;
#endif
        atomic {
            if
            :: sleeper == NONE -> sleeper = id
            :: else -> goto sleep_on_note
            fi
        }
#ifndef LOOKS_FIRST
        atomic {
            if
            :: note[id] -> note[id] = false; goto rise
            :: else
            fi
        }
#endif
end_in_set:
        asleep[id] = true;
end_set:
        (fd_armed && ready) || bell;
        asleep[id] = false;
        hear();
        bell = false;
rise:
        sleeper = NONE;
        note[id] = false
    :: else ->
sleep_on_note:
        asleep[id] = true;
end_note:
        atomic { note[id] -> note[id] = false; asleep[id] = false }
    fi;
awake:
    m_idle[id] = false;        // leave_idle_list
    queue_told();
    goto loop;
end_left:
    false
}

proctype outside()
{
    byte n = NEVENTS;
    do
    :: n > 0 -> atomic { !ready -> ready = true } n--
    :: n == 0 -> break
    od
}

proctype waker()
{
    byte n = NWAKES;
    byte was = NONE;
end_waker:
    do
    :: atomic { n > 0 && m_idle[0] -> m_idle[0] = false } wake(0); n--
    :: atomic { n > 0 && m_idle[1] -> m_idle[1] = false } wake(1); n--
    :: n == 0 -> break
    od
}

#ifdef SYSMON
proctype sysmon()              // looks, and wakes an M for what it queues
{
    bool told, mine, out;
    byte was = NONE;
    byte who = NONE;
end_sysmon:
    narmed > 0;
    hear();
    queue_told();
    if
    :: queued ->
        atomic {
            if
            :: m_idle[0] -> m_idle[0] = false; who = 0
            :: !m_idle[0] && m_idle[1] -> m_idle[1] = false; who = 1
            :: else
            fi
        }
        if
        :: who != NONE -> wake(who)
        :: else
        fi
    :: else
    fi
}
#endif

#ifdef LEAVES
proctype caller()              // lg__drive_done
{
    byte was = NONE;
    called = true;
    wake(0)
}
#endif

init {
    atomic {
        run machine(0);
        run machine(1);
        run outside();
        run waker();
#ifdef SYSMON
        run sysmon();
#endif
#ifdef LEAVES
        run caller();
#endif
        skip
    }
    timeout;
    assert(!(awaited && ready));
    assert(!queued && !posted);
    assert(narmed == is_armed);
    assert(!(asleep[0] && note[0] && !bell) && !(asleep[1] && note[1] && !bell));
    assert(!awaited)
}
