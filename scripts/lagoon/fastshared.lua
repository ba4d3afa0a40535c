-- SPDX-License-Identifier: MIT
--
-- What Lua states share, for compiled code; as fast.lua. A number that a call returns is NaN if it
-- could not be done, so that NaNs go the long way.
local core = require "lagoon.core"

local getmetatable, type = getmetatable, type

local TYPES = {
    atomic_get = "double (*)(const void *)",
    atomic_set = "int (*)(void *, double)",
    atomic_add = "double (*)(void *, double)",
    atomic_cas = "int (*)(void *, double, double)",
    buffer_pointer = "uint8_t *(*)(const void *)",
    buffer_length = "double (*)(const void *)",
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
end

return fast
