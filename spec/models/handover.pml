// SPDX-License-Identifier: MIT
//
// Whose a P is when its goroutine blocks or does not leave. Models core/sched/block.c
// (lg__block_enter, lg_block_leave, come_back, await_taken, lg__block_await_p,
// lg__block_retake, lg__block_stop_all_locked), p.c (lg__p_replace, lg__put_idle_p,
// give_to_waiter_locked, lg__give_p_locked, lg__ps_resize_locked), handover.c
// (lg__hand_to_waiter), sysmon.c (act), wake.c (make_m_locked), and of idle.c and
// world.c what touches that (lg__idle_must_leave, is_dead_locked, lg__world_enter,
// lg__world_leave_blocked, relent).
//
// NG goroutines wait in the global queue; one M has the first P, other Ms are made when
// the code says that they may be. A goroutine ends at once, or makes a short blocking
// call, or one that does not return, or computes, until all others have ended, or do the
// same. So whoever waits for a P that nobody gives is a deadlock here. sysmon looks
// as soon as there is a reason to; a stopper without a P stops the world NSTOPS times.
//
// Shown: nobody touches a P that is not his, and none has two owners; as many are active
// as procs says, and only active ones are idle, or given; who waits for a P gets one,
// and nobody waits beside an idle one; while the world is stopped no M runs that is
// inside or comes from a call, and each that has a goroutine is in one of the two lists
// of those that the collector visits; nothing is said to be a deadlock before all have
// ended; in the end all Ps are idle, and every count is what it was. What is done under
// the scheduler's lock is one step, under the world's only where nobody reads without it.
// Memory is sequentially consistent.
//
// PROCS    how many Ps are active; 1 if not given
// STOPS    there is a stopper; RELENTS: which lets the stopped go once, into a new turn
// CALLS    no goroutine computes, and sysmon replaces no P
// RESIZES  lg_set_procs() to one more, and back
//
// What pan must notice (spec/models/run --mutants):
//   LEAVES_PLAINLY   the M stores 0 instead of a CAS when it comes back
//   TAKES_PLAINLY    who takes the P looks, and then stores 0
//   FORGETS_WHOSE    hold does not say which M blocks
//   WAITS_NOT        the M does not wait until who took its P is done with it
//   TELLS_EARLY      is_taken before the M is out of the world
//   GOES_ON_STOPPED  the M does not look at the world when its P was left to it
//   STAYS_COUNTED    the stopper does not count those out that it marks
//   LOOKS_ONCE       the stopper looks for blocked Ms in the beginning only
//   COUNTS_FIRST     an M is counted out before it is in the list. The C code was so
//                    before d0df648
//   COUNTS_LATE      an M that will want a P is counted after its P is idle
//   COUNTS_NOT       threads that are blocked, or aside, do not count when one is made
//   LISTS_BLINDLY    a P that is given up does not go to who waits
//   SAYS_NOTHING     who waits for a P does not say so (INTERRUPT_P_WANTED)
//   SAYS_TOO_LITTLE  one that gets a P takes that back, though others wait
//   GIVES_EXCESS     a P in excess is given to who waits
//   REPLACES_TWICE   lg__p_replace() does not look whether the P is in excess already
//   NEVER_REPLACES   sysmon only takes Ps of blocked Ms
//   NEVER_TAKES      sysmon only replaces Ps, nor does the M look
//
// check:
// check: -DPROCS=2 -DCALLS
// check: -DSTOPS -DNG=2
// check: -DSTOPS -DCALLS
// check: -DSTOPS -DNSTOPS=2 -DRELENTS -DNG=2
// check: -DRESIZES -DNPS=4 -DNG=2

#ifndef NG
#define NG 3
#endif
#ifndef PROCS
#define PROCS 1
#endif
#ifndef NPS
#define NPS 3
#endif
#ifndef NSTOPS
#define NSTOPS 1
#endif
#define NM 3

#define NONE 9
#define SYSMON 7                  // owners beside Ms
#define HELD 8                    // it is in hold whose it is
#define NOBODY 9                  // idle, or given and not taken yet

#define BLOCKED(m) (1 + (m))      // of hold
#define STOPPED(m) (1 + NM + (m))
#define is_blocked(h) ((h) > 0 && (h) <= NM)
#define m_of(h) (((h) - 1) % NM)
#define is_odd(n) ((n) & 1)

