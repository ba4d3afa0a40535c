-- SPDX-License-Identifier: MIT
--
-- lagoon.signal: signals to the program, through channels.
--
-- One goroutine reads what the handler rings while somebody is to be notified of anything, and
-- deals out. It never waits for a channel.
local core = require "lagoon.core"
local chan = require "lagoon.chan"

local signal = {}

local CAPACITY = 16 -- who looks away for longer loses signals, as in Go

-- By channel: a set of signals' numbers. Replaced, never changed: who goes through it may be
-- interrupted.
local numbers = {}
local names = {} -- by number, as the channels get them
local bell       -- what rings when one has come; nil while nobody listens

local function replace(channel, wanted)
    local copy = {}
    for other, set in pairs(numbers) do
        copy[other] = set
    end
    copy[channel] = wanted
    numbers = copy
end

local function deal()
    for number in core.signal_take do
        for channel, wanted in pairs(numbers) do
            if wanted[number] and not channel:closed() then
                channel:try_send(names[number])
            end
        end
    end
end

local function listen(conn)
    while conn:read() do
        deal()
    end
end

local function is_wanted(number)
    for _, wanted in pairs(numbers) do
        if wanted[number] then
            return true
        end
    end
    return false
end

---A channel that gets the name of each of these signals that comes: "SIGTERM". It takes their usual
---effect away until `stop`. What has no room in it is lost. Go: `signal.Notify`.
---@param ... string  "SIGTERM" or "TERM"
---@return lagoon.Channel? channel
---@return string? err
---@return string? code
function signal.notify(...)
    local wanted = {}
    for i = 1, math.max(select("#", ...), 1) do
        local name = select(i, ...)
        local number = core.signal_number(name)
        wanted[number] = true
        names[number] = name:find("^SIG") and name or "SIG" .. name
    end
    if not bell then
        local conn, err, code = core.signal_open()
        if not conn then
            return nil, err, code
        end
        bell = conn
        core.go_alone(listen, conn) -- whatever ends who asks first, others may ask, too
    end
    local channel = chan.new(CAPACITY)
    replace(channel, wanted)
    for number in pairs(wanted) do
        core.signal_catch(number)
    end
    return channel
end

---Ends that: the channel gets no more; signals that no other one is for do what they usually do.
---Go: `signal.Stop`.
---@param channel lagoon.Channel
function signal.stop(channel)
    local wanted = numbers[channel] or {}
    replace(channel, nil)
    for number in pairs(wanted) do
        if not is_wanted(number) then
            core.signal_release(number)
        end
    end
    if bell and next(numbers) == nil then
        bell:close()
        bell = nil
    end
end

return signal
