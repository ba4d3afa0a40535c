// SPDX-License-Identifier: MIT
//
// Steers the collector of a state.
//
// LuaJIT collects in small steps, which allocations pay for. Three things it does
// not do: tell how long a step took, work while nothing else does, and look at a
// memory limit. Its one step that cannot be divided visits every coroutine, so
// with many of them the collection is run here: from LuaJIT's own threshold less
// a little, in slices between two goroutines, and without a pause between the
// slices where no goroutine wants to run. What goroutines allocate meanwhile
// still pays as ever.
//
// Under a memory limit LuaJIT's threshold is lowered to what is left, and, where
// that was not enough, the state is collected whole, but not for more than
// about half of the time.
//
// All fields belong to whoever is inside the strand.
#ifndef LAGOON_COLLECT_H
#define LAGOON_COLLECT_H

#include <lagoon.h>
#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct script;

struct collector {
    lg_post post; // a slice to be done
    bool is_slicing;
    bool is_stepping;     // gc_step() has begun a cycle, which has not ended
    bool is_pressed;      // the limit has lowered the threshold
    bool has_sentinel;    // that tells us of the next cycle's end
    uint32_t nresumes;    // until somebody looks
    int pause_before;     // LuaJIT's settings before the limit pressed
    int stepmul_before;   //
    int percent;          // as it counts for the state
    int64_t limit;        // the same
    int percent_floor;    // growth that the limit leaves in any case
    size_t live_kbytes;   // of the state at the end of a cycle
    size_t start_kbytes;  // of the state, for a cycle in slices to begin
    size_t looked_kbytes; // of the state, when the limit was looked at
    int64_t ended_ns;     // the last cycle
    int64_t patience_ns;  // no collection for the limit before this moment

    void (*trace)(void *ud, const char *line); // told of each cycle; or NULL

    // -- figures --
    int64_t began_ns;     // when the state did
    size_t peak_kbytes;   // as was seen since the last cycle
    uint64_t cycles;      // that we were told of
    uint64_t nsteps;      // of ours
    uint64_t nforced;     // whole collections
    int64_t step_max_ns;  // the longest step of ours: LuaJIT's atomic phase
    int64_t step_last_ns; // the longest of the last cycle that had slices
    int64_t step_now_ns;  // the longest of this one
    int64_t steps_ns;     // all
    int64_t forced_max_ns;
    int64_t forced_ns;
};

enum { RESUMES_PER_LOOK = 8 };

// The system's monotonic clock: the runtime's may be a host's, and stand still.
int64_t lagoon__clock_ns(void);

// Looks whether there is something to do: called once in so many steps.
void lagoon__collect_look(struct script *s);

// Collects the whole state, with its finalisers, in L, and counts that. Raises
// what a finaliser does.
void lagoon__collect_all(lua_State *L, struct script *s);

// A cycle has ended in L, and was not told of by a sentinel perhaps.
void lagoon__collect_ended(lua_State *L, struct script *s);

// Counts a step of ours that has taken so long.
void lagoon__collect_note_step(struct collector *c, int64_t took_ns);

// Collects garbage after memory has run out: LuaJIT does not by itself.
void lagoon__collect_scarce(struct script *s);

// Lets a percentage, or LG_GC_OFF, count for the state.
void lagoon__collect_percent(lua_State *L, struct script *s, int percent);

// Lets the core's memory limit count for the state.
void lagoon__collect_limit(lua_State *L, struct script *s);

// Lets settings count that have been changed from another state. Raises.
void lagoon__collect_follow(lua_State *L, struct script *s);

// Has a function told of each cycle, in a line; NULL: none.
void lagoon__collect_trace(lua_State *L, struct script *s,
                           void (*trace)(void *ud, const char *line));

// Begins; the core's settings count. Raises.
void lagoon__collect_init(lua_State *L, struct script *s);

#endif // LAGOON_COLLECT_H
