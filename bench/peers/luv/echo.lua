-- SPDX-License-Identifier: MIT
--
-- A server that says back what it hears, for bench/echo: libuv from Lua. Prints its port and serves
-- until it is killed.
local uv = require "luv"

local server = uv.new_tcp()
assert(server:bind("127.0.0.1", 0))
assert(server:listen(4096, function(err)
    assert(not err, err)
    local client = uv.new_tcp()
    server:accept(client)
    client:nodelay(true)
    client:read_start(function(failure, data)
        if failure or not data then
            client:close()
        else
            client:write(data)
        end
    end)
end))
print(server:getsockname().port)
io.stdout:flush()
uv.run()
