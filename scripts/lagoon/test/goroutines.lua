-- SPDX-License-Identifier: MIT
--
-- Which goroutines there are beside the runner's own, for dumps, and for those that a test leaves
-- behind.
local core = require "lagoon.core"
local task = require "lagoon.task"
local time = require "lagoon.time"

local goroutines = {}

local PAUSE_MAX_S = 0.05
local TRACED_MAX = 100 -- of those that are left; the others are only named

local runner -- the number of the goroutine that runs the tests

---Called by it.
function goroutines.adopt()
    runner = task.self():id()
end

---@param id integer
---@return boolean
function goroutines.is_ours(id)
    return id == runner
end

-- Frames of ours say nothing about a spec, nor that we have started the test.
local function trimmed(text)
    return (text:gsub("\n\tlagoon/test/[^\n]*", ""):gsub("\n\t%[C%]: in function 'xpcall'", "")
        :gsub(("\ncreated by goroutine %d at [^\n]*"):format(runner), ""))
end

---What all goroutines do, but for the runner.
---@return string
function goroutines.dump()
    local texts = {}
    for block in (core.stack(true) .. "\n\n"):gmatch "(.-)\n\n" do
        if tonumber(block:match "^goroutine (%d+)") ~= runner then
            texts[#texts + 1] = trimmed(block)
        end
    end
    return table.concat(texts, "\n\n")
end

---The numbers of those that are alive, as a set.
---@return table<integer, true>
function goroutines.alive()
    local set = {}
    for _, info in ipairs(core.goroutines()) do
        set[info.id] = true
    end
    return set
end

local function strays(known, is_ignored)
    local list = {}
    for _, info in ipairs(core.goroutines()) do
        if not known[info.id] and not goroutines.is_ours(info.id) and not is_ignored(info) then
            list[#list + 1] = info
        end
    end
    return list
end

-- Each of many would be looked for among many.
local function text_of(info, n)
    if n <= TRACED_MAX then
        return core.goroutine_stack(info.id)
    end
    return ("goroutine %d [%s]:"):format(info.id, info.wait_reason or info.status)
end

---Those that are alive and were not known, after they have had some time to end, with a text for
---each: its name, what it waits for, its traceback, and where it was started.
---@async
---@param known table<integer, true>
---@param seconds number
---@param is_ignored fun(info: lagoon.GoroutineInfo): any
---@return { id: integer, text: string }[]
function goroutines.left(known, seconds, is_ignored)
    local list = strays(known, is_ignored)
    local deadline, pause = time.now() + seconds, 0
    while #list > 0 and time.now() < deadline do
        time.sleep(pause)
        pause = math.min(pause * 2 + 0.001, PAUSE_MAX_S)
        list = strays(known, is_ignored)
    end
    local left = {}
    for n, info in ipairs(list) do
        local text = text_of(info, n)
        if text then -- else it has ended meanwhile
            left[#left + 1] = { id = info.id, text = trimmed(text) }
        end
    end
    return left
end

return goroutines
