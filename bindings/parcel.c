// SPDX-License-Identifier: MIT
//
// What becomes of a text: memory of the core's collector, with what it refers to. Only
// here something changes for others: channels become shared, buffers are moved; when
// all the rest has been done.
#include "parcel.h"

#include <lauxlib.h>

#include "buffer.h"
#include "chanshare.h"
#include "decode.h"
#include "encode.h"
#include "fail.h"
#include "share.h"

static bool has_refs(struct value parcel)
{
    return parcel.ref == PARCEL_WITH_REFS;
}

struct letter *lagoon__parcel_letter(struct value parcel)
{
    return has_refs(parcel) ? ((void **)parcel.ptr)[0] : parcel.ptr;
}

static void **refs_of(struct value parcel)
{
    return has_refs(parcel) ? (void **)parcel.ptr + 1 : NULL;
}

static uint32_t move_of(const struct letter *letter, uint32_t i)
{
    uint32_t ref;
    memcpy(&ref, letter->text + letter->size_bytes + i * sizeof ref, sizeof ref);
    return ref;
}

// -- make --

// What it makes is on the C stack, where the collector sees it; or, outside of
// goroutines, kept by a userdata that it pushes.
static void *gc_new(lua_State *L, struct script *s, lg_type *type, size_t n)
{
    if (lg_self().id == 0) {
        return lagoon__gc_new_kept(L, s, type, n);
    }
    void *object = lg_new_array(type, n);
    if (object == NULL) {
        lagoon__raise_memory(L);
    }
    return object;
}

static void finish(struct script *s, enum parcel_kind kind, void *ptr, struct value *out)
{
    if (lg_self().id == 0) {
        lg_handle_set(s->last_handle, ptr);
    }
    struct value value = lagoon__value_of_tag(VALUE_PARCEL);
    value.ref = (int32_t)kind;
    value.ptr = ptr;
    lagoon__value_put(out, value);
}

// A message that is one string takes no detour.
static void encode_string(lua_State *L, struct script *s, int index, struct value *out)
{
    size_t length;
    const char *bytes = lua_tolstring(L, index, &length);
    size_t room = sizeof(struct letter) + TEXT_HEAD_BYTES + 1 + TEXT_VARINT_BYTES;
    struct letter *letter = gc_new(L, s, s->types.bytes, room + length);
    const uint32_t head[2] = {1, 0};
    unsigned char *at = lagoon__text_put(letter->text, head, sizeof head);
    *at++ = TEXT_STRING;
    at = lagoon__text_put_varint(at, length);
    at = lagoon__text_put(at, bytes, length);
    letter->size_bytes = (size_t)(at - letter->text);
    finish(s, PARCEL_TEXT, letter, out);
}

// -- references --

// The shared object of a userdata that a node has kept. NULL: the error is on top.
static struct shared *share_kept(struct encoder *e, struct sharing *sharing,
                                 uint32_t node)
{
    lagoon__kept_push(&e->kept, node);
    struct shared *shared = lagoon__share_with(e->L, sharing, lua_gettop(e->L));
    if (shared != NULL) {
        lua_pop(e->L, 1);
    }
    return shared;
}

// False: the error is on top.
static bool fill_refs(struct encoder *e, struct sharing *sharing, void **refs)
{
    struct scratch *scratch = e->scratch;
    for (uint32_t i = 0; i < scratch->nrefs; i++) {
        uint32_t node = scratch->refs[i];
        struct shared *shared;
        switch ((enum node_kind)scratch->nodes[node].kind) {
        case NODE_SHARED:
            shared = share_kept(e, sharing, node);
            if (shared == NULL) {
                return false;
            }
            lagoon__gc_set(&refs[i], shared);
            break;
        case NODE_MOVED: break;
        default: lagoon__gc_set(&refs[i], scratch->nodes[node].shared); break;
        }
    }
    return true;
}

static struct letter *make_letter(struct encoder *e)
{
    struct scratch *scratch = e->scratch;
    size_t size = lagoon__encode_offset(e);
    size_t tail = e->nmoves * sizeof(uint32_t);
    struct letter *letter =
        gc_new(e->L, e->s, e->s->types.bytes, sizeof *letter + size + tail);
    letter->size_bytes = size;
    letter->nrefs = scratch->nrefs;
    letter->nmoves = e->nmoves;
    memcpy(letter->text, scratch->text, size);
    return letter;
}

