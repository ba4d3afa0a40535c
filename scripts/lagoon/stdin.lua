-- SPDX-License-Identifier: MIT
--
-- Standard input of the program: where it is a terminal, a pipe or a socket, reading it blocks the
-- goroutine and not the thread. What io.read, io.lines and the methods of io.stdin do is Lua's own;
-- so is everything with other files.
--
-- What the connection has goes into `ahead` by the piece, and is cut up there. That is done only
-- when a read has its result: who is cancelled loses nothing.
local core = require "lagoon.core"
local settle = require("lagoon.waited").settle

local raise, RAISE = core.raise, core.RAISE
local find, sub = string.find, string.sub

local ahead, at = "", 1 -- what has come, and where the unread part of it begins
local conn              -- nil: nobody has asked yet; false: there is none
local prompting         -- what is flushed before a wait, so that questions are seen; or nil
local before_waiting    -- called before a wait; or nil
local turn              -- one goroutine reads, the others stand in line
local has_ended         -- the end has come in the call that reads; a terminal may go on behind it

-- As C's library does on a terminal.
local function c_read(...)
    if before_waiting then
        before_waiting()
    end
    if prompting then
        prompting:flush()
    end
    return core.conn_read(...)
end

-- From the connection; nil: that has ended.
local function ask(...)
    if has_ended then
        return nil
    end
    local text, err, code, partial = settle(c_read(conn, ...))
    has_ended = text == nil and not err
    return text, err, code, partial
end

-- ------------------------------------------------------------------------------------------------
-- Formats. Each returns nil at the end; also a message and a code, if that is no end
-- ------------------------------------------------------------------------------------------------

local function cut(last)
    local text = sub(ahead, at, last)
    at = last + 1
    return text
end

-- All that is there, and a text that came behind it.
local function cut_all(text, err, code)
    text = sub(ahead, at) .. (text or "")
    ahead, at = "", 1
    if text == "" then
        return nil, err, code
    end
    return text
end

-- Waits for more; nil: there is none.
local function fill()
    local text, err, code = ask()
    if text then
        ahead, at = sub(ahead, at) .. text, 1
    end
    return text, err, code
end

local function read_bytes(n)
    local there = #ahead - at + 1
    if n == 0 and there == 0 then
        local text, err, code = fill()
        return text and "", err, code
    elseif n <= there then
        return cut(at + n - 1)
    end
    return cut_all(ask(n - there))
end

-- The next line, with its end, if that is there.
local function cut_line(keeps_newline)
    local newline = find(ahead, "\n", at, true)
    if newline then
        local line = sub(ahead, at, keeps_newline and newline or newline - 1)
        at = newline + 1
        return line
    end
end

local function read_line(keeps_newline)
    local line = cut_line(keeps_newline)
    if line then
        return line
    end
    local text, err, code = fill()
    line = text and cut_line(keeps_newline)
    if line then
        return line
    elseif text then
        text, err, code = ask "*L" -- a long one
    end
    line, err, code = cut_all(text, err, code)
    if line and not keeps_newline then
        line = line:gsub("\n$", "")
    end
    return line, err, code
end

local function read_all()
    local text, err, code, partial = ask "*a"
    if err then
        ahead, at = sub(ahead, at) .. (partial or ""), 1
        return nil, err, code
    end
    has_ended = true
    return cut_all(text) or ""
end

-- The byte at a place behind what is read; "" at the end.
local function look(place)
    while #ahead - at + 1 < place and fill() do
    end
    return sub(ahead, at + place - 1, at + place - 1)
end

-- From a place on, over all that are of a class: the place behind them.
local function pass(place, class)
    while find(look(place), class) do
        place = place + 1
    end
    return place
end

local function pass_one(place, class)
    return find(look(place), class) and place + 1 or place
end

