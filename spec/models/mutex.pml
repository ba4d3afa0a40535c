// SPDX-License-Identifier: MIT
//
// The mutex. Models core/sync/mutex.c (grab, take_or_announce_locked, queue_up,
// finish_woken, pass_on, claim, unlock_slow) and of the wait word what is needed: claiming
// decides a wait, firing makes its goroutine run (park.pml has the rest).
//
// N goroutines lock and unlock, ROUNDS times each. The last may have a deadline, which
// comes at any moment, may be canceled, which it finds when it arms, or may be dropped
// once it was woken. With STRAND the first is one that never competes. Whether a beaten
// waiter starves is anybody's guess: neither time nor count is modelled. Shown: one is
// inside at a time; whoever waits gets it, or gives up by his deadline or cancellation, and
// nothing is left locked, woken or queued in the end; while it starves nobody who comes
// along is faster than the one at the head, who was beaten; and the flags are what mutex.c
// says of them. Memory is sequentially consistent here.
//
// check: -DN=3 -DROUNDS=2
// check: -DN=3 -DROUNDS=1 -DDEADLINE
// check: -DN=3 -DROUNDS=1 -DDEADLINE -DCANCEL
// check: -DN=3 -DROUNDS=1 -DDROP -DDEADLINE
// check: -DN=3 -DROUNDS=2 -DSTRAND
// check: -DN=4 -DROUNDS=1 -DDEADLINE
// check: -DN=4 -DROUNDS=1 -DDEADLINE -DSTRAND

#define NOBODY 255

mtype = { NOTHING, READY, TIMEOUT };
mtype = { FRESH, BEATEN, HANDED };

// the state word
bool locked, has_waiters, woken, starving;

bool lk;                          // the lock, and what it guards:
byte queue[N];
byte nqueued;

bool armed[N], fired[N];          // the wait; claimed: how is not NOTHING
mtype how[N] = NOTHING;
mtype mode[N] = FRESH;
byte ninside;
byte nwoken;                      // woken to compete, and not done with that
byte head = NOBODY;               // beaten, starving, and at the head
byte nover;

#define LAST (N - 1)

#ifdef STRAND
#define MAY_COMPETE(i) (i != 0)
#else
#define MAY_COMPETE(i) true
#endif

inline look()                     // what mutex.c says of the flags
{
    assert(!starving || locked);
    assert(!starving || !woken);
    assert(woken == (nwoken == 1) && nwoken < 2)
}

inline took(i)
{
    assert(head == NOBODY || head == i); // nobody is faster
    head = (head == i -> NOBODY : head)
}

inline grab(i, mine, won)         // a load, then a CAS: one that fails looks again
{
    atomic {
        if
        :: !locked ->
            took(i);
            locked = true; won = true;
            if
            :: mine -> woken = false; nwoken--
            :: else
            fi;
            look()
        :: else -> won = false
        fi
    }
}

inline take_or_announce(i, mine, starves, won)
{
    atomic {
        if
        :: !locked ->
            took(i);
            locked = true; won = true;
            has_waiters = (nqueued == 0 -> false : has_waiters)
        :: else ->
            has_waiters = true;
            starving = starving || starves;
            won = false
        fi;
        if
        :: mine -> woken = false; nwoken--
        :: else
        fi;
        look()
    }
}

inline push(i, at_front)
{
    d_step {
        at = nqueued;
        do
        :: at_front && at > 0 -> queue[at] = queue[at - 1]; at--
        :: else -> break
        od;
        queue[at] = i; nqueued++; at = 0
    }
}

inline unlink(i)
{
    d_step {
        at = 0;
        do
        :: at < nqueued && queue[at] != i -> at++
        :: else -> break
        od;
        do
        :: at + 1 < nqueued -> queue[at] = queue[at + 1]; at++
        :: at + 1 == nqueued -> nqueued--; queue[nqueued] = 0; break
        :: else -> break
        od;
        at = 0
    }
}

// Under the lock: the first in line whose wait is not decided yet.
inline claim_first(w)
{
    w = NOBODY;
    do
    :: w != NOBODY || nqueued == 0 -> break
    :: else ->
        n = queue[0];
        unlink(n);
        atomic {
            if
            :: how[n] == NOTHING && armed[n] -> how[n] = READY; w = n
            :: else -> head = (head == n -> NOBODY : head)
            fi
        }
    od;
    n = 0
}

