-- SPDX-License-Identifier: MIT
--
-- A function over a list, on all cores.
--
--   caller --chunks of items--> jobs --> tasks, each with its copy of f
--          <--chunks of results-- results <--
--
-- At most `depth` chunks are on their way, and both channels have room for so many: neither side
-- ever waits for a place. The first chunks are large, so that messages are few; the last ones are
-- small, so that all tasks end at about the same time.
local core = require "lagoon.core"
local chan = require "lagoon.chan"
local group = require "lagoon.group"
local shared = require "lagoon.shared"
local new_table = require "table.new"

local raise, RAISE = core.raise, core.RAISE

local CHUNKS_PER_TASK = 4 -- so many would do the rest if all were of the next one's size
local CHUNK_MAX = 1024    -- items; a message is written while nobody else of the state runs
local CHUNKS_AHEAD = 2    -- for each task: one at work, one that waits for it

local LIST_MAX = 2 ^ 27   -- what a table has room for

local map = {}

-- Calls a function that sends. Its error is to name what the caller of map knows.
local function try(pattern, replacement, f, ...)
    local is_done, err = pcall(f, ...)
    if not is_done then
        error(type(err) == "string" and err:gsub(pattern, replacement, 1) or err, 0)
    end
end

local function send(channel, chunk, what)
    try("%(at %[(%d+)%]", function(i)
        return ("(at %s #%d"):format(what, chunk.first + i - 1)
    end, channel.send, channel, chunk)
end

---What each task does, in its own state.
---@async
---@param f function
---@param jobs lagoon.Channel
---@param results lagoon.Channel
---@param stop lagoon.Atomic  not 0: no result is needed any more
function map.work(f, jobs, results, stop)
    for chunk in jobs do
        local first, n = chunk.first, chunk.n
        local out = new_table(n, 2)
        for i = 1, n do
            if stop:get() ~= 0 then
                return
            end
            out[i] = f(chunk[i], first + i - 1)
        end
        out.first, out.n = first, n
        send(results, out, "result")
    end
end

-- Sends the next chunk, if there is one.
local function hand_out(run)
    local first, left = run.next, run.n - run.next + 1
    if left == 0 or run.tasks.has_failed then
        return
    end
    local n = math.min(math.ceil(left / (CHUNKS_PER_TASK * run.ntasks)), CHUNK_MAX)
    local chunk, list = new_table(n, 2), run.list
    chunk.first, chunk.n = first, n
    for i = 1, n do
        chunk[i] = list[first + i - 1]
    end
    run.next = first + n
    send(run.jobs, chunk, "item")
    if n == left then
        run.jobs:close()
    end
end

local function take(run, chunk)
    local out, before = run.out, chunk.first - 1
    for i = 1, chunk.n do
        out[before + i] = chunk[i]
    end
    run.missing = run.missing - chunk.n
end

local function gather(run, f)
    for _ = 1, run.ntasks do
        try("%(at argument #1", "(at argument #2", run.tasks.parallel, run.tasks, map.work, f,
            run.jobs, run.results, run.stop)
    end
    for _ = 1, run.depth do
        hand_out(run)
    end
    while run.missing > 0 do
        local chunk, is_open = run.results:recv()
        if not is_open then
            return -- the group has failed
        end
        take(run, chunk)
        hand_out(run)
    end
end

local function new_run(list, n, limit)
    local ntasks = math.min(limit, n)
    local depth = math.min(CHUNKS_AHEAD * ntasks, n)
    local run = {
        list = list,
        n = n,
        next = 1,
        missing = n,
        ntasks = ntasks,
        depth = depth,
        out = new_table(n, 1),
        tasks = group.new(),
        jobs = chan.new(depth),
        results = chan.new(depth),
        stop = shared.atomic(0),
    }
    run.tasks.at_failure = function()
        run.stop:set(1)
        run.results:close()
    end
    return run
end

local frozen = core.classes["frozen table"].__metatable

local function check_list(list)
    if type(list) ~= "table" and (type(list) ~= "userdata" or getmetatable(list) ~= frozen) then
        return raise(RAISE, ("bad argument #1 to 'map' (table expected, got %s)"):format(
            type(list)))
    end
    local n = list.n
    if type(n) == "number" and (n < 0 or n % 1 ~= 0 or n > LIST_MAX) then
        return raise(RAISE, ("bad argument #1 to 'map' (n must be a whole number from 0 to %d, "
            .. "got %s)"):format(LIST_MAX, tostring(n)))
    end
    return type(n) == "number" and n or #list, type(n) == "number"
end

---Calls `f(item, index)` for each item of a list, in parallel over all cores, and returns the
---results in order. The first error cancels the rest, and is raised.
---@async
---@param list table|lagoon.Frozen  of n items: `list.n` if that is a number, else `#list`
---@param f fun(item: any, index: integer): any  its first result counts
---@param opts? {limit?: integer}  how many calls at once; lagoon.runtime.procs() if absent
---@return table results  with n, if the list has it
function map.map(list, f, opts)
    local n, has_n = check_list(list)
    core.check_callable(f, "map", 2)
    local limit = group.limit_of(opts, 3, "map") or core.procs()
    if n == 0 then
        return has_n and { n = 0 } or {}
    end
    local run = new_run(list, n, limit)
    local is_done, err = pcall(gather, run, f)
    if not is_done then
        run.stop:set(1)
        run.tasks:cancel()
        pcall(run.tasks.wait, run.tasks)
        error(err, 0)
    end
    run.tasks:wait()
    run.out.n = has_n and n or nil
    return run.out
end

return map