-- As scanf takes one: what could begin a number is gone, also if it is none, and an exponent
-- without digits is left out. No infinities.
local function read_number()
    local start = pass(1, "^%s")
    local first = pass_one(start, "^[+-]")
    local digit, exponent = "^%d", "^[eE]"
    if look(first) == "0" and find(look(first + 1), "^[xX]") then
        first = first + 2
        digit, exponent = "^%x", "^[pP]"
    end
    local point = pass(first, digit)
    local behind = pass(pass_one(point, "^%."), digit)
    local last = behind
    if (point > first or behind > point + 1) and find(look(behind), exponent) then
        local digits = pass_one(behind + 1, "^[+-]")
        behind = pass(digits, "^%d")
        last = behind > digits and behind or last
    end
    local text = sub(ahead, at + start - 1, at + last - 2)
    at = at + behind - 1
    return tonumber(text)
end

local function read_format(i, format)
    if type(format) == "number" then
        return read_bytes(format)
    end
    local letter = type(format) == "string" and format:match("^%*?(.?)")
    if letter == "l" or letter == "L" then
        return read_line(letter == "L")
    elseif letter == "a" then
        return read_all()
    elseif letter == "n" then
        return read_number()
    end
    return raise(RAISE, ("bad argument #%d to 'read' (invalid format)"):format(i))
end

-- As many results as formats, up to the first that has none.
local function read_formats(n, ...)
    local results = {}
    has_ended = false
    for i = 1, n do
        local value, err, code = read_format(i, (select(i, ...)))
        if err then
            return nil, err, code
        end
        results[i] = value
        if value == nil then
            return unpack(results, 1, i)
        end
    end
    return unpack(results, 1, n)
end

local function unlock(ok, ...)
    turn:unlock()
    if not ok then
        error((...), 0)
    end
    return ...
end

local function read_in_line(...)
    turn = turn or require("lagoon.turn").new()
    turn:lock()
    return unlock(pcall(read_formats, select("#", ...), ...))
end

-- A line that is there goes to who asks, if nobody else has asked before.
local function cut_free_line()
    if not turn or not turn:is_taken() then
        return cut_line(false)
    end
end

local function read(...)
    local format = ...
    if format == nil and select("#", ...) == 0 then
        return cut_free_line() or read_in_line("*l")
    end
    return read_in_line(...)
end

-- ------------------------------------------------------------------------------------------------
-- In the place of Lua's own
-- ------------------------------------------------------------------------------------------------

local function check_line(line, err, ...)
    if line == nil and err then
        error(err, 3)
    end
    return line, err, ...
end

local function lines(...)
    local n, formats = select("#", ...), { ... }
    if n == 0 then
        return function()
            return cut_free_line() or check_line(read_in_line("*l"))
        end
    end
    return function()
        return check_line(read_in_line(unpack(formats, 1, n)))
    end
end

local stdin = {}

---Sets what is called before a read waits.
---@param f? fun()
function stdin.on_wait(f)
    before_waiting = f
end

---Replaces what reads standard input. Of the program's first state.
---@param library iolib  `io`
function stdin.install(library)
    local file = library.stdin
    local methods = getmetatable(file).__index
    local file_read, file_lines = methods.read, methods.lines
    local io_read, io_lines, io_input = library.read, library.lines, library.input

    -- Whether a file is standard input, and one that can be waited for. Lua never closes it.
    local function is_ours(self)
        if not rawequal(self, file) then
            return false
        end
        if conn == nil then
            local is_terminal
            conn, is_terminal = core.stdin_open()
            prompting = is_terminal and library.stdout or nil
        end
        return conn
    end

    function methods.read(self, ...)
        if is_ours(self) then
            return read(...)
        end
        return file_read(self, ...)
    end

    function methods.lines(self, ...)
        if is_ours(self) then
            return lines(...)
        end
        return file_lines(self, ...)
    end

    function library.read(...)
        if is_ours(io_input()) then
            return read(...)
        end
        return io_read(...)
    end

    function library.lines(...)
        if (...) == nil and is_ours(io_input()) then
            return lines(select(2, ...))
        end
        return io_lines(...)
    end
end

return stdin
