// SPDX-License-Identifier: MIT
//
// The windows of a timeline. Models core/sched/timeline.c (lg__timeline_note, fill, append,
// close_window, lg__timeline_open, lg__timeline_close), rt/scribe.c (take, take_all, open_next,
// drop_all, start, stop) and, with TRACER, of sched/trace.c lg_trace_start and stop.
//
// Fillers tell of NEVENTS each, into a ring of CAP places of their own, or with SHARED all into
// one, under its lock. One writer starts and stops NSTARTS timelines: who does that and the
// scribe's thread never run beside each other. Fillers look at the window only, not at the
// interrupt: they may have seen it late, or a profile be on. Shown:
//   - an event whose telling was over when its window closed, and that is not younger than
//     the closing, is written, once. Lost is only what was in the midst of being told, and the
//     stretch that it belongs to is over then
//   - what is written was stamped after the window was opened, and before it was closed
//   - no place is filled anew before it was read
//   - the interrupt is on in an open window, and off when a timeline was stopped
//   - closing, and so stopping, ends
//
// Time is a counter that each stamp moves on. Memory is sequentially consistent here.
//
// check: -DNTURNS=1
// check: -DNEVENTS=1 -DNSTARTS=2
// check: -DNFILLERS=1 -DNEVENTS=3 -DCAP=2
// check: -DSHARED
// check: -DSHARED -DNSTARTS=2 -DNTURNS=1
// check: -DSHARED -DNFILLERS=3 -DNEVENTS=1
// check: -DTRACER -DNEVENTS=1
//
// The mutants (spec/models/run --mutants):
//   TURNS_ON_LATE   the interrupt comes after the window is open
//   TURNS_OFF_LATE  the closed window is published before the interrupt is off
//   STAMPS_OUTSIDE  the shared ring's lock comes after the look at the window, and the stamp
//   TAKES_IN_GAPS   stopping takes what has come late
//   KEEPS_LATE      what is older than the window is taken
//   KEEPS_REST      what is younger than the closing is left in the rings
//   LOOKS_LATE      whether the window is closed is looked at after the rings were
//   FREES_EARLY     the tail is moved on before the events are read
//   CLOSES_PLAINLY  the window is closed without a CAS
//   STOPS_OTHERS    lg_trace_stop() turns the interrupt off though nobody is told
//   LOOKS_EARLY     lg_timeline_start() looks who is told before it says that it starts

#ifndef NFILLERS
#define NFILLERS 2
#endif
#ifndef NEVENTS
#define NEVENTS 2
#endif
#ifndef NSTARTS
#define NSTARTS 1
#endif
#ifndef CAP
#define CAP 1
#endif
#ifndef NTURNS
#define NTURNS 2                  // of the scribe, in all, beside the first and the last
#endif
#ifdef SHARED
#define NRINGS 1
#else
#define NRINGS NFILLERS
#endif
#define NIDS (NFILLERS * NEVENTS + 1) // of events, from 1 on

#define CLOSED 0                  // window & 3; the rest is its number
#define OPEN 1
#define CLOSING 2
#define STATE(w) ((w) & 3)

#define UNTOLD 0                  // and lost ones
#define TOLD 1
#define TAKEN 2
#define DROPPED 3

byte window;
bool is_on;                       // INTERRUPT_TRACE
byte closed_at;
byte now = 1;
byte head[NRINGS], tail[NRINGS];
byte slots[NRINGS * CAP];
bool lk;                          // shared_lock

byte opened = 1;                  // when the last window was
byte shut;                        // when it was closed
byte stamp[NIDS], place[NIDS], fate[NIDS];
bool is_due[NIDS];                // it must be written

bool is_used, has_writer;         // timeline.use, trace.use: not USE_OFF

