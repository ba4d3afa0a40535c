-- SPDX-License-Identifier: MIT
--
-- Inputs: what comes from outside, as values of a channel that can be recorded and replayed.
local core = require "lagoon.core"
local chan = require "lagoon.chan"
local task = require "lagoon.task"

local await, take = core.input_await, core.input_take

local input = {}

-- By its name: a function is sent with what it refers to.
local function run_source(number, f, ...)
    return require("lagoon.inputsource").run(number, f, ...)
end

local function next_message(number)
    local is_there, is_value, value
    repeat
        task.finish(await(number))
        is_there, is_value, value = take(number)
    until is_there ~= nil
    return is_there, is_value, value
end

local function pump(name, number, values)
    while true do
        local is_there, is_value, value = next_message(number)
        if not (is_there and is_value) then
            values:close()
            if is_there then
                error(("input '%s': %s"):format(name, value), 0)
            end
            return
        end
        values:send(value)
    end
end

---Runs `f(emit, ...)` outside of the program's order, in a Lua state of its own, and returns a
---channel that gets what it calls `emit` with; closed when `f` has returned. With `--record` what
---comes is recorded; with `--replay` f is not run, and the channel gets what was recorded, at the
---same places of the run.
---@param name string  for logs and messages
---@param f fun(emit: fun(value: any), ...: any)  may read sockets, files, clocks, signals
---@param ... any  copied, as for parallel()
---@return lagoon.Chan
function input.open(name, f, ...)
    core.check_callable(f, "input")
    local number = core.input_open(name)
    local values = chan.new()
    if not core.is_replaying() then
        core.input_source(run_source, number, f, ...)
    end
    task.go(pump, name, number, values)
    return values
end

return input
