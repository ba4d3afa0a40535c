-- SPDX-License-Identifier: MIT
--
-- A chat in the browser: one goroutine knows who is there, and each visitor has two, one that hears
-- and one that tells.
--
--   lagoon examples/chat.lua [ADDRESS]   until Ctrl-C; then open http://localhost:8080 twice
--   lagoon examples/chat.lua --try       talks to itself, and ends
local lagoon = require "lagoon"
local http, chan, go = lagoon.http, lagoon.chan, lagoon.go

local PAGE = [[
<!DOCTYPE html>
<title>chat</title>
<ul id="said"></ul>
<form><input id="line" autofocus placeholder="your name" autocomplete="off"></form>
<script>
  const ws = new WebSocket("ws://" + location.host + "/chat");
  const line = document.getElementById("line");
  ws.onmessage = (event) => {
    const item = document.createElement("li");
    item.textContent = event.data;
    document.getElementById("said").append(item);
  };
  document.forms[0].onsubmit = (event) => {
    event.preventDefault();
    ws.send(line.value);
    line.value = line.placeholder = "";
  };
</script>
]]

local OUTBOX = 64 -- lines for a visitor who is slow; what comes on top of them is lost on it

local come, gone, said = chan(), chan(), chan()

-- Knows the outboxes of all who are there. Nobody else touches them, so there is no lock.
local function keep_room()
    local outboxes = {}
    while true do
        local i, value = lagoon.select(come, gone, said)
        if i == 1 then
            outboxes[value] = true
        elseif i == 2 then
            outboxes[value] = nil
            value:close()
        else
            for outbox in pairs(outboxes) do
                outbox:try_send(value)
            end
        end
    end
end

-- The first line is the visitor's name.
local function chat(ws)
    local name = ws:recv()
    if not name then
        return
    end
    local outbox = chan(OUTBOX)
    go(function()
        for line in outbox do
            ws:send(line)
        end
    end)
    come:send(outbox)
    said:send(name .. " has come")
    for line in ws.recv, ws do
        said:send(name .. ": " .. line)
    end
    gone:send(outbox)
    said:send(name .. " has gone")
end

local function handle(req, res)
    if req.path == "/chat" then
        local ws = req:websocket { max_message_bytes = 4096 }
        if ws then
            chat(ws)
        end
    elseif req.path == "/" then
        res.headers["Content-Type"] = "text/html; charset=utf-8"
        res:write(PAGE)
    else
        res.status = 404
    end
end

-- A visitor, who is there as soon as she has heard so herself.
local function arrive(address, name)
    local ws = assert(http.websocket("ws://" .. address .. "/chat"))
    ws:send(name)
    repeat
        local line = assert(ws:recv())
    until line == name .. " has come"
    return ws
end

-- Says so many lines, and leaves when she has heard so many. Returns how many.
local function talk(ws, nsaid, nheard)
    for i = 1, nsaid do
        ws:send("line " .. i)
    end
    local n = 0
    while n < nheard do
        local line = assert(ws:recv())
        n = n + (line:find(": line %d+$") and 1 or 0)
    end
    ws:close()
    return n
end

local function try(address, nvisitors, nlines)
    local visitors, talking, nheard = {}, lagoon.group(), 0
    for i = 1, nvisitors do
        visitors[i] = arrive(address, "visitor " .. i)
    end
    for _, ws in ipairs(visitors) do
        talking:go(function()
            local n = talk(ws, nlines, nvisitors * nlines)
            nheard = nheard + n
        end)
    end
    talking:wait()
    print(("%d visitors have heard %d lines"):format(nvisitors, nheard))
end

local is_try = arg[1] == "--try"
local server = assert(http.serve(is_try and "127.0.0.1:0" or arg[1] or "127.0.0.1:8080", handle))
go(keep_room)
if is_try then
    try(server:addr(), 4, 5)
    server:close()
else
    print("http://" .. server:addr())
    server:wait()
end
