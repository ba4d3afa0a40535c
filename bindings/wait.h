// SPDX-License-Identifier: MIT
//
// How a C function of ours blocks. In order:
//
//     int64_t deadline = lagoon__deadline(L, 2, 1, "recv");
//     struct script_g *sg = lagoon__waiter(L, s, &deadline);
//     int rc = lg_chan_recv(ch, &sg->value, deadline);
//     return lagoon__settle(L, sg, rc, finish_recv);
//
// A goroutine usually waits by yielding its coroutine; its C function has then
// returned, and cannot raise when the wait is over. So the results begin with a
// code, and a wrapper in Lua raises. Where the coroutine cannot yield (there is
// a C frame of somebody below, or another coroutine), the goroutine keeps the C
// stack and lg_wait()s. Where it must not do that either, the call gets the
// deadline 0, and an error if that was not enough: nothing is ever armed first.
#ifndef LAGOON_WAIT_H
#define LAGOON_WAIT_H

#include <lagoon.h>
#include <lua.h>
#include <stdint.h>

#include "state.h"

// What the results of a blocking C function begin with.
enum wait_code {
    WAIT_OK,            // the results follow
    WAIT_TIMEOUT,       // the seconds have passed
    WAIT_RAISE,         // a message follows, to be raised with a position
    WAIT_CANCEL,        // the reason follows, to be raised as it is
    WAIT_RETHROW,       // the same with an error of another goroutine
    WAIT_OUTCOME,       // a task has ended elsewhere: task_outcome() tells how
    WAIT_SEALED_CANCEL, // as WAIT_CANCEL, but the reason is in a slot of `out`
    WAIT_SEALED, // the slot of `out` follows in which the value is still sealed (out.h)
};

// What to do where there is no goroutine that could wait.
#define LAGOON_HOW_TO_WAIT \
    "start it with lagoon.go and call lagoon.update() every frame, or use lagoon.run(f)"

// The goroutine that may wait now, or &s->outside and the deadline 0.
struct script_g *lagoon__waiter(lua_State *L, struct script *s, int64_t *deadline_ns);

// Notes what could wake a goroutine that is about to wait, for leaks.c: the
// object at index 1, or a select's channels. With a deadline, time will.
static inline void lagoon__parks_on(struct script_g *sg, enum parked_on on,
                                    int64_t deadline_ns)
{
    if (deadline_ns == LG_NEVER) {
        sg->parked_on = (uint8_t)on;
    }
}

// Waits if rc is LG_WAIT, and returns what the C function must return. L has
// room for a few values.
int lagoon__settle(lua_State *L, struct script_g *sg, int rc, finish_fn *finish);

// The same for a function that makes strings or tables of what it has waited for, and may find
// no memory for them.
int lagoon__settle_making(lua_State *L, struct script_g *sg, int rc, finish_fn *finish);

// Raises why lagoon__waiter() gave no goroutine, if s->refusal tells.
_Noreturn void lagoon__refuse(lua_State *L, struct script *s);

// The goroutine, for blocking functions of the core that keep the C stack by
// themselves; NULL outside of any. Raises where it must not wait.
struct script_g *lagoon__donor(lua_State *L, struct script *s);

// Called when such a function has returned.
void lagoon__donated(struct script_g *sg);

// Waits out what is armed, on the C stack that the goroutine stands on; what the call
// that armed it would have returned.
int lagoon__keep_stack(lua_State *L, struct script_g *sg);

// Finishes: the code alone; for LG_OK followed by nothing. Knows all errors
// that have a common meaning; anything else is raised by its own name.
int lagoon__finish_plain(lua_State *L, struct script_g *sg, int rc);

// Pushes WAIT_RAISE and a message; returns 2.
int lagoon__finish_raise(lua_State *L, const char *message);

// The moment that is the number of seconds at an index away, on the clock of the running
// goroutine. None or nil: never. Negative ones count as 0. Raises as argument n of name.
int64_t lagoon__deadline(lua_State *L, int index, int n, const char *name);

// The same on the runtime's clock, which deadlines of input and output are on.
int64_t lagoon__io_deadline(lua_State *L, int index, int n, const char *name);

// Seconds at an index, as nanoseconds; LG_NEVER if there are too many.
int64_t lagoon__seconds(lua_State *L, int index, int n, const char *name);

// A moment so many nanoseconds from now, on the clock of the running goroutine.
int64_t lagoon__after(struct script *s, int64_t delay_ns);

// The same from a moment on.
int64_t lagoon__after_on(int64_t now_ns, int64_t delay_ns);

#endif // LAGOON_WAIT_H
