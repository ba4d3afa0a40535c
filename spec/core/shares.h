// SPDX-License-Identifier: MIT
//
// Who gets how much of something that several want all the time. A contest goes on until
// each of them has had its least; by then they must not have had ten times as much
// together. So it is the count that decides, not the clock, and one whose
// thread the system has put aside for a while makes it longer, not wrong.
#ifndef SHARES_H
#define SHARES_H

#include "spec.h"

enum { SHARES_MAX = 16, SHARES_UNFAIR = 10 };

struct shares {
    int n;
    int64_t least;
    _Atomic int64_t got[SHARES_MAX];
    _Atomic int nwanting; // have not had their least
    _Atomic int nended;
};

// Zeroed before.
void shares_begin(struct shares *shares, int n, int64_t least);

// Counts one for this contestant, and works for 20 microseconds: a thread that is put
// aside for a moment misses some turns, not thousands. False: all have had their least, it
// is over.
bool shares_take(struct shares *shares, int who);
bool shares_is_over(struct shares *shares);

// Waits until n goroutines have ended, each by nended++, and looks what they got.
void shares_check(struct shares *shares, int n);

// Opens a runtime whose goroutines make room after 100 microseconds.
lg_runtime *shares_open(int procs, bool has_signals);

#endif // SHARES_H
