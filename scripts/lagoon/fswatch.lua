-- SPDX-License-Identifier: MIT
--
-- fs.watch: what happens to files, through channels. A goroutine for each hands on what the core
-- keeps for it, and another one waits for the end of that.
local core = require "lagoon.core"
local settle = require("lagoon.waited").settle
local chan = require "lagoon.chan"
local task = require "lagoon.task"

local fswatch = {}

local CAPACITY = 16 -- the core keeps what has no room here

local watches = {} -- by channel: the core's half and the goroutine

local function end_watch(channel)
    local watch = watches[channel]
    watches[channel] = nil
    if watch then
        core.fswatch_close(watch.handle)
    end
    if not channel:closed() then
        channel:close()
    end
    return watch
end

local function hand_on(handle, channel, own_name)
    for kind, name in function() return settle(core.fswatch_next(handle)) end do
        channel:send { kind = kind, name = name ~= "" and name or own_name }
    end
end

-- In no group: however the worker ends, who receives hears of it.
local function oversee(channel, worker)
    pcall(worker.wait, worker) -- cancelled, killed, or the channel is closed
    end_watch(channel)
end

---@class lagoon.FileEvent
---@field kind "rename"|"change"|"overflow"  a name has come or gone; something was written, or a
---mode or time has changed; more has happened than was kept: look for yourself
---@field name string  in the directory, or the file's own

---A channel that gets what happens to a file, or in a directory, but not in those inside it.
---Begins when it returns, and ends with `unwatch`, or the group in which it began. Some 1,000
---events are kept for who is slow; what repeats the last one of them is not. A file that another
---one has replaced is not watched any more: watch its directory.
---@param path string
---@return lagoon.Channel? events  of lagoon.FileEvent
---@return string? err
---@return string? code  "ENOENT"
function fswatch.watch(path)
    local handle, err, code = core.fswatch_open(path)
    if not handle then
        return nil, err, code
    end
    local channel = chan.new(CAPACITY)
    local own_name = path:match("([^/]*)/*$")
    local worker = task.async(hand_on, handle, channel, own_name)
    watches[channel] = { handle = handle, worker = worker }
    local ok, failure = pcall(core.go_alone, oversee, channel, worker)
    if not ok then
        fswatch.unwatch(channel)
        error(failure, 0)
    end
    return channel
end

---Ends that, and closes the channel: what is in it can still be received.
---@param channel lagoon.Channel
function fswatch.unwatch(channel)
    local watch = watches[channel] and end_watch(channel)
    if watch then
        watch.worker:cancel()
    end
end

return fswatch
