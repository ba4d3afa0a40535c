-- SPDX-License-Identifier: MIT
--
-- A server that says hello, for bench/http: libuv from Lua, and as much of HTTP as a server that
-- others can reach has to have. A coroutine per connection calls a handler, with the fields of the
-- request, and puts together what it writes; a head has a limit, a connection a time-out, and a
-- body that nobody reads is passed over. There is no chunked body, and less is refused than should
-- be.
-- Prints its port and serves until it is killed.
local uv = require "luv"

local HEAD_MAX, TIMEOUT_MS = 64 * 1024, 60 * 1000

local date_time, date_text

local function date()
    local now = os.time()
    if now ~= date_time then
        date_time, date_text = now, os.date("!%a, %d %b %Y %H:%M:%S GMT", now)
    end
    return date_text
end

local Conn = {}
Conn.__index = Conn

-- Waits until there is more; false where there is none.
function Conn:more()
    self.is_waiting = true
    return coroutine.yield()
end

-- The head of the next request, or nil.
function Conn:head()
    while true do
        local _, last = self.text:find("\r\n\r\n", 1, true)
        if last then
            local head = self.text:sub(1, last - 2)
            self.text = self.text:sub(last + 1)
            return head
        elseif #self.text > HEAD_MAX or not self:more() then
            return nil
        end
    end
end

function Conn:skip(n)
    while #self.text < n do
        if not self:more() then
            return false
        end
    end
    self.text = self.text:sub(n + 1)
    return true
end

local FIRST_LINE = "^([!#-'*+.0-9A-Z^-z|~-]+) (%S+) HTTP/1%.(%d)\r\n()"
local FIELD = "^([!#-'*+.0-9A-Z^-z|~-]+):[ \t]*([^%c]-)[ \t]*$"

local function parse(head)
    local method, target, minor, at = head:match(FIRST_LINE)
    if not method then
        return nil
    end
    local req = { method = method, target = target, minor = minor, fields = {} }
    for line in head:gmatch("([^\r\n]*)\r\n", at) do
        local name, value = line:match(FIELD)
        if name then
            req.fields[name:lower()] = value
        end
    end
    return req
end

local function keeps_alive(req)
    local wish = (req.fields.connection or ""):lower()
    if req.minor == "0" then
        return wish:find("keep-alive", 1, true) ~= nil
    end
    return not wish:find("close", 1, true)
end

local function respond(self, res, keeps)
    local lines = { ("HTTP/1.1 %d OK"):format(res.status) }
    for name, value in pairs(res.fields) do
        lines[#lines + 1] = name .. ": " .. value
    end
    local body = table.concat(res.parts)
    lines[#lines + 1] = "Content-Length: " .. #body
    lines[#lines + 1] = "Date: " .. date()
    lines[#lines + 1] = keeps and "\r\n" or "Connection: close\r\n\r\n"
    self.client:write(table.concat(lines, "\r\n") .. body)
end

local function hello(_, res)
    res.parts[1] = "hello, world\n"
end

local function serve(self)
    local keeps = true
    while keeps do
        local head = self:head()
        local req = head and parse(head)
        local length = req and tonumber(req.fields["content-length"] or 0)
        if not length or req.fields["transfer-encoding"] then
            break
        end
        local res = { status = 200, parts = {},
            fields = { ["Content-Type"] = "text/plain; charset=utf-8" } }
        if not pcall(hello, req, res) then
            break
        end
        keeps = keeps_alive(req)
        respond(self, res, keeps)
        if not self:skip(length) then
            break
        end
    end
    self.timer:close()
    self.client:close()
end

local function start(client)
    local self = setmetatable({ client = client, text = "", timer = uv.new_timer() }, Conn)
    local co = coroutine.create(serve)
    local function go_on(has_more)
        if self.is_waiting then
            self.is_waiting = false
            assert(coroutine.resume(co, has_more))
        end
    end
    self.timer:start(TIMEOUT_MS, TIMEOUT_MS, function()
        go_on(false)
    end)
    client:read_start(function(err, data)
        if err or not data then
            return go_on(false)
        end
        self.timer:again()
        self.text = self.text .. data
        go_on(true)
    end)
    assert(coroutine.resume(co, self))
end

local server = uv.new_tcp()
assert(server:bind("127.0.0.1", 0))
assert(server:listen(4096, function(err)
    assert(not err, err)
    local client = uv.new_tcp()
    server:accept(client)
    client:nodelay(true)
    start(client)
end))
print(server:getsockname().port)
io.stdout:flush()
uv.run()
