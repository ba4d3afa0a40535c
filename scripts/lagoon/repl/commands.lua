-- SPDX-License-Identifier: MIT
--
-- What begins with a colon.
local columns = require "lagoon.repl.columns"
local core = require "lagoon.core"
local goroutines = require "lagoon.repl.goroutines"

local commands = {}

---@class lagoon.repl.Command
---@field usage string
---@field text string
---@field run fun(session: lagoon.repl.Session, argument: string): boolean?  false: the session ends

---@type table<string, lagoon.repl.Command>
local known = {}

local function command(name, usage, text, run)
    known[name] = { usage = usage, text = text, run = run }
end

local function names()
    local list = {}
    for name in pairs(known) do
        list[#list + 1] = name
    end
    table.sort(list)
    return list
end

local function print_table(session, head, rows)
    table.insert(rows, 1, head)
    for n, line in ipairs(columns.lines(rows, session.character_width)) do
        session:print(n == 1 and session.paint("title", line) or line)
    end
end

local function goroutine_number(session, argument)
    local id = argument:match "^%d+$"
    if not id then
        session:print_error("a goroutine's number is needed; :ps shows them")
    end
    return tonumber(id)
end

command("help", ":help", "shows this", function(session)
    for _, name in ipairs(names()) do
        session:print(("%-16s %s"):format(known[name].usage, known[name].text))
    end
    session:print(("%-16s %s"):format("... &", "runs an input in the background"))
end)

command("quit", ":quit", "leaves; so does Ctrl-D", function()
    return false
end)

command("ps", ":ps [all]", "lists the goroutines; with `all` the REPL's own, too",
    function(session, argument)
        local shares = goroutines.shares(session.terminal)
        local rows = {}
        for _, info in ipairs(goroutines.list(session, argument == "all")) do
            rows[#rows + 1] = goroutines.row(info, shares)
        end
        if #rows == 0 then
            return session:print("none")
        end
        print_table(session, { unpack(goroutines.HEAD) }, rows)
    end)

command("top", ":top [seconds]", "shows the goroutines and how much they run, until q is pressed",
    function(session, argument)
        require("lagoon.repl.top").run(session, argument)
    end)

command("kill", ":kill id", "cancels a goroutine", function(session, argument)
    local id = goroutine_number(session, argument)
    if id and session.own[id] then
        session:print_error(("goroutine %d is the REPL's own; :quit leaves"):format(id))
    elseif id and not core.goroutine_cancel(id) then
        session:print_error(("there is no goroutine %d"):format(id))
    end
end)

command("wait", ":wait id", "waits for the end of a goroutine that an input has started",
    function(session, argument)
        local id = goroutine_number(session, argument)
        local waited = id and session.tasks[id]
        if waited then
            session:evaluate(function() return waited:wait() end)
        elseif id then
            session:print_error(("goroutine %d is none of an input's, or has ended"):format(id))
        end
    end)

command("trace", ":trace id", "shows where a goroutine is", function(session, argument)
    local id = goroutine_number(session, argument)
    local text = id and core.goroutine_stack(id)
    if text then
        session:print(text)
    elseif id then
        session:print_error(("there is no goroutine %d"):format(id))
    end
end)

command("time", ":time input", "runs an input and tells how long it took",
    function(session, argument)
        local started = core.now()
        session:run(argument)
        session:print(session.paint("dim", ("%.3f ms"):format((core.now() - started) * 1e3)))
    end)

local function print_fields(session, fields)
    local keys = {}
    for key, value in pairs(fields) do
        if type(value) ~= "table" then
            keys[#keys + 1] = key
        end
    end
    table.sort(keys)
    local rows = {}
    for _, key in ipairs(keys) do
        rows[#rows + 1] = { key, tostring(fields[key]) }
    end
    print_table(session, { "WHAT", "FIGURE" }, rows)
end

command("sched", ":sched", "figures of the scheduler", function(session)
    print_fields(session, core.stats())
end)

command("gc", ":gc", "figures of the heap and the collectors", function(session)
    local stats = core.stats()
    print_fields(session, stats.memory or {})
    print_fields(session, stats.gc or {})
end)

command("leaks", ":leaks", "goroutines that nothing can wake any more", function(session)
    local rows = {}
    for _, info in ipairs(core.leaks()) do
        if not session.own[info.id] then
            rows[#rows + 1] = { tostring(info.id), info.wait_reason or "", info.where or "" }
        end
    end
    if #rows == 0 then
        return session:print("none")
    end
    print_table(session, { "ID", "WAITS FOR", "WHERE" }, rows)
end)

command("load", ":load file", "runs a file as an input, with the session's locals",
    function(session, argument)
        if argument == "" then
            return session:print_error "a file is needed: :load file"
        end
        local file, err = io.open(argument, "rb")
        if not file then
            return session:print_error("cannot open " .. err)
        end
        local text, why = file:read "*a"
        file:close()
        if not text then
            return session:print_error(("cannot read %s: %s"):format(argument, why))
        end
        session:run((text:gsub("^#[^\n]*", "")))
    end)

command("chans", ":chans [all]", "lists the channels; with `all` the REPL's own, too",
    function(session, argument)
        local head, rows, nleft = require("lagoon.repl.chans").rows(session, argument == "all")
        if #rows == 0 then
            return session:print("none")
        end
        print_table(session, head, rows)
        if nleft > 0 then
            session:print(("... %d more"):format(nleft))
        end
    end)

command("doc", ":doc name", "shows what is written about a function, a method, a module",
    function(session, argument)
        require("lagoon.repl.doc").run(session, argument)
    end)

command("reload", ":reload [module]", "new code for a module, or for all whose files have changed",
    function(session, argument)
        session.modules:run(session, argument)
    end)

command("record", ":record file", "records the session; again, or `off`, ends that",
    function(session, argument)
        require("lagoon.repl.record").run(session, argument)
    end)

command("tour", ":tour [next|N]", "lessons on what runs inside, drawn live; alone lists them",
    function(session, argument) require("lagoon.repl.tour").run(session, argument) end)

---The names of all, with their colons.
---@return string[]
function commands.names()
    local list = names()
    for i, name in ipairs(list) do
        list[i] = ":" .. name
    end
    return list
end

---Runs one.
---@async
---@param session lagoon.repl.Session
---@param name string
---@param argument string
---@return boolean goes_on
function commands.run(session, name, argument)
    local found = known[name]
    if not found then
        session:print_error((":%s is no command; :help shows them"):format(name))
        return true
    end
    return found.run(session, argument) ~= false
end

return commands
