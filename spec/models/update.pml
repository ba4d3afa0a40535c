// SPDX-License-Identifier: MIT
//
// A host that sleeps between updates. Models core/sched/host.c (lg__host_push, tell_out,
// lg__host_enter, lg__host_leave, lg__host_take_inbox), hostupdate.c (lg__host_has_due,
// lg__host_count_ready), rt/update.c (lg_update), and of strand.c who is responsible for a
// pinned strand (lg__strand_push, try_leave, yield_strand).
//
// Threads post into a pinned strand, NPOSTS each; who finds it idle pushes it onto the host's
// inbox. The host updates, with a budget of any number of steps, and sleeps when the report
// says that nothing is ready, until on_wake. Shown: all that was posted runs, whatever the host
// is doing when it comes; on_wake is called at most once from one update to the next, by those
// that began to tell after the first; the strand stands in one place.
//
// Memory is sequentially consistent here.
//
// NOUT   threads
// check: -DNOUT=2 -DNPOSTS=2
// check: -DNOUT=3 -DNPOSTS=1
//
// The mutants (spec/models/run --mutants):
//   LEAVES_LATE    the report is made before the host's thread is let go
//   TELLS_FIRST    who pushes looks at what the host does before it pushes
//   TELLS_PLAINLY  without a CAS two of them call on_wake
//   LEAVES_EMPTY   a strand with nothing to do is left in the queue by an update, and
//                  the report says that nothing is ready
//   HEARS_LATE     who has been told forgets what he is told while he updates

#ifndef NOUT
#define NOUT 2
#endif
#ifndef NPOSTS
#define NPOSTS 2
#endif

mtype = { OUT, TOLD, IN };
mtype where = OUT;
bool is_idle = true;      // nobody is responsible for the strand
bool in_inbox, in_ready;  // where it stands
byte nposts;              // that wait in the strand
byte nrun;
byte nwakes;              // posts of on_wake that the host has not heard
byte ntold;               // calls since the last update began

inline tell(w)
{
#ifdef TELLS_PLAINLY
    if
    :: where == OUT -> where = TOLD; w = true
    :: else -> w = false
    fi;
#else
    atomic {
        if
        :: where == OUT -> where = TOLD; w = true; ntold++; assert(ntold == 1)
        :: else -> w = false
        fi
    }
#endif
    if
    :: w ->
#ifdef TELLS_PLAINLY
        ntold++;
        assert(ntold == 1);
#endif
        nwakes++
    :: else
    fi
}

proctype outside()
{
    byte i;
    bool was_idle, w, is_out;
    for (i : 1 .. NPOSTS) {
#ifdef TELLS_FIRST
        is_out = where == OUT;
#endif
        atomic { was_idle = is_idle; is_idle = false; nposts++ }
        if
        :: was_idle ->
            atomic { assert(!in_inbox && !in_ready); in_inbox = true }
#ifdef TELLS_FIRST
            if
            :: is_out -> tell(w)
            :: else
            fi
#else
            tell(w)
#endif
        :: else
        fi
    }
}

proctype host()
{
    byte budget;
    bool is_ready;
end:
    do
    :: true ->
        atomic { where = IN; ntold = 0 }
        select(budget : 1 .. 2);
        atomic { if :: in_inbox -> in_inbox = false; in_ready = true :: else fi }
        if
        :: in_ready ->
            in_ready = false;     // inside the strand
            do
            :: budget > 0 && nposts > 0 -> atomic { nposts--; nrun++ } budget--
            :: budget == 0 && nposts > 0 -> in_ready = true; break // yields
            :: nposts == 0 ->
#ifdef LEAVES_EMPTY
                if
                :: budget == 0 -> in_ready = true; break
                :: else
                fi;
#endif
                atomic {          // the CAS of try_leave
                    if
                    :: nposts == 0 -> is_idle = true; break
                    :: else
                    fi
                }
            od
        :: else
        fi;
#ifdef LEAVES_LATE
        is_ready = in_inbox || in_ready;
        where = OUT;
#else
        where = OUT;
        atomic { if :: in_inbox -> in_inbox = false; in_ready = true :: else fi }
        is_ready = in_ready;
#endif
#ifdef LEAVES_EMPTY
        is_ready = is_ready && nposts > 0;
#endif
#ifdef HEARS_LATE
        nwakes = 0;
#endif
        if
        :: is_ready
        :: else ->
end_asleep:
            atomic { nwakes > 0 -> nwakes = 0 }
        fi;
        is_ready = false; budget = 0
    od
}

init {
    byte i;
    atomic {
        for (i : 1 .. NOUT) { run outside() }
        run host()
    }
    timeout;
    assert(nrun == NOUT * NPOSTS);
    assert(nposts == 0 && is_idle && !in_inbox && !in_ready)
}
