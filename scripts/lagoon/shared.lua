-- SPDX-License-Identifier: MIT
--
-- What Lua states share: numbers, bytes and tables that are the same objects on all sides.
-- Methods out of the C halves.
local core = require "lagoon.core"

local has_ffi, ffi = pcall(require, "ffi")
local raise, RAISE = core.raise, core.RAISE

local function class(name, methods)
    core.classes[name].__index = methods
    return methods
end

local shared = {}

---A number that all who have it change at once. Go: `sync/atomic`.
---@class lagoon.Atomic
---@field get fun(self: lagoon.Atomic): number  what it is
---@field set fun(self: lagoon.Atomic, number: number)  makes it another one
---@field add fun(self: lagoon.Atomic, number: number): number  the sum
---@field swap fun(self: lagoon.Atomic, number: number): number  what it was
---@field cas fun(self: lagoon.Atomic, expected: number, number: number): boolean  was it so?
shared.Atomic = class("atomic", {
    get = core.atomic_get,
    set = core.atomic_set,
    add = core.atomic_add,
    swap = core.atomic_swap,
    cas = core.atomic_cas,
})

---Makes a number that Lua states share, 0 if none is given.
---@type fun(number?: number): lagoon.Atomic
shared.atomic = core.atomic

---Bytes that all who have them see at once. Positions are those of `string.sub`.
---@class lagoon.Buffer
---@operator len: integer
---@field len fun(self: lagoon.Buffer): integer  how many bytes
---@field slice fun(self: lagoon.Buffer, first?: integer, last?: integer): lagoon.Buffer  a part of
---the same memory
---@field string fun(self: lagoon.Buffer, first?: integer, last?: integer): string  a copy
---@field move fun(self: lagoon.Buffer): lagoon.Buffer  to be sent: the receiver becomes the owner
---@field ptr fun(self: lagoon.Buffer): ffi.cdata*  `uint8_t *`, as long as the buffer is held
local Buffer = class("buffer", {
    len = core.buffer_length,
    slice = core.buffer_slice,
    string = core.buffer_string,
    move = core.buffer_move,
})

-- Within a state it arrives as it is.
class("moved buffer", Buffer)

if has_ffi then
    local bytes, pointer = ffi.typeof("uint8_t *"), core.buffer_pointer

    function Buffer:ptr()
        return ffi.cast(bytes, pointer(self))
    end
else
    function Buffer.ptr()
        return raise(RAISE, "a pointer to a buffer needs LuaJIT's FFI, which is not there")
    end
end

shared.Buffer = Buffer

---Makes a buffer: of so many zero bytes, or of a string's.
---@type fun(content: integer|string): lagoon.Buffer
shared.buffer = core.buffer

---A table that all who have it see at once. Keys are strings, numbers and booleans; values are
---copied, going in and coming out, as if they were sent. Go: `sync.Map`.
---@class lagoon.SharedMap
---@operator len: integer
---@field get fun(self: lagoon.SharedMap, key: string|number|boolean): any  a copy
---@field set fun(self: lagoon.SharedMap, key: string|number|boolean, value: any)  nil takes it out
---@field add fun(self: lagoon.SharedMap, key: string|number|boolean, number: number): number  the
---sum; nothing counts as 0
---@field len fun(self: lagoon.SharedMap): integer  how many keys there are
---@field pairs fun(self: lagoon.SharedMap): fun(): any, any  an iterator over keys and values, in
---no order; what comes or goes meanwhile is met once at most
local SharedMap = class("shared map", {
    get = core.map_get,
    set = core.map_set,
    add = core.map_add,
    len = core.map_length,
    pairs = core.map_pairs,
})

local fetch, replace = core.map_fetch, core.map_replace

---Replaces what is under a key by f(what is there), as one step: f is called again if another was
---faster. What it raises is raised, and nothing has changed.
---@param key string|number|boolean
---@param f fun(value: any): any  nil takes it out
---@return any value  what f returned
function SharedMap:update(key, f)
    while true do
        local old, token = fetch(self, key, f)
        local new = f(old)
        if replace(self, key, old, token, new) then
            return new
        end
    end
end

shared.SharedMap = SharedMap

---Makes an empty table that Lua states share.
---@type fun(): lagoon.SharedMap
shared.shared_map = core.shared_map

return shared
