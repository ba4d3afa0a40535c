-- SPDX-License-Identifier: MIT
--
-- `lagoon attach`: the REPL's terminal, whose inputs run in another program. What is said to it and
-- what it says are frames (bindings/attachframe.h).
local chan = require "lagoon.chan"
local core = require "lagoon.core"
local repl = require "lagoon.repl"
local session = require "lagoon.repl.session"
local task = require "lagoon.task"
require "lagoon.net" -- the methods of connections

local attach = {}

local HELLO, INPUT, INTERRUPT, SIZE, TAB, KEY = "H", "I", "C", "W", "T", "K"
local OUTPUT, READY, WORDS, LIVE, PICTURE, BYE = "O", "R", "T", "L", "P", "B"
local HEAD_BYTES = 5
local COMPLETING_SECONDS = 2 -- that a completion is waited for
local TEXT_MAX = 1024 * 1024 -- bytes of a frame

local USAGE = [[
usage: lagoon attach [pid]
Opens the commands of the REPL on a program that was started with --attach, or with
LAGOON_DEBUG=attach=1. Without a pid, lists those programs.
]]

local function pack(kind, text)
    local n = #text
    return kind .. string.char(bit.rshift(n, 24) % 256, bit.rshift(n, 16) % 256,
        bit.rshift(n, 8) % 256, n % 256) .. text
end

-- The next frame; nil: the program says no more.
local function read_frame(conn)
    local head = conn:read(HEAD_BYTES)
    if not head or #head < HEAD_BYTES then
        return nil
    end
    local a, b, c, d = head:byte(2, HEAD_BYTES)
    local size = ((a * 256 + b) * 256 + c) * 256 + d
    local text = size == 0 and "" or conn:read(size)
    if not text or #text < size then
        return nil
    end
    return head:sub(1, 1), text
end

-- ------------------------------------------------------------------------------------------------
-- A session whose inputs run elsewhere
-- ------------------------------------------------------------------------------------------------

local Remote = {}

function Remote:send(kind, text)
    self.conn:write(pack(kind, text))
end

-- The program hears of the terminal's size before what depends on it.
function Remote:tell_size()
    local columns, rows = self.width(), self.height()
    if columns ~= self.columns or rows ~= self.rows then
        self.columns, self.rows = columns, rows
        self:send(SIZE, ("%d %d"):format(columns, rows))
    end
end

