-- SPDX-License-Identifier: MIT
--
-- A server that says hello, for bench/http: prints its port and serves until it is killed.
local lagoon = require "lagoon"

local server = assert(lagoon.http.serve("127.0.0.1:0", function(_, res)
    res:write("hello, world\n")
end))
print((server:addr():match(":(%d+)$")))
io.stdout:flush()
server:wait()
