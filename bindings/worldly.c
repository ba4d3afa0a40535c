// SPDX-License-Identifier: MIT
#include "worldly.h"

#include "fail.h"
#include "task.h"
#include "wait.h"

// What is the script's own fault.
static const char *misuse_of(int rc)
{
    switch (rc) {
    case LG_EBUSY:
        return "another goroutine is in the same call on this object at the moment";
    case LG_EPERM: return "this object belongs to another Lua state";
    case LG_EINVAL: return "not a network and an address of it";
    case LG_ENOMEM: return "not enough memory";
    default: return NULL;
    }
}

static int push_failure(lua_State *L, int rc)
{
    lua_pushnil(L);
    switch (rc) {
    case LG_EOF: return 1;
    case LG_ECLOSED: lua_pushliteral(L, "closed"); return 2;
    case LG_EAGAIN:
    case LG_ETIMEDOUT:
        lua_pushliteral(L, "timeout");
        lua_pushliteral(L, "ETIMEDOUT");
        return 3;
    default:
        lua_pushstring(L, lg_strerror(rc));
        lua_pushstring(L, rc == LG_EBROKEN ? "EPIPE" : lg_error_name(rc));
        return 3;
    }
}

int lagoon__finish_failed(lua_State *L, struct script_g *sg, int rc)
{
    const char *misuse = misuse_of(rc);
    if (rc == LG_ECANCELED) {
        return lagoon__push_reason(L, sg);
    }
    if (misuse != NULL) {
        return lagoon__finish_raise(L, misuse);
    }
    lua_pushinteger(L, WAIT_OK);
    return 1 + push_failure(L, rc);
}

int lagoon__return_failed(lua_State *L, int rc)
{
    const char *misuse = misuse_of(rc);
    if (misuse != NULL) {
        lagoon__raise(L, "%s", misuse);
    }
    return push_failure(L, rc);
}

int lagoon__return_code(lua_State *L, int rc)
{
    if (rc != LG_OK) {
        return lagoon__return_failed(L, rc);
    }
    lua_pushboolean(L, 1);
    return 1;
}

int lagoon__return_text(lua_State *L, int rc, const char *text)
{
    if (rc != LG_OK) {
        return lagoon__return_failed(L, rc);
    }
    lua_pushstring(L, text);
    return 1;
}
