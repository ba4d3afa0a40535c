// SPDX-License-Identifier: MIT
//
// Going idle and being woken. Models core/sched/idle.c (lg__idle, has_work,
// enter_idle_list, leave_idle_list, lg__wake_if_idle, start_spinner,
// lg__stop_spinning, lg__find_elsewhere, lg__global_pop, is_dead_locked),
// sched.c (push_ring, push_global), steal.c (lg__steal), drive.c (lg_release)
// and sysmon.c (look, sleep_while_idle).
//
// Two Ps and two Ms, which is all that make_m_locked() allows. Two threads from
// outside queue globally; what runs may queue more in its ring; one runnable
// may run for ever. Shown, when nothing moves any more: no work is queued while
// a P is idle; nobody is left counted as spinning; and if both Ms sleep with
// nothing to do and nothing held, the deadlock was reported, and only then.
// runnext is left out: its rescue is sysmon's alone.
//
// Memory is sequentially consistent here.
//
// With STRICT there is no sysmon, and no lg_release(), which wakes everybody:
// idle Ps must be told of all that is queued by the protocol itself.
//
// The model is ahead of the C code (3ee70ce) in four places, without each of
// which pan finds lost wake-ups (spec/models/run --mutants):
//   LOOKS_ONCE       enter_idle_list() looks for work once more under the lock
//                    and takes an idle P if there is some
//   TAKES_BACK_LATE  a start_spinner() that found no M takes nspinning back
//                    before it opens the lock
//   COMES_BACK_CALM  an M that takes a P back because there is work is spinning
//   STEALS_SILENTLY  a thief that does not spin tells of what it moves to its
//                    own ring (the C code leaves this one to sysmon)
//
// check:
// check: -DSTRICT -DNOUT=2
// check: -DSTRICT -DNLEFT=3

#define NONE 2
#ifndef NLEFT
#define NLEFT 1
#endif
#ifndef NOUT
#define NOUT 1
#endif

byte ring[2];
byte nglobal, global;             // the published copy, and what is so
byte nidle, nspinning;
bool lk;                          // rt->lock
bool p_idle[2];
bool m_idle[2];
byte given_p[2];
bool given_spinning[2];
bool note[2];
bool sysmon_asleep, sysmon_note;
byte nholds = NOUT;
bool is_dead;
byte nleft = NLEFT;                  // what running ones may still queue
byte nhands;                      // runnables in hand of an M
bool has_long;

inline lock() { atomic { !lk -> lk = true } }
inline unlock() { lk = false }

inline rouse()                    // lg__sysmon_rouse
{
    d_step {
        if
        :: sysmon_asleep -> sysmon_note = true
        :: else
        fi
    }
}

inline take_p_locked(to)          // take_idle_p_locked
{
    atomic {
        if
        :: p_idle[0] -> to = 0; p_idle[0] = false; nidle--
        :: p_idle[1] -> to = 1; p_idle[1] = false; nidle--
        :: !p_idle[0] && !p_idle[1] -> to = NONE
        fi
    }
}

inline wake_if_idle()             // lg__wake_if_idle, start_spinner
{
    atomic {
        tm = NONE;
        if
        :: nidle == 0 -> tp = NONE
        :: else -> tp = 0
        fi
    }
    if
    :: tp == NONE
    :: else ->
        atomic {                  // the CAS
            if
            :: nspinning == 0 -> nspinning = 1
            :: else -> tp = NONE
            fi
        }
        if
        :: tp == NONE
        :: else ->
            atomic { lock(); take_p_locked(tp) }
            atomic {              // take_idle_m_locked, and what it is given
                if
                :: tp != NONE && m_idle[0] -> tm = 0
                :: tp != NONE && m_idle[1] -> tm = 1
                :: else
                fi;
                if
                :: tm != NONE ->
                    m_idle[tm] = false;
                    given_p[tm] = tp;
                    given_spinning[tm] = true
                :: tm == NONE && tp != NONE -> p_idle[tp] = true; nidle++
                :: else
                fi
            }
#ifndef TAKES_BACK_LATE
            if
            :: tm == NONE -> nspinning-- // taken back under the lock
            :: else
            fi;
#endif
            unlock();
            if
            :: tm != NONE -> note[tm] = true; rouse()
            :: else ->
#ifdef TAKES_BACK_LATE
                nspinning--
#else
                skip
#endif
            fi
        fi
    fi;
    atomic { tm = 0; tp = 0 }
}

inline has_work(yes)              // nglobal first, then the rings
{
    yes = nglobal > 0;
    if
    :: !yes -> yes = ring[0] > 0
    :: else
    fi;
    if
    :: !yes -> yes = ring[1] > 0
    :: else
    fi
}

