// SPDX-License-Identifier: MIT
//
// Marking while the program runs. Models core/gc: barrier.c (lg_store), mark.c
// (lg__gc_shade, mark_exact, lg__mark_some), work.c (lg__work_push, lg__work_pop,
// lg__work_flush), newobject.c (lg_new, claim, blacken), handle.c (lg_handle_get,
// lg_handle_set, lg_handle_free), special.c (lg_weak_get, lg__specials_sweep),
// finalize.c (pop_or_arm, run_one), cycle.c (begin, mark_roots, looks_finished,
// try_finish, mark_rest, finish) and sweep.c.
//
// One cycle over objects 1, 2 and 3 of one reference each, and 4, which is yet
// to be made; one root, or handle. Two mutators with two stack slots load, store,
// allocate and forget, NOPS and NOTHERS times, while marking and sweeping go on.
// Stacks are scanned one at a time. A mutator that has not been scanned scans
// itself before it runs, as sched/scan.c has it; how it excludes a marker is
// scan.pml's. Mutators shade into buffers of their own, which they give to the
// pool when they like. A mark is looked at and written in two steps, so that two
// may push one object, which does no harm.
//
// Shown: when marking is over nothing reachable is white; nobody touches, and in
// the end nobody reaches, what is freed; marking comes to an end, and stops the
// world no oftener than an object can be greyed. Memory is sequentially
// consistent; the world stops between two operations (world.pml).
//
// BEFORE    mutators run before the cycle too
// NEW       they allocate; a P may have claimed a hole before
// WEAK      3 has a weak reference, and may have no other
// FINAL     3 is dead and stands in the finalizers' queue
// MARKERS   how many
// WHOLE     marks are looked at and written in one step: fewer states
// GREY      mutators run before their stacks are scanned, as in Go. Only then
//           must a store shade the new value: without GREY, NO_INSERTION holds
//
// What pan must notice (spec/models/run --mutants):
//   NO_DELETION       a store does not shade the old value
//   NO_INSERTION      nor, with GREY, the new one
//   WHITE             a hole is claimed with the old epoch
//   KEEPS_HOLES       at a cycle's start the rest of a hole keeps its epoch
//   TRUSTS            try_finish() does not look into the Ps' buffers
//   RUNS_EARLY        the phase changes while mutators are in the midst of it
//   STOPS_INSIDE      the world stops in the middle of an operation, which
//                     LG_NOSTOP and locks prevent
//   PLAIN_ROOT        a handle is set or freed without a shade
//   WEAK_PLAIN        lg_weak_get() does not shade while marking
//   WEAK_BLIND        nor looks at the mark before the object is swept
//   POPS_BLIND        the world may stop when an object has left the finalizers'
//                     queue and does not stand on the goroutine's stack yet. The
//                     C code was so at f3996a0
//
// check:
// check: -DNOPS=3 -DNOTHERS=1
// check: -DMARKERS=2 -DNOPS=1
// check: -DBEFORE -DFINAL -DNOTHERS=1
// check: -DWHOLE -DBEFORE -DNEW -DNOTHERS=1
// check: -DWHOLE -DBEFORE -DWEAK -DNOTHERS=1
// check: -DWHOLE -DWEAK -DNEW -DNOTHERS=1
// check: -DWHOLE -DGREY -DNOPS=1 -DNOTHERS=2
// check: -DWHOLE -DNO_INSERTION

#ifndef NOPS
#define NOPS 2
#endif
#ifndef NOTHERS
#define NOTHERS NOPS
#endif
#ifndef MARKERS
#define MARKERS 1
#endif

#define NIL 0
#define HOLE 4
#define SEES(set, o) (((set) >> (o)) & 1)

bool is_marking;                  // gc->phase is GC_MARK
byte epoch = 1;
byte mark[5];                     // 0: free
bool lives[5];
byte field[5];
byte root;
#ifdef FINAL
byte queue = 3;
#else
#define queue NIL
#endif
#ifdef WEAK
byte weak = 3;
#else
#define weak NIL
#endif
bool has_hole, was_made;          // a P has claimed 4; and allocated it
byte slot[4];                     // of mutator i: 2i and 2i + 1
bool is_scanned[3] = true;        // the stacks; 2: the root

byte wbuf[2 + MARKERS];          // buffers, as sets: mutators', markers'
byte global;
byte nbusy = MARKERS;             // nmarking, and who looks for more
bool is_stopping, is_inside[2];
bool is_over;                     // marking
byte nstops;

inline grey(obj, to)
{
    mark[obj] = epoch;
    wbuf[to] = wbuf[to] | (1 << obj)
}

// lg__gc_shade
inline shade(obj, to)
{
#ifdef WHOLE
    atomic {
#endif
    if
    :: obj != NIL && mark[obj] != epoch -> atomic { grey(obj, to) }
    :: else
    fi;
#ifdef WHOLE
    }
#endif
}

