-- SPDX-License-Identifier: MIT
--
-- A lock for what our modules do on goroutines of the program's: one has its turn, the others
-- stand in line. Who is killed in it cannot give it back, since nothing of it runs again: unlike a
-- mutex it goes to the next one then.
--
-- While somebody stands in line a goroutine of nobody's waits for the end of who has it.
local chan = require "lagoon.chan"
local core = require "lagoon.core"

---@class lagoon.Turn
---@field private holder lagoon.Task?  who has it, if it is alive
---@field private line { task: lagoon.Task, came: lagoon.Channel }[]
---@field private watcher lagoon.Task?
local Turn = {}
Turn.__index = Turn

local IS_ALIVE = { ready = true, running = true, waiting = true }

local function is_alive(task)
    return task ~= nil and IS_ALIVE[task:status()] == true
end

local watch

local function stop_watching(self)
    local watcher = self.watcher
    self.watcher = nil
    if watcher then
        watcher:cancel()
    end
end

local function start_watching(self)
    self.watcher = core.async_alone(watch, self, self.holder)
    self.watcher:name "lagoon.turn"
end

-- To the first in line that is alive.
local function pass_on(self)
    local line = self.line
    self.holder = nil
    stop_watching(self)
    while line[1] and not self.holder do
        local place = table.remove(line, 1)
        if is_alive(place.task) then
            self.holder = place.task
            place.came:close()
        end
    end
    if line[1] then
        start_watching(self)
    end
end

function watch(self, holder)
    pcall(holder.wait, holder)
    if self.holder == holder and not is_alive(holder) then
        self.watcher = nil -- which runs
        pass_on(self)
    end
end

local function leave_line(self, place)
    for i, other in ipairs(self.line) do
        if other == place then
            table.remove(self.line, i)
            return
        end
    end
end

local function await(self, place)
    if not self.watcher then
        start_watching(self)
    end
    place.came:recv()
end

---Whether somebody has it, or stands in line.
---@return boolean
function Turn:is_taken()
    return self.line[1] ~= nil or is_alive(self.holder)
end

---Takes it, if nobody has it.
---@return boolean
function Turn:try_lock()
    if self:is_taken() then
        return false
    end
    self.holder = core.self()
    return true
end

---Takes it, or waits for it.
---@async
function Turn:lock()
    if self:try_lock() then
        return
    end
    local place = { task = core.self(), came = chan.new() }
    table.insert(self.line, place)
    local ok, err = pcall(await, self, place)
    if ok then
        return
    elseif self.holder == place.task then -- it came, and a cancellation
        pass_on(self)
    else
        leave_line(self, place)
    end
    error(err, 0)
end

---Gives it back, to the next in line.
function Turn:unlock()
    if self.line[1] or self.watcher then
        pass_on(self)
    else
        self.holder = nil
    end
end

local turn = {}

---One that nobody has.
---@return lagoon.Turn
function turn.new()
    return setmetatable({ line = {} }, Turn)
end

return turn