inline close_window(w, when, mine)
{
#ifdef CLOSES_PLAINLY
    mine = window == w;
    if
    :: mine ->
#endif
    atomic {                      // the CAS
        mine = window == w;
        if
        :: mine ->
            window = (w & ~3) | CLOSING;
            i = 1;
            do
            :: i < NIDS ->
                is_due[i] = fate[i] == TOLD && opened <= stamp[i] && stamp[i] <= when;
                i++
            :: else -> break
            od;
            i = 0
        :: else
        fi
    }
#ifdef CLOSES_PLAINLY
        mine = true
    :: else
    fi;
#endif
    if
    :: mine ->
        closed_at = when;
#ifndef TURNS_OFF_LATE
        is_on = false;
#endif
        atomic { window = (w & ~3) | CLOSED; shut = now }
#ifdef TURNS_OFF_LATE
        is_on = false
#endif
    :: else
    fi
}

// ---------------------------------------------------------------------------
// Who fills
// ---------------------------------------------------------------------------

proctype filler(byte ring, first)
{
    byte id = first, w, t, h, i;
    bool mine;
    do
    :: id < first + NEVENTS ->
#if defined(SHARED) && !defined(STAMPS_OUTSIDE)
        atomic { !lk -> lk = true }
#endif
        w = window;
        if
        :: STATE(w) == OPEN ->
            atomic { now++; stamp[id] = now }
#if defined(SHARED) && defined(STAMPS_OUTSIDE)
            atomic { !lk -> lk = true }
#endif
            atomic { h = head[ring]; t = tail[ring] }
            if
            :: h - t >= CAP ->
                close_window(w, stamp[id], mine);
                assert(STATE(window) != OPEN || opened > stamp[id])
            :: else ->
                slots[ring * CAP + h % CAP] = id;
                atomic { place[id] = h; fate[id] = TOLD; head[ring] = h + 1 }
            fi;
#if defined(SHARED) && defined(STAMPS_OUTSIDE)
            lk = false
#endif
        :: else
        fi;
#if defined(SHARED) && !defined(STAMPS_OUTSIDE)
        lk = false;
#endif
        atomic { w = 0; t = 0; h = 0; mine = false; id++ }
    :: else -> break
    od
}

// ---------------------------------------------------------------------------
// Who empties
// ---------------------------------------------------------------------------

inline open_window()
{
    assert(STATE(window) == CLOSED);
#ifdef TURNS_ON_LATE
    atomic { window = (window & ~3) + 4 + OPEN; opened = gap_end; shut = 255 }
    is_on = true;
#else
    is_on = true;
    atomic { window = (window & ~3) + 4 + OPEN; opened = gap_end; shut = 255 }
#endif
}

inline drop()
{
    atomic {
        id = slots[r * CAP + at % CAP];
        assert(place[id] == at && fate[id] == TOLD && !is_due[id]);
        fate[id] = DROPPED;
        at++
    }
}

inline take_event()
{
    atomic {
        assert(place[id] == at && fate[id] == TOLD);
        assert(!gap && opened <= stamp[id] && stamp[id] <= shut);
        fate[id] = TAKEN;
        is_due[id] = false;
        at++
    }
}

// Of one ring what is not younger than `until`.
inline take_ring()
{
    atomic {
        at = tail[r];             // our own
#ifdef FREES_EARLY
        tail[r] = end[r]
#endif
    }
    do
    :: at < end[r] ->
        id = slots[r * CAP + at % CAP];
        if
#ifndef KEEPS_LATE
        :: stamp[id] <= until && stamp[id] < gap_end -> drop()
        :: stamp[id] <= until && stamp[id] >= gap_end -> take_event()
#else
        :: stamp[id] <= until -> take_event()
#endif
        :: stamp[id] > until ->
#ifndef KEEPS_REST
            do
            :: is_over && at < end[r] -> drop()
            :: else -> break
            od;
#endif
            break
        fi
    :: else -> break
    od;
    atomic {
#ifndef FREES_EARLY
        tail[r] = at;
#endif
        id = 0; at = 0; end[r] = 0
    }
}

