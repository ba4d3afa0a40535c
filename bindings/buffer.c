// SPDX-License-Identifier: MIT
#include "buffer.h"

#include <lauxlib.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "fail.h"
#include "state.h"

static const double SIZE_MAX_BYTES = 0x1p47; // more than there is address space

// Who owns a block is decided by exchanges of `owner` alone. All accesses are relaxed:
// the one who may move what it has been sent has been sent it by a message, and that
// orders what it sees.
struct block {
    _Atomic uint64_t owner;  // may use it
    _Atomic uint64_t last;   // the highest owner there has been
    _Atomic uint64_t before; // the owner's predecessor, should the move be recalled
    uint64_t pad;            // bytes are aligned to 32
    unsigned char bytes[];
};

enum {
    ON_ITS_WAY = 1, // flags of a shared object: sent, and not received yet
};

static struct block *block_of(const struct shared *shared)
{
    return shared->more;
}

static uint64_t owner_of(const struct shared *shared)
{
    // relaxed: never changed since it was made
    return atomic_load_explicit(&shared->word2, memory_order_relaxed);
}

static bool is_owner(const struct shared *shared)
{
    // relaxed: see struct block
    return atomic_load_explicit(&block_of(shared)->owner, memory_order_relaxed) ==
           owner_of(shared);
}

static bool change_owner(struct block *block, uint64_t from, uint64_t to)
{
    // relaxed: see struct block
    return atomic_compare_exchange_strong_explicit(
        &block->owner, &from, to, memory_order_relaxed, memory_order_relaxed);
}

// -- make --

static void fill(struct shared *shared, struct block *block, unsigned char *bytes,
                 uint64_t size, uint64_t owner)
{
    lagoon__gc_set(&shared->data, bytes);
    lagoon__gc_set(&shared->more, block);
    // relaxed: nobody else knows it yet
    atomic_store_explicit(&shared->word, size, memory_order_relaxed);
    atomic_store_explicit(&shared->word2, owner, memory_order_relaxed);
}

static struct buffer *push_new(lua_State *L, struct script *s)
{
    struct shared *shared;
    struct buffer *buffer = lagoon__shared_new(L, s, KIND_BUFFER, &shared);
    buffer->shared = shared;
    return buffer;
}

static struct buffer *push_with_block(lua_State *L, struct script *s, size_t size)
{
    struct buffer *buffer = push_new(L, s);
    lg_handle *handle;
    // One byte more, so that the end of it is in it as well.
    struct block *block =
        lagoon__gc_new(s, s->types.bytes, sizeof *block + size + 1, &handle);
    if (block == NULL) {
        lagoon__raise_memory(L);
    }
    // relaxed: nobody else knows it yet
    atomic_store_explicit(&block->owner, 1, memory_order_relaxed);
    atomic_store_explicit(&block->last, 1, memory_order_relaxed);
    fill(buffer->shared, block, block->bytes, size, 1);
    lg_handle_free(handle);
    return buffer;
}

static size_t check_size(lua_State *L)
{
    double size = lua_tonumber(L, 1);
    if (!(size >= 0 && size <= SIZE_MAX_BYTES) || size != floor(size)) {
        lagoon__raise_argument(L, 1, "buffer",
                               "a whole number from 0 to 2^47 expected, got %.14g", size);
    }
    return (size_t)size;
}

// buffer(size or text)
static int buffer_new(lua_State *L)
{
    struct script *s = lagoon__script(L);
    bool is_text = lua_type(L, 1) == LUA_TSTRING;
    if (!is_text && lua_type(L, 1) != LUA_TNUMBER) {
        lagoon__raise_argument(L, 1, "buffer", "a size or a string expected, got %s",
                               lagoon__type_name(L, 1));
    }
    size_t size = is_text ? lua_objlen(L, 1) : check_size(L);
    struct buffer *buffer = push_with_block(L, s, size);
    if (is_text) {
        memcpy(buffer->shared->data, lua_tostring(L, 1), size);
    }
    lagoon__hidden(L, s, size);
    return 1;
}

// -- methods --

unsigned char *lagoon__buffer_bytes(const struct buffer *buffer)
{
    bool is_ours = lagoon__shared_is_alive(&buffer->object) && is_owner(buffer->shared);
    return is_ours ? buffer->shared->data : NULL;
}

