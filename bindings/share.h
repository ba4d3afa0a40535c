// SPDX-License-Identifier: MIT
//
// Objects that several Lua states hold: each state has a userdata of its own, and
// what they share is an object of the core's collector.
//
//   state A                    core                       state B
//   userdata --handle--> struct shared <--handle-- userdata
//                          |         |
//                        husk       data, more: what it refers to
//                          |
//                        core (lg_chan, lg_mutex, ...: memory with an owner)
//
// A userdata that is collected frees its handle. What nothing refers to any more,
// cycles of channels in channels included, the core collects. An object that is
// reachable from itself could not have a finalizer; so the husk has it, which
// refers to nothing: it frees `core`.
//
// Each state keeps a weak table from shared objects to its userdata: the same object
// is the same userdata.
#ifndef LAGOON_SHARE_H
#define LAGOON_SHARE_H

#include <lagoon.h>
#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "object.h"

struct script;
struct sharing;
struct husk;

// References are changed with lg_store().
struct shared {
    uint32_t kind;          // enum kind
    _Atomic uint32_t flags; // the kind's
    void *core;             // what the husk frees; NULL: nothing
    struct husk *husk;
    void *data; // what else it refers to: objects of the collector
    void *more;
    _Atomic uint64_t word;  // the kind's
    _Atomic uint64_t word2; //
};

// What a kind of userdata does to be shared.
struct share_ops {
    size_t size_bytes; // of its userdata, which begins with struct object

    // Fills `shared` for a userdata that was its state's own until now: sets core
    // and data. The userdata is at an absolute index; L has room for 10 values. NULL:
    // it is born shared, or a channel. Raises, with nothing changed.
    void (*share)(lua_State *L, struct script *s, int index, struct shared *shared);

    // Fills a new userdata, on top of L, for a shared object. NULL: nothing to do.
    // Must not raise.
    void (*adopt)(lua_State *L, void *userdata, struct shared *shared);

    // Frees `core`, on a goroutine of the core's. NULL: there is none.
    void (*free)(lg_runtime *rt, void *core);
};

// Makes the userdata at an index shared, if it is not yet; it stays alive as the
// state's own. The object is alive while the userdata is, or while it is referred to
// from a C stack of a goroutine. Raises.
struct shared *lagoon__share(lua_State *L, struct script *s, int index);

// The same for a message of several: its channels become shared together (chanshare.h).
// NULL: the error is on top of L, which has room for 4 values.
struct shared *lagoon__share_with(lua_State *L, struct sharing *sharing, int index);

// Gives a new object that is born shared a husk. It leaves a value on L. Raises.
void lagoon__share_husk(lua_State *L, struct script *s, struct shared *shared);

// Sets what a new object's husk frees.
void lagoon__share_core(struct shared *shared, void *core);

// The userdata is its state's own again. L has room for 4 values.
void lagoon__share_undo(lua_State *L, struct object *object);

// Pushes this state's userdata for a shared object, with its methods: the module is
// loaded if need be. Raises.
void lagoon__push_shared(lua_State *L, struct script *s, struct shared *shared);

// The same for a userdata that no script may see before the module is loaded.
void lagoon__push_bare(lua_State *L, struct script *s, struct shared *shared);

// Pushes a userdata of a kind that is born shared, with a new shared object, which
// *out tells; returns the userdata, zeroed behind its struct object. Raises.
void *lagoon__shared_new(lua_State *L, struct script *s, enum kind kind,
                         struct shared **out);

// The userdata at index 1 of a kind that is born shared, or raises in the name of one of
// its methods: also when it has been finalised.
void *lagoon__shared_self(lua_State *L, enum kind kind, const char *method);

// What a userdata of ours shares; NULL: it is its state's own.
static inline struct shared *lagoon__shared_of(const struct object *object)
{
    return object->handle ? lg_handle_get(object->handle) : NULL;
}

// Forgets the handle: the userdata is being finalised.
void lagoon__unshare(struct object *object);

// The `__gc` of kinds that have nothing else to do.
int lagoon__shared_finalise(lua_State *L);

// Makes an object of the collector, zeroed, and pushes a userdata that keeps it alive:
// for threads that are in no goroutine, whose stacks nobody scans, and for what errors
// may cut short. Raises.
void *lagoon__gc_new_kept(lua_State *L, struct script *s, lg_type *type, size_t n);

// Makes an object of the collector, zeroed: in a goroutine, alive while it is on the C
// stack; outside of any, *out_handle keeps it, to be freed (in a goroutine that is
// NULL). NULL: no memory.
void *lagoon__gc_new(struct script *s, lg_type *type, size_t n, lg_handle **out_handle);

// Stores a reference in an object of the collector: lg_store(), but also outside of
// goroutines. Nothing was there before.
void lagoon__gc_set(void *slot, void *value);

// The types of the bindings' objects, in each runtime that has a script.
struct share_types {
    lg_type *shared; // struct shared
    lg_type *husk;   // struct husk
    lg_type *values; // struct value
    lg_type *refs;   // void *
    lg_type *bytes;  // unsigned char
    lg_type *task;   // struct task_core
};

// Whether a kind can be shared at all.
bool lagoon__is_shareable(enum kind kind);

// Makes ready: called once when a state opens. Raises.
void lagoon__share_init(lua_State *L, struct script *s);

#endif // LAGOON_SHARE_H