// -- moves --

struct departure {
    struct script *s;
    struct shared *moved;
};

// begin_move(userdata, departure)
static int begin_move(lua_State *L)
{
    struct departure *departure = lua_touserdata(L, 2);
    departure->moved = lagoon__move_begin(L, departure->s, 1);
    return 0;
}

static void recall(void **refs, const struct letter *letter, uint32_t nmoves)
{
    for (uint32_t i = 0; i < nmoves; i++) {
        lagoon__move_recall(refs[move_of(letter, i)]);
    }
}

// The function that begins moves is at an index. False: the error is on top; *nmoves
// have begun.
static bool move_all(struct encoder *e, int function, struct letter *letter, void **refs,
                     uint32_t *nmoves)
{
    lua_State *L = e->L;
    for (uint32_t i = 0; i < e->scratch->nrefs; i++) {
        uint32_t node = e->scratch->refs[i];
        if (e->scratch->nodes[node].kind != NODE_MOVED) {
            continue;
        }
        struct departure departure = {.s = e->s};
        lua_pushvalue(L, function);
        lagoon__kept_push(&e->kept, node);
        lua_pushlightuserdata(L, &departure);
        if (lua_pcall(L, 2, 0, 0) != 0) {
            return false;
        }
        lagoon__gc_set(&refs[i], departure.moved);
        memcpy(letter->text + letter->size_bytes + (*nmoves)++ * sizeof i, &i, sizeof i);
    }
    return true;
}

// Shares and moves what the text refers to: all of it, or raises. What a channel holds
// is only made ready, for when the channel is shared.
static void seal_refs(struct encoder *e, struct letter *letter, void **refs)
{
    lua_State *L = e->L;
    struct sharing own = {.s = e->s};
    struct sharing *sharing = e->sharing != NULL ? e->sharing : &own;
    uint32_t nmoves = 0;
    if (letter->nmoves > 0) {
        lua_pushcfunction(L, begin_move);
    } else {
        lua_pushnil(L);
    }
    int function = lua_gettop(L);
    bool is_ready =
        fill_refs(e, sharing, refs) && move_all(e, function, letter, refs, &nmoves);
    if (!is_ready || !lagoon__sharing_is_valid(&own)) {
        recall(refs, letter, nmoves);
        lagoon__sharing_undo(L, &own);
        lagoon__sharing_raise(L, !is_ready);
    }
    lagoon__sharing_commit(L, &own);
    lua_settop(L, function - 1);
}

static void seal(struct encoder *e, struct value *out)
{
    lua_State *L = e->L;
    struct letter *letter = make_letter(e);
    if (letter->nrefs == 0) {
        finish(e->s, PARCEL_TEXT, letter, out);
        return;
    }
    void **refs = gc_new(L, e->s, e->s->types.refs, 1 + (size_t)letter->nrefs);
    lagoon__gc_set(&refs[0], letter);
    seal_refs(e, letter, refs + 1);
    finish(e->s, PARCEL_WITH_REFS, refs, out);
}

// -- encode --

static void begin(struct encoder *e, lua_State *L, struct script *s, enum route route,
                  struct sharing *sharing)
{
    struct scratch *scratch = lagoon__scratch_take(L, s);
    // Behind what may collect: that takes room back which nothing stands on yet.
    lagoon__check_room(L, KEPT_ROOM + ENCODE_ROOM, "no room to send a message");
    *e = (struct encoder){
        .L = L,
        .s = s,
        .scratch = scratch,
        .at = scratch->text,
        .end = scratch->text + scratch->text_cap,
        .globals = lua_topointer(L, LUA_GLOBALSINDEX),
        .state_globals = lua_topointer(s->aux, LUA_GLOBALSINDEX),
        .route = route,
        .sharing = sharing,
    };
    lagoon__kept_init(&e->kept, L, KEPT_SLOTS);
}

static void encode_all(lua_State *L, struct script *s, int first, int n, enum route route,
                       struct sharing *sharing, struct value *out)
{
    struct encoder e;
    int top = lua_gettop(L);
    begin(&e, L, s, route, sharing);
    lagoon__encode_values(&e, first, n);
    seal(&e, out);
    lagoon__scratch_put(e.scratch);
    lua_settop(L, top);
}