byte hold[NPS];
bool is_active[NPS];
bool is_idle[NPS];
bool asks[NPS];                   // ASK_RETIRE
byte procs = PROCS;
byte nidle = PROCS - 1;
byte nexcess;
byte nblocked;
byte work = NG;                   // in the global queue
byte given[NM] = NONE;
bool m_idle[NM];
byte nms = 1;                     // made
bool is_taken[NM];
chan waiters = [NM] of { byte };
bool p_wanted;                    // INTERRUPT_P_WANTED

bool wlock;                       // world.lock
byte turn;
bool stopping;                    // INTERRUPT_STOPPED_WORLD
byte running, ninside = 1;
bool inside[NM], out[NM];         // in world.inside, world.blocked

// Ghosts.
byte owner[NPS] = NOBODY;
bool runs[NM];                    // code that may touch anything
bool has_g[NM];
bool stopped;
byte ndone;
byte nlong;                       // that wait for the others' end

#if NPS > 3
#define nactive (is_active[0] + is_active[1] + is_active[2] + is_active[3])
#else
#define nactive (is_active[0] + is_active[1] + is_active[2])
#endif
#define all_are_done (ndone + nlong == NG)
#define touch(who, q) assert(owner[q] == who && hold[q] == 0)

// An M runs from here on.
inline go_on()
{
    assert(!stopped);
    runs[me] = true
}

// ---------------------------------------------------------------------------
// Ps, under the scheduler's lock
// ---------------------------------------------------------------------------

// Leaves `to` as it is if there is none. `i` is the caller's.
inline take_idle_locked(to)
{
    for (i : 0 .. NPS - 1) {
        if
        :: to == NONE && is_active[i] && is_idle[i] ->
            assert(owner[i] == NOBODY);
            is_idle[i] = false;
            nidle--;
            to = i
        :: else
        fi
    }
    i = 0
}

inline give_to_waiter_locked(q)
{
    assert(is_active[q]);
    owner[q] = NOBODY;
    waiters?w;
    assert(given[w] == NONE);
    given[w] = q;
    if
#ifdef SAYS_TOO_LITTLE
    :: true -> p_wanted = false
#else
    :: len(waiters) == 0 -> p_wanted = false
#endif
    :: else
    fi;
    w = 0
}

inline give_or_list_locked(q)
{
    if
#ifndef LISTS_BLINDLY
    :: len(waiters) > 0 -> give_to_waiter_locked(q); is_idle[q] = false
#endif
    :: else -> owner[q] = NOBODY; is_idle[q] = true; nidle++
    fi
}

inline activate_locked(q)
{
    is_active[q] = true;
    if
    :: is_idle[q] -> give_or_list_locked(q)
    :: else -> asks[q] = false; nexcess--
    fi
}

inline deactivate_locked(q)
{
    is_active[q] = false;
    if
    :: is_idle[q] -> nidle--
    :: else -> nexcess++; asks[q] = true
    fi
}

inline put_idle_locked(q)
{
    asks[q] = false;
    if
    :: !is_active[q] -> owner[q] = NOBODY; is_idle[q] = true; nexcess--
    :: else -> give_or_list_locked(q)
    fi
}

// One in excess is emptied first, without the lock.
inline put_idle(who, q)
{
    touch(who, q);
    if
    :: atomic { is_active[q] -> put_idle_locked(q) }
    :: !is_active[q] -> touch(who, q); atomic { put_idle_locked(q) }
    fi
}

inline replace(q)
{
    atomic {
        i = 0;
        do
        :: i < NPS && (is_active[i] || !is_idle[i]) -> i++
        :: else -> break
        od;
        if
#ifdef REPLACES_TWICE
        :: i < NPS && !is_idle[q] ->
#else
        :: i < NPS && is_active[q] && !is_idle[q] ->
#endif
            deactivate_locked(q);
            activate_locked(i);
            assert(nactive == procs)
        :: else
        fi;
        i = 0
    }
}

#ifdef COUNTS_NOT
#define naside 0
#else
#define naside (nexcess + nblocked)
#endif
#define may_make (nms < NM && nms < procs + naside)
#define has_m (m_idle[0] || m_idle[1] || m_idle[2] || may_make)
#define can_wake (work > 0 && nidle > 0 && has_m)

