// SPDX-License-Identifier: MIT
//
// Select. Models core/sync/select.c (try_any, join, join_all, unhook_all,
// finish), chan.c (lg__chan_send_locked, lg__chan_recv_locked, without buffer)
// and waiter.c (lg__waitq_claim).
//
// Two selects stand against each other on two channels without buffers: one
// sends on 0 or receives from 1, the other receives from 0 or sends on 1, each
// in either order, each with a deadline. Shown: a value is received once if
// and only if its sender is told so, never by a select that ended otherwise;
// both return; no waiter is left. Memory is sequentially consistent here.
//
// check:

mtype = { NOTHING, DONE0, DONE1, TIMEOUT, WITHDRAWN };

byte number[2];
bool armed[2], claimed[2], fired[2], parked[2];
mtype how[2] = NOTHING;

// At most one waiter stands in each queue: queue 2*ch + who. 0: none
byte queue[4];                    // number of the wait
bool lk[2];
byte timer[2];
bool runnable[2];
byte elem[4];                     // received: [2*ch + who]
byte nsent[2], nreceived[2];      // per channel
byte ndone;

inline claim(g, n, w, won)        // lg__wait_claim
{
    atomic {
        if
        :: number[g] == n && armed[g] && !claimed[g] ->
            claimed[g] = true; how[g] = w; won = true
        :: else -> won = false
        fi
    }
}

inline fire(g)                    // lg__wait_fire
{
    atomic {
        assert(claimed[g] && !fired[g]);
        fired[g] = true;
        if
        :: parked[g] -> assert(!runnable[g]); runnable[g] = true
        :: else
        fi
    }
}

inline unhook()                   // unhook_all
{
    atomic { !lk[0] -> queue[me] = 0 }
    atomic { !lk[1] -> queue[2 + me] = 0 }
}

// The operation on ch under its lock, which it opens. won: it was done
inline do_case()                  // lg__chan_send_locked, lg__chan_recv_locked
{
    n = queue[2 * ch + other];
    won = false;
    if
    :: n != 0 ->                  // lg__waitq_claim
        queue[2 * ch + other] = 0;
        claim(other, n, (ch == 0 -> DONE0 : DONE1), won);
        if
        :: won ->
            assert(armed[other] && !fired[other] && number[other] == n);
            if
            :: ch == me -> elem[2 * ch + other] = 1; nsent[ch]++
            :: else -> elem[2 * ch + me] = 1; nreceived[ch]++
            fi
        :: else
        fi
    :: else
    fi;
    n = 0;
    lk[ch] = false;
    if
    :: won -> fire(other)
    :: else
    fi
}

proctype selecting(byte me)
{
    byte ch, n, other = 1 - me;
    byte ncases;
    bool won;                     // was the CAS won
again:
    do                            // first pass: try_any
    :: queue[other] == 0 && queue[2 + other] == 0 -> break
    :: queue[other] != 0 -> ch = 0; goto try
    :: queue[2 + other] != 0 -> ch = 1;
try:    atomic { !lk[ch] -> lk[ch] = true }
        do_case();
        if
        :: won -> goto over
        :: else
        fi
    od;
    atomic {                      // lg__wait_arm
        number[me] = number[me] % 6 + 1;
        armed[me] = true; claimed[me] = false; fired[me] = false;
        parked[me] = false; how[me] = NOTHING;
        ncases = 0
    }
    if
    :: ch = 0
    :: ch = 1
    fi;
    do                            // second pass: join_all
    :: ncases == 2 -> break
    :: else ->
        atomic { !lk[ch] -> lk[ch] = true }
        n = queue[2 * ch + other];
        if
        :: n == 0 ->
            atomic {              // two that match never both stand there
                assert(queue[2 * ch + other] == 0);
                queue[2 * ch + me] = number[me]
            }
            lk[ch] = false
        :: else ->
            claim(me, number[me], WITHDRAWN, won);
            if
            :: !won -> lk[ch] = false; n = 0; break // waits it out
            :: else
            fi;
            fire(me);
            do_case();
            unhook();
            if
            :: won -> goto over
            :: else -> goto again
            fi
        fi;
        n = 0;
        ch = 1 - ch;
        ncases++
    od;
    timer[me] = number[me];       // start_deadline
    atomic {                      // is_fired, or park and lg__wait_commit
        if
        :: fired[me] -> runnable[me] = true
        :: else -> parked[me] = true
        fi
    }
    atomic { runnable[me] -> runnable[me] = false; parked[me] = false }
    timer[me] = 0;                // lg__wait_settle
    unhook();
    assert(how[me] != WITHDRAWN && how[me] != NOTHING);
    if
    :: how[me] == TIMEOUT -> assert(elem[me] == 0 && elem[2 + me] == 0)
    :: how[me] == DONE0 && me == 0 -> nsent[0]++
    :: how[me] == DONE1 && me == 1 -> nsent[1]++
    :: how[me] == DONE1 && me == 0 -> assert(elem[2] == 1); nreceived[1]++
    :: how[me] == DONE0 && me == 1 -> assert(elem[1] == 1); nreceived[0]++
    fi;
over:
    atomic {                      // the next wait, or lg__wait_retire
        number[me] = number[me] % 6 + 1;
        armed[me] = false; claimed[me] = false; fired[me] = false;
        ndone++
    }
}

proctype timers(byte g)           // on_deadline
{
    byte n;
    bool won;
end:
    do
    :: atomic { timer[g] != 0 -> n = timer[g]; timer[g] = 0 }
        claim(g, n, TIMEOUT, won);
        if
        :: won -> fire(g)
        :: else
        fi
    od
}

init {
    atomic {
        run selecting(0); run selecting(1); run timers(0); run timers(1)
    }
    timeout;
    assert(ndone == 2);           // both return
    assert(queue[0] == 0 && queue[1] == 0 && queue[2] == 0 && queue[3] == 0);
    assert(nsent[0] == nreceived[0] && nsent[1] == nreceived[1]);
    assert(nsent[0] + nsent[1] <= 1);
    assert(elem[0] == 0 && elem[3] == 0);
    assert(elem[1] == nreceived[0] && elem[2] == nreceived[1]);
    assert(!lk[0] && !lk[1] && !runnable[0] && !runnable[1])
}
