// SPDX-License-Identifier: MIT
//
// Scanning stacks while goroutines are resumed and parked. Models
// core/sched/scan.c (lg__scan_begin, visit_running, claim, set_scanned,
// await_scanned, lg__scan_before_run_slow, lg__scan_forget_slow, take_chunk, scan_chunk, lg__scan_some, lg__scan_is_done,
// lose_interest, lg__scan_end), sched.c (next_runnable, loop, pick_direct,
// lg__sched_switch), m.c (lg__m_after_switch) and go.c (lg_go, lg__g_drop).
//
// Two Ms run goroutines, of records 0 and 1 in one chunk and 2 in another, which
// park; NSTARTS of them end and start others in free records; a marker, or
// MARKERS, scans what does not run; the collector goes through NCYCLES cycles. Stopping the world is
// world.pml's: here an M stops wherever it may be suspended, at once. Shown, of
// each goroutine that there was when a cycle began: it is scanned exactly once,
// and before it runs on; and of all: no stack is visited while it runs. Nobody
// waits for ever. A goroutine that waits and one that is runnable are the same
// here. Memory is sequentially consistent.
//
// DROPS     a thread outside closes a strand to which goroutine 2 belongs. Its
//           stack may be visited when it is free; that is memory all the same
// ANOTHER   stops the world too, once
// FEW       record 1 is free in the beginning
//
// What pan must notice (spec/models/run --mutants):
//   SUSPENDS          a marker may be suspended while it has claimed one
//   STOPS_SWITCHING   an M may be suspended before it has switched (m->after)
//   PICKS_DIRECTLY    pick_direct() does not look at the interrupts
//   RUNS_UNSEEN       the loop does not call lg__scan_before_run()
//   SCANS_AT_ONCE     a claim does not say SCAN_BUSY, but that it is scanned
//   CLAIMS_PLAINLY    a claim is a load and a store
//   COUNTS_LATE       nactive is counted when a chunk has been taken
//   LOSES_LATE        lose_interest() may be suspended before it takes the
//                     interrupt back
//   PASSES_OVER       lg__scan_begin() does not visit what runs
//   LEAVES_OPEN       nor says that it has been scanned
//
// check: -DNSTARTS=1
// check: -DNCYCLES=2
// check: -DFEW -DMARKERS=2
// check: -DDROPS
// check: -DANOTHER

#ifndef MARKERS
#define MARKERS 1
#endif
#ifndef NCYCLES
#define NCYCLES 1
#endif
#ifndef NSTARTS
#define NSTARTS 0
#endif

#define NG 3
#define NONE 9
#define BUSY 1                    // SCAN_BUSY

mtype = { FREE, NEW, RUNNABLE, TAKEN, RUNNING, DROPPED };

mtype state[NG] = RUNNABLE;
byte scan[NG];                    // g->scan
byte cycle;                       // even
byte cursor = 2;                  // the next chunk; 2: none left
byte nactive;
bool is_on;                       // INTERRUPT_SCAN
bool is_stopping, is_marking;
bool nostop[2 + MARKERS];         // may not be suspended: Ms, markers
byte running[2] = NONE;           // m->g, on its stack
byte nstarts = NSTARTS;
byte nends = NSTARTS;

// Ghosts.
byte nvisits[NG];                 // in this cycle
byte nvisiting[NG];               // at this moment
bool is_old[NG];                  // there was one when the cycle began
byte nwaiting;

#define runs(g) (running[0] == (g) || running[1] == (g))

inline visit(g)                   // visit_parked
{
    atomic { assert(!runs(g)); nvisits[g]++; nvisiting[g]++ }
    atomic { assert(!runs(g)); nvisiting[g]-- }
}

inline claim(g, got)              // OURS: true
{
#ifdef CLAIMS_PLAINLY
    seen = scan[g];
    if
    :: (seen & 254) != cycle -> scan[g] = cycle | BUSY; got = true
    :: else -> got = false
    fi;
    seen = 0
#else
    atomic {
        if
        :: (scan[g] & 254) != cycle ->
#ifdef SCANS_AT_ONCE
            scan[g] = cycle;
#else
            scan[g] = cycle | BUSY;
#endif
            got = true
        :: else -> got = false
        fi
    }
#endif
}

inline set_scanned(g) { scan[g] = cycle }

inline await_scanned(g)
{
    nwaiting++;
    atomic { scan[g] != (cycle | BUSY) -> nwaiting-- }
}

inline before_run(g)
{
    if
    :: is_on ->
        nactive++;
        claim(g, got);
        if
        :: got -> visit(g); set_scanned(g)
        :: else -> await_scanned(g)
        fi;
        atomic { nactive--; got = false }
    :: else
    fi
}

inline take_runnable(g)
{
    if
    :: state[0] == RUNNABLE -> g = 0
    :: state[1] == RUNNABLE -> g = 1
    :: state[2] == RUNNABLE -> g = 2
    fi;
    state[g] = TAKEN
}

#define is_runnable (state[0] == RUNNABLE || state[1] == RUNNABLE || state[2] == RUNNABLE)
#define is_free (state[0] == FREE || state[1] == FREE || state[2] == FREE)

inline begin_run(g)
{
    assert(nvisiting[g] == 0);
    assert(!is_marking || !is_old[g] || nvisits[g] == 1);
    state[g] = RUNNING;
    running[m] = g;
    nostop[m] = false
}

