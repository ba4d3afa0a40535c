-- SPDX-License-Identifier: MIT
--
-- A server of HTTP/1.1 on several cores: worker states, each of which listens at the same address
-- with a socket of its own. The system deals the connections out, and a connection stays where it
-- is.
--
-- Workers belong to the group of who serves, and end with it. The goroutines that hear of their
-- ends, here and in their states, belong to nobody.
--
-- The address is reserved first, by a socket that does not listen: it finds out whether the address
-- is free, and which port 0 is. docs/decisions/http_workers.md tells why it is done so.
local core = require "lagoon.core"
local chan = require "lagoon.chan"
local sync = require "lagoon.sync"

local LINES = 256 -- that are not logged yet, before who logs has to wait

---@class lagoon.HttpWorkersServer: lagoon.HttpServer
local Server = {}
Server.__index = Server

---As of a server in one state.
---@return string? address
---@return string? err
---@return string? code
function Server:addr()
    return self.reserved:addr()
end

-- Tells all workers; one that has ended hears nothing.
local function tell(server, seconds)
    for _, control in ipairs(server.controls) do
        pcall(control.try_send, control, seconds or false)
    end
end

---As of a server in one state: no worker accepts any more, and all get so many seconds.
---@async
---@param seconds? number
---@return true? ok
---@return string? err
---@return string? code
function Server:close(seconds)
    seconds = seconds or self.close_timeout
    self.reserved:close()
    tell(self, seconds)
    local _, _, err = self.done:recv(seconds)
    if err then
        return nil, "timeout", "ETIMEDOUT"
    end
    return true
end

---Waits until all workers have ended.
---@async
function Server:wait()
    self.done:recv()
end

local function log_all(lines, log)
    for line in lines do
        log(line)
    end
end

-- So many workers have ended, or will not begin.
local function count_out(server, n)
    server.nworkers = server.nworkers - n
    if server.nworkers == 0 then
        server.lines:close()
        server.reserved:close()
        server.done:close()
    end
end

-- Waits for the end of a worker; one that has failed takes its connections with it, the others go
-- on.
local function watch(server, number, worker, serving)
    local _, err = pcall(worker.wait, worker)
    if worker:status() ~= "failed" then
        serving:wait()
    else
        server.log(("http: worker %d: %s"):format(number, tostring(err)))
        server.ready:try_send { err = tostring(err) } -- if that is still awaited
    end
    count_out(server, 1)
end

-- By its name: who reloads modules has another function of that name, which would be sent itself.
local function run_worker(job)
    return require("lagoon.httpworker").run(job)
end

local function start_worker(server, number, job)
    local control, serving = chan.new(16), sync.waitgroup()
    job.control, job.serving = control, serving
    local worker = core.parallel_alone(run_worker, job)
    server.controls[number] = control
    core.go_alone(watch, server, number, worker, serving)
end

-- Raises why one cannot be started: the handler cannot be sent.
local function start_all(server, job)
    local n = server.nworkers
    for i = 1, n do
        local ok, refusal = pcall(start_worker, server, i, job)
        if not ok then
            count_out(server, n - i + 1)
            server:close(0)
            error(refusal, 0)
        end
    end
end

-- How they began: true, or nil, err, code of one that did not.
local function await_ready(ready, n)
    local failure
    for _ = 1, n do
        local answer = ready:recv()
        if not answer.is_serving then
            failure = answer
        end
    end
    if failure then
        return nil, failure.err, failure.code
    end
    return true
end

-- Without what is ours alone.
local function own_options(opts)
    local own = {}
    for name, value in pairs(opts) do
        own[name] = value
    end
    own.workers, own.log = nil, nil
    return own
end

-- Where the workers listen: without a host at every address, as was asked for.
local function shared_address(asked, reserved)
    return asked:sub(1, 1) == ":" and reserved:match(":%d+$") or reserved
end

local httpworkers = {}

---Serves with opts.workers states.
---@async
---@param address string
---@param handler function  is sent to them, as by `parallel`: raises if it cannot be
---@param opts table  checked ones, over the defaults
---@return lagoon.HttpServer? server
---@return string? err
---@return string? code
function httpworkers.serve(address, handler, opts)
    local n, log = opts.workers, opts.log
    local reserved, err, code = core.net_reserve(opts.network, address)
    if not reserved then
        return nil, err, code
    end
    local server = setmetatable({
        reserved = reserved, log = log, close_timeout = opts.close_timeout, controls = {},
        nworkers = n, lines = chan.new(LINES), ready = chan.new(2 * n), done = chan.new(),
    }, Server)
    local job = {
        address = shared_address(address, reserved:addr()), handler = handler,
        opts = own_options(opts), ready = server.ready, lines = server.lines,
    }
    core.go_alone(log_all, server.lines, log)
    start_all(server, job)
    local is_told, ok
    is_told, ok, err, code = pcall(await_ready, server.ready, n)
    if is_told and ok then
        return server
    end
    server:close(0)
    if not is_told then
        error(ok, 0) -- the caller is cancelled
    end
    return nil, err, code
end

return httpworkers
