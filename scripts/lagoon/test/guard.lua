-- SPDX-License-Identifier: MIT
--
-- Functions of specs, each in a goroutine of its own: with a limit of time, and told when all wait
-- for each other. What does not end when it is cancelled is left behind.
local asleep = require "lagoon.asleep"
local core = require "lagoon.core"
local frames = require "lagoon.test.frames"
local goroutines = require "lagoon.test.goroutines"
local task = require "lagoon.task"
local time = require "lagoon.time"

---@class lagoon.test.Guard
---@field first_look_s number  to the first look; each runs some instructions of this state
local guard = { first_look_s = 0.05 }

local LOOK_MAX_S = 0.5  -- between two looks at one that runs long
local TELL_AGAIN_S = 0.05
local CANCELLING_S = 1  -- how long one may take to end when it is cancelled
local RINGS_MAX = 10    -- of the alarm, ten a second

---@class lagoon.test.Outcome
---@field ok boolean
---@field err any
---@field stack lagoon.test.Stack?  of the error
---@field why "error"|"timeout"|"deadlock"|"interrupt"|nil
---@field dump string?  what all goroutines did then
---@field left lagoon.Task?  it has not ended

local ENDED = { done = true, failed = true, cancelled = true }

-- The position of what a function that is used as a handler was called for.
local function note_into(outcome)
    return function(err)
        outcome.err = err
        outcome.stack = frames.capture(2)
        return err
    end
end

local function start(name, f, ...)
    local outcome = { ok = false }
    local note = note_into(outcome)
    local running = task.async(function(...)
        outcome.ok = xpcall(f, note, ...)
    end, ...)
    running:name(name)
    return running, outcome
end

-- Waits until it has ended, or is late, or nothing can end it: why, but for the first.
local function await(running, limit_s)
    local deadline = time.now() + limit_s
    local stuck_looks, pause = 0, guard.first_look_s
    local function is_ours(id)
        return goroutines.is_ours(id)
    end
    while true do
        local code = core.task_wait(running, math.max(0, math.min(pause, deadline - time.now())))
        if ENDED[running:status()] then
            return nil
        elseif code ~= core.TIMEOUT then
            return "interrupt" -- Ctrl-C, for the goroutine that waits here
        elseif time.now() >= deadline then
            return "timeout"
        end
        -- Between two goroutines of other states, one look may see the one before and the other
        -- after a hand-over.
        stuck_looks = asleep.all(is_ours) and stuck_looks + 1 or 0
        pause = stuck_looks > 0 and guard.first_look_s or math.min(2 * pause, LOOK_MAX_S)
        if stuck_looks == 2 then
            return "deadlock"
        end
    end
end

-- What catches its cancellation is told again.
local function cancel(running, reason)
    local deadline = time.now() + CANCELLING_S
    while not ENDED[running:status()] and time.now() < deadline do
        running:cancel(reason)
        core.task_wait(running, TELL_AGAIN_S)
    end
    return ENDED[running:status()]
end

local REASONS = {
    timeout = function(limit_s) return ("timed out after %g s"):format(limit_s) end,
    interrupt = function() return "interrupted" end,
    deadlock = function() return "all goroutines are asleep - deadlock!" end,
}

---Whether the end of the time of one that computes comes by an alarm: nobody preempts it, and in a
---deterministic runtime the clock stands still, too. The compiler must be off then.
---@return boolean
function guard.needs_alarm()
    return core.is_deterministic() or core.preemption() == "off"
end

local function give_up(running)
    io.stdout:flush()
    io.stderr:write(("lagoon test: '%s' does not end when it is cancelled, and nothing else comes "
        .. "to run where nobody is preempted\n"):format(running:name()))
    core.test_exit(nil)
    os.exit(1)
end

-- Returns what the alarm has seen.
local function set_alarm(running, limit_s)
    local seen, nrings = {}, 0
    if guard.needs_alarm() then
        core.test_alarm(limit_s, function()
            seen.dump = seen.dump or goroutines.dump()
            running:cancel(REASONS.timeout(limit_s))
            nrings = nrings + 1
            if nrings > RINGS_MAX then
                give_up(running)
            end
        end)
    end
    return seen
end

local function stop_alarm()
    if guard.needs_alarm() then
        core.test_alarm()
    end
end

---Runs `f(...)` in a goroutine.
---@async
---@param name string  of the goroutine
---@param limit_s number
---@param f function
---@param ... any
---@return lagoon.test.Outcome
function guard.run(name, limit_s, f, ...)
    local running, outcome = start(name, f, ...)
    local seen = set_alarm(running, limit_s)
    local why = await(running, limit_s) or seen.dump and "timeout"
    if why then
        local reason = REASONS[why](limit_s)
        local dump = seen.dump or goroutines.dump()
        local has_ended = cancel(running, reason)
        stop_alarm()
        return {
            ok = false,
            err = reason,
            why = why,
            dump = dump,
            stack = outcome.err == reason and outcome.stack or nil,
            left = not has_ended and running or nil,
        }
    end
    stop_alarm()
    if not outcome.ok then
        outcome.why = "error"
        if outcome.err == nil and running:status() ~= "done" then -- ended outside of the function
            outcome.err = select(2, pcall(running.wait, running))
        end
    end
    return outcome
end

return guard
