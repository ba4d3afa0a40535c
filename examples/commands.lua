-- SPDX-License-Identifier: MIT
--
-- Runs shell commands side by side, and prints what each has said as soon as it has: calls that
-- block their thread.
--
-- `os.execute` knows nothing of goroutines: called here, it would stop all of them until the
-- command has ended. `lagoon.blocking` calls it on a thread of its own. As with `parallel`, the
-- function goes to another Lua state; what goes there is a string, what comes back are a string
-- and a number.
--
-- Not `io.popen`: it begins by flushing all files of the process, and waits for those that other
-- threads are reading, so that the commands would run one after the other.
--
-- A command that does not end in time is left behind: nobody waits for it any more, but its thread
-- is stopped by nothing but the command's own end.
--
-- usage: lagoon commands.lua [COMMAND...]
local lagoon = require "lagoon"

local SECONDS = 10

local function output_of(command)
    local path = os.tmpname()
    os.execute(("{ (%s\n); echo $?; } >%s"):format(command, path))
    local file = assert(io.open(path))
    local text = file:read("*a")
    file:close()
    os.remove(path)
    local said, status = text:match("^(.-)(%d+)\n$")
    return said, tonumber(status)
end

local commands = { ... }
if #commands == 0 then
    commands = { "sleep 0.3; echo slow", "sleep 0.1; echo quick", "exit 3" }
end

local results = lagoon.chan(#commands)
for _, command in ipairs(commands) do
    local call = lagoon.async(function()
        local said, status = lagoon.blocking(output_of, command)
        results:send { command = command, said = said, status = status }
    end)
    lagoon.go(function()
        local _, why = call:wait(SECONDS)
        if why == "timeout" then
            call:cancel()
            results:send { command = command, said = "", status = "not ended" }
        end
    end)
end

-- This one goes on meanwhile.
local nticks = 0
lagoon.go(function()
    for _ in lagoon.tick(0.01) do
        nticks = nticks + 1
    end
end)

for _ = 1, #commands do
    local result = results:recv()
    io.write(("%s: %s\n%s"):format(result.command, result.status, result.said))
end
io.stderr:write(("%d commands, %d ticks meanwhile\n"):format(#commands, nticks))
