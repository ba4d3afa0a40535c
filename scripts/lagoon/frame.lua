-- SPDX-License-Identifier: MIT
--
-- Frames: what goroutines of a game do once in each.
local core = require "lagoon.core"
local time = require "lagoon.time"

local c_next_frame, raise = core.next_frame, core.raise
local OK, TIMEOUT = core.OK, core.TIMEOUT

local frame = {}

local function finish(code, dt, number)
    if code == OK then
        return dt, number
    elseif code == TIMEOUT then
        return nil, "timeout"
    end
    return raise(code, dt)
end

---Waits for the next frame; during a frame, for the one after it. Returns the seconds from the
---beginning of the frame in which it was called to that of this one, on the goroutine's clock, and
---the frame's number.
---@async
---@param seconds? number  nil waits for ever; after them: nil, "timeout"
---@return number? dt
---@return integer|string number
function frame.next_frame(seconds)
    return finish(c_next_frame(seconds))
end

---Begins a frame, as `lagoon.update` does: for scripts with a loop of their own. Until somebody
---does so for the first time, frames come 60 times a second of the runtime's clock.
---@type fun()
frame.frame = core.frame

---Waits until pred() gives something that is true, and returns that. It is called at once and then
---in each frame, here: an error of it is raised here.
---@async
---@param pred fun(): any
---@param seconds? number  nil waits for ever; after them: nil, "timeout"
---@return any value
---@return string? err
function frame.wait_until(pred, seconds)
    core.check_callable(pred, "wait_until")
    if seconds ~= nil and type(seconds) ~= "number" then
        return raise(core.RAISE, ("bad argument #2 to 'wait_until' (seconds must be a number, "
            .. "got %s)"):format(type(seconds)))
    end
    local moment = seconds and time.now() + seconds
    while true do
        local value = pred()
        if value then
            return value
        end
        local left = moment and moment - time.now()
        if left and left <= 0 then
            return nil, "timeout"
        end
        frame.next_frame(left)
    end
end

return frame
