-- SPDX-License-Identifier: MIT
--
-- A web server: greets, and counts its visitors.
--
--   lagoon examples/hello_http.lua [ADDRESS]   until Ctrl-C; then: curl http://localhost:8080/you
--   lagoon examples/hello_http.lua --try       visits itself, and ends
local lagoon = require "lagoon"
local http, net = lagoon.http, lagoon.net

local nvisits = 0

local function greet(req, res)
    if req.path == "/" then
        res.status = 404
        res:write("who are you?\n")
        return
    end
    nvisits = nvisits + 1
    res.headers["X-Visit"] = nvisits
    res:write("hello, ", req.path:sub(2), "\n")
end

-- A visitor of few words: one connection, so many requests, all of them sent at once.
local function visit(address, name, nrequests)
    local conn = assert(net.dial("tcp", address))
    local request = "GET /" .. name .. " HTTP/1.1\r\nHost: localhost\r\n\r\n"
    conn:write(request:rep(nrequests))
    local ngreetings = 0
    while ngreetings < nrequests do
        local line = assert(conn:read("*l"))
        if line == "hello, " .. name then
            ngreetings = ngreetings + 1
        end
    end
    conn:close()
end

local is_try = arg[1] == "--try"
local address = is_try and "127.0.0.1:0" or arg[1] or "127.0.0.1:8080"
local server = assert(http.serve(address, greet))
if is_try then
    local visitors = lagoon.group()
    for i = 1, 20 do
        visitors:go(visit, server:addr(), "visitor" .. i, 10)
    end
    visitors:wait()
    server:close()
    print(("%d greetings"):format(nvisits))
else
    print("http://" .. server:addr())
    server:wait()
end
