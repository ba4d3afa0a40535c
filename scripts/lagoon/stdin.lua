-- SPDX-License-Identifier: MIT
--
-- Standard input of the program: where it is a terminal, a pipe or a socket, reading it blocks the
-- goroutine and not the thread. What io.read, io.lines and the methods of io.stdin do is Lua's own;
-- so is everything with other files.
--
-- `ahead` comes before what the connection has: what a number was looked for in. It is cut
-- only when a read has its result, so that who is cancelled loses nothing.
local core = require "lagoon.core"

local raise, OK, RAISE = core.raise, core.OK, core.RAISE
local c_read = core.conn_read

local ahead = ""
local conn  -- nil: nobody has asked yet; false: there is none
local mutex -- one goroutine reads, the others stand in line

local function settle(code, ...)
    if code == OK then
        return ...
    end
    return raise(code, (...))
end

-- ------------------------------------------------------------------------------------------------
-- Formats. Each returns nil at the end; also a message and a code, if that is no end
-- ------------------------------------------------------------------------------------------------

local function with_ahead(text, err, code)
    text = ahead .. (text or "")
    ahead = ""
    if text == "" then
        return nil, err, code
    end
    return text
end

local function read_bytes(n)
    if n == 0 then
        if ahead == "" then
            local byte, err, code = settle(c_read(conn, 1))
            if not byte then
                return nil, err, code
            end
            ahead = byte
        end
        return ""
    end
    if n <= #ahead then
        local text = ahead:sub(1, n)
        ahead = ahead:sub(n + 1)
        return text
    end
    return with_ahead(settle(c_read(conn, n - #ahead)))
end

local function read_line(keeps_newline)
    if ahead == "" then
        return settle(c_read(conn, keeps_newline and "*L" or "*l"))
    end
    local at, line, err, code = ahead:find("\n", 1, true)
    if at then
        line = ahead:sub(1, at)
        ahead = ahead:sub(at + 1)
    else
        line, err, code = with_ahead(settle(c_read(conn, "*L")))
    end
    if line and not keeps_newline then
        line = line:gsub("\n$", "")
    end
    return line, err, code
end

local function read_all()
    local text, err, code, partial = settle(c_read(conn, "*a"))
    if err then
        ahead = ahead .. (partial or "")
        return nil, err, code
    end
    text = ahead .. text
    ahead = ""
    return text
end

-- The byte at a place of what comes; "" at the end.
local function look(at)
    while at > #ahead do
        local byte = settle(c_read(conn, 1))
        if not byte then
            return ""
        end
        ahead = ahead .. byte
    end
    return ahead:sub(at, at)
end

-- From a place on, over all that are of a class: the place behind them.
local function pass(at, class)
    while look(at):find(class) do
        at = at + 1
    end
    return at
end

local function pass_one(at, class)
    return look(at):find(class) and at + 1 or at
end

-- As scanf takes one: what could begin a number is gone, also if it is none, and an exponent
-- without digits is left out. No infinities.
local function read_number()
    local start = pass(1, "^%s")
    local first = pass_one(start, "^[+-]")
    local digit, exponent = "^%d", "^[eE]"
    if look(first) == "0" and look(first + 1):find("^[xX]") then
        first = first + 2
        digit, exponent = "^%x", "^[pP]"
    end
    local at = pass(first, digit)
    local behind = pass(pass_one(at, "^%."), digit)
    local last = behind - 1
    if (at > first or behind > at + 1) and look(behind):find(exponent) then
        local digits = pass_one(behind + 1, "^[+-]")
        behind = pass(digits, "^%d")
        last = behind > digits and behind - 1 or last
    end
    local text = ahead:sub(start, last)
    ahead = ahead:sub(behind)
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
    if n == 0 then
        return read_formats(1, "*l")
    end
    local results = {}
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
    mutex:unlock()
    if not ok then
        error((...), 0)
    end
    return ...
end

local function read(...)
    mutex = mutex or require("lagoon.sync").mutex()
    mutex:lock()
    return unlock(pcall(read_formats, select("#", ...), ...))
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
    return function()
        return check_line(read(unpack(formats, 1, n)))
    end
end

local stdin = {}

---Replaces what reads standard input. Of the program's first state.
function stdin.install()
    local file = io.stdin
    local methods = getmetatable(file).__index
    local file_read, file_lines = methods.read, methods.lines
    local io_read, io_lines, io_input = io.read, io.lines, io.input

    -- Whether a file is standard input, and one that can be waited for. Lua never closes it.
    local function is_ours(self)
        if not rawequal(self, file) then
            return false
        end
        if conn == nil then
            conn = core.stdin_open()
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

    function io.read(...)
        if is_ours(io_input()) then
            return read(...)
        end
        return io_read(...)
    end

    function io.lines(...)
        if (...) == nil and is_ours(io_input()) then
            return lines(select(2, ...))
        end
        return io_lines(...)
    end
end

return stdin
