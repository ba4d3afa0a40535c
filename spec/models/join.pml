// SPDX-License-Identifier: MIT
//
// Joining. Models core/sync/join.c, and of the wait word what is needed: claiming decides a
// wait, firing makes its goroutine run (park.pml has the rest).
//
// The owner of a frame lets up to N others work in it, who may let others in turn, waits
// until all have left, returns, and waits for something else. With NOMEM there may be no
// stack for it to wait without its thread: it ends its wait itself, and looks at the count.
// Shown: nobody looks at the frame after it has returned, it returns when all have left,
// and nobody ends the wait after. Memory is sequentially consistent here.
//
// check: -DN=1
// check: -DN=2
// check: -DN=3
// check: -DN=3 -DNOMEM

// -- the frame --
bool alive;
byte left;
byte frame_wait;

// -- the owner's record --
byte number;
bool armed, claimed, fired;

byte nstarted, ngone;

inline look() { assert(alive) }

inline arm()
{
    atomic { number++; armed = true; claimed = false; fired = false }
}

inline enter_another()
{
    if
    :: nstarted < N -> look(); left++; nstarted++; run other()
    :: true
    fi
}

proctype other()
{
    byte l, w;
    bool won;
    look();
    atomic { enter_another() };
#ifdef READS_LATE
    atomic { look(); left--; l = left };
    if
    :: l > 0 -> goto gone
    :: else
    fi;
#else
    atomic { look(); l = left };
    do
    :: l > 1 ->
        atomic {
            look();
            if
            :: left == l -> left--; goto gone
            :: else -> l = left
            fi
        }
    :: else -> break
    od;
#endif
    atomic { look(); w = frame_wait };
#ifndef READS_LATE
    atomic { look(); left = 0 };
#endif
#ifdef CLAIMS_ANY
    w = number;
#endif
    atomic {
        if
        :: number == w && armed && !claimed -> claimed = true; won = true
        :: else
        fi
    };
    if
    :: won -> fired = true
    :: else
    fi;
gone:
    ngone++
}

active proctype owner()
{
    byte l;
    bool waits;
    atomic { alive = true; left = 1 };
    do
    :: nstarted < N -> atomic { enter_another() }
    :: true -> break
    od;
    if
    :: atomic { left == 1 -> goto over }
    :: else
    fi;
#ifdef ARMS_LATE
    atomic { l = left; left-- };
    arm();
    frame_wait = number;
#else
    arm();
    frame_wait = number;
    atomic { l = left; left-- };
#endif
    if
    :: l == 1 -> atomic { assert(!claimed); claimed = true }
    :: else ->
        if
        :: fired
#ifdef NOMEM
        :: atomic { !claimed -> claimed = true };
            left == 0
#endif
        fi
    fi;
over:
    alive = false;
    armed = false;
    arm();                        // for something else, that does not come
    ngone == nstarted;
    assert(!claimed)
}
