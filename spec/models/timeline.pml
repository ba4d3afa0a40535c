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
//   - a stretch is complete: what was stamped after its window was opened and before its end is
//     written, and in the order of the turns
//   - what is written was stamped after the window was opened, and before it was closed, and is
//     written once
//   - no place is filled anew before it was read
//   - the interrupt is on in an open window, and off when a timeline was stopped
//   - when a window is opened, the rings are empty, and nobody thinks that it is the last one
//   - closing, and so stopping, ends
// With GIVES_UP the writer may go on though somebody is in the midst of telling something: then
// the second, the third and the fourth of these hold.
//
// Time is a counter that each stamp moves on. Memory is sequentially consistent here: what
// is_filling needs of it, lg__thread_barrier() gives (MARKS_LATE is what happens without).
//
// check: -DNTURNS=1
// check: -DNEVENTS=1 -DNSTARTS=2
// check: -DNFILLERS=1 -DNEVENTS=3 -DCAP=2
// check: -DSHARED
// check: -DSHARED -DNSTARTS=2 -DNTURNS=1
// check: -DSHARED -DNFILLERS=3 -DNEVENTS=1
// check: -DTRACER -DNEVENTS=1
// check: -DGIVES_UP -DNTURNS=1
// check: -DGIVES_UP -DSHARED -DNTURNS=1
//
// The mutants (spec/models/run --mutants):
//   TURNS_ON_LATE   the interrupt comes after the window is open
//   TURNS_OFF_LATE  the closed window is published before the interrupt is off
//   STAMPS_OUTSIDE  the shared ring's lock comes after the look at the window, and the stamp
//   TAKES_IN_GAPS   stopping takes what has come late
//   KEEPS_LATE      what is older than the window is taken
//   LOOKS_LATE      whether the window is closed is looked at after the rings were
//   FREES_EARLY     the tail is moved on before the events are read
//   MARKS_LATE      a filler says that it is at it when it has seen the window open
//   UNMARKS_EARLY   it says that it is done before the event is there
//   HURRIES         the writer does not wait for who is at it
//   FORGETS_LOST    the stretch does not end with the first event that found no room
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

#define UNTOLD 0
#define TOLD 1
#define TAKEN 2
#define DROPPED 3
#define LOST 4

byte window;
bool is_on;                       // INTERRUPT_TRACE
byte closed_at;
byte now = 1;
byte head[NRINGS], tail[NRINGS];
bool filling[NRINGS];
byte lost_at[NRINGS];
byte slots[NRINGS * CAP];
bool lk;                          // shared_lock

byte opened = 1;                  // when the last window was
byte shut;                        // when it was closed
byte stamp[NIDS], place[NIDS], fate[NIDS];
bool gave_up;                     // the writer has, once

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
        :: mine -> window = (w & ~3) | CLOSING
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
#ifndef MARKS_LATE
        filling[ring] = true;
#endif
        w = window;
        if
        :: STATE(w) == OPEN ->
#ifdef MARKS_LATE
            filling[ring] = true;
#endif
            atomic { now++; stamp[id] = now }
#if defined(SHARED) && defined(STAMPS_OUTSIDE)
            atomic { !lk -> lk = true }
#endif
#ifdef UNMARKS_EARLY
            filling[ring] = false;
#endif
            assert(w >> 2 == window >> 2 || gave_up);
            atomic { h = head[ring]; t = tail[ring] }
            if
            :: h - t >= CAP ->
#ifdef FORGETS_LOST
                fate[id] = LOST;
#else
                atomic { lost_at[ring] = stamp[id]; fate[id] = LOST }
#endif
                close_window(w, stamp[id], mine)
            :: else ->
                slots[ring * CAP + h % CAP] = id;
                atomic { place[id] = h; fate[id] = TOLD; head[ring] = h + 1 }
            fi;
#if defined(SHARED) && defined(STAMPS_OUTSIDE)
            lk = false
#endif
        :: else
        fi;
        filling[ring] = false;
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
    r = 0;
    do
    :: r < NRINGS -> assert(head[r] == tail[r] || gave_up); r++
    :: else -> break
    od;
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
        assert(place[id] == at && fate[id] == TOLD);
        fate[id] = DROPPED;
        at++
    }
}

inline take_event()
{
    atomic {
        assert(place[id] == at && fate[id] == TOLD);
        assert(!gap && opened <= stamp[id] && stamp[id] <= shut);
        assert(stamp[id] > taken_until || gave_up);
        fate[id] = TAKEN;
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
            do
            :: is_over && at < end[r] -> drop()
            :: else -> break
            od;
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

// What is stamped until then is there, or has found no room.
inline settle()
{
    r = 0;
    do
    :: r < NRINGS ->
#ifndef HURRIES
        if
        :: !filling[r]
#ifdef GIVES_UP
        :: filling[r] -> gave_up = true
#endif
        fi;
#endif
        r++
    :: else -> break
    od
}

inline end_with_lost()
{
    r = 0;
    do
    :: r < NRINGS ->
        atomic {
            if
            :: lost_at[r] >= gap_end && lost_at[r] <= until -> until = lost_at[r]; w = 1
            :: else
            fi;
            r++
        }
    :: else -> break
    od
}

// All that belongs to the stretch until then is written.
inline check_complete()
{
    atomic {
        i = 1;
        do
        :: i < NIDS ->
            assert(gave_up || stamp[i] < opened || stamp[i] >= until || fate[i] == TAKEN);
            i++
        :: else -> break
        od;
        i = 0
    }
}

inline turn()
{
    until = now;
#ifndef LOOKS_LATE
    is_over = STATE(window) == CLOSED;
#endif
    if
    :: is_over && !gap -> until = closed_at
#ifndef TAKES_IN_GAPS
    :: is_over && gap -> until = 0
#endif
    :: else
    fi;
    settle();
    w = 0;
    end_with_lost();
    is_last = is_last && !w;      // what follows is a gap, if it is short
    r = 0;
    do
    :: r < NRINGS -> end[r] = head[r]; r++
    :: else -> break
    od;
#ifdef LOOKS_LATE
    is_over = STATE(window) == CLOSED;
#endif
    r = 0;
    do
    :: r < NRINGS -> take_ring(); r++
    :: else -> break
    od;
    if
    :: !gap -> check_complete(); taken_until = until
    :: else
    fi;
    gap = gap || (is_over && !is_last);
    atomic { r = 0; until = 0; is_over = false; w = 0 }
}

// lg__timeline_close()
inline close()
{
    atomic { mine = false; w = window }
    if
    :: STATE(w) == OPEN -> close_window(w, now, mine)
    :: else
    fi;
    STATE(window) == CLOSED       // somebody else may be at it
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
    byte r, at, id, until, taken_until, gap_end, i, w;
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
        drop_all();               // begin()
        gap_end = now + 1;
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
        close();                  // stop()
        is_last = mine;
        turn();
        assert(!is_on);
        atomic { mine = false; is_last = false; gap = false; is_used = false }
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
