// SPDX-License-Identifier: MIT
//
// Going idle and being woken. Models core/sched/idle.c (lg__idle, has_work,
// enter_idle_list, take_p_back_locked, leave_idle_list, lg__find_elsewhere,
// lg__global_pop, is_dead_locked, lg__idle_must_leave, show_runnext), wake.c
// (lg__wake_if_idle, start_spinner, make_m_locked, unmake_m,
// lg__stop_spinning), p.c (lg__put_idle_p, drain_retired, clear_retire_locked,
// lg__ps_resize_locked), sched.c (push_next, push_global), steal.c (lg__steal,
// steal_next, lg__has_stealable), drive.c (lg_release, lg_set_procs,
// lg__drive_done) and sysmon.c (look, sleep_while_idle).
//
// Two Ps and two Ms, which is all that make_m_locked() allows. Threads from
// outside queue globally; what runs may queue more in its ring; one runnable
// may run for ever. Shown, when nothing moves any more: no work is queued while
// a P is idle and an M sleeps; nobody is left counted as spinning; no P is
// lost; sysmon does not sleep while something runs; and if all Ms sleep with
// nothing to do and nothing held, the deadlock was reported, and only then.
//
// Memory is sequentially consistent here.
//
// STRICT   there is no sysmon, and no lg_release(), which wakes everybody: idle
//          Ps must be told of all that is queued by the protocol itself
// NOUT     threads from outside; TWICE: each queues twice
// NGLOBAL  what is queued at the beginning; NLEFT: what may still be queued by
//          what runs
// NEXT     work goes to runnext first, and what stood there to the ring.
//          Thieves leave runnext alone until sysmon says that it starves, so
//          STRICT says nothing of it but that no idle P has one
// REFUSES  the second M is yet to be made, and once the system may refuse its
//          thread
// RETIRES  lg_set_procs() takes the second P away, and may bring it back
// LEAVES   the first M is the driver, and is called away
//
// What is requeued (lg__sched_requeue) is left out: its own P comes to it, and
// if not, sysmon tells of it.
//
// The C code has learned from these, without each of which pan finds what goes
// wrong (spec/models/run --mutants):
//   LOOKS_EARLY       enter_idle_list() looks for work under the lock, and takes
//                     an idle P if there is some
//   TAKES_BACK_LATE   a start_spinner() that found no M takes nspinning back
//                     before it opens the lock
//   COMES_BACK_CALM   an M that takes a P back because there is work is spinning
//   STEALS_SILENTLY   a thief that does not spin tells of what it moves to its
//                     own ring
//   DIES_EARLY        while a P in excess may run, nothing is dead
// and, of those that the model found in 06b2943:
//   UNMAKES_SILENTLY  unmake_m() hands its P to an M that has gone to sleep
//                     since: who pushed meanwhile relied on a spinner, and who
//                     went to sleep saw a busy P
//   RETIRES_CALMLY    an M that has retired its P wakes another if there is
//                     work: it was spinning, perhaps, and others relied on it
//   SLEEPS_EARLY      sysmon does not sleep while a P in excess may run, and
//                     lg_set_procs() rouses it: nidle and nprocs do not change
//                     in one step
//
// check:
// check: -DSTRICT -DNOUT=2
// check: -DSTRICT -DNLEFT=3
// check: -DNEXT -DNOUT=0 -DNGLOBAL=1 -DNLEFT=3
// check: -DREFUSES -DSTRICT -DNOUT=2
// check: -DREFUSES -DNOUT=0 -DNGLOBAL=1
// check: -DRETIRES -DSTRICT -DTWICE -DNLEFT=0
// check: -DRETIRES -DSTRICT -DNEXT -DNOUT=0 -DNGLOBAL=1 -DNLEFT=2
// check: -DRETIRES -DNOUT=0 -DNGLOBAL=1 -DNLEFT=0
// check: -DLEAVES -DSTRICT -DNEXT -DNLEFT=2
// check: -DLEAVES -DSTRICT -DNOUT=2 -DNLEFT=0

