-- SPDX-License-Identifier: MIT
--
-- Going through tables, frozen ones too. In states of ours these are the globals `pairs` and
-- `ipairs`; for plain tables they hand out the very iterators that LuaJIT has bytecode for.
-- When a state of ours opens, they are made before the rest of the core is.
local core = ...
if type(core) ~= "table" then
    core = require "lagoon.core"
end

local getmetatable, next, type = getmetatable, next, type
local raw_pairs, raw_ipairs = pairs, ipairs
local raw_inext = raw_ipairs {}
local frozen_next, frozen_inext, frozen = core.frozen_next, core.frozen_inext, core.frozen_mark

-- LuaJIT may have been built to look at __pairs and __ipairs.
local probe = setmetatable({}, { __pairs = function() return true end })
local plain = raw_pairs(probe) ~= true and "table"

local iteration = {}

---`pairs`, for plain and frozen tables: array elements first, in order, then the others.
---@generic K, V
---@param t table<K, V>|lagoon.Frozen
---@return fun(t: table<K, V>, key?: K): K?, V
---@return table<K, V>
---@return nil
function iteration.pairs(t)
    if type(t) == plain then
        return next, t, nil
    elseif type(t) == "userdata" and getmetatable(t) == frozen then
        return frozen_next, t, nil
    end
    return raw_pairs(t)
end

---`ipairs`, for plain and frozen tables.
---@generic V
---@param t V[]|lagoon.Frozen
---@return fun(t: V[], i?: integer): integer?, V
---@return V[]
---@return integer
function iteration.ipairs(t)
    if type(t) == plain then
        return raw_inext, t, 0
    elseif type(t) == "userdata" and getmetatable(t) == frozen then
        return frozen_inext, t, 0
    end
    return raw_ipairs(t)
end

return iteration
