-- SPDX-License-Identifier: MIT
--
-- What runs in each of the worker states of an HTTP server (lagoon.httpworkers): a server of its
-- own at the address that they share.
local core = require "lagoon.core"
local httpserver = require "lagoon.httpserver"
local task = require "lagoon.task"

local httpworker = {}

-- Each message is a wish to close, within so many seconds; false: as the options say.
local function obey(server, control)
    local seconds, ok = control:recv()
    while ok do
        task.go(server.close, server, seconds or nil)
        seconds, ok = control:recv()
    end
end

-- Also where the worker itself was cancelled or killed.
local function await_end(server, job)
    server:wait()
    job.control:close()
    -- What was compiled for the handler keeps it and all that it holds, and the state lives on.
    jit.flush()
    job.serving:done()
end

---Serves until it is told to close, and its last response is done.
---@async
---@param job table  address, handler, opts; and channels: `ready` hears how it began, `control`
---brings wishes to close, `lines` takes what is logged; and a wait group, `serving`, which the
---server is in until it has ended
function httpworker.run(job)
    local opts, lines = job.opts, job.lines
    opts.reuse_port = true
    function opts.log(line)
        pcall(lines.send, lines, line) -- a handler may outlive the server
    end
    local server, err, code = httpserver.serve(job.address, job.handler, opts)
    if server then
        job.serving:add(1)
        core.go_alone(await_end, server, job)
    end
    job.ready:send { is_serving = server ~= nil, err = err, code = code }
    if server then
        task.go(obey, server, job.control)
        job.serving:wait()
    end
end

return httpworker