// The buffer at index 1, which may be on its way within its state.
static struct buffer *check_self(lua_State *L, const char *method)
{
    bool is_move = lagoon__object_at(L, 1, KIND_MOVE) != NULL;
    struct buffer *buffer =
        lagoon__shared_self(L, is_move ? KIND_MOVE : KIND_BUFFER, method);
    if (!is_owner(buffer->shared)) {
        lagoon__raise(L, "the buffer has been moved");
    }
    return buffer;
}

// pointer(buffer): a light userdata.
static int pointer(lua_State *L)
{
    struct buffer *buffer = check_self(L, "ptr");
    lua_pushlightuserdata(L, buffer->shared->data);
    return 1;
}

static int length(lua_State *L)
{
    lua_pushnumber(L, (double)lagoon__buffer_size(check_self(L, "len")));
    return 1;
}

static double check_position(lua_State *L, int index, const char *name, double absent)
{
    if (lua_isnoneornil(L, index)) {
        return absent;
    }
    if (lua_type(L, index) != LUA_TNUMBER) {
        lagoon__raise_argument(L, index - 1, name, "a number expected, got %s",
                               lagoon__type_name(L, index));
    }
    double position = lua_tonumber(L, index);
    if (position != floor(position)) { // NaN is not even itself
        lagoon__raise_argument(L, index - 1, name, "a whole number expected, got %.14g",
                               position);
    }
    return position;
}

// The bytes from argument 2 to argument 3, as string.sub() understands them.
static unsigned char *check_range(lua_State *L, const struct buffer *buffer,
                                  const char *name, size_t *out_size)
{
    double size = (double)lagoon__buffer_size(buffer);
    double first = check_position(L, 2, name, 1);
    double last = check_position(L, 3, name, -1);
    first = first < 0 ? fmax(size + first + 1, 1) : fmax(first, 1);
    last = last < 0 ? size + last + 1 : fmin(last, size);
    if (first > last) {
        *out_size = 0;
        return buffer->shared->data;
    }
    *out_size = (size_t)(last - first + 1);
    return (unsigned char *)buffer->shared->data + (size_t)(first - 1);
}

static int slice(lua_State *L)
{
    struct buffer *buffer = check_self(L, "slice");
    size_t size;
    unsigned char *bytes = check_range(L, buffer, "slice", &size);
    struct shared *whole = buffer->shared;
    struct buffer *part = push_new(L, lagoon__script(L));
    fill(part->shared, block_of(whole), bytes, size, owner_of(whole));
    return 1;
}

static int string(lua_State *L)
{
    struct buffer *buffer = check_self(L, "string");
    size_t size;
    unsigned char *bytes = check_range(L, buffer, "string", &size);
    lua_pushlstring(L, (const char *)bytes, size);
    return 1;
}

static int move(lua_State *L)
{
    struct buffer *buffer = check_self(L, "move");
    struct script *s = lagoon__script(L);
    struct buffer *moving = lagoon__object_new(L, s, KIND_MOVE, sizeof *moving);
    moving->shared = buffer->shared;
    if (lg_handle_new(s->rt, buffer->shared, &moving->object.handle) != LG_OK) {
        moving->object.handle = NULL;
        lagoon__raise_memory(L);
    }
    return 1;
}

static int tostring(lua_State *L)
{
    struct buffer *moving = lagoon__object_at(L, 1, KIND_MOVE);
    struct buffer *buffer = moving ? moving : lagoon__object_at(L, 1, KIND_BUFFER);
    if (buffer == NULL) {
        buffer = lagoon__self(L, KIND_BUFFER, "tostring"); // raises
    }
    const char *name = lagoon__kind_name(moving ? KIND_MOVE : KIND_BUFFER);
    if (lagoon__buffer_bytes(buffer) != NULL) {
        lua_pushfstring(L, "%s: %p (%f bytes)", name, (void *)buffer,
                        (double)lagoon__buffer_size(buffer));
    } else {
        bool is_alive = lagoon__shared_is_alive(&buffer->object);
        lua_pushfstring(L, "%s: %p (%s)", name, (void *)buffer,
                        is_alive ? "moved" : "dead");
    }
    return 1;
}