void lagoon__encode_all(lua_State *L, struct script *s, int first, int n,
                        enum route route, struct value *out)
{
    encode_all(L, s, first, n, route, NULL, out);
}

static bool is_shareable(lua_State *L, int index)
{
    enum kind kind;
    return lagoon__object_any(L, index, &kind) && lagoon__is_shareable(kind);
}

// The object of the userdata at an index.
static struct shared *share_one(lua_State *L, struct script *s, struct sharing *sharing,
                                int index)
{
    if (sharing == NULL) {
        return lagoon__share(L, s, index);
    }
    struct shared *shared = lagoon__share_with(L, sharing, index);
    if (shared == NULL) {
        lua_error(L);
    }
    return shared;
}

static void encode_one(lua_State *L, struct script *s, int index, enum route route,
                       struct sharing *sharing, struct value *out)
{
    int top = lua_gettop(L);
    index = index < 0 ? top + 1 + index : index;
    switch (lua_type(L, index)) {
    case LUA_TNIL: lagoon__value_put(out, lagoon__value_of_tag(VALUE_NIL)); return;
    case LUA_TNUMBER:
        lagoon__value_put(out, lagoon__value_of_number(lua_tonumber(L, index)));
        return;
    case LUA_TSTRING:
        encode_string(L, s, index, out);
        lua_settop(L, top);
        return;
    case LUA_TBOOLEAN:
        lagoon__value_put(out, lagoon__value_of_tag(
                                   lua_toboolean(L, index) ? VALUE_TRUE : VALUE_FALSE));
        return;
    default: break;
    }
    if (is_shareable(L, index)) {
        struct shared *shared = share_one(L, s, sharing, index);
        struct value value = lagoon__value_of_tag(VALUE_SHARED);
        value.ptr = shared;
        lagoon__value_put(out, value);
    } else {
        encode_all(L, s, index, 1, route, sharing, out);
    }
}

void lagoon__encode_routed(lua_State *L, struct script *s, int index, enum route route,
                           struct value *out)
{
    encode_one(L, s, index, route, NULL, out);
}

void lagoon__encode_held(lua_State *L, struct sharing *sharing, struct value *out)
{
    encode_one(L, sharing->s, -1, ROUTE_HELD, sharing, out);
}

void lagoon__encode(lua_State *L, struct script *s, int index, struct value *out)
{
    lagoon__encode_routed(L, s, index, ROUTE_VALUE, out);
}

void lagoon__recall(struct value value)
{
    if (value.tag == VALUE_PARCEL && has_refs(value)) {
        const struct letter *letter = lagoon__parcel_letter(value);
        recall(refs_of(value), letter, letter->nmoves);
    }
    lg_keep_alive(value.ptr);
}

// -- decode --

int lagoon__decode_all(lua_State *L, struct script *s, struct value value)
{
    const struct letter *letter = lagoon__parcel_letter(value);
    struct decoder d = {
        .L = L,
        .s = s,
        .at = letter->text,
        .end = letter->text + letter->size_bytes,
        .budget = letter->size_bytes,
        .refs = refs_of(value),
        .nrefs = letter->nrefs,
    };
    int n = lagoon__decode_values(&d);
    if (d.at != d.end) {
        lagoon__decode_broken(&d);
    }
    lg_keep_alive(value.ptr);
    return n;
}

int lagoon__decode_plain(lua_State *L, struct script *s, const void *text, size_t size)
{
    struct decoder d = {
        .L = L,
        .s = s,
        .at = text,
        .end = (const unsigned char *)text + size,
        .budget = size,
        .is_plain = true,
    };
    int n = lagoon__decode_values(&d);
    if (d.at != d.end) {
        lagoon__decode_broken(&d);
    }
    return n;
}

void lagoon__decode(lua_State *L, struct script *s, struct value value)
{
    if (lagoon__value_is_number(value)) {
        lua_pushnumber(L, value.number);
        return;
    }
    switch (value.tag) {
    case VALUE_FALSE:
    case VALUE_TRUE: lua_pushboolean(L, value.tag == VALUE_TRUE); break;
    case VALUE_SHARED: lagoon__push_shared(L, s, value.ptr); break;
    case VALUE_PARCEL: lagoon__decode_all(L, s, value); break;
    default: lua_pushnil(L); break;
    }
    lg_keep_alive(value.ptr);
}