// Gives an idle P to an M that sleeps, or to a new one. sysmon does; that others do so
// at once, too, makes no difference to who owns what.
inline wake()
{
    w = (m_idle[0] -> 0 : (m_idle[1] -> 1 : (m_idle[2] -> 2 : nms)));
    nms = (w == nms -> nms + 1 : nms);
    m_idle[w] = false;
    take_idle_locked(given[w]);
    w = 0
}

// ---------------------------------------------------------------------------
// The world
// ---------------------------------------------------------------------------

inline count_out_locked()
{
    if
    :: is_odd(turn) -> assert(running > 0); running--
    :: else
    fi
}

inline enter_world()
{
    atomic {
        !wlock && !is_odd(turn) ->
        assert(!inside[me]);
        out[me] = false;
        inside[me] = true;
        ninside++;
        go_on()
    }
}

inline leave_world()
{
    atomic {
        !wlock ->
        assert(inside[me]);
        inside[me] = false;
        ninside--;
        runs[me] = false;
        count_out_locked()
    }
}

// Of m, with the lock. The stopper reads the lists without it when the count is 0.
inline leave_blocked_locked(m)
{
    assert(inside[m]);
#ifdef COUNTS_FIRST
    count_out_locked();
    is_split = true;              // not in one step
    is_split = false;
#endif
    inside[m] = false;
    ninside--;
    out[m] = true;
#ifndef COUNTS_FIRST
    count_out_locked()
#endif
}

// At a checkpoint: while the world is stopped.
inline stay()
{
    do
    :: stopping ->
        t = turn;
        if
        :: is_odd(t) ->
            atomic {
                runs[me] = false;
                if
                :: turn == t -> assert(running > 0); running--
                :: else       // begun anew: counted there
                fi
            };
            turn != t;
            runs[me] = true
        :: else
        fi
    :: else -> break
    od;
    t = 0
}

// ---------------------------------------------------------------------------
// Blocking calls
// ---------------------------------------------------------------------------

// Takes q from its M; the CAS is of the word that was seen. `h` is the caller's.
inline retake(who, q)
{
#if defined(TAKES_PLAINLY)
    h = hold[q];
    atomic {
        if
        :: h != 0 -> hold[q] = 0; owner[q] = who
        :: else
        fi
    };
#elif defined(FORGETS_WHOSE)
    h = hold[q];
    atomic {
        if
        :: h != 0 && hold[q] != 0 && is_blocked(hold[q]) == is_blocked(h) ->
            hold[q] = 0;
            owner[q] = who
        :: else -> h = 0
        fi
    };
#else
    atomic {
        h = hold[q];
        if
        :: h != 0 ->
            assert(owner[q] == HELD);
            hold[q] = 0;
            owner[q] = who
        :: else
        fi
    };
#endif
    if
    :: h != 0 ->
#ifdef TELLS_EARLY
        is_taken[m_of(h)] = true;
#endif
        if
#ifdef COUNTS_FIRST
        :: is_blocked(h) ->
            atomic { !wlock -> wlock = true };
            leave_blocked_locked(m_of(h));
            wlock = false
#else
        :: atomic { is_blocked(h) && !wlock -> leave_blocked_locked(m_of(h)) }
#endif
        :: !is_blocked(h)
        fi;
        atomic {
#ifndef COUNTS_LATE
            nblocked++;
#endif
            is_taken[m_of(h)] = true
        };
        put_idle(who, q);
#ifdef COUNTS_LATE
        nblocked++;
#endif
        h = 0
    :: else
    fi
}

inline enter_call()
{
    atomic {
        touch(me, p);
        bp = p;
        p = NONE;
        hold[bp] = BLOCKED(me);
        owner[bp] = HELD;
        runs[me] = false
    };
#ifndef NEVER_TAKES
    if
    :: work > 0 || p_wanted || asks[bp] -> retake(me, bp)
    :: true                   // it is a guess, and sysmon looks too
    fi
#endif
}

inline await_p()
{
    atomic {
        take_idle_locked(p);
        if
        :: p == NONE ->
            waiters!me;
#ifndef SAYS_NOTHING
            p_wanted = true
#endif
        :: else -> owner[p] = me
        fi
    };
    if
    :: p == NONE ->
        atomic { given[me] != NONE -> p = given[me]; given[me] = NONE; owner[p] = me }
    :: else
    fi
}

