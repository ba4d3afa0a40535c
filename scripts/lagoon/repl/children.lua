-- SPDX-License-Identifier: MIT
--
-- os.execute and io.popen where the REPL stands between the program and its terminal. Both hold up
-- the state, and with it what passes keys on; so the child of an input has the user's terminal
-- itself, which waits for it in a state that is held up anyway. What goroutines call beside the input
-- is Lua's own.
local core = require "lagoon.core"

local children = {}

-- In front of a command, on its line: shells tell numbers of lines.
local FOR_EXECUTE = "exec 0<>%s >&0%s; "
local FOR_READING = "exec 0<>%s%s; "
local FOR_WRITING = "exec 1<>%s%s; "

local function with_terminal(command, form, path, is_error_theirs)
    local source = form == FOR_WRITING and 1 or 0
    return form:format(path, is_error_theirs and (" 2>&%d"):format(source) or "") .. command
end

-- One that leaves its command behind in the background leaves the terminal, too.
local function is_command(command)
    return type(command) == "string" and not command:find "&%s*$"
end

-- Whether it was not killed, nor its last command: what those have set was theirs.
local function has_ended_well(status)
    return status == true or type(status) == "number" and status % 256 == 0 and status < 128 * 256
end

local function ended(console, was_lent, ...)
    if has_ended_well((...)) then
        console.terminal.keep_modes()
    end
    if not was_lent then
        console:take_back()
    end
    return ...
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
        core.yield() -- keys that have come already are the program's
        local was_lent = console.is_lent
        return ended(console, was_lent,
            execute(with_terminal(command, FOR_EXECUTE, console:lend())))
    end

    function io_library.popen(command, mode, ...)
        if not is_command(command) or not console:is_foreground() then
            return popen(command, mode, ...)
        end
        local form = (mode or "r") == "r" and FOR_READING or FOR_WRITING
        core.yield()
        return popen(with_terminal(command, form, console:lend()), mode, ...)
    end
end

return children
