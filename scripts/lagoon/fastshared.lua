-- SPDX-License-Identifier: MIT
--
-- What Lua states share, for compiled code; as fast.lua. A number that a call returns is NaN if it
-- could not be done, so that NaNs go the long way.
local core = require "lagoon.core"

local getmetatable, type = getmetatable, type

-- As in bindings/value.h: a word from TAGS on is no number, but one of these.
local TAGS = 0xfffffff0
local FALSE, TRUE = 1, 2

-- As in bindings/fastshared.c.
local ABSENT = -2
local OUT_LAST = 255 -- OUT_SLOTS of bindings/state.h, less one

local TYPES = {
    atomic_get = "double (*)(const void *)",
    atomic_set = "int (*)(void *, double)",
    atomic_add = "double (*)(void *, double)",
    atomic_cas = "int (*)(void *, double, double)",
    buffer_pointer = "uint8_t *(*)(const void *)",
    buffer_length = "double (*)(const void *)",
    map_get_text = "int (*)(const void *, const char *, size_t)",
    map_get_number = "int (*)(const void *, double)",
    map_number_text = "double (*)(const void *, const char *, size_t)",
    map_number_number = "double (*)(const void *, double)",
    map_set_text = "int (*)(void *, const char *, size_t, double)",
    map_set_number = "int (*)(void *, double, double)",
    map_replace_text = "int (*)(void *, const char *, size_t, double, double)",
    map_replace_number = "int (*)(void *, double, double, double)",
    map_add_text = "int (*)(void *, const char *, size_t, double)",
    map_add_number = "int (*)(void *, double, double)",
}

local fast = {}

local function install_atomic(call, Atomic)
    local class = core.classes.atomic
    local f_get, f_set, f_add, f_cas =
        call.atomic_get, call.atomic_set, call.atomic_add, call.atomic_cas
    local slow_get, slow_set, slow_add, slow_cas = Atomic.get, Atomic.set, Atomic.add, Atomic.cas

    function Atomic:get()
        if getmetatable(self) == class then
            local number = f_get(self)
            if number == number then
                return number
            end
        end
        return slow_get(self)
    end

    function Atomic:set(number)
        if getmetatable(self) == class and type(number) == "number" and
            f_set(self, number) == 1 then
            return
        end
        return slow_set(self, number)
    end

    -- NaN: that is the sum, or the atomic is dead, which the long way tells.
    function Atomic:add(number)
        if getmetatable(self) == class and type(number) == "number" then
            local sum = f_add(self, number)
            if sum ~= sum then
                slow_get(self)
            end
            return sum
        end
        return slow_add(self, number)
    end

    function Atomic:cas(expected, number)
        if getmetatable(self) == class and type(expected) == "number" and
            type(number) == "number" then
            local done = f_cas(self, expected, number)
            if done >= 0 then
                return done == 1
            end
        end
        return slow_cas(self, expected, number)
    end
end

local function install_buffer(call, Buffer)
    local class = core.classes.buffer
    local f_pointer, f_length = call.buffer_pointer, call.buffer_length
    local slow_pointer, slow_length = Buffer.ptr, Buffer.len

    function Buffer:ptr()
        if getmetatable(self) == class then
            local pointer = f_pointer(self)
            if pointer ~= nil then
                return pointer
            end
        end
        return slow_pointer(self)
    end

    function Buffer:len()
        if getmetatable(self) == class then
            local length = f_length(self)
            if length == length then
                return length
            end
        end
        return slow_length(self)
    end

    class.__len = Buffer.len
end

-- What a call has left in a slot of `out`, as fast.lua has it.
local function reader(ffi)
    local band = require("bit").band
    local out = ffi.cast(
        "struct { union { double number; struct { int32_t ref; uint32_t tag; }; }; void *ptr; } *",
        core.fast.out)
    local out_at, open = ffi.cast("uint32_t *", core.fast.out_at), core.open
    return function(at)
        local tag, value = out[at].tag - TAGS
        if tag < 0 then
            value = out[at].number
        elseif tag == TRUE or tag == FALSE then
            value = tag == TRUE
        else
            return (open(at))
        end
        out_at[0] = band(at - 1, OUT_LAST)
        return value
    end
end

local function install_map(ffi, call, SharedMap)
    local class, take = core.classes["shared map"], reader(ffi)
    local slow_get, slow_set, slow_add = SharedMap.get, SharedMap.set, SharedMap.add
    local f_get_text, f_get_number = call.map_get_text, call.map_get_number
    local f_set_text, f_set_number = call.map_set_text, call.map_set_number
    local f_add_text, f_add_number = call.map_add_text, call.map_add_number

    function SharedMap:get(key)
        if getmetatable(self) == class then
            local at = -1
            if type(key) == "string" then
                at = f_get_text(self, key, #key)
            elseif type(key) == "number" then
                at = f_get_number(self, key)
            end
            if at >= 0 then
                return take(at)
            elseif at == ABSENT then
                return nil
            end
        end
        return slow_get(self, key)
    end

    function SharedMap:set(key, value)
        if type(value) == "number" and getmetatable(self) == class then
            if type(key) == "string" and f_set_text(self, key, #key, value) == 1 or
                type(key) == "number" and f_set_number(self, key, value) == 1 then
                return
            end
        end
        return slow_set(self, key, value)
    end

    function SharedMap:add(key, number)
        if type(number) == "number" and getmetatable(self) == class then
            local at = -1
            if type(key) == "string" then
                at = f_add_text(self, key, #key, number)
            elseif type(key) == "number" then
                at = f_add_number(self, key, number)
            end
            if at >= 0 then
                return take(at)
            end
        end
        return slow_add(self, key, number)
    end
end

-- From number to number, where nobody comes in between.
local function install_update(call, SharedMap)
    local class = core.classes["shared map"]
    local slow_update, slow_replace = SharedMap.update, core.map_replace
    local f_number_text, f_number_number = call.map_number_text, call.map_number_number
    local f_replace_text, f_replace_number = call.map_replace_text, call.map_replace_number

    local function number_of(self, key)
        if type(key) == "string" then
            return f_number_text(self, key, #key)
        elseif type(key) == "number" then
            return f_number_number(self, key)
        end
        return 0 / 0
    end

    local function replace(self, key, old, new)
        if type(new) ~= "number" then
            return slow_replace(self, key, old, nil, new)
        elseif type(key) == "string" then
            return f_replace_text(self, key, #key, old, new) == 1
        end
        return f_replace_number(self, key, old, new) == 1
    end

    function SharedMap:update(key, f)
        if getmetatable(self) == class and type(f) == "function" then
            local old = number_of(self, key)
            if old == old then
                local new = f(old)
                if replace(self, key, old, new) then
                    return new
                end
            end
        end
        return slow_update(self, key, f)
    end
end

---Replaces methods by their fast twins, if the compiler is on and the FFI is there.
---@param shared table  lagoon.shared
function fast.install(shared)
    local has_jit, jit = pcall(require, "jit")
    local has_ffi, ffi = pcall(require, "ffi")
    if not (has_jit and has_ffi and jit.status()) then
        return
    end
    local call = {}
    for name, signature in pairs(TYPES) do
        call[name] = ffi.cast(signature, core.fast[name])
    end
    install_atomic(call, shared.Atomic)
    install_buffer(call, shared.Buffer)
    install_map(ffi, call, shared.SharedMap)
    install_update(call, shared.SharedMap)
end

return fast
