-- SPDX-License-Identifier: MIT
--
-- Frozen tables: how they are read. Which metatable one has is decided in bindings/frozen.c.
local core = require "lagoon.core"

local get, length = core.frozen_get, core.frozen_length

-- Not by tail calls, from which traces could not go on.
local class = core.classes["frozen table"]

function class.__index(t, key)
    return (get(t, key))
end

function class.__len(t)
    return (length(t))
end

-- The metatable for those with many values. The numbers that stand for other values are below all
-- that are given as numbers; of anything else comes a NaN.
local function install_large(ffi)
    local fast = core.frozen_fast
    local number_of = ffi.cast("double (*)(void *, double)", fast.number)
    local text_of = ffi.cast("double (*)(void *, const char *, size_t)", fast.text)
    local below, is_nil, is_true, is_false = fast.BELOW, fast.NIL, fast.TRUE, fast.FALSE
    local type = type

    local large = {}
    for name, method in pairs(class) do
        large[name] = method
    end

    function large.__index(t, key)
        local value
        if type(key) == "string" then
            value = text_of(t, key, #key)
        elseif type(key) == "number" then
            value = number_of(t, key)
        else
            return (get(t, key))
        end
        if value > below then
            return value
        elseif value == is_nil then
            return nil
        elseif value == is_true then
            return true
        elseif value == is_false then
            return false
        end
        return (get(t, key))
    end

    local begin = ffi.cast("void (*)(void *)", fast.begin)
    local function call(script)
        begin(script)
    end
    jit.off(call) -- begin() notes from where the interpreter calls
    call(ffi.cast("void *", core.fast.script))
    core.frozen_large(large)
end

local has_jit, jit = pcall(require, "jit")
local has_ffi, ffi = pcall(require, "ffi")
if has_jit and has_ffi and jit.status() then
    install_large(ffi)
end

local frozen = {}

---Makes a deep immutable copy of a table, which all Lua states read in place: it crosses between
---them by reference. In it may be nil, booleans, numbers, strings, 64-bit integers, plain tables
---(cycles and shared ones keep their shape) and objects that are shared: channels, locks, other
---frozen tables. A frozen table is returned as it is.
---@type fun(t: table): lagoon.Frozen
frozen.freeze = core.freeze

---Makes a plain copy of a frozen table, and of those in it.
---@type fun(t: lagoon.Frozen): table
frozen.thaw = core.thaw

---@class lagoon.Frozen
---@field [any] any

return frozen
