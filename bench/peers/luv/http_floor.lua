-- SPDX-License-Identifier: MIT
--
-- The floor under servers in Lua, for bench/http: libuv, which has no parser of HTTP. This one
-- looks for the end of the head, for the first line, and no further. Prints its port and serves
-- until it is killed.
local uv = require "luv"

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

local function serve(client)
    local text = ""
    client:read_start(function(err, data)
        if err or not data then
            return client:close()
        end
        text = text .. data
        while true do
            local _, last = text:find("\r\n\r\n", 1, true)
            if not last then
                return
            elseif not text:find("^%u+ %S+ HTTP/1%.1\r\n") then
                return client:close()
            end
            text = text:sub(last + 1)
            client:write(HEAD .. date() .. "\r\n\r\n" .. BODY)
        end
    end)
end

local server = uv.new_tcp()
assert(server:bind("127.0.0.1", 0))
assert(server:listen(4096, function(err)
    assert(not err, err)
    local client = uv.new_tcp()
    server:accept(client)
    client:nodelay(true)
    serve(client)
end))
print(server:getsockname().port)
io.stdout:flush()
uv.run()
