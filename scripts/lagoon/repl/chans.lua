-- SPDX-License-Identifier: MIT
--
-- :chans, which lists the channels that there are, and who waits on them.
local core = require "lagoon.core"

local chans = {}

local class = core.classes.channel

local SHOWN_MAX = 100

-- Calls f(name, channel) for those in a table, under the names that people have given them.
local function each_in(t, prefix, f)
    for key, value in next, t do
        if type(key) == "string" and getmetatable(value) == class then
            f(prefix .. key, value)
        end
    end
end

---The names of channels, by their numbers: variables of the session's, globals, and fields of
---those.
---@param session lagoon.repl.Session
---@return table<integer, string>
function chans.names(session)
    local names = {}
    local function add(name, channel)
        local ok, info = pcall(core.chan_info, channel)
        if ok and not names[info.number] then
            names[info.number] = name
        end
    end
    for _, scope in ipairs { session.locals, _G } do
        each_in(scope, "", add)
        for key, value in next, scope do
            if type(key) == "string" and type(value) == "table" and value ~= _G
                and package.loaded[key] ~= value then
                each_in(value, key .. ".", add)
            end
        end
    end
    return names
end

local function state_of(info)
    local words = { info.is_closed and "closed" or "open" }
    if info.is_shared then
        words[2] = "shared"
    elseif info.is_elsewhere then
        words[2] = "of another state"
    end
    return table.concat(words, ", ")
end

-- "2 receive: goroutines 7, 9".
local function waiters_of(info)
    if not info.waiters then
        return "not known"
    end
    local count = info.receivers + info.senders
    if count == 0 then
        return ""
    end
    local words = {}
    if info.receivers > 0 then
        words[1] = ("%d receive%s"):format(info.receivers, info.receivers == 1 and "s" or "")
    end
    if info.senders > 0 then
        words[#words + 1] = ("%d send%s"):format(info.senders, info.senders == 1 and "s" or "")
    end
    return ("%s: goroutine%s %s%s"):format(table.concat(words, ", "), count == 1 and "" or "s",
        table.concat(info.waiters, ", "), #info.waiters < count and ", ..." or "")
end

-- Those with a name, with something in them or with somebody who waits come before the others,
-- which may be garbage.
local function chosen(list, names)
    local first, others = {}, {}
    for _, info in ipairs(list) do
        local is_used = names[info.number] or info.length > 0 or info.waiters and info.waiters[1]
        table.insert(is_used and first or others, info)
    end
    for _, info in ipairs(others) do
        first[#first + 1] = info
    end
    return first
end

---The channels as rows of a table, and its head; those of the session's own only if `all` says so.
---@param session lagoon.repl.Session
---@param all boolean
---@return string[] head
---@return string[][] rows
---@return integer nleft  for which there is no room
function chans.rows(session, all)
    local list, names = {}, chans.names(session)
    for _, info in ipairs(core.channels()) do
        if all or not session.own_channels[info.number] then
            list[#list + 1] = info
        end
    end
    local rows = {}
    for i, info in ipairs(#list > SHOWN_MAX and chosen(list, names) or list) do
        if i > SHOWN_MAX then
            break
        end
        rows[i] = { tostring(info.number), names[info.number] or "",
            ("%d of %d"):format(info.length, info.capacity), state_of(info), waiters_of(info) }
    end
    return { "CHANNEL", "NAME", "LENGTH", "STATE", "WHO WAITS" }, rows, #list - #rows
end

return chans
