// SPDX-License-Identifier: MIT
#include "forward.h"

#include <lauxlib.h>
#include <stdatomic.h>

#include "errorinfo.h"
#include "go.h"
#include "hub.h"
#include "parcel.h"
#include "report.h"
#include "state.h"

// On its way to the first state.
struct letter_home {
    lg_post post;
    struct hub *hub;
    lg_handle *values; // three struct value: the error, its traceback, whose it was
    struct script_g *sg;
    lua_State *from;
};

static struct value *values_of(struct letter_home *letter)
{
    return lg_handle_get(letter->values);
}

// -- in the worker --

static void push_error(lua_State *L, lua_State *from)
{
    lua_pushvalue(from, -1);
    lua_xmove(from, L, 1);
}

static int encode_error(lua_State *L)
{
    struct letter_home *letter = lua_touserdata(L, 1);
    push_error(L, letter->from);
    lagoon__encode(L, letter->sg->script, 2, &values_of(letter)[0]);
    return 0;
}

static int encode_words(lua_State *L)
{
    struct letter_home *letter = lua_touserdata(L, 1);
    push_error(L, letter->from);
    lagoon__error_text(L);
    lagoon__encode(L, letter->sg->script, 2, &values_of(letter)[0]);
    return 0;
}

static int encode_trace(lua_State *L)
{
    struct letter_home *letter = lua_touserdata(L, 1);
    push_error(L, letter->from);
    lagoon__push_new_trace(L, letter->sg, 2);
    lagoon__encode(L, letter->sg->script, -1, &values_of(letter)[1]);
    return 0;
}

static int encode_info(lua_State *L)
{
    struct letter_home *letter = lua_touserdata(L, 1);
    lagoon__push_error_info(L, letter->sg);
    lagoon__encode(L, letter->sg->script, -1, &values_of(letter)[2]);
    return 0;
}

static bool call(struct script *s, lua_CFunction function, struct letter_home *letter)
{
    bool is_done = lua_cpcall(s->aux, function, letter) == 0;
    lua_settop(s->aux, 0);
    return is_done;
}

// -- in the first state --

static int start_handler(lua_State *L)
{
    struct letter_home *letter = lua_touserdata(L, 1);
    struct script *root = letter->hub->root;
    lua_rawgeti(L, LUA_REGISTRYINDEX, root->refs.handler);
    lagoon__decode(L, root, values_of(letter)[0]);
    lagoon__decode(L, root, values_of(letter)[1]);
    lagoon__decode(L, root, values_of(letter)[2]);
    lg_ref ref;
    lagoon__go(L, root, 3, &ref)->is_reporter = true;
    return 0;
}

static void on_arrival(lg_post *post)
{
    struct letter_home *letter = (struct letter_home *)post;
    struct script *root = letter->hub->root;
    if (root->refs.handler != LUA_NOREF && !root->is_over) {
        call(root, start_handler, letter);
    }
    lg_handle_free(letter->values);
    lg_free(letter->hub->rt, letter);
}

bool lagoon__forward_error(struct script_g *sg, lua_State *from)
{
    struct script *s = sg->script;
    struct hub *hub = s->hub;
    // relaxed: a handler that is set meanwhile may miss it
    if (s->worker == NULL ||
        !atomic_load_explicit(&hub->has_handler, memory_order_relaxed)) {
        return false;
    }
    struct letter_home *letter = lg_calloc(hub->rt, 1, sizeof *letter);
    if (letter == NULL) {
        return false;
    }
    letter->post.fn = on_arrival;
    letter->hub = hub;
    letter->sg = sg;
    letter->from = from;
    if (lg_handle_new_object(hub->rt, s->types.values, 3, &letter->values) != LG_OK) {
        lg_free(hub->rt, letter);
        return false;
    }
    s->is_ending = true; // nothing may wait here
    bool is_encoded = call(s, encode_error, letter) || call(s, encode_words, letter);
    is_encoded =
        is_encoded && call(s, encode_trace, letter) && call(s, encode_info, letter);
    s->is_ending = false;
    if (!is_encoded) {
        lg_handle_free(letter->values);
        lg_free(hub->rt, letter);
        return false;
    }
    lg_strand_post(hub->root_strand, &letter->post);
    return true;
}