-- Shows pictures, and answers each with a key or with its time being over, until there are no more.
local function show(self, shown)
    shown.live = self.open_live()
    for picture in shown.pictures do
        if shown.pictures:closed() then
            break
        end
        local seconds, text = picture:match "^(%S+)\n(.*)$"
        local rows = {}
        for row in (text .. "\n"):gmatch "(.-)\n" do
            rows[#rows + 1] = row
        end
        shown.live:draw(rows)
        local key = shown.live:next(tonumber(seconds))
        self:tell_size()
        self:send(KEY, key or "")
    end
    shown.live:close()
end

local function begin_live(self)
    local shown = { pictures = chan.new(1) }
    self.shown = shown
    shown.task = task.async(show, self, shown)
    shown.task:name "attached pictures"
end

-- Returns when the terminal is given back.
local function end_live(self)
    local shown = self.shown
    if shown then
        self.shown = nil
        shown.pictures:close()
        if shown.live then
            shown.live:press { { name = "end" } } -- it may wait for a key
        end
        shown.task:wait()
    end
end

-- What the program says, until it says no more.
local function listen(self)
    for kind, text in read_frame, self.conn do
        if kind == OUTPUT then
            io.stdout:write(text)
            io.stdout:flush()
        elseif kind == READY then
            self.ninputs = (tonumber(text) or self.ninputs + 2) - 1
            self.ready:try_send(true)
        elseif kind == WORDS then
            self.words:try_recv() -- what nobody has waited for
            self.words:try_send(text)
        elseif kind == LIVE and text == "1" then
            begin_live(self)
        elseif kind == LIVE then
            end_live(self)
        elseif kind == PICTURE and self.shown then
            self.shown.pictures:try_send(text)
        elseif kind == BYE then
            self.why = text
            break
        end
    end
    end_live(self)
    self.why = self.why or "the program has ended"
    self.ready:close()
    self.words:close()
    if self.on_end then
        self.on_end()
    end
end

---Has the program run an input, and returns when it has.
---@async
---@param text string
---@return boolean goes_on
function Remote:run(text)
    if not text:find "%S" then
        return true
    elseif #text > TEXT_MAX then
        self:print_error(("an input from outside has %d bytes at most"):format(TEXT_MAX))
        return true
    end
    self:tell_size()
    self:send(INPUT, text)
    return self.ready:recv() == true
end

function Remote:interrupt()
    self:send(INTERRUPT, "")
end

---What the end of a text can be replaced by, there.
---@async
---@param text string
---@return integer from
---@return string[] words
function Remote:complete(text)
    self.nasked = self.nasked + 1
    local request, from, rest = self.nasked .. "\n" .. text, nil, nil
    local answer = #request <= TEXT_MAX
    if answer then
        self:send(TAB, request)
    end
    while answer and not from do -- one that came late is for another text
        answer = self.words:recv(COMPLETING_SECONDS)
        from, rest = (answer or ""):match("^" .. self.nasked .. "\n(%d+)\n(.*)$")
    end
    local words = {}
    for word in (rest or ""):gmatch "[^\n]+" do
        words[#words + 1] = word
    end
    return tonumber(from) or #text, words
end

-- How a console gets its session.
local function opener(conn, pid, opened)
    return function(opts)
        local self = session.guest({}, opts)
        for name, method in pairs(Remote) do
            self[name] = method
        end
        self.height = opts.height or function() return 0 end
        self.conn, self.columns, self.rows = conn, self.width(), self.height()
        self.ready, self.words, self.nasked = chan.new(1), chan.new(1), 0
        self.greeting = ("attached to process %d. :help shows the commands, Ctrl-D leaves.")
            :format(pid)
        self.on_end = opts.on_end
        opened.session = self
        self:send(HELLO, ("lagoon 2 %d %d %d"):format(self.columns, self.rows,
            opts.is_coloured and 1 or 0))
        task.async(listen, self):name "attached"
        self.ready:recv() -- the first prompt has its number
        return self
    end
end

-- ------------------------------------------------------------------------------------------------

local function say(message)
    io.stdout:flush()
    io.stderr:write("lagoon: ", message, "\n")
    return 1
end

local function command_of(pid)
    local file = io.open(("/proc/%d/cmdline"):format(pid), "rb")
    local text = file and file:read "*a" or ""
    if file then
        file:close()
    end
    return (text:gsub("%z$", ""):gsub("%z", " "):gsub("%c", "?"))
end

local function list()
    local pids = core.attach_list()
    table.sort(pids)
    for _, pid in ipairs(pids) do
        print(pid, command_of(pid))
    end
    return 0
end

---@async
---@param arguments string[]
---@param terminal table  core's half
---@param is_terminal boolean  whether standard input is one
---@return integer status
function attach.run(arguments, terminal, is_terminal)
    if #arguments == 0 then
        return list()
    end
    local pid = arguments[1]:match "^[1-9]%d*$" and tonumber(arguments[1])
    if not pid or pid >= 2 ^ 31 or #arguments > 1 then
        io.stderr:write(USAGE)
        return 1
    end
    local conn, err = core.attach_dial(pid)
    if not conn then
        return say(err)
    end
    local opened = {}
    repl.run(terminal, is_terminal, opener(conn, pid, opened))
    conn:close()
    local why = opened.session.why
    if why and why ~= "" then
        return say(("process %d: %s"):format(pid, why))
    end
    return 0
end

return attach
