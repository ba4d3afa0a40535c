-- SPDX-License-Identifier: MIT
--
-- The floor under servers in Lua, for bench/http: a coroutine of cqueues per connection. There is
-- no parser of HTTP in it; this one reads the lines of the head, takes fields apart, and no more.
-- Prints its port and serves until it is killed.
local cqueues = require "cqueues"
local socket = require "cqueues.socket"

local BODY = "hello, world\n"
local HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: "
    .. #BODY .. "\r\nDate: "

local date_time, date_text

local function date()
    local now = os.time()
    if now ~= date_time then
        date_time, date_text = now, os.date("!%a, %d %b %Y %H:%M:%S GMT", now)
    end
    return date_text
end

local function read_head(client)
    local first = client:read "*L"
    if not first or not first:find("^%u+ %S+ HTTP/1%.1\r\n$") then
        return nil
    end
    local fields = {}
    for line in client:lines "*L" do
        if line == "\r\n" then
            return fields
        end
        local name, value = line:match "^([^:]+):%s*(.-)\r\n$"
        fields[name:lower()] = value
    end
end

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
        client:setmode("b", "bf")
        client:onerror(return_code)
        queue:wrap(function()
            while read_head(client) do
                client:write(HEAD, date(), "\r\n\r\n", BODY)
                client:flush()
            end
            client:close()
        end)
    end
end)
assert(queue:loop())