inline turn()
{
    until = now;
#ifndef LOOKS_LATE
    is_over = STATE(window) == CLOSED;
#endif
    r = 0;
    do
    :: r < NRINGS -> end[r] = head[r]; r++
    :: else -> break
    od;
#ifdef LOOKS_LATE
    is_over = STATE(window) == CLOSED;
#endif
    if
    :: is_over && !gap -> until = closed_at
#ifndef TAKES_IN_GAPS
    :: is_over && gap -> until = 0
#endif
    :: else
    fi;
    r = 0;
    do
    :: r < NRINGS -> take_ring(); r++
    :: else -> break
    od;
    gap = gap || (is_over && !is_last);
    atomic { r = 0; until = 0; is_over = false }
}

inline drop_all()
{
    r = 0;
    do
    :: r < NRINGS -> end[r] = head[r]; r++
    :: else -> break
    od;
    r = 0;
    do
    :: r < NRINGS ->
        at = tail[r];
        do
        :: at < end[r] -> drop()
        :: else -> break
        od;
        tail[r] = at;
        atomic { at = 0; id = 0; end[r] = 0; r++ }
    :: else -> break
    od;
    r = 0
}

// An open window is seen by all.
inline look() { atomic { assert(STATE(window) != OPEN || is_on) } }

proctype writer()
{
    byte end[NRINGS];
    byte r, at, id, until, gap_end, i, w;
    byte nstarts = NSTARTS, nturns = NTURNS;
    bool is_over, is_last, gap, mine, is_refused;
    do
    :: nstarts > 0 ->
        nstarts--;
#ifdef TRACER
#ifdef LOOKS_EARLY
        is_refused = has_writer;
        is_used = !is_refused;
#else
        is_used = true;
        is_refused = has_writer;
        is_used = !is_refused;
#endif
        if
        :: is_refused -> is_refused = false; goto next
        :: else
        fi;
#endif
        gap_end = now + 1;        // begin()
        drop_all();
        open_window();
        look();
        turn();
        do                        // scribe_main()
        :: nturns > 0 ->
            nturns--;
            if
            :: gap && STATE(window) == CLOSED ->
                gap_end = now + 1;
                gap = false;
                open_window()
            :: else
            fi;
            look();
            turn()
        :: true -> break
        od;
        look();
        w = window;               // stop()
        if
        :: STATE(w) == OPEN -> is_last = true; close_window(w, now, is_last)
        :: else
        fi;
        STATE(window) == CLOSED;  // somebody else may be at it
        turn();
        atomic {
            assert(!is_on);
            i = 1;
            do
            :: i < NIDS -> assert(!is_due[i]); i++
            :: else -> break
            od;
            i = 0; w = 0; is_last = false; gap = false; is_used = false
        }
next:   skip
    :: else -> break
    od
}

// ---------------------------------------------------------------------------
// Who is told beside it
// ---------------------------------------------------------------------------

proctype tracer()
{
    byte ntimes = 2;
    bool is_told;
    do
    :: ntimes > 0 ->
        ntimes--;
        has_writer = true;        // lg_trace_start()
        is_told = !is_used;
        if
        :: is_told ->
            is_on = true;
            assert(is_on)
        :: else
        fi;
#ifdef STOPS_OTHERS
        is_on = false;
#else
        if                        // lg_trace_stop()
        :: is_told -> is_on = false
        :: else
        fi;
#endif
        has_writer = false
    :: else -> break
    od
}

init {
    byte f;
    atomic {
        for (f : 0 .. NFILLERS - 1) {
#ifdef SHARED
            run filler(0, 1 + f * NEVENTS)
#else
            run filler(f, 1 + f * NEVENTS)
#endif
        }
        run writer();
#ifdef TRACER
        run tracer();
#endif
        f = 0
    }
}