static int finalise_move(lua_State *L)
{
    struct buffer *moving = lagoon__object_at(L, 1, KIND_MOVE);
    if (moving == NULL) {
        return 0;
    }
    if (lagoon__rt_of_ends(moving->object.script) != NULL) {
        lg_handle_free(moving->sent);
    }
    moving->sent = NULL;
    return lagoon__shared_finalise(L);
}

// -- moves --

static struct shared *new_sent(lua_State *L, struct script *s, struct buffer *moving)
{
    lg_handle_free(moving->sent);
    moving->sent = NULL;
    if (lg_handle_new_object(s->rt, s->types.shared, 1, &moving->sent) != LG_OK) {
        moving->sent = NULL;
        lagoon__raise_memory(L);
    }
    struct shared *sent = lg_handle_get(moving->sent);
    sent->kind = KIND_BUFFER;
    return sent;
}

// What is sent is filled before it is known whether the buffer may be moved: this is
// decided by the exchange, and there is nothing to undo after it.
struct shared *lagoon__move_begin(lua_State *L, struct script *s, int index)
{
    struct buffer *moving = lua_touserdata(L, index);
    if (!lagoon__shared_is_alive(&moving->object)) {
        lagoon__raise(L, "cannot send a dead buffer");
    }
    struct shared *from = moving->shared;
    struct block *block = block_of(from);
    struct shared *sent = new_sent(L, s, moving);
    // relaxed: see struct block
    uint64_t owner = atomic_fetch_add_explicit(&block->last, 1, memory_order_relaxed) + 1;
    fill(sent, block, from->data, lagoon__buffer_size(moving), owner);
    // relaxed: nobody else knows it yet
    atomic_store_explicit(&sent->flags, ON_ITS_WAY, memory_order_relaxed);
    if (!change_owner(block, owner_of(from), owner)) {
        lagoon__raise(L, "the buffer has been moved");
    }
    // relaxed: read by who recalls it, who has got it by a message
    atomic_store_explicit(&block->before, owner_of(from), memory_order_relaxed);
    return sent;
}

// Whether it was on its way until now.
static bool arrive(struct shared *moved)
{
    uint32_t flags = ON_ITS_WAY;
    // relaxed: see struct block
    return atomic_compare_exchange_strong_explicit(
        &moved->flags, &flags, 0, memory_order_relaxed, memory_order_relaxed);
}

void lagoon__move_recall(struct shared *moved)
{
    if (arrive(moved)) {
        struct block *block = block_of(moved);
        // relaxed: see struct block
        uint64_t before = atomic_load_explicit(&block->before, memory_order_relaxed);
        change_owner(block, owner_of(moved), before);
    }
}

void lagoon__move_end(struct shared *moved)
{
    arrive(moved);
}

static void adopt(lua_State *L, void *userdata, struct shared *shared)
{
    (void)L;
    struct buffer *buffer = userdata;
    buffer->shared = shared;
    // lagoon__push_shared() tells the collector, once it may run.
    buffer->object.script->hidden_bytes += lagoon__buffer_size(buffer);
    lagoon__move_end(shared);
}

const struct share_ops lagoon__buffer_ops = {.size_bytes = sizeof(struct buffer),
                                             .adopt = adopt};

void lagoon__open_buffer(lua_State *L, struct script *s)
{
    static const luaL_Reg functions[] = {{"buffer", buffer_new},
                                         {"buffer_pointer", pointer},
                                         {"buffer_length", length},
                                         {"buffer_slice", slice},
                                         {"buffer_string", string},
                                         {"buffer_move", move},
                                         {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", lagoon__shared_finalise},
                                    {"__tostring", tostring},
                                    {"__len", length},
                                    {NULL, NULL}};
    static const luaL_Reg move_meta[] = {{"__gc", finalise_move},
                                         {"__tostring", tostring},
                                         {"__len", length},
                                         {NULL, NULL}};
    lagoon__register(L, s, functions);
    lagoon__class(L, KIND_BUFFER);
    lagoon__register(L, s, meta);
    lua_pop(L, 1);
    lagoon__class(L, KIND_MOVE);
    lagoon__register(L, s, move_meta);
    lua_pop(L, 1);
}