// sched/scan.c: one stack, while its goroutine does not run
inline scan_stack(st, to)
{
    is_scanned[st] = true;
    if
    :: slot[2 * st] != NIL && mark[slot[2 * st]] != epoch -> grey(slot[2 * st], to)
    :: else
    fi;
    if
    :: slot[2 * st + 1] != NIL && mark[slot[2 * st + 1]] != epoch -> grey(slot[2 * st + 1], to)
    :: else
    fi
}

// All that roots and stacks lead to.
inline find_reachable(found)
{
    found = (1 << root) | (1 << queue) | (1 << slot[0]) | (1 << slot[1]) | (1 << slot[2]) | (1 << slot[3]);
    for (at : 1 .. 3) {
        for (o : 1 .. 4) {
            if
            :: SEES(found, o) -> found = found | (1 << field[o])
            :: else
            fi
        }
    }
}

#ifdef BEFORE
#define has_begun true
#else
#define has_begun (epoch == 2)
#endif
#ifdef GREY
#define may_begin (n > 0 && !is_stopping && has_begun)
#else
#define may_begin (n > 0 && !is_stopping && has_begun && is_scanned[i])
#endif
#ifdef STOPS_INSIDE
#define goes_on (!is_stopping)
#define has_stopped true
#else
#define goes_on true
#define has_stopped (!is_inside[0] && !is_inside[1])
#endif

proctype mutator(byte i)
{
    byte n = (i == 0 -> NOPS : NOTHERS);
    byte a, b;                    // slots
    byte at, old;
    do
    :: atomic { may_begin -> n--; is_inside[i] = true }
        atomic {
            if
            :: a = 2 * i; b = 2 * i + 1
            :: a = 2 * i + 1; b = 2 * i
            fi;
            if
            :: slot[b] != NIL ->  // a load
                assert(lives[slot[b]]);
                slot[a] = field[slot[b]];
                goto done
            :: slot[a] = root; goto done // lg_handle_get
            :: slot[a] = NIL; goto done
#ifdef WEAK
            :: weak != NIL -> goto get_weak
#endif
#ifdef NEW
            :: !was_made -> goto new
#endif
#ifdef FINAL
            :: queue != NIL -> goto pop
#endif
            :: slot[a] != NIL -> at = slot[a] // lg_store
            :: at = NIL           // lg_handle_set, lg_handle_free
            fi
        }
        if
        :: atomic { goes_on && is_marking }
            atomic { goes_on -> old = (at == NIL -> root : field[at]) }
#ifdef PLAIN_ROOT
            if
            :: at == NIL -> old = NIL
            :: else
            fi;
#endif
#ifndef NO_DELETION
            shade(old, i);
#endif
#ifndef NO_INSERTION
            shade(slot[b], i)
#endif
        :: atomic { goes_on && !is_marking }
        fi;
        atomic {
            goes_on;
            assert(at == NIL || lives[at]);
            if
            :: at == NIL -> root = slot[b]
            :: else -> field[at] = slot[b]
            fi;
            goto done
        }
#ifdef NEW
new:    atomic {                  // lg_new, claim
            if
            :: !has_hole ->
                has_hole = true;
#ifdef WHITE
                mark[HOLE] = 3 - epoch
#else
                mark[HOLE] = epoch
#endif
            :: else
            fi;
            was_made = true;
            lives[HOLE] = true;
            slot[a] = HOLE;
            goto done
        }
#endif
#ifdef WEAK
get_weak:
        atomic { goes_on -> at = weak }
        if
        :: atomic { goes_on && is_marking }
#ifndef WEAK_PLAIN
            shade(at, i)
#endif
        :: atomic { goes_on && !is_marking }
#ifndef WEAK_BLIND
            atomic {
                goes_on;
                if
                :: at != NIL && mark[at] != epoch -> at = NIL
                :: else
                fi
            }
#endif
        fi;
        slot[a] = at;
        goto done;
#endif
#ifdef FINAL
pop:    atomic {                  // pop_or_arm: under the queue's lock
            at = queue;
            queue = NIL
        }
        if
        :: is_marking -> shade(at, i)
        :: else
        fi;
#ifdef POPS_BLIND
        is_inside[i] = false;
        atomic { !is_stopping && is_scanned[i] -> is_inside[i] = true }
#endif
        slot[a] = at;             // run_one
#endif
done:   atomic {                  // which slot is which makes no difference
            if
            :: slot[2 * i] > slot[2 * i + 1] ->
                at = slot[2 * i];
                slot[2 * i] = slot[2 * i + 1];
                slot[2 * i + 1] = at
            :: else
            fi;
            is_inside[i] = false; a = 0; b = 0; at = 0; old = 0
        }
    :: atomic { n > 0 && !is_stopping && !is_scanned[i] -> scan_stack(i, i) }
    :: atomic { !is_stopping && wbuf[i] != 0 -> global = global | wbuf[i]; wbuf[i] = 0 }
    :: n == 0 -> break
    od
}

