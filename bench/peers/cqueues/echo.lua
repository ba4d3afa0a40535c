-- SPDX-License-Identifier: MIT
--
-- A server that says back what it hears, for bench/echo: a coroutine of cqueues per connection.
-- Prints its port and serves until it is killed.
local cqueues = require "cqueues"
local socket = require "cqueues.socket"

-- In place of raising it: a client that has gone is nothing special.
local function return_code(_, _, code)
    return code
end

local queue = cqueues.new()
local server = assert(socket.listen { host = "127.0.0.1", port = 0, nodelay = true })
assert(server:listen())
print((select(3, server:localname())))
io.stdout:flush()
queue:wrap(function()
    for client in server:clients() do
        client:setmode("bn", "bn")
        client:onerror(return_code)
        queue:wrap(function()
            local data = client:read(-16384)
            while data and client:write(data) do
                data = client:read(-16384)
            end
            client:close()
        end)
    end
end)
assert(queue:loop())
