-- SPDX-License-Identifier: MIT
--
-- lagoon.process: programs as children, without a shell. Errors are `nil, message, code`, the code
-- as "ENOENT".
local core = require "lagoon.core"
local settle = require("lagoon.waited").settle
local task = require "lagoon.task"
local time = require "lagoon.time"

local raise, RAISE = core.raise, core.RAISE

-- lg_stream, in its order.
local STREAMS = { pipe = 0, inherit = 1, null = 2 }

local process = {}

---@class lagoon.Process
---@field stdin lagoon.Conn?  what it reads; close it, and it sees the end
---@field stdout lagoon.Conn?  what it writes
---@field stderr lagoon.Conn?
local Process = {}
Process.__index = Process

---@class lagoon.Exit
---@field code integer?  exit status; nil if a signal has ended it
---@field signal string|integer?  that: "SIGKILL"

---Waits for its end. Any number of goroutines may, also afterwards. A cancellation or a timeout
---leaves it alive. Go: `exec.Cmd.Wait`.
---@async
---@param seconds? number
---@return lagoon.Exit? exit
---@return string? err
---@return string? code
function Process:wait(seconds)
    return settle(core.process_wait(self.handle, seconds))
end

---Sends it a signal, "SIGTERM" by default. Go: `os.Process.Signal`.
---@param signal? string|integer  "SIGKILL", "KILL", 9
---@return true? ok
---@return string? err
---@return string? code  "ESRCH": it has ended
function Process:kill(signal)
    return core.process_kill(self.handle, signal)
end

---Its number.
---@return integer
function Process:pid()
    return core.process_pid(self.handle)
end

local function misuse(name, index, format, ...)
    return raise(RAISE, ("bad argument #%d to '%s' (" .. format .. ")"):format(index, name, ...))
end

local function check_text(value, name, index, what)
    if type(value) ~= "string" and type(value) ~= "number" then
        return misuse(name, index, "%s: a string expected, got %s", what, type(value))
    end
    local text = tostring(value)
    if text:find("\0", 1, true) then
        return misuse(name, index, "%s: a string without zero bytes expected", what)
    end
    return text
end

local function check_table(value, name, index)
    if value ~= nil and type(value) ~= "table" then
        return misuse(name, index, "a table expected, got %s", type(value))
    end
    return value or {}
end

local function list_arguments(cmd, args, name)
    local list = { check_text(cmd, name, 1, "program") }
    for i, value in ipairs(args) do
        list[i + 1] = check_text(value, name, 2, "argument " .. i)
    end
    return list
end

local function list_environment(env, name)
    local list = {}
    for key, value in pairs(env) do
        key = check_text(key, name, 3, "name in env")
        list[#list + 1] = key .. "=" .. check_text(value, name, 3, "env." .. key)
    end
    return list
end

local function stream_of(opts, key, name)
    local stream = STREAMS[opts[key] == nil and "pipe" or opts[key]]
    return stream or misuse(name, 3, '%s: "pipe", "inherit" or "null" expected', key)
end

-- What the C half takes, of the arguments of a public function.
local function prepare(name, cmd, args, opts)
    local list = list_arguments(cmd, args, name)
    local cwd = opts.cwd ~= nil and check_text(opts.cwd, name, 3, "cwd") or nil
    local env
    if opts.env ~= nil then
        if type(opts.env) ~= "table" then
            return misuse(name, 3, "env: a table expected, got %s", type(opts.env))
        end
        env = list_environment(opts.env, name)
    end
    return list, cwd, env
end

local function start(list, cwd, env, ...)
    local handle, stdin, stdout, stderr = core.process_spawn(list, cwd, env, ...)
    if not handle then
        return nil, stdin, stdout -- the message and the code
    end
    return setmetatable({
        handle = handle,
        stdin = stdin,
        stdout = stdout,
        stderr = stderr,
    }, Process)
end

---@alias lagoon.Stream "pipe"|"inherit"|"null"

---@class lagoon.SpawnOptions
---@field cwd string?  where it runs
---@field env table<string, string|number>?  its whole environment, instead of this program's
---@field stdin lagoon.Stream?  "pipe" by default
---@field stdout lagoon.Stream?
---@field stderr lagoon.Stream?

---Starts a program: a path, or a name that PATH is searched for. No shell is involved. It gets no
---descriptors but its three streams. Go: `exec.Cmd.Start`.
---@param cmd string
---@param args? (string|number)[]
---@param opts? lagoon.SpawnOptions
---@return lagoon.Process? process
---@return string? err
---@return string? code  "ENOENT": there is no such program, or no such directory
function process.spawn(cmd, args, opts)
    args, opts = check_table(args, "spawn", 2), check_table(opts, "spawn", 3)
    local list, cwd, env = prepare("spawn", cmd, args, opts)
    return start(list, cwd, env, stream_of(opts, "stdin", "spawn"),
        stream_of(opts, "stdout", "spawn"), stream_of(opts, "stderr", "spawn"))
end

local function check_input(input)
    if type(input) ~= "string" and type(input) ~= "number" then
        return misuse("run", 3, "input: a string expected, got %s", type(input))
    end
    return input
end

-- What a child does not want to read is no error of ours.
local function feed(stdin, input)
    stdin:write(input)
    stdin:close()
end

-- Reads and writes side by side: a child that waits with one stream cannot hold up the others.
local function exchange(child, input, seconds)
    local limit = seconds and time.now() + seconds
    for _, stream in ipairs { child.stdout, child.stderr, child.stdin } do
        stream:set_deadline(seconds)
    end
    local errors = task.async(child.stderr.read, child.stderr, "*a")
    if input then
        task.async(feed, child.stdin, input)
    end
    local out, err, code = child.stdout:read("*a")
    local text
    if not err then
        text, err, code = errors:wait()
    end
    local exit
    if not err then
        exit, err, code = child:wait(limit and math.max(0, limit - time.now()))
    end
    if err then
        return nil, err, code
    end
    exit.stderr = text or ""
    return out or "", exit
end

local function abandon(child)
    child:kill("SIGKILL")
    child.stdout:close()
    child.stderr:close()
    if child.stdin then
        child.stdin:close()
    end
    task.async(child.wait, child) -- no zombie of it stays
end

local function conclude(child, is_done, out, ...)
    if not is_done or out == nil then
        abandon(child)
    else
        child.stdout:close()
        child.stderr:close()
    end
    if not is_done then
        return error(out, 0)
    end
    return out, ...
end

---@class lagoon.RunOptions
---@field cwd string?
---@field env table<string, string|number>?
---@field input string?  what it reads; nothing without it
---@field timeout number?  seconds, after which it is killed

---@class lagoon.RunExit: lagoon.Exit
---@field stderr string

---Runs a program to its end: what it has written, and how it has ended. A cancellation or the
---timeout kills it. Go: `exec.Cmd.Output`.
---@async
---@param cmd string
---@param args? (string|number)[]
---@param opts? lagoon.RunOptions
---@return string? stdout
---@return lagoon.RunExit|string exit_or_err
---@return string? code
function process.run(cmd, args, opts)
    args, opts = check_table(args, "run", 2), check_table(opts, "run", 3)
    local list, cwd, env = prepare("run", cmd, args, opts)
    local input = opts.input ~= nil and check_input(opts.input)
    local child, err, code = start(list, cwd, env, input and STREAMS.pipe or STREAMS.null,
        STREAMS.pipe, STREAMS.pipe)
    if not child then
        return nil, err, code
    end
    return conclude(child, pcall(exchange, child, input, opts.timeout))
end

return process
