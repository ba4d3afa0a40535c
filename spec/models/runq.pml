// SPDX-License-Identifier: MIT
//
// The run queue of a P. Models core/sched/runq.h (lg__runq_push, lg__runq_pop,
// lg__runq_spill) and runq.c (lg__runq_grab), as steal.c and sched.c use them.
//
// An owner pushes and pops, and spills when it is full, two thieves grab.
// Indices are of four bits, start just below their wrap-around and the ring
// has four slots. Shown: each item is taken exactly once, nothing is left, and
// the owner takes in order. Each slot is read in a step of its own. Memory is
// sequentially consistent here.
//
// check:

#define CAP 4
#define MASK 15
#define N 6                       // items, numbered from 1

byte head = 13;
byte tail = 13;
byte slots[CAP];
byte taken[7];
bool is_done;
byte nthieves = 2;

inline take(item)
{
    atomic {
        assert(item != 0 && taken[item] == 0);
        taken[item]++;
        item = 0
    }
}

// lg__runq_grab into out[0], out[1]; count 0: nothing there
inline grab()
{
    do
    :: h = head;
        t = tail;
        count = (t - h) & MASK;
        count = count - count / 2;
        if
        :: count == 0 -> break
        :: count > CAP / 2        // of different moments
        :: else ->
            o0 = slots[h % CAP];
            if
            :: count == 2 -> o1 = slots[((h + 1) & MASK) % CAP]
            :: else
            fi;
            atomic {              // the CAS
                if
                :: head == h -> head = (h + count) & MASK; break
                :: else
                fi
            }
        fi
    od;
    if
    :: count >= 1 -> take(o0)
    :: else
    fi;
    if
    :: count == 2 -> take(o1)
    :: else
    fi;
    o0 = 0; o1 = 0; h = 0; t = 0; count = 0
}

proctype thief()
{
    byte h, t, count, o0, o1;
    grab();
    nthieves--
}

proctype owner()
{
    byte h, t, count, o0, o1, next = 1;
    byte last = 0;                // popped last
    do
    :: next <= N ->               // lg__runq_push
        h = head;
        if
        :: ((tail - h) & MASK) >= CAP ->
            grab();               // lg__runq_spill, to the global queue
        :: else ->
            slots[tail % CAP] = next;
            atomic { tail = (tail + 1) & MASK; next++; h = 0 }
        fi
    :: true ->                    // lg__runq_pop
        h = head;
        do
        :: h == tail ->
            if
            :: next > N -> is_done = true; goto over
            :: else -> break
            fi
        :: else ->
            o0 = slots[h % CAP];
            atomic {              // the CAS
                if
                :: head == h ->
                    head = (h + 1) & MASK;
                    assert(o0 > last);
                    last = o0;
                    take(o0);
                    break
                :: else -> h = head
                fi
            }
        od;
        h = 0; o0 = 0
    od;
over: skip
}

init {
    byte i = 1;
    atomic { run owner(); run thief(); run thief() }
    (is_done && nthieves == 0);
    assert(head == tail);
    do
    :: i <= N -> assert(taken[i] == 1); i++
    :: else -> break
    od
}