inline unlock()
{
    do
    :: atomic {
            assert(locked);
            if
            :: !starving && (woken || !has_waiters) -> locked = false; look(); break
            :: else
            fi
        }
        atomic { !lk -> lk = true }
        if
        :: !starving && (woken || !has_waiters) -> w = NOBODY
        :: else ->
            claim_first(w);
            d_step {
                has_waiters = (nqueued > 0);
                if
                :: w == NOBODY -> starving = false
                :: w != NOBODY && !starving && MAY_COMPETE(w) -> woken = true; nwoken++
                :: else -> mode[w] = HANDED; took(w)
                fi
            }
            if                    // is it the last, has it not waited for long?
            :: starving && nqueued > 0
            :: starving -> starving = false
            :: else
            fi;
            look()
        fi;
        lk = false;
        if
        :: w == NOBODY -> skip    // nobody waits any more: again
        :: else ->
            if
            :: mode[w] != HANDED ->
                atomic { assert(locked); locked = false; look() }
            :: else
            fi;
            fired[w] = true;
            w = NOBODY;
            break
        fi
    od
}

// Queues: won, if it was open after all; canceled, if no wait was armed.
inline queue_up(i, mine, starves)
{
    atomic { !lk -> lk = true }
    take_or_announce(i, mine, starves, won);
    if
    :: won
    :: else ->
        if
#ifdef CANCEL
        :: i == LAST -> canceled = true
#endif
        :: how[i] = NOTHING; fired[i] = false; armed[i] = true;
            push(i, mine);
            if
            :: starves -> head = i
            :: else
            fi
        fi
    fi;
    lk = false
}

proctype goroutine(byte i)
{
    byte round, at, n;
    byte w = NOBODY;
    bool won, canceled, starves;
    do
    :: round == ROUNDS || canceled -> break
    :: else ->
        round++;
        grab(i, false, won);
        if
        :: won -> goto inside
        :: else
        fi;
        mode[i] = FRESH;
        queue_up(i, false, false);
        do
        :: won || canceled -> break
        :: else ->
            fired[i];             // parked
            armed[i] = false;
            if
            :: how[i] == TIMEOUT ->
                atomic { !lk -> lk = true }
                unlink(i);
                atomic { head = (head == i -> NOBODY : head) }
                lk = false;
                canceled = true
#ifdef DROP
            :: how[i] == READY && i == LAST -> // pass_on
                won = (mode[i] == HANDED);
                if
                :: !won ->
                    atomic { !lk -> lk = true }
                    atomic {
                        if
                        :: !locked -> took(i); locked = true; won = true
                        :: else
                        fi;
                        woken = false; nwoken--; look()
                    }
                    lk = false
                :: else
                fi;
                if
                :: won -> unlock()
                :: else
                fi;
                won = false; canceled = true
#endif
            :: how[i] == READY && mode[i] == HANDED -> won = true
            :: how[i] == READY && mode[i] != HANDED ->
                grab(i, true, won);
                if
                :: won
                :: else ->
                    mode[i] = BEATEN;
                    if
                    :: starves = true
                    :: starves = false
                    fi;
                    queue_up(i, true, starves)
                fi
            fi
        od;
        if
        :: canceled -> break
        :: else
        fi;
inside:
        ninside++;
        assert(ninside == 1);
        ninside--;
        won = false;
        unlock()
    od;
    nover++
}

#ifdef DEADLINE
proctype timer()                  // of LAST, once
{
    atomic {
        if
        :: armed[LAST] && how[LAST] == NOTHING -> how[LAST] = TIMEOUT; fired[LAST] = true
        :: nover == N
        fi
    }
}
#endif

init {
    atomic {
        byte k;
        for (k : 0 .. N - 1) {
            run goroutine(k)
        }
#ifdef DEADLINE
        run timer()
#endif
    }
    timeout;
    assert(nover == N);           // nobody waits for ever
    assert(!locked && !woken && !starving && nqueued == 0 && !lk)
}
