// SPDX-License-Identifier: MIT
//
// Stopping the world. Models core/sched/world.c (lg__world_stop, begin, await_all,
// wait_a_moment, signal_laggards, lg__world_start, stay, count_down, await_turn,
// lg__world_checkpoint_slow, on_interruption, may_stop_here,
// lg__world_enter_locked, lg__world_leave_locked) with sched.c (next_runnable),
// idle.c (lg__idle, enter_idle_list, leave_idle_list, lg__idle_must_leave), m.c
// (lg__m_enter) and os/lock.c (lg__lock_slow).
//
// Three Ms, two Ps. 0 and 1 run goroutines in the beginning, 2 sleeps without a
// P. Goroutines queue more work, which wakes an M that sleeps, come to
// checkpoints, and NSTOPS of them stop the world, at once or one after the other;
// a thread outside queues work too, and wakes whoever sleeps. Shown: while one has stopped the world no
// other M is in user code, in a scheduling decision or in possession of the lock,
// all that are inside stand still, and those outside have no P; every stop comes
// to an end, nobody sleeps for ever after a start, and in the end all work is done
// and all sleep with no P. Nobody is woken by a time-out here, nor finds by
// spinning what a futex would not tell. Memory is sequentially consistent.
//
// SIGNALS   goroutines may compute until all stops are over. Asked by signal, once:
//           one that comes too early is tried again in the C code, so here it
//           stays until the M may be suspended, or the world has started
// LEAVES    M 0 is called away, and leaves its loop
// SYNC      goroutines hold a lock of RANK_SYNC, and may be suspended then; the
//           loop, in a timer's function, takes it too
// CALM      the thread outside queues nothing
//
// What pan must notice (spec/models/run --mutants):
//   ASKS_FIRST        the interrupt is set before the count
//   TURNS_LATE        the interrupt is set before the turn
//   TURNS_FIRST       at the start the turn changes before the interrupt goes
//   WAKES_FIRST       at the start those who sleep are woken before the turn
//   WAKES_SUSPENDED   it may be suspended, by the next stop, before it has woken
//                     them. The C code was so at fd8f895: a sleeper at a checkpoint
//                     was rescued by the signal that asks him, since the futex then
//                     compares again; one in his handler, where the signal is
//                     blocked, was not
//   ENTERS_FREELY     who wakes from idle does not look at the turn
//   LEAVES_SILENTLY   who goes idle does not count himself down
//   LEAVES_LOOP_SILENTLY  nor who leaves the loop
//   LOOKS_FIRST       count_down() looks whether the stopper sleeps, and then counts
//   SPINS_BLINDLY     the second stopper does not come to a checkpoint
//   KEEPS_LOCK        who waits at the gate keeps the lock
//   STAYS_TWICE       who stays at a checkpoint may be suspended too
//   SUSPENDS_LOCKED   the holder of a lock may be suspended
//   SUSPENDS_STOPPER  so may the stopper, by a signal of the stop before
//   WAITS_SILENTLY    the loop does not say that it waits for a lock whose holder
//                     may be suspended, SYNC. For a lock of the host's, malloc()'s
//                     say, nobody can say it: code that is not suspended must not
//                     need one
//
// check: -DNMORE=1
// check: -DNSTOPS=2
// check: -DLEAVES
// check: -DSIGNALS
// check: -DSIGNALS -DNSTOPS=2 -DCALM
// check: -DSIGNALS -DSYNC -DCALM

#define NM 3
#define NONE 9
#ifndef NSTOPS
#define NSTOPS 1
#endif
#ifndef NMORE
#define NMORE 0
#endif

byte lk = NONE;                   // rt->lock: its holder; 8: a thread outside
byte turn;
bool wants_stop;                  // INTERRUPT_STOPPED_WORLD
byte nrunning;
byte ninside = 2;
bool inside[NM];
bool is_stopper[NM];
bool stopper_sleeps, stopper_note; // is_stopper_asleep; its futex
bool asleep[NM];                  // on the futex of turn
bool nostop[NM];
byte stopped_at[NM];              // the turn in which it has stopped
bool asked[NM];                   // by signal
byte nidle_ps;
bool has_p[NM], m_idle[NM], given[NM], note[NM];
byte work = 2;                    // runnable
byte nmore = NMORE;
byte nstops = NSTOPS;             // not begun
byte nunfinished = NSTOPS;

// Ghosts.
bool in_user[NM];                 // m->g, on its stack
byte stopped_by = NONE;           // the world
byte nended;
#ifdef SYNC
byte sync = NONE;                 // its holder
bool waiting[NM];                 // for it: is_waiting
#define waits(m) waiting[m]
#else
#define waits(m) false
#endif
#ifdef LEAVES
bool has_left;
#endif

#define is_odd(n) ((n) & 1)

// M m does what nobody may do while another has stopped the world.
inline act() { assert(stopped_by == NONE || stopped_by == m) }

inline lock() { atomic { lk == NONE -> lk = m; nostop[m] = true } }
inline unlock() { atomic { assert(lk == m); lk = NONE; nostop[m] = false } }