// try_finish: is there really nothing left?
inline terminate()
{
    atomic {
        has_stopped;
        nstops++;
        assert(nstops <= 5);
#ifndef TRUSTS
        if
        :: wbuf[0] != 0 || wbuf[1] != 0 ->
            global = wbuf[0] | wbuf[1];
            wbuf[0] = 0;
            wbuf[1] = 0;
            nbusy++
        :: else ->
#endif
            assert(global == 0);
            find_reachable(old);
            for (o : 1 .. 4) {
                assert(!SEES(old, o) || mark[o] == epoch)
            }
            is_marking = false;
            is_over = true;
#ifndef TRUSTS
        fi;
#endif
        at = 0; o = 0; old = 0;
        is_stopping = false
    }
}

#define may_mark (!is_stopping && !is_over)

proctype marker(byte who)
{
    byte o, at, old;
    do
    :: atomic { is_marking && may_mark && wbuf[who] != 0 ->
            if
            :: SEES(wbuf[who], 1) -> o = 1
            :: SEES(wbuf[who], 2) -> o = 2
            :: SEES(wbuf[who], 3) -> o = 3
            :: SEES(wbuf[who], 4) -> o = 4
            fi;
            wbuf[who] = wbuf[who] & (31 - (1 << o))
        }
        atomic { at = field[o]; o = 0 }
        shade(at, who);
        at = 0
    :: atomic { is_marking && may_mark && wbuf[who] == 0 && global != 0 ->
            wbuf[who] = global;
            global = 0
        }
    :: atomic { is_marking && may_mark && !is_scanned[0] && !is_inside[0] -> scan_stack(0, who) }
    :: atomic { is_marking && may_mark && !is_scanned[1] && !is_inside[1] -> scan_stack(1, who) }
    :: atomic { is_marking && may_mark && !is_scanned[2] -> is_scanned[2] = true; at = root }
        shade(at, who);           // mark_roots
        at = queue;
        shade(at, who);
        at = 0
    :: atomic { is_marking && may_mark && wbuf[who] == 0 && global == 0 &&
                is_scanned[0] && is_scanned[1] && is_scanned[2] -> nbusy-- }
        if                        // no more to do for now
        :: atomic { may_mark && global != 0 -> nbusy++ }
        :: atomic { may_mark && global == 0 && nbusy == 0 -> is_stopping = true }
            terminate()
        :: is_over -> break
        fi
    :: is_over -> break
    od
}

proctype collector()
{
    byte o, at, old;
#ifndef RUNS_EARLY
    is_stopping = true;
    has_stopped;
#endif
    atomic {                      // cycle.c: begin
        epoch = 2;
        is_marking = true;
#ifndef KEEPS_HOLES
        // blacken
        if
        :: has_hole && !was_made -> mark[HOLE] = epoch
        :: else
        fi;
#endif
        for (o : 0 .. 2) {
            is_scanned[o] = false
        }
        // lg__scan_begin: those that run, at once; who is parked, later
        if
        :: scan_stack(0, 0)
        :: true
        fi;
        if
        :: scan_stack(1, 1)
        :: true
        fi;
        is_stopping = false
    }
    is_over;
    do                            // sweep.c
    :: atomic {
            if
            :: lives[1] && mark[1] != epoch -> o = 1
            :: lives[2] && mark[2] != epoch -> o = 2
            :: lives[3] && mark[3] != epoch -> o = 3
            :: lives[HOLE] && mark[HOLE] != epoch -> o = HOLE
            :: else -> break
            fi;
            lives[o] = false;
            mark[o] = 0;
            field[o] = NIL;
#ifdef WEAK
            weak = (weak == o -> NIL : weak);
#endif
            o = 0
        }
    od
}

init {
    byte o, at, set;
    atomic {
        for (o : 1 .. 3) {
            lives[o] = true;
            mark[o] = epoch
        }
        if
        :: root = 1; field[1] = 2
#ifndef FINAL
        :: root = 1; field[1] = 2; field[2] = 3
        :: root = 1; field[1] = 2; slot[2] = 3
#endif
        fi;
#ifdef NEW
        if
        :: has_hole = true; mark[HOLE] = epoch
        :: true
        fi;
#endif
        run mutator(0); run mutator(1); run collector();
        for (o : 1 .. MARKERS) {
            run marker(1 + o)
        }
    }
    timeout;
    assert(is_over && !is_stopping && nbusy == 0);
    d_step {
        find_reachable(set);
        for (o : 1 .. 4) {
            assert(!SEES(set, o) || lives[o])
        }
    }
}
