// SPDX-License-Identifier: MIT
#ifndef LAGOON_REFS_H
#define LAGOON_REFS_H

#include "object.h"

// Lua values that the state keeps for us, in its registry.
struct script_refs {
    int kept;        // table: slot -> coroutine, task or timer that must stay alive
    int noop;        // function that does nothing
    int finish;      // of finish.c
    int lua_noop;    // the same in Lua
    int set_no_mode; // function that raises inside a finaliser
    int ffi_call;    // the function that makes FFI calls; LUA_NOREF: not looked for yet
    int pcall;       // the functions of these names
    int xpcall;
    int sources;       // table: name of a source -> true
    int traces;        // weak table: error -> traceback
    int recent;        // table: errors that cannot be weak -> traceback, and a ring
    int fast_refs;     // weak table: channel -> its table of references
    int failed;        // weak table: task that failed -> true
    int handler;       // what lagoon.on_error() was given, or LUA_NOREF
    int sending;       // metatable of ch:sending(v)
    int default_case;  // lagoon.default
    int sentinel;      // metatable of what tells of the end of a cycle
    int collect_all;   // function that collects the state
    int shared;        // weak table: shared object -> userdata
    int do_share;      // of share.c
    int anchor;        // metatable of what keeps an object of the core's collector
    int body;          // of a worker: the function that its tasks' goroutines begin with
    int env_meta;      // of a worker: metatable of their environments
    int names;         // weak table: function or table -> its name
    int loaded;        // package.loaded
    int loading;       // list: modules that were being loaded when it was looked at
    int require;       // Lua's own `require`, in states of ours
    int builtins;      // table: the globals that come with Lua
    int class_tables;  // table: name of a class -> metatable
    int class_objects; // weak table: metatable -> userdata
    int renewed;      // weak table: reloading task -> metatable of a class -> its new one
    int scratch;      // the userdata of script.scratch
    int frozen_large; // metatable of frozen tables with many values; or LUA_NOREF
    int classes[NKINDS]; // metatables
};

#endif // LAGOON_REFS_H
