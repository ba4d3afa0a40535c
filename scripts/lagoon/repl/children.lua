-- SPDX-License-Identifier: MIT
--
-- os.execute and io.popen where the REPL stands between the program and its terminal. They hold up
-- the state, and with it what passes keys on: so the child of an input has the user's terminal.
-- Between popen and what is done with its file the state is free; there the keys are left alone.
-- What goroutines call beside the input is Lua's own.
local time = require "lagoon.time"

local children = {}

local SIGINT = 2
local ENDED_MAX = 3 -- by Ctrl-C; then their input is ended, too: it may start more and more

-- In front of a command, on its line: shells tell numbers of lines. Without a path standard input
-- is the terminal already.
local function with_terminal(command, path, is_error_theirs)
    local input = path and "0<>" .. path .. " " or ""
    return ("exec %s>&0%s; %s"):format(input, is_error_theirs and " 2>&0" or "", command)
end

-- Of io.popen's: its output stays ours, since it may write long after the input, while somebody
-- types. Pagers, whose input is a pipe, look for their keys behind standard error.
local function with_keys(command, fd, path, is_error_theirs)
    local is_theirs = path and (fd == 0 or is_error_theirs)
    return is_theirs and ("exec %d<>%s; %s"):format(fd, path, command) or command
end

-- What ends with & goes on in the background.
local function is_command(command)
    return type(command) == "string" and not command:find "&%s*$"
end

-- Whether it was not killed, nor its last command: what those have set was theirs.
local function has_ended_well(status)
    return status == true or type(status) == "number" and status % 256 == 0 and status < 128 * 256
end

-- Whether by Ctrl-C: it, or its last command.
local function was_interrupted(status, how, number)
    return status == SIGINT or status == (128 + SIGINT) * 256
        or how == "signal" and number == SIGINT or how == "exit" and number == 128 + SIGINT
end

local function note_interrupt(console)
    console.nended = console.nended + 1
    if console.nended >= ENDED_MAX then
        console:interrupt()
        time.sleep(1) -- raises that, at once
    end
end

local function ended(console, ...)
    console.terminal.started()
    if has_ended_well((...)) then
        console.terminal.keep_modes()
    end
    if not console.is_lent then -- to one of io.popen
        console.terminal.take_back()
    end
    if was_interrupted(...) then
        note_interrupt(console)
    end
    return ...
end

-- What io.popen returns; its message is to begin with what it was called with.
local function opened(console, command, full, file, err, ...)
    console.terminal.started()
    if not file and type(err) == "string" and err:sub(1, #full) == full then
        err = command .. err:sub(#full + 1)
    end
    return file, err, ...
end

---Replaces both.
---@param console lagoon.repl.Console
---@param os_library oslib
---@param io_library iolib
function children.install(console, os_library, io_library)
    local execute, popen = os_library.execute, io_library.popen

    function os_library.execute(command, ...)
        if not is_command(command) or not console:is_foreground() then
            return execute(command, ...)
        end
        return ended(console, execute(with_terminal(command, console.terminal.lend(0))))
    end

    function io_library.popen(command, mode, ...)
        if not is_command(command) or not console:is_foreground() then
            return popen(command, mode, ...)
        end
        local fd = (mode == nil or mode == "r") and 0 or 2
        local full = with_keys(command, fd, console:lend(fd))
        return opened(console, command, full, popen(full, mode, ...))
    end
end

return children