#ifdef SYNC
inline take_sync()
{
    if
    :: atomic { sync == NONE -> sync = m }
    :: sync != NONE ->            // lg__lock_slow
#ifndef WAITS_SILENTLY
        waiting[m] = true;
#endif
        atomic { sync == NONE -> sync = m }
        waiting[m] = false
    fi;
    sync = NONE
}
#endif

inline count_down()
{
#ifdef LOOKS_FIRST
    is_last = stopper_sleeps;
    atomic {
        assert(nrunning > 0);
        nrunning--;
        is_last = is_last && nrunning == 0
    }
    if
    :: is_last -> stopper_note = true
    :: else
    fi;
#else
    atomic {
        assert(nrunning > 0);
        nrunning--;
        is_last = nrunning == 0
    }
    if
    :: is_last && stopper_sleeps -> stopper_note = true
    :: else
    fi;
#endif
    is_last = false
}

inline await_turn()               // t
{
    do
    :: turn != t -> break
    :: atomic { turn == t -> asleep[m] = true }
        !asleep[m]
    od
}

inline stay()
{
    do
    :: wants_stop ->
        atomic { t = turn; assert(is_odd(t)); stopped_at[m] = t }
        count_down();
        await_turn();
        t = 0
    :: !wants_stop -> break
    od
}

inline checkpoint()               // lg__world_checkpoint
{
    if
    :: wants_stop ->
#ifndef STAYS_TWICE
        nostop[m] = true;
#endif
        stay();
        nostop[m] = false
    :: !wants_stop
    fi
}

inline world_enter_locked()
{
#ifndef ENTERS_FREELY
    do
    :: is_odd(turn) ->
        t = turn;
#ifndef KEEPS_LOCK
        unlock();
#endif
        await_turn();
        t = 0;
#ifndef KEEPS_LOCK
        lock()
#endif
    :: else -> break
    od;
#endif
    atomic { inside[m] = true; ninside++ }
}

inline world_leave_locked()
{
    atomic { inside[m] = false; ninside-- }
    if
    :: is_odd(turn) -> count_down()
    :: else
    fi
}

// One that sleeps gets a P that is idle.
inline wake_locked()
{
    if
    :: nidle_ps > 0 && m_idle[0] -> m_idle[0] = false; given[0] = true; note[0] = true; nidle_ps--
    :: nidle_ps > 0 && m_idle[1] -> m_idle[1] = false; given[1] = true; note[1] = true; nidle_ps--
    :: nidle_ps > 0 && m_idle[2] -> m_idle[2] = false; given[2] = true; note[2] = true; nidle_ps--
    :: else
    fi
}

inline wake_if_idle()
{
    if
    :: work > 0 ->
        lock();
        atomic { act(); wake_locked() }
        unlock()
    :: else
    fi
}

inline put_p()
{
    if
    :: has_p[m] ->
        lock();
        atomic { act(); has_p[m] = false; nidle_ps++ }
        unlock()
    :: else
    fi
}

inline begin()                    // is_ours
{
    lock();
    if
    :: !is_odd(turn) ->
        is_ours = true;
        is_stopper[m] = true;
#ifdef ASKS_FIRST
        atomic { turn++; wants_stop = true }
        nrunning = ninside - 1;
#else
#ifdef TURNS_LATE
        nrunning = ninside - 1;
        wants_stop = true;
        turn++;
#else
        nrunning = ninside - 1;
        turn++;
        wants_stop = true;
#endif
#endif
    :: else -> is_ours = false
    fi;
    unlock()
}

inline await_all()
{
#ifdef SIGNALS
    lock();                       // signal_laggards
    atomic {
        asked[0] = m != 0 && inside[0] && stopped_at[0] != turn;
        asked[1] = m != 1 && inside[1] && stopped_at[1] != turn;
        asked[2] = m != 2 && inside[2] && stopped_at[2] != turn
    }
    unlock();
#endif
    do
    :: nrunning == 0 -> break
    :: nrunning > 0 ->            // wait_a_moment
        stopper_sleeps = true;
        left = nrunning;
        if
        :: left > 0 ->
            atomic {              // the futex compares
                if
                :: nrunning == left -> stopper_note = false; left = 1
                :: else -> left = 0
                fi
            }
            if
            :: left == 1 -> stopper_note
            :: else
            fi
        :: else
        fi;
        atomic { stopper_sleeps = false; left = 0 }
    od
}

inline world_stop()
{
    do
    :: !is_ours -> begin();
        if
#ifdef SPINS_BLINDLY
        :: !is_ours -> !is_odd(turn) // in a spin
#else
        :: !is_ours -> checkpoint()
#endif
        :: else
        fi
    :: is_ours -> break
    od;
    is_ours = false;
    await_all()
}

inline is_quiet(i)
{
    assert(i == m || (inside[i] && stopped_at[i] == turn) || (!inside[i] && !has_p[i] && !in_user[i]))
}

