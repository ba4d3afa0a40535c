// SPDX-License-Identifier: MIT
//
// One Lua state on one strand. Everything of ours that belongs to a state hangs
// off its `struct script`, which every C function of ours has as its first
// upvalue; there are no C globals, so states and reloads do not meet.
//
// Who may touch it: whoever is inside the strand; while nothing drives the
// runtime, the thread that runs the state.
#ifndef LAGOON_STATE_H
#define LAGOON_STATE_H

#include <lagoon.h>
#include <lua.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "armed.h"
#include "cap.h"
#include "collect.h"
#include "goroutine.h"
#include "names.h"
#include "object.h"
#include "refs.h"
#include "share.h"
#include "slots.h"
#include "testhook.h"
#include "value.h"

// About 1 MB at most, and only where as many goroutines have ended at a time.
enum { COROUTINE_POOL_MIN = 16, COROUTINE_POOL_CAP = 1024 };
enum { OUT_SLOTS = 256 };

// The registry's key of the script's userdata, which is the first thing of ours
// that is made in a state: finalised after all others.
#define LAGOON_SCRIPT_KEY "lagoon.script"

struct code_cache;
struct core_block;
struct hub;
struct scope;
struct scratch;
struct pending;
struct program;
struct worker;

struct script {
    struct hub *hub;       // NULL: no other state has been asked for yet
    struct worker *worker; // NULL: the state is no worker
    // Goroutines and pending timers: what keeps a worker. Never 0 in between where one
    // leads to another, for those who look from outside.
    _Atomic size_t nbusy;
    lua_State *aux;        // a thread of ours, for calls that no goroutine makes
    lua_State *finisher;   // another one, for what finishes waits (finish.h)
    lua_State *main;       // the state's main thread; NULL: it has not called us yet
    lua_State *driver;     // where lagoon.run() is being called; or NULL
    lg_runtime *rt;        // NULL: closed, and nothing of ours works any more
    lg_runtime *ending_rt; // of a worker that is closed alone: gets back what it holds
    lg_strand *strand;
    bool owns_runtime;                 // opened by us, for a host
    bool is_program;                   // an error that nobody handles ends the process
    bool is_over;                      // goroutine 1 has ended: no Lua code runs any more
    uint64_t main_id;                  // of goroutine 1
    lg_ref main_ref;                   // of goroutine 1 of a program
    _Atomic bool is_interrupted;       // by Ctrl-C, and goroutine 1 is still to be told
    void (*on_over)(struct script *s); // called when that has ended
    struct program *program;           // of main.c

    struct value *out;       // OUT_SLOTS of what was received, until it is read (out.h)
    uint32_t out_at;         // the slot in use
    lg_handle *out_handle;   // keeps them
    lg_handle *last_handle;  // keeps what left one on a thread without a goroutine
    struct scratch *scratch; // memory to encode with; or NULL
    struct share_types types;
    uint32_t hook;           // the __transfer that runs
    uint32_t last_hook;      // counts them
    bool has_module;         // `lagoon` is loaded: userdata of ours have their methods
    bool is_ending;          // an error leaves its goroutine: nothing may wait
    bool has_hook_run;       // a probe of refusal.c
    const char *refusal;     // why the last lagoon__waiter() was `outside`
    struct script_g outside; // stands for a goroutine where there is none

    const char *not_interrupted; // why its Lua code is never; NULL: it is
    struct armed armed;          // for that
    struct script_g *finishing;  // whose wait is being finished there
    int finishing_rc;            // what came of it
    bool is_probing;             // refusal.c has a hook of its own set
    struct test_hook test;       // the hook of `lagoon test`

