// SPDX-License-Identifier: MIT
//
// The userdata of locks and their kin: each holds the core's, in memory that stays in
// place when the userdata is shared (cores.h). Who waits on one keeps it alive.
#ifndef LAGOON_SYNC_H
#define LAGOON_SYNC_H

#include <lagoon.h>
#include <lua.h>

#include "object.h"
#include "share.h"

struct mutex {
    struct object object;
    lg_mutex *core;
};

struct rwmutex {
    struct object object;
    lg_rwmutex *core;
};

struct waitgroup {
    struct object object;
    lg_waitgroup *core;
};

struct cond {
    struct object object;
    lg_cond core;
    struct mutex *mutex; // kept alive by the environment
};

struct once {
    struct object object;
    lg_once core;
};

struct semaphore {
    struct object object;
    lg_semaphore *core;
    int64_t units;
};

extern const struct share_ops lagoon__mutex_ops;
extern const struct share_ops lagoon__rwmutex_ops;
extern const struct share_ops lagoon__waitgroup_ops;
extern const struct share_ops lagoon__semaphore_ops;

// Adds the constructors and methods to the table on top.
void lagoon__open_sync(lua_State *L, struct script *s);

#endif // LAGOON_SYNC_H
