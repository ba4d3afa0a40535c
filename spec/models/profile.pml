// SPDX-License-Identifier: MIT
//
// Profiles that anybody starts and stops. Models core/sched/profile.c (lg_profile_start,
// lg_profile_stop, tell, the end of sampler_main) and of sched/use.h lg__use_move.
//
// Each of NUSERS starts a profile with a session of its own, and stops the one that there is,
// whosever it is: who has stopped it frees its session. Each of NTELLERS tells of something
// twice, and may come late from one profile into the next. Shown: nobody is in `write` with
// a session that was freed, none is freed twice or left, and each profile's own sampler is
// the one that is waited for.
//
// Memory is sequentially consistent here; all that is modelled is seq_cst in C.
//
// check: -DNUSERS=2 -DNTELLERS=2
// check: -DNUSERS=3 -DNTELLERS=1
//
// The mutants (spec/models/run --mutants):
//   LOOKS_FIRST    who tells looks whether it is on before it says that it writes
//   WAITS_NOT      who stops does not wait for who writes
//   OPENS_EARLY    who stops lets others start, then takes the session
//   STARTS_FREELY  as profile.c was at 3cf3734: one may start while another stops

#ifndef NUSERS
#define NUSERS 2
#endif
#ifndef NTELLERS
#define NTELLERS 2
#endif
#define NONE 255

mtype = { OFF, TAKEN, ON };
mtype use = OFF;
byte ud = NONE;
byte sampler = NONE;              // the thread: whose
byte nwriting;
bool lives[NUSERS];               // a session
bool runs[NUSERS];                // its sampler
bool must_end;

proctype teller()
{
    byte n = 2, to = NONE;
    bool is_on;
    do
    :: n > 0 ->
        n--;
#ifdef LOOKS_FIRST
        is_on = use == ON;
        nwriting++;
#else
        nwriting++;
        is_on = use == ON;
#endif
        if
        :: is_on ->
            to = ud;
            assert(lives[to]);    // in write
            assert(lives[to])     // still
        :: else
        fi;
        atomic { nwriting--; is_on = false; to = NONE }
    :: else -> break
    od
}

inline stop()
{
    atomic {
        is_mine = use == ON;
        if
#ifdef STARTS_FREELY
        :: is_mine -> use = OFF
#else
        :: is_mine -> use = TAKEN
#endif
        :: else
        fi
    }
    if
    :: is_mine ->
        must_end = true;
        thread = sampler;         // joins it: it sees that it must end
        assert(runs[thread]);
        must_end;
        runs[thread] = false;
#ifndef WAITS_NOT
        nwriting == 0;
#endif
#ifdef OPENS_EARLY
        use = OFF;
        ended = ud;
#else
        ended = ud;
        use = OFF;
#endif
        atomic { assert(lives[ended]); lives[ended] = false; is_mine = false }
    :: else
    fi;
    atomic { thread = NONE; ended = NONE }
}

proctype user(byte me)
{
    byte thread = NONE, ended = NONE;
    bool is_mine;
    atomic {
        is_mine = use == OFF;
        if
        :: is_mine -> use = TAKEN
        :: else
        fi
    }
    if
    :: is_mine ->
        lives[me] = true;
        ud = me;
        must_end = false;
        atomic { runs[me] = true; sampler = me }
        use = ON
    :: else
    fi;
    is_mine = false;
    stop();
    stop()
}

init {
    byte i, thread = NONE, ended = NONE;
    bool is_mine;
    atomic {
        for (i : 0 .. NUSERS - 1) { run user(i) }
        for (i : 1 .. NTELLERS) { run teller() }
    }
    _nr_pr == 1;
    stop();                       // who came to stop before it was on has left it
    for (i : 0 .. NUSERS - 1) { assert(!lives[i] && !runs[i]) }
}