proctype machine(byte m)
{
    byte g, next, seen;
    bool got;
look:
    atomic { !is_stopping && is_runnable -> nostop[m] = true; take_runnable(g) }
#ifndef RUNS_UNSEEN
    before_run(g);
#endif
    atomic { begin_run(g) }
    do
    :: atomic { !is_stopping -> nostop[m] = true } // lg__sched_switch
        next = NONE;
        if                        // pick_direct
#ifdef PICKS_DIRECTLY
        :: true ->
#else
        :: !is_on ->
#endif
            atomic {
                if
                :: is_runnable -> take_runnable(next)
                :: true
                fi
            }
#ifndef PICKS_DIRECTLY
        :: is_on
#endif
        fi;
#ifdef STOPS_SWITCHING
        nostop[m] = false;
        atomic { !is_stopping -> nostop[m] = true }
#endif
        atomic {
            assert(nvisiting[g] == 0);
            if
            :: next != NONE -> begin_run(next)
            :: else -> running[m] = NONE
            fi
        }
        if                        // lg__m_after_switch
        :: next != NONE -> !is_stopping // may be suspended
        :: else
        fi;
        if
        :: state[g] = RUNNABLE
        :: atomic { nends > 0 -> nends--; state[g] = FREE; is_old[g] = false }
        fi;
        if
        :: next != NONE -> atomic { g = next; next = 0 }
        :: else -> atomic { g = 0; next = 0; nostop[m] = false; goto look }
        fi
    :: atomic { !is_stopping && nstarts > 0 && is_free -> // lg_go
            nstarts--;
            if
            :: state[0] == FREE -> next = 0
            :: state[1] == FREE -> next = 1
            :: state[2] == FREE -> next = 2
            fi;
            state[next] = NEW;
            is_old[next] = false
        }
        atomic { !is_stopping -> state[next] = RUNNABLE; next = 0 }
    od
}

inline scan_record(g)
{
    if
    :: state[g] != FREE ->
        claim(g, got);
        if
        :: got ->
#ifdef SUSPENDS
            nostop[who] = false;
            atomic { !is_stopping -> nostop[who] = true }
#endif
            visit(g);
            set_scanned(g)
        :: else
        fi;
        got = false
    :: state[g] == FREE
    fi
}

// lg__scan_is_done
inline look_if_done(yes)
{
    yes = cursor == 2;
    yes = yes && nactive == 0
}

proctype marker(byte who)
{
    byte chunk, seen;
    bool got;
    do
    :: atomic { !is_stopping && is_marking && is_on -> nostop[who] = true } // lg__scan_some
#ifndef COUNTS_LATE
        nactive++;
#endif
        atomic {                  // take_chunk
            chunk = cursor;
            if
            :: cursor < 2 -> cursor++
            :: else
            fi
        }
#ifdef COUNTS_LATE
        nactive++;
#endif
        if
        :: chunk == 0 -> scan_record(0); scan_record(1)
        :: chunk == 1 -> scan_record(2)
        :: chunk == 2
        fi;
        nactive--;
        if
        :: chunk == 2 && is_on -> // lose_interest
            look_if_done(got);
#ifdef LOSES_LATE
            nostop[who] = false;
            atomic { !is_stopping -> nostop[who] = true }
#endif
            if
            :: got -> is_on = false
            :: else
            fi
        :: else
        fi;
        atomic { nostop[who] = false; chunk = 0; got = false }
    od
}

#if MARKERS == 1
#define has_stopped (!nostop[0] && !nostop[1] && !nostop[2])
#else
#define has_stopped (!nostop[0] && !nostop[1] && !nostop[2] && !nostop[3])
#endif

bool is_over;

inline stop() { atomic { !is_stopping -> is_stopping = true } }

#ifdef ANOTHER
proctype stopper()
{
    stop();
    atomic { has_stopped -> is_stopping = false }
}
#endif

proctype collector()
{
    byte n = NCYCLES;
    byte i;
    bool is_done;
    do
    :: n > 0 ->
        n--;
        stop();
        atomic {                  // lg__scan_begin
            has_stopped;
            cycle = cycle + 2;
            for (i : 0 .. 2) {
                is_old[i] = state[i] != FREE && state[i] != NEW && state[i] != DROPPED;
                nvisits[i] = 0;
                if
#ifndef PASSES_OVER
                :: runs(i) ->
                    nvisits[i]++;
#ifndef LEAVES_OPEN
                    set_scanned(i)
#endif
#endif
                :: else
                fi
            }
            i = 0;
            cursor = 0;
            is_on = true;
            is_marking = true;
            is_stopping = false
        }
        do
        :: !is_done -> cursor == 2 && nactive == 0; look_if_done(is_done)
        :: is_done -> break
        od;
        is_done = false;
        stop();
        atomic {                  // lg__scan_end
            has_stopped;
            assert(cursor == 2 && nactive == 0);
            for (i : 0 .. 2) {
                assert(!is_old[i] || nvisits[i] == 1)
            }
            i = 0;
            is_on = false;
            is_marking = false;
            is_stopping = false
        }
    :: n == 0 -> break
    od;
    is_over = true
}

#ifdef DROPS
// lg_strand_close by a thread outside, lg__g_drop
proctype closer()
{
    byte seen;
    bool got;
    atomic { state[2] == RUNNABLE -> state[2] = DROPPED; is_old[2] = false }
    if                            // lg__scan_forget
    :: is_on ->
        claim(2, got);
        if
        :: got -> set_scanned(2)
        :: else -> await_scanned(2)
        fi
    :: else
    fi;
    state[2] = FREE
}
#endif

init {
    byte i;
    atomic {
#ifdef FEW
        state[1] = FREE;
#endif
        run machine(0); run machine(1); run collector();
        for (i : 1 .. MARKERS) {
            run marker(1 + i)
        }
#ifdef DROPS
        run closer();
#endif
#ifdef ANOTHER
        run stopper();
#endif
        skip
    }
    timeout;
    assert(is_over && nwaiting == 0 && nactive == 0)
}