inline come_back()
{
    if
    :: atomic { hold[bp] == STOPPED(me) -> hold[bp] = 0; owner[bp] = me; p = bp };
#ifdef GOES_ON_STOPPED
        atomic { go_on() }
#else
        enter_world()
#endif
    :: atomic { hold[bp] != STOPPED(me) -> skip };
#ifndef WAITS_NOT
        is_taken[me];
#endif
        is_taken[me] = false;
        await_p();
        nblocked--;
        enter_world()
    fi
}

inline leave_call()
{
    if
#ifdef LEAVES_PLAINLY
    :: hold[bp] == BLOCKED(me) -> p = bp; hold[bp] = 0; owner[bp] = me; go_on()
#else
    :: atomic {
            hold[bp] == BLOCKED(me) ->
            hold[bp] = 0;
            assert(owner[bp] == HELD);
            owner[bp] = me;
            p = bp;
            go_on()
        }
#endif
    :: hold[bp] != BLOCKED(me) -> come_back()
    fi;
    bp = 0
}

// ---------------------------------------------------------------------------
// Everybody
// ---------------------------------------------------------------------------

// A scheduling decision: the M has no P afterwards, or has_g. What it sees is as good
// as what it would see until it takes work.
inline decide()
{
    stay();
    if
    :: atomic { p != NONE && asks[p] -> skip };
        put_idle(me, p);          // lg__idle_must_leave
        p = NONE;
        atomic {
            take_idle_locked(p);
            if
            :: p != NONE -> owner[p] = me
            :: else
            fi
        }
    :: atomic { p != NONE && !asks[p] && p_wanted -> skip };
        atomic {                  // lg__hand_to_waiter
            if
#ifdef GIVES_EXCESS
            :: len(waiters) > 0 -> give_to_waiter_locked(p); p = NONE
#else
            :: len(waiters) > 0 && is_active[p] -> give_to_waiter_locked(p); p = NONE
#endif
            :: else
            fi
        }
    :: atomic { p == NONE || (!asks[p] && !p_wanted) -> skip }
    fi;
    if
    :: atomic { p != NONE && work > 0 -> touch(me, p); work--; has_g[me] = true }
    :: atomic { p != NONE && work == 0 -> touch(me, p) };
        put_idle(me, p);
        p = NONE
    :: p == NONE
    fi
}

// The last look is under the lock.
inline go_to_sleep()
{
    atomic {
        if
        :: work > 0 -> take_idle_locked(p)
        :: else
        fi;
        if
        :: p != NONE -> owner[p] = me
        :: else ->
            assert(!(nexcess == 0 && nblocked == 0 && nidle == procs && work == 0) ||
                   ndone == NG); // is_dead_locked
            m_idle[me] = true
        fi
    };
    if
    :: p == NONE -> leave_world()
    :: else
    fi
}

inline run_goroutine()
{
    if
    :: enter_call(); leave_call()
    :: atomic { nlong++; is_long = true }; enter_call(); all_are_done; leave_call()
#ifndef CALLS
    :: atomic { nlong++; is_long = true };
        do
        :: all_are_done -> break
        :: stopping -> stay()     // by a signal, say
        od
#endif
    fi;
    atomic {
        touch(me, p);
        nlong = nlong - is_long;
        is_long = false;
        has_g[me] = false;
        ndone++
    }
}

proctype m(byte me)
{
    byte p = NONE;
    byte bp, h, t, w, i;
    bool is_long, is_split;
    if
    :: me == 0 -> p = 0
    :: else -> goto end_sleep
    fi;
look:
    decide();
    if
    :: has_g[me] -> run_goroutine(); goto look
    :: else -> go_to_sleep()
    fi;
    if
    :: p != NONE -> goto look
    :: else
    fi;
end_sleep:
    given[me] != NONE;
    enter_world();
    atomic { p = given[me]; given[me] = NONE; owner[p] = me };
    goto look
}

#if NPS > 3
#define is_one_of_more(is) || is(3)
#else
#define is_one_of_more(is)
#endif
#define is_one(is) (is(0) || is(1) || is(2) is_one_of_more(is))
#define is_held(q) (hold[q] != 0)
#define is_unheeding(q) (is_active[q] && owner[q] < NM && has_g[owner[q] % NM])
#define is_spare(q) (!is_active[q] && is_idle[q])
#define is_short (nidle == 0 && (work > 0 || p_wanted))

