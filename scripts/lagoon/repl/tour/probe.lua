-- SPDX-License-Identifier: MIT
--
-- What pictures are made of, read from the runtime that runs: nothing here is made up.
local core = require "lagoon.core"

local probe = {}

---@class lagoon.TraceEvent
---@field kind string  "start", "run", "park", "yield", "ready", "end", "steal", "job", ...
---@field time number  seconds, on the runtime's clock
---@field p integer  -1: a thread without one
---@field g integer  0: none
---@field arg integer
---@field what? string

---@class lagoon.repl.tour.Probe
---@field locals table  the session's
---@field root integer  the goroutine that the lesson's code runs in
---@field since number  when it was started
---@field names table<integer, string>  of the lesson's goroutines that were seen
---@field memo table  the lesson's own
---@field events? lagoon.TraceEvent[]  when the code has ended, if a trace was kept
local Probe = {}
Probe.__index = Probe

---@param locals table
---@param root integer
---@return lagoon.repl.tour.Probe
function probe.new(locals, root)
    return setmetatable({ locals = locals, root = root, since = core.now(), names = {},
        is_ours = { [root] = true }, memo = {} }, Probe)
end

---The lesson's goroutines that are alive.
---@return lagoon.repl.tour.Goroutine[]
function Probe:goroutines()
    local list = {}
    for _, info in ipairs(core.goroutines()) do
        if info.id ~= self.root and self.is_ours[info.parent] then
            self.is_ours[info.id] = true
            self.names[info.id] = info.name or self.names[info.id]
            list[#list + 1] = info
        end
    end
    return list
end

---The same for those that are in a trace.
---@return fun(g: integer): boolean
function Probe:is_in_lesson()
    for _, event in ipairs(self.events or {}) do
        if event.kind == "start" and self.is_ours[event.arg] then
            self.is_ours[event.g] = true
        end
    end
    return function(g) return g ~= self.root and self.is_ours[g] == true end
end

---A channel of the session's by the name of its variable; nil: there is none yet. Who waits may be
---unknown for a moment, in which others use it.
---@param name string
---@return lagoon.repl.tour.Channel?
function Probe:channel(name)
    local ch = rawget(self.locals, name)
    if getmetatable(ch) ~= core.classes.channel then
        return nil
    end
    local info = core.chan_info(ch)
    local receivers, senders = { count = info.receivers or 0 }, { count = info.senders or 0 }
    for i, g in ipairs(info.waiters or {}) do -- receivers first
        local side = i <= receivers.count and receivers or senders
        side[#side + 1] = g
    end
    return { name = name, length = info.length, cap = info.capacity, is_closed = info.is_closed,
        receivers = receivers, senders = senders }
end

---Several channels, those that there are.
---@param ... string
---@return lagoon.repl.tour.Channel[]
function Probe:channels(...)
    local list = {}
    for _, name in ipairs { ... } do
        list[#list + 1] = self:channel(name)
    end
    return list
end

---What the Ps do, but for those in excess that do nothing.
---@return lagoon.repl.tour.PBox[]
function Probe:ps()
    local boxes = {}
    for _, p in ipairs(core.ps()) do
        local is_aside = p.status == "aside"
        if not is_aside or p.g then
            local name = p.g == self.looker and "the tour" or self.names[p.g]
            boxes[#boxes + 1] = {
                number = p.number,
                runs = p.g and ("G%d%s"):format(p.g, name and " " .. name or ""),
                note = p.status == "idle" and "idle" or "looks for work",
                queued = p.queued,
                is_aside = is_aside,
            }
        end
    end
    return boxes
end

---The collector.
---@return lagoon.repl.tour.Collection
function Probe:collection()
    local gc = core.stats().gc
    if not gc.is_cycling then
        self.black_before = gc.marked_bytes
    end
    local black = 0
    if gc.is_marking then
        black = gc.marked_bytes - (self.black_before or gc.marked_bytes)
    elseif gc.is_cycling then
        black = gc.live_bytes
    end
    return {
        time = core.now(),
        heap_bytes = gc.allocated_bytes - gc.freed_bytes,
        black_bytes = black,
        grey = gc.grey,
        phase = gc.is_marking and "mark" or gc.is_cycling and "sweep" or "off",
    }
end

---@return number
function Probe:seconds()
    return core.now() - self.since
end

return probe