#define NONE 2
#define FRESH 3
#ifndef NLEFT
#define NLEFT 1
#endif
#ifndef NOUT
#define NOUT 1
#endif
#ifndef NGLOBAL
#define NGLOBAL 0
#endif

byte ring[2];
byte nglobal = NGLOBAL;           // the published copy
byte global = NGLOBAL;            // and what is so
byte nidle, nspinning;
bool lk;                          // rt->lock
bool p_idle[2];                   // is_idle; in the list if it may run
bool m_idle[2];
byte given_p[2];
bool given_spinning[2];
bool note[2];
bool sysmon_asleep, sysmon_note;
byte nholds = NOUT;
bool is_dead;
byte nleft = NLEFT;               // what running ones may still queue
byte nhands;                      // runnables in hand of an M
bool has_long;

#ifdef NEXT
bool runnext[2], is_starving[2];
#define has_next(i) runnext[i]
#define shows_next(i) (is_starving[i] && runnext[i])
#else
#define has_next(i) false
#define shows_next(i) false
#endif

#ifdef REFUSES
bool is_made, was_refused;
#else
#define is_made true
#endif

#ifdef RETIRES
byte nprocs = 2;
bool retire;                      // INTERRUPT_RETIRE
#else
#define nprocs 2
#define retire false
#endif

#ifdef LEAVES
bool called, has_left;            // INTERRUPT_DRIVE; the driver's loop is over
#else
#define called false
#define has_left false
#endif

#ifdef DIES_EARLY
#define retire_counts false
#else
#define retire_counts retire
#endif
#ifdef SLEEPS_EARLY
#define retire_wakes false
#else
#define retire_wakes retire
#endif
#define interrupts (retire || called)
#define sleeps(m) (m_idle[m] || (m == 0 && has_left) || (m == 1 && !is_made))

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

inline take_p_locked(to)          // lg__take_idle_p_locked
{
    atomic {
        if
        :: p_idle[0] -> to = 0; p_idle[0] = false; nidle--
        :: p_idle[1] && nprocs > 1 -> to = 1; p_idle[1] = false; nidle--
        :: !p_idle[0] && !(p_idle[1] && nprocs > 1) -> to = NONE
        fi
    }
}

inline put_p_locked(which)        // lg__put_idle_p_locked
{
    p_idle[which] = true;
    if
    :: which < nprocs -> nidle++
    :: else
    fi
}

inline clear_retire_locked()
{
#ifdef RETIRES
    if
    :: nprocs == 2 || p_idle[1] -> retire = false
    :: else
    fi
#else
    skip
#endif
}

