// SPDX-License-Identifier: MIT
//
// A toy interpreter on strands: what bindings are to Lua, this is to steps in C.
// A script is a function that is called again after each wait and goes on where
// it was:
//
//     static int ping(struct script *script, int result)
//     {
//         SCRIPT_BEGIN
//         SCRIPT_AWAIT(lg_chan_recv(ch, &value, LG_NEVER)); // leaves resume
//         CHECK_OK(result);
//         SCRIPT_KEEP(lg_chan_recv(ch, &value, LG_NEVER)); // keeps its C stack
//         SCRIPT_END
//     }
//
// Every entry and exit is counted: two Ms inside one strand fail the spec.
#ifndef SCRIPT_H
#define SCRIPT_H

#include <pthread.h>

#include "spec.h"

struct script;
typedef int (*script_step)(struct script *script, int result);

// The strand's area of a goroutine.
struct script {
    script_step step;
    void *arg;
    lg_g *g;
    int at; // the line of the wait that it stands in
    int round;
    uint64_t words[8];
};
_Static_assert(sizeof(struct script) <= LG_EXTRA_SIZE, "fits the area");

// A strand's data.
struct interpreter {
    _Atomic int inside; // Ms; never over 1
    struct script *now; // what it believes to run
    long resumes;       // no atomics: the strand is the lock
    long returns;
    pthread_t thread; // that entered last
    long moves;       // entries from another thread than the last
};

#define SCRIPT_BEGIN      \
    (void)result;         \
    switch (script->at) { \
    case 0:;
#define SCRIPT_AWAIT(call)        \
    script->at = __LINE__;        \
    result = (call);              \
    if (result == LG_WAIT) {      \
        return LG_WAIT;           \
    }                             \
    __attribute__((fallthrough)); \
    case __LINE__:;
#define SCRIPT_KEEP(call)             \
    result = (call);                  \
    if (result == LG_WAIT) {          \
        result = script_wait(script); \
    }
// For calls that keep the stack by themselves.
#define SCRIPT_CALL(call)  \
    script_leave(script);  \
    result = (call);       \
    script_return(script); \
    CHECK(result != LG_WAIT);
#define SCRIPT_END \
    }              \
    return LG_OK;

extern const lg_strand_ops script_ops;

// Opens a strand with a toy interpreter in it.
lg_strand *script_strand(lg_runtime *rt, struct interpreter *interpreter);

// Starts a script; from inside the strand, or before anything runs.
lg_ref script_go(lg_strand *strand, script_step step, void *arg);

// The counting, around what may keep the C stack.
void script_leave(struct script *script);
void script_return(struct script *script);

// lg_wait(), with the counting.
int script_wait(struct script *script);

#endif // SCRIPT_H