inline look_around()
{
    atomic {                      // lg__runq_pop
        if
        :: ring[p] > 0 -> ring[p]--; nhands++; got = true
        :: else
        fi
    }
    if                            // lg__global_pop
    :: !got && nglobal > 0 ->
        lock();
        if
        :: global > 0 ->
            atomic {
                global--; nhands++; got = true;
                n = global / 2;
                ring[p] = ring[p] + n;
                global = global - n;
                n = 0
            }
        :: else
        fi;
        atomic { nglobal = global; unlock() }
    :: else
    fi;
    if                            // lg__steal
    :: !got ->
        atomic {                  // lg__runq_grab
            n = ring[1 - p] - ring[1 - p] / 2;
            ring[1 - p] = ring[1 - p] - n;
            nhands = nhands + n
        }
        if
        :: n > 1 -> atomic { ring[p] = ring[p] + n - 1; nhands = nhands - (n - 1) }
#ifndef STEALS_SILENTLY
            if                    // tells of what it has queued
            :: !spinning -> wake_if_idle()
            :: else
            fi
#endif
        :: else
        fi;
        got = n > 0;
        n = 0
    :: else
    fi
}

proctype machine(byte id)
{
    byte p = id;
    byte tp, tm, n, a;
    bool spinning, got;
loop:
    got = false;
    if
    :: p == NONE -> goto idle
    :: else
    fi;
    look_around();
    if                            // lg__find_elsewhere
    :: !got && !spinning ->
        a = nspinning;
        if
        :: 2 * a >= 2 - nidle -> a = 0; goto idle
        :: else -> a = 0; spinning = true; nspinning++
        fi
    :: else
    fi;
    if
    :: !got -> look_around()
    :: else
    fi;
    if
    :: !got -> goto idle
    :: else
    fi;
    if                            // lg__stop_spinning
    :: spinning ->
        spinning = false;
        atomic { nspinning--; a = nspinning }
        if
        :: a == 0 -> wake_if_idle()
        :: else
        fi;
        a = 0
    :: else
    fi;
    do                            // runs it
    :: atomic { nleft > 0 -> nleft--; ring[p]++ } // push_ring
        wake_if_idle()
    :: atomic { !has_long -> has_long = true }
end_long:
        false
    :: break
    od;
    nhands--;
    goto loop;

idle:                             // lg__idle
    if
    :: p != NONE ->
        atomic { !lk -> p_idle[p] = true; nidle++; p = NONE }
    :: else
    fi;
    if                            // stop_spinning_to_sleep
    :: spinning -> spinning = false; nspinning--
    :: else
    fi;
    has_work(got);
    if
    :: got ->
        atomic { !lk; take_p_locked(p) } rouse();
        if
        :: p != NONE -> goto come_back
        :: else
        fi
    :: else
    fi;
    lock();                       // enter_idle_list
#ifndef LOOKS_ONCE
    has_work(got);                // again under the lock: see start_spinner
#else
    got = false;
#endif
    if
    :: got && nidle > 0 -> take_p_locked(p); unlock(); rouse(); goto come_back
    :: else
    fi;
    if                            // is_dead_locked
    :: nidle == 2 && nspinning == 0 && nholds == 0 ->
        has_work(got);
        if
        :: !got -> assert(nhands == 0); is_dead = true
        :: else
        fi
    :: else
    fi;
    atomic { m_idle[id] = true; given_p[id] = NONE; given_spinning[id] = false }
    unlock();
    got = false;
    goto end_asleep;
come_back:
#ifndef COMES_BACK_CALM
    atomic { spinning = true; nspinning++ } // there may be more: see STRICT
#endif
    goto loop;
end_asleep:
    atomic { note[id] -> note[id] = false }
    atomic {                      // leave_idle_list
        !lk;
        if
        :: m_idle[id] ->
            m_idle[id] = false;
            take_p_locked(given_p[id]);
            given_spinning[id] = false
        :: else
        fi;
        p = given_p[id];
        spinning = given_spinning[id];
        given_p[id] = NONE;
        given_spinning[id] = false
    }
    rouse();
    goto loop
}

proctype outside()
{
    byte tp, tm;
    atomic { !lk -> global++; nglobal = global } // push_global
    wake_if_idle();
#ifndef STRICT
    atomic { nholds--; tp = nholds } // lg_release
    if
    :: tp == 0 ->                 // wake_all_idle
        atomic {
            !lk;
            note[0] = note[0] || m_idle[0];
            note[1] = note[1] || m_idle[1]
        }
    :: else
    fi
#endif
}

proctype sysmon()
{
    byte tp, tm;
    bool has_disturbed;
end:
    do
    :: (ring[0] > 0 || ring[1] > 0) && nidle > 0 -> wake_if_idle()
    :: !has_disturbed ->          // a finding that was none, or a timer
        has_disturbed = true;
        if
        :: nidle > 0 -> wake_if_idle()
        :: else
        fi
    :: nidle >= 2 ->              // sleep_while_idle
        sysmon_asleep = true;
        if
        :: nidle >= 2 ->
end_asleep: atomic { sysmon_note -> sysmon_note = false }
        :: else
        fi;
        sysmon_asleep = false
    od
}

init {
    atomic {
        given_p[0] = NONE; given_p[1] = NONE;
        run machine(0); run machine(1);
#if NOUT > 0
        run outside();
#endif
#if NOUT > 1
        run outside();
#endif
#ifndef STRICT
        run sysmon();
#endif
        skip
    }
    timeout;
    assert(!(nidle > 0 && (nglobal > 0 || ring[0] > 0 || ring[1] > 0)));
    assert(nspinning == 0);
    assert(!(m_idle[0] && m_idle[1]) || is_dead || nholds > 0);
    assert(!is_dead || nhands == 0)
}