#if NPS > 3
#define or_one_more(is) :: is(3) -> q = 3
#else
#define or_one_more(is)
#endif
// What it has seen may have changed when it acts.
#define look_for(is) \
    if :: is(0) -> q = 0 :: is(1) -> q = 1 :: is(2) -> q = 2 or_one_more(is) fi

proctype sysmon()
{
    byte q, h, w, i;
    bool is_split;
end_look:
    do
    :: atomic { can_wake -> wake() }
#ifndef NEVER_TAKES
    :: atomic { is_short && is_one(is_held) -> look_for(is_held) };
        retake(SYSMON, q);
        q = 0
#endif
#if !defined(NEVER_REPLACES) && !defined(CALLS)
    :: atomic { is_short && is_one(is_unheeding) && is_one(is_spare) -> look_for(is_unheeding) };
        replace(q);
        q = 0
#endif
    od
}

#ifdef STOPS
#define is_any_blocked (is_blocked(hold[0]) || is_blocked(hold[1]) || is_blocked(hold[2]))

// lg__block_stop_all_locked, of one P.
inline stop_one(q)
{
    atomic {
        !wlock ->
        h = hold[q];
        if
        :: is_blocked(h) -> hold[q] = STOPPED(m_of(h)); wlock = true
        :: else -> h = 0
        fi
    };
    if
    :: h != 0 ->
#ifdef COUNTS_FIRST
        leave_blocked_locked(m_of(h));
        wlock = false;
#else
        atomic {
#ifndef STAYS_COUNTED
            leave_blocked_locked(m_of(h));
#endif
            wlock = false
        };
#endif
        h = 0
    :: else
    fi
}

inline take_out_blocked()
{
    do
    :: q < NPS -> stop_one(q); q++
    :: else -> q = 0; break
    od
}

#define is_lost(m) (has_g[m] && !inside[m] && !out[m])

proctype stopper()
{
    byte q, h;
    bool is_split;
    byte nstops = NSTOPS;
    bool has_relented;
    bool has_looked;
    do
    :: nstops > 0 ->
        atomic { !wlock -> turn++; running = ninside; stopping = true };
        do
        :: running == 0 -> break
#ifdef LOOKS_ONCE
        :: !has_looked && is_any_blocked -> has_looked = true; take_out_blocked()
#else
        :: is_any_blocked -> take_out_blocked()
#endif
#ifdef RELENTS
        :: !has_relented ->
            has_relented = true;
            atomic { !wlock -> turn = turn + 2; running = ninside }
#endif
        od;
        stopped = true;
        assert(!runs[0] && !runs[1] && !runs[2]);
        assert(!is_lost(0) && !is_lost(1) && !is_lost(2));
        stopped = false;
        atomic { !wlock -> stopping = false; turn++ };
        nstops--
    :: else -> break
    od
}
#endif

#ifdef RESIZES
proctype host()
{
    byte w, i;
    atomic {                      // one more: one in excess that is owned at best
        procs++;
        i = 0;
        do
        :: i < NPS && (is_active[i] || is_idle[i]) -> i++
        :: else -> break
        od;
        if
        :: i == NPS ->
            i = 0;
            do
            :: is_active[i] -> i++
            :: else -> break
            od
        :: else
        fi;
        activate_locked(i);
        i = 0
    };
    atomic {                      // and back: an idle one at best
        procs--;
        i = NPS - 1;
        do
        :: i > 0 && !(is_active[i] && is_idle[i]) -> i--
        :: else -> break
        od;
        if
        :: !(is_active[i] && is_idle[i]) ->
            do
            :: !is_active[i] -> i++
            :: else -> break
            od
        :: else
        fi;
        deactivate_locked(i);
        i = 0
    }
}
#endif

// Waits until nothing else moves.
proctype end()
{
    ndone == NG;
    timeout;
    assert(nactive == procs);
    assert(nexcess == 0 && nblocked == 0 && nidle == procs && len(waiters) == 0 && !p_wanted)
}

init {
    byte i;
    atomic {
        for (i : 0 .. NPS - 1) {
            is_active[i] = i < PROCS;
            is_idle[i] = i > 0
        }
        owner[0] = 0;
        inside[0] = true;
        runs[0] = true;
        run m(0);
        run m(1);
        run m(2);
        run sysmon();
#ifdef STOPS
        run stopper();
#endif
#ifdef RESIZES
        run host();
#endif
        run end()
    }
}
