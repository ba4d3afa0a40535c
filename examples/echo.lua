-- SPDX-License-Identifier: MIT
--
-- An echo server: one goroutine per connection.
--
--   lagoon examples/echo.lua [ADDRESS]     until Ctrl-C; then: nc localhost 7007
--   lagoon examples/echo.lua --try         talks to itself, and ends
local lagoon = require "lagoon"
local net, go = lagoon.net, lagoon.go

local function serve(conn)
    for line in conn:lines() do
        conn:write(line, "\n")
    end
    conn:close()
end

local function accept_all(listener)
    while true do
        local conn, err, code = listener:accept()
        if conn then
            go(serve, conn)
        elseif err == "closed" then
            return
        else
            io.stderr:write("echo: ", err, "\n")
            assert(code == "EMFILE" or code == "ENFILE", err)
        end
    end
end

-- So many connections at once, each of which says so many lines and hears them again.
local function try(address, nconns, nlines)
    local talkers = lagoon.group()
    local n = 0
    for i = 1, nconns do
        talkers:go(function()
            local conn = assert(net.dial("tcp", address))
            for j = 1, nlines do
                local line = ("line %d of talker %d"):format(j, i)
                assert(conn:write(line, "\n"))
                assert(conn:read("*l") == line)
                n = n + 1
            end
            conn:close()
        end)
    end
    talkers:wait()
    print(("%d lines over %d connections"):format(n, nconns))
end

local is_try = arg[1] == "--try"
local listener = assert(net.listen("tcp", is_try and "127.0.0.1:0" or arg[1] or "127.0.0.1:7007"))
if is_try then
    go(accept_all, listener)
    try(listener:addr(), 100, 20)
    listener:close()
else
    print("echo on " .. listener:addr())
    accept_all(listener)
end
