-- SPDX-License-Identifier: MIT
--
-- What does a message to another thread and back cost: a number, a string of 1 KB? Threads of
-- cqueues have a pair of sockets, which carries bytes; tables are not for it.
local thread = require "cqueues.thread"
local meter = dofile "bench/lua/meter.lua"

local function echo(socket)
    socket:setmode("b", "bf")
    for line in socket:lines "*L" do
        socket:write(line)
        socket:flush()
    end
end

local function ask(name, message, ops, decode)
    meter.run(name, meter.ops(ops, 1), 1, function(count)
        local other, socket = thread.start(echo)
        socket:setmode("b", "bf")
        local returned
        for _ = 1, count do
            socket:write(message, "\n")
            socket:flush()
            returned = decode(socket:read "*l")
        end
        socket:shutdown "w"
        meter.check(other:join(), "the thread has failed")
        meter.check(returned == message, "the echo is wrong")
    end)
end

ask("message", 4711, 5000, tonumber)
ask("message.string", ("lagoon.."):rep(128), 5000, tostring)