    struct script_refs refs;
    struct collector collector;
    struct state_cap cap;
    struct naming names;
    struct filter class_filter;
    struct slots slots;     // of refs.kept
    struct coroutine *pool; // room for pool_cap, npooled of them are there
    int pool_cap;
    int npooled;
    struct select_block *blocks; // for reuse
    struct core_block *cores;    // the same
    struct pending *pending;     // timers that may still come, of no scope (timers.c)
    struct scope *scopes;        // in which something lives (scope.h)
    struct load *loads;          // of modules, by goroutines (require.h)
    struct code_cache *codes;    // code.c's
    size_t hidden_bytes;         // allocated behind the collector's back lately
    size_t nwarm;                // values in the plain tables of frozen ones (frozen.h)
    const void *ffi_caller;      // from where the interpreter calls through the FFI
    int recent_at;               // where the ring of refs.recent goes on
    const char *last_source;     // the last one that was looked up in refs.sources
    int nsources;                // in refs.sources
};

// Makes a state whose memory is the runtime's; or LuaJIT's own, if it takes no other (its
// 32-bit references reach only the lowest 2 GB). NULL: no memory.
lua_State *lagoon__new_state(lg_runtime *rt);

// The same, with an allocator. NULL: no memory, or this LuaJIT takes none.
lua_State *lagoon__new_state_with(lua_Alloc alloc, void *ud);

// Gives a state its script, or finds the one it has. rt is borrowed; NULL opens a runtime
// as the environment says, for a host, which is closed with the state. Raises.
struct script *lagoon__script_open(lua_State *L, lg_runtime *rt);

// The same for a host with options; NULL: none. Raises, and *out_err is why.
void lagoon__script_attach(lua_State *L, const lg_options *options, int *out_err);

// Ends a script from outside the strand. The state lives on, without us.
void lagoon__script_close(struct script *s);

// Ends the script of a worker that is about to be closed while others run on: its
// strand is closed, and what its userdata hold is given back as they are finalised.
void lagoon__script_end_alone(struct script *s);

// The runtime. Raises if it has been closed: finalisers may still ask for it.
lg_runtime *lagoon__rt(lua_State *L, const struct script *s);

// The script of the running C function.
static inline struct script *lagoon__script(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

// The runtime that what is finalised goes back to; NULL: it is closed, or about to be.
static inline lg_runtime *lagoon__rt_of_ends(const struct script *s)
{
    return s->rt ? s->rt : s->ending_rt;
}

// Whether a userdata of a kind that is born shared may be used.
static inline bool lagoon__shared_is_alive(const struct object *object)
{
    return object->handle != NULL && object->script->rt != NULL;
}

// Adds C functions to the table on top of the stack, each with the script.
struct luaL_Reg;
void lagoon__register(lua_State *L, struct script *s, const struct luaL_Reg *functions);

// Like realloc, with the state's own allocator: may be used as long as the
// state lives, which may be longer than the runtime. NULL: freed, or no memory.
void *lagoon__realloc(struct script *s, void *ptr, size_t osize, size_t nsize);

// Tells the collector about memory that it does not see. May collect.
void lagoon__hidden(lua_State *L, struct script *s, size_t size_bytes);

// Counts what keeps a worker from being closed: one more, one less. Inside the strand.
static inline void lagoon__busy_add(struct script *s, size_t n)
{
    // relaxed: only the M inside writes; who reads then asks whether the strand is idle
    size_t nbusy = atomic_load_explicit(&s->nbusy, memory_order_relaxed);
    atomic_store_explicit(&s->nbusy, nbusy + n, memory_order_relaxed);
}

static inline void lagoon__busy_end(struct script *s)
{
    lagoon__busy_add(s, (size_t)-1);
}

// Keeps the value on top of L alive, pops it, and returns its slot. Raises.
int lagoon__keep(lua_State *L, struct script *s);

// Pushes what a slot keeps.
void lagoon__push_kept(lua_State *L, struct script *s, int slot);

// Forgets a slot. L has room for two values.
void lagoon__unkeep(lua_State *L, struct script *s, int slot);

#endif // LAGOON_STATE_H
