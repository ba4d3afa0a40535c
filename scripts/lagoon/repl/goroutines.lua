-- SPDX-License-Identifier: MIT
--
-- Goroutines as rows of a table, for :ps and :top. How much they run is found by looking, a
-- thousand times a second, at who runs; 100 % is a P of one's own.
local clock = require "lagoon.clock"
local core = require "lagoon.core"
local time = require "lagoon.time"

local goroutines = {}

local LOOKS, LOOKS_PER_SECOND = 100, 1000

goroutines.HEAD = { "ID", "NAME", "CPU", "STATUS", "WAITS FOR", "SINCE", "WHERE", "BORN" }

local function seconds_text(seconds)
    if not seconds then
        return ""
    elseif seconds < 1 then
        return ("%d ms"):format(seconds * 1000)
    elseif seconds < 60 then
        return ("%.1f s"):format(seconds)
    elseif seconds < 3600 then
        return ("%d min"):format(seconds / 60)
    end
    return ("%.1f h"):format(seconds / 3600)
end

---What the sampler has counted so far, to be told from what it has counted later.
---@param sampler table  core's half, started
---@return table
function goroutines.mark(sampler)
    local session, nlooks, counts = sampler.sampler_read()
    return { session = session, nlooks = nlooks, counts = counts }
end

---How much each has run between two marks, and how many looks that were.
---@param from table
---@param to table
---@return table<integer, number> shares  by numbers; 1 for all the time
---@return integer nlooks
function goroutines.between(from, to)
    local is_same = from.session == to.session -- else it has begun anew in between
    local nlooks = to.nlooks - (is_same and from.nlooks or 0)
    local shares = {}
    for id, count in pairs(to.counts) do
        count = count - (is_same and from.counts[id] or 0)
        shares[id] = nlooks > 0 and count > 0 and count / nlooks or nil
    end
    return shares, nlooks
end

-- How much of the runtime's clock passes in a second; 0: who sleeps on it is not woken.
local function pace()
    return clock:is_paused() and 0 or clock:scale()
end

---How much each runs, in a moment that it takes: in a hundred looks, however long those take.
---@async
---@param sampler table?  core's half; nil: nobody knows
---@return table<integer, number>?  nil: it cannot be known; or the runtime's clock stands
function goroutines.shares(sampler)
    if pace() == 0 or not (sampler and sampler.sampler_start()) then
        return nil
    end
    local ok, shares = pcall(function()
        local from = goroutines.mark(sampler)
        while true do
            time.sleep(LOOKS / LOOKS_PER_SECOND * pace())
            local shares, nlooks = goroutines.between(from, goroutines.mark(sampler))
            if nlooks >= LOOKS then
                return shares
            end
        end
    end)
    sampler.sampler_stop()
    if not ok then
        error(shares, 0)
    end
    return shares
end

---All but the session's own, unless those are asked for, too.
---@param session lagoon.repl.Session
---@param all boolean
---@return lagoon.GoroutineInfo[]
function goroutines.list(session, all)
    local list = {}
    for _, info in ipairs(core.goroutines()) do
        if all or not session.own[info.id] then
            list[#list + 1] = info
        end
    end
    return list
end

---@param info lagoon.GoroutineInfo
---@param shares? table<integer, number>
---@return string[]
function goroutines.row(info, shares)
    return {
        tostring(info.id), info.name or "",
        shares and ("%.0f %%"):format(100 * (shares[info.id] or 0)) or "",
        info.status, info.wait_reason or "", seconds_text(info.wait_seconds),
        info.where or "", tostring(info.created_by or ""),
    }
end

return goroutines
