-- SPDX-License-Identifier: MIT
--
-- A server that says hello, for bench/http: lua-http, the server of HTTP that there is for cqueues.
-- It has time-outs and limits of its own; the moment is for handlers to add. Prints its port and
-- serves until it is killed.
local headers = require "http.headers"
local server = require "http.server"

local BODY = "hello, world\n"

local date_time, date_text

local function date()
    local now = os.time()
    if now ~= date_time then
        date_time, date_text = now, os.date("!%a, %d %b %Y %H:%M:%S GMT", now)
    end
    return date_text
end

local function answer(_, stream)
    assert(stream:get_headers())
    local own = headers.new()
    own:append(":status", "200")
    own:append("content-type", "text/plain; charset=utf-8")
    own:append("content-length", tostring(#BODY))
    own:append("date", date())
    assert(stream:write_headers(own, false))
    assert(stream:write_chunk(BODY, true))
end

-- In place of raising it: a client that has gone is nothing special.
local function ignore() end

local listener = assert(server.listen { host = "127.0.0.1", port = 0, tls = false,
    onstream = answer, onerror = ignore })
assert(listener:listen())
print((select(3, listener:localname())))
io.stdout:flush()
assert(listener:loop())