inline put_p()                    // lg__put_idle_p
{
#ifdef RETIRES
    if
    :: p >= nprocs ->             // drain_retired
        lock();
        atomic { global = global + ring[p]; ring[p] = 0 }
        atomic { nglobal = global; unlock() }
    :: else
    fi;
#endif
    atomic { !lk -> put_p_locked(p); clear_retire_locked(); p = NONE }
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
#ifdef REFUSES
                :: tp != NONE && !m_idle[0] && !is_made -> tm = FRESH; is_made = true
#endif
                :: else
                fi;
                if
                :: tm < NONE ->
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
#ifdef REFUSES
            if
            :: tm == FRESH -> start_thread()
            :: else
            fi;
#endif
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

inline start_thread()             // lg__thread_start, unmake_m
{
    atomic {
        if
        :: tm = 1; given_p[1] = tp; given_spinning[1] = true
        :: !was_refused -> was_refused = true
        fi
    }
    if
    :: tm == 1
    :: else ->
        lock();
        atomic {
            is_made = false;
#ifndef UNMAKES_SILENTLY
            if
            :: m_idle[0] ->       // has gone to sleep since: it looks instead
                tm = 0;
                m_idle[0] = false;
                given_p[0] = tp;
                given_spinning[0] = true
            :: else ->
#endif
                tm = NONE;
                put_p_locked(tp);
                nspinning--
#ifndef UNMAKES_SILENTLY
            fi
#endif
        }
        unlock()
    fi
}

inline has_work(yes)              // nglobal first, then the rings
{
    yes = nglobal > 0;
    if
    :: !yes -> yes = ring[0] > 0 || shows_next(0)
    :: else
    fi;
    if
    :: !yes -> yes = ring[1] > 0 || shows_next(1)
    :: else
    fi
}

inline look_around()
{
#ifdef NEXT
    atomic {                      // pop_next
        if
        :: runnext[p] -> runnext[p] = false; nhands++; got = true
        :: ring[p] > 0            // its turn was long enough
        :: else
        fi
    }
#endif
    atomic {                      // lg__runq_pop
        if
        :: !got && ring[p] > 0 -> ring[p]--; nhands++; got = true
#ifdef NEXT
        :: !got && ring[p] == 0 && runnext[p] -> runnext[p] = false; nhands++; got = true
#endif
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
                n = global / nprocs;
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
#ifdef NEXT
        :: n == 0 && is_starving[1 - p] -> // steal_next
            is_starving[1 - p] = false;
            atomic {
                if
                :: runnext[1 - p] -> runnext[1 - p] = false; nhands++; n = 1
                :: else
                fi
            }
#endif
        :: else
        fi;
        got = n > 0;
        n = 0
    :: else
    fi
}

inline start_spinning() { atomic { spinning = true; nspinning++ } }

inline show_runnext()
{
#ifdef NEXT
    if
    :: p != NONE && runnext[p] -> runnext[p] = false; ring[p]++
    :: else
    fi
#else
    skip
#endif
}

inline stop_spinning_to_sleep()
{
    if
    :: spinning -> spinning = false; nspinning--
    :: else
    fi
}

proctype machine(byte id)
{
    byte p = id;
    byte tp, tm, n, a;
    bool spinning, got;
#ifdef REFUSES
    if
    :: id == 1 -> p = NONE; goto end_asleep
    :: else
    fi;
#endif
loop:
    got = false;
    if                            // lg__idle_must_leave
#ifdef LEAVES
    :: called && id == 0 ->
        stop_spinning_to_sleep();
        show_runnext();
        if
        :: p != NONE -> put_p()
        :: else
        fi;
        has_work(got);
        if
        :: got -> wake_if_idle()
        :: else
        fi;
        atomic { has_left = true; got = false }
        goto end_left
#endif
#ifdef RETIRES
    :: retire && p != NONE && p >= nprocs ->
        stop_spinning_to_sleep();
        show_runnext();
        put_p();
        atomic { !lk; take_p_locked(p) } rouse();
#ifndef RETIRES_CALMLY
        has_work(got);
        if
        :: got -> wake_if_idle()
        :: else
        fi;
        got = false
#endif
#endif
    :: else
    fi;
    if
    :: p == NONE -> goto idle
    :: else
    fi;
    look_around();
    if                            // lg__find_elsewhere
    :: !got && nprocs == 1 -> goto idle
    :: !got && nprocs != 1 && !spinning ->
        a = nspinning;
        if
        :: 2 * a >= nprocs - (nidle < nprocs -> nidle : nprocs) -> a = 0; goto idle
        :: else -> a = 0; start_spinning()
        fi
    :: else
    fi;
    if
    :: !got && !interrupts -> look_around()
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
#ifdef NEXT
    :: atomic { nleft > 0 -> nleft--; got = runnext[p]; runnext[p] = true } // push_next
        if
        :: got -> ring[p]++; wake_if_idle()
        :: else
        fi
#else
    :: atomic { nleft > 0 -> nleft--; ring[p]++ } // push_ring
        wake_if_idle()
#endif
    :: atomic { !has_long -> has_long = true }
end_long:
        false
    :: break
    od;
    nhands--;
    goto loop;

idle:                             // lg__idle
    if
    :: p != NONE -> put_p()
    :: else
    fi;
    stop_spinning_to_sleep();
#ifdef LOOKS_EARLY
    has_work(got);
#endif
    lock();                       // enter_idle_list
#ifdef LEAVES
    if
    :: called && id == 0 -> unlock(); rouse(); goto loop
    :: else
    fi;
#endif
#ifndef LOOKS_EARLY
    has_work(got);                // take_p_back_locked; see start_spinner
#endif
    if
    :: got && nidle > 0 ->
        take_p_locked(p);
#ifndef COMES_BACK_CALM
        start_spinning();         // there may be more: see STRICT
#endif
        unlock();
        rouse();
        goto loop
    :: else
    fi;
    if                            // is_dead_locked
    :: !has_left && !retire_counts && nidle == nprocs && nspinning == 0 && nholds == 0 ->
        has_work(got);
        if
        :: !got && !has_next(0) && !has_next(1) ->
            assert(nhands == 0);
            is_dead = true;
#ifdef LEAVES
            called = true;
            note[0] = true;
#endif
            skip
        :: else
        fi
    :: else
    fi;
    atomic { m_idle[id] = true; given_p[id] = NONE; given_spinning[id] = false }
    unlock();
    got = false;
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
    goto loop;
#ifdef LEAVES
end_left:
    false
#endif
}

proctype outside()
{
    byte tp, tm;
    lock();
    global++;
    atomic { nglobal = global; unlock() } // push_global
    wake_if_idle();
#ifdef TWICE
    lock();
    global++;
    atomic { nglobal = global; unlock() }
    wake_if_idle();
#endif
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
    :: (ring[0] > 0 || ring[1] > 0 || nglobal > 0) && nidle > 0 && nspinning == 0 ->
        wake_if_idle()
#ifdef NEXT
    :: runnext[0] && nidle > 0 && nspinning == 0 -> is_starving[0] = true; wake_if_idle()
    :: runnext[1] && nidle > 0 && nspinning == 0 -> is_starving[1] = true; wake_if_idle()
#endif
    :: !has_disturbed ->          // a finding that was none, or a timer
        has_disturbed = true;
        if
        :: nidle > 0 -> wake_if_idle()
        :: else
        fi
    :: nidle >= nprocs ->         // sleep_while_idle
        sysmon_asleep = true;
        if
        :: nidle >= nprocs && !retire_wakes ->
end_asleep: atomic { sysmon_note -> sysmon_note = false }
        :: else
        fi;
        sysmon_asleep = false
    od
}

#ifdef RETIRES
inline set_procs(to)              // lg__ps_resize_locked
{
    lock();
    nprocs = to;
    atomic {
        if
        :: p_idle[1] && to == 1 -> nidle--
        :: p_idle[1] && to == 2 -> nidle++
        :: else
        fi
    }
    atomic { retire = true; clear_retire_locked(); unlock() }
#ifndef SLEEPS_EARLY
    rouse();
#endif
    wake_if_idle()
}

proctype setter()
{
    byte tp, tm;
    set_procs(1);
    if
    :: set_procs(2)
    :: true
    fi
}
#endif

#ifdef LEAVES
proctype caller()                 // lg__drive_done
{
    called = true;
    atomic { !lk -> note[0] = true }
}
#endif

init {
    atomic {
        given_p[0] = NONE; given_p[1] = NONE;
#ifdef REFUSES
        p_idle[1] = true; nidle = 1;
#endif
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
#ifdef RETIRES
        run setter();
#endif
#ifdef LEAVES
        run caller();
#endif
        skip
    }
    timeout;
    assert(!(nidle > 0 && (m_idle[0] || m_idle[1]) &&
        (nglobal > 0 || ring[0] > 0 || ring[1] > 0)));
#ifndef STRICT
    assert(nidle == 0 || !(has_next(0) || has_next(1)));
#endif
    assert(!(p_idle[0] && has_next(0)) && !(p_idle[1] && has_next(1)));
    assert(nspinning == 0 && nglobal == global);
    assert(!(sysmon_asleep && has_long));
    assert(nidle <= nprocs && nidle + has_long >= nprocs);
    assert(has_left || !(sleeps(0) && sleeps(1)) || is_dead || nholds > 0);
    assert(!is_dead || nhands == 0)
}