inline world_start()
{
    lock();
    is_stopper[m] = false;
#ifdef WAKES_FIRST
    atomic { asleep[0] = false; asleep[1] = false; asleep[2] = false }
#endif
#ifdef TURNS_FIRST
    turn++;
    wants_stop = false;
#else
    wants_stop = false;
    turn++;
#endif
#ifdef WAKES_SUSPENDED
    unlock();
#else
    lk = NONE;
#endif
#ifndef WAKES_FIRST
    atomic { asleep[0] = false; asleep[1] = false; asleep[2] = false }
#endif
    nostop[m] = false
}

#ifdef SIGNALS
bool suspended[NM];               // in its handler
#define runs(m) provided (!suspended[m])
#else
#define runs(m)
#endif

#ifdef SUSPENDS_STOPPER
#define may_be_suspended (!nostop[m])
#else
#ifdef SUSPENDS_LOCKED
#define may_be_suspended (!is_stopper[m] && (!nostop[m] || lk == m))
#else
#define may_be_suspended (!nostop[m] && !is_stopper[m])
#endif
#endif

#ifdef SIGNALS
proctype handler(byte m)          // on_interruption
{
    byte t;
    bool is_last;
end:
    do
    :: atomic { asked[m] && (in_user[m] || waits(m)) && may_be_suspended ->
            asked[m] = false;
            suspended[m] = true
        }
        stay();
        suspended[m] = false
    od
}
#endif

proctype machine(byte m) runs(m)
{
    byte t, left;
    bool is_last, is_ours;
    if
    :: m == 2 -> goto end_doze
    :: else
    fi;
look:
    checkpoint();                 // next_runnable
#ifdef SYNC
    take_sync();                  // a timer's function
#endif
    if
#ifdef LEAVES
    :: m == 0 ->                  // lg__idle_must_leave
        put_p();
        wake_if_idle();
        lock();                   // lg__m_enter
#ifndef LEAVES_LOOP_SILENTLY
        world_leave_locked();
#else
        atomic { inside[m] = false; ninside-- }
#endif
        atomic { unlock(); has_left = true }
        goto left_it
#endif
    :: atomic { has_p[m] && work > 0 -> act(); work--; in_user[m] = true }
        do
        :: checkpoint()
        :: atomic { nmore > 0 -> nmore--; act(); work++ } // lg_go
            wake_if_idle()
        :: atomic { nstops > 0 -> nstops--; act() }
            world_stop();
            atomic {
                is_quiet(0); is_quiet(1); is_quiet(2);
                assert(stopped_by == NONE);
                stopped_by = m
            }
            stopped_by = NONE;
            world_start();
            nunfinished--
#ifdef SIGNALS
        :: nstops == 0 -> nunfinished == 0 // computes
#endif
#ifdef SYNC
        :: take_sync()
#endif
        :: break
        od;
        atomic { act(); in_user[m] = false; nended++ }
        goto look
    :: !has_p[m] || work == 0 ->  // lg__idle
        put_p();
        lock();                   // enter_idle_list
        if
        :: work > 0 && nidle_ps > 0 -> atomic { act(); nidle_ps--; has_p[m] = true }
        :: else ->
            m_idle[m] = true;
#ifndef LEAVES_SILENTLY
            world_leave_locked();
#else
            atomic { inside[m] = false; ninside-- }
#endif
            unlock();
end_doze:   atomic { note[m] -> note[m] = false }
            lock();               // leave_idle_list
            world_enter_locked();
            atomic {
                act();
                if
                :: m_idle[m] ->
                    m_idle[m] = false;
                    if
                    :: nidle_ps > 0 -> nidle_ps--; has_p[m] = true
                    :: else
                    fi
                :: else -> has_p[m] = given[m]; given[m] = false
                fi
            }
        fi;
        unlock();
        goto look
    fi;
left_it:
    skip
}

proctype outside()
{
#ifndef CALM
    work++;                       // lg_go by a thread outside
    atomic { lk == NONE -> wake_locked() }
#endif
    atomic {                      // lg_clock_moved
        lk == NONE;
        note[0] = note[0] || m_idle[0];
        note[1] = note[1] || m_idle[1];
        note[2] = note[2] || m_idle[2]
    }
}

#ifdef LEAVES
#define sleeps0 (m_idle[0] || has_left)
#else
#define sleeps0 m_idle[0]
#endif

init {
    atomic {
        inside[0] = true; inside[1] = true;
        has_p[0] = true; has_p[1] = true;
        m_idle[2] = true;
        run machine(0); run machine(1); run machine(2); run outside();
#ifdef SIGNALS
        run handler(0); run handler(1); run handler(2);
#endif
        skip
    }
    timeout;
    assert(nunfinished == nstops && !wants_stop && nrunning == 0 && lk == NONE);
    assert(work == 0 && nidle_ps == 2 && ninside == 0);
    assert(sleeps0 && m_idle[1] && m_idle[2]);
#ifdef CALM
    assert(nended == 2 + NMORE - nmore)
#else
    assert(nended == 3 + NMORE - nmore)
#endif
}
