// SPDX-License-Identifier: MIT
//
// Strands. Models core/sched/strand.c (lg__strand_push, lg_strand_post,
// turn_inbox_over, next_work, try_leave, yield_strand, rounds, lg__strand_run).
//
// Two threads post from outside, each one post of its own and then one that
// both post; a post that is run posts another from inside. A goroutine goes inside by
// itself if the strand is idle (lg__strand_try_enter, lg__strand_leave), and may leave work
// there. Two Ms take the strand from a run queue, and may yield it at any round. Shown: at most
// one of them is inside, the strand stands in at most one queue, each post is run exactly
// once, the shared one once for all that came before it ran, and in the end
// the strand is idle. Memory is sequentially consistent here.
//
// post 1, 2: the threads' own   3: from inside, by post 1   4: the shared one
//      5: from inside, by the goroutine
//
// check:

#define NIL 0
#define IDLE 9

byte inbox = IDLE;
byte next[6];
byte work, work_last;             // of the M inside
bool is_queued;                   // of post 4
bool is_owed;                     // post 4 was posted and has not run since
byte nruns[6];
bool has_left_work;
bool is_occupied;
byte nstanding;                   // of the strand in run queues

inline enqueue()                  // lg__sched_push, lg__sched_requeue
{
    atomic {
        assert(nstanding == 0 && !is_occupied);
        nstanding++
    }
}

inline append_work(post)
{
    next[post] = NIL;
    if
    :: work != NIL -> next[work_last] = post
    :: else -> work = post
    fi;
    work_last = post
}

inline push_from_outside(post)    // lg__strand_push
{
    h = inbox;
    do
    :: next[post] = (h == IDLE -> NIL : h);
        atomic {                  // the CAS
            if
            :: inbox == h -> inbox = post; break
            :: else -> h = inbox
            fi
        }
    od;
    if
    :: h == IDLE -> enqueue()
    :: else
    fi;
    h = NIL
}

proctype poster(byte own)
{
    byte h;
    bool was;
    push_from_outside(own);
    is_owed = true;               // lg_strand_post
    atomic { was = is_queued; is_queued = true }
    if
    :: !was -> push_from_outside(4)
    :: else
    fi
}

proctype goroutine()              // lg__call of one without a strand
{
    bool is_inside;
    atomic {                      // try_enter: the CAS
        if
        :: inbox == IDLE -> inbox = NIL; is_inside = true
        :: else
        fi
    }
    if
    :: is_inside ->
        atomic { assert(!is_occupied && nstanding == 0); is_occupied = true }
        if
        :: append_work(5); has_left_work = true
        :: skip
        fi;
        if                        // leave
        :: work == NIL ->
            is_occupied = false;  // try_leave
            atomic {              // the CAS
                if
                :: inbox == NIL -> inbox = IDLE; is_inside = false
                :: else
                fi
            }
        :: else -> is_occupied = false
        fi;
        if
        :: is_inside -> enqueue()
        :: else
        fi
    :: else                       // it posts, as the others do
    fi
}

proctype machine()
{
    byte post, at, older, left;
end:
    do
    :: atomic { nstanding > 0 -> nstanding-- }
        atomic { assert(!is_occupied); is_occupied = true }
        left = 3;
        do                        // rounds
        :: left == 0 -> goto yield
        :: left > 0 && left < 3 -> goto yield // an interrupt
        :: left > 0 ->
            left--;
            if                    // next_work
            :: inbox != NIL ->
                atomic { at = inbox; inbox = NIL } // turn_inbox_over
                assert(at != IDLE);
                older = NIL;
                do
                :: at != NIL ->
                    post = next[at];
                    next[at] = older;
                    older = at;
                    at = post
                :: else -> break
                od;
                do
                :: older != NIL ->
                    post = next[older];
                    append_work(older);
                    older = post
                :: else -> break
                od
            :: else
            fi;
            post = work;
            if
            :: post != NIL -> work = next[post]
            :: else
            fi;
            if
            :: post == NIL ->
                is_occupied = false; // try_leave
                atomic {          // the CAS
                    if
                    :: inbox == NIL -> inbox = IDLE; goto left_it
                    :: else
                    fi
                }
                is_occupied = true
            :: post == 4 ->
                is_queued = false;
                is_owed = false;  // what is posted from here on runs again
                nruns[4]++
            :: else ->
                nruns[post]++;
                assert(nruns[post] == 1);
                if
                :: post == 1 -> append_work(3)
                :: else
                fi
            fi
        od;
yield:  is_occupied = false;      // yield_strand
        enqueue();
left_it: post = NIL; at = NIL; older = NIL; left = 0
    od
}

init {
    atomic { run poster(1); run poster(2); run machine(); run machine(); run goroutine() }
    timeout;
    assert(nruns[1] == 1 && nruns[2] == 1 && nruns[3] == 1);
    assert(nruns[5] == (has_left_work -> 1 : 0));
    assert(nruns[4] >= 1 && nruns[4] <= 2 && !is_owed);
    assert(inbox == IDLE && work == NIL && !is_occupied && nstanding == 0)
}
