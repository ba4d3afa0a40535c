-- SPDX-License-Identifier: MIT
--
-- Time, on the runtime's clock.
local core = require "lagoon.core"

local c_sleep, raise, OK = core.sleep, core.raise, core.OK

local time = {}

---Seconds of the runtime's clock, which never goes back. Go: `time.Now`.
---@type fun(): number
time.now = core.now

---Waits so long; 0 lets the others run. Go: `time.Sleep`.
---@async
---@param seconds number
function time.sleep(seconds)
    local code, err = c_sleep(seconds)
    if code ~= OK then
        return raise(code, err)
    end
end

---A channel that gets the time once, so much later. Go: `time.After`.
---@type fun(seconds: number): lagoon.Channel
time.after = core.after

---A channel that gets the time again and again, until `ch:stop()`. Go: `time.NewTicker`.
---@type fun(seconds: number): lagoon.Channel
time.tick = core.tick

---A function at a moment.
---@class lagoon.Timer
---@field stop fun(self: lagoon.Timer): boolean  whether it was pending
---@field reset fun(self: lagoon.Timer, seconds: number): boolean  whether it was pending
core.classes.timer.__index = { stop = core.timer_stop, reset = core.timer_reset }

---Runs f as a goroutine, so much later. Go: `time.AfterFunc`.
---@type fun(seconds: number, f: fun()): lagoon.Timer
time.timer = core.timer

return time
