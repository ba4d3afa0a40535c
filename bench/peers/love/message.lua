-- SPDX-License-Identifier: MIT
--
-- What does a message to another thread and back cost: a number, a string of 1 KB, a table of ten
-- fields, a tree of `size` nodes?
local meter = dofile "bench/lua/meter.lua"

local RECORD = {
    id = 4711, name = "Ada", x = 1.5, y = -2.25, z = 0, born = 1815, is_known = true,
    from = "London", to = "Turin", weight = 12.5,
}

-- As in a heap: below node i are 2i and 2i + 1.
local function grow(i, n)
    return i <= n and { value = i, left = grow(2 * i, n), right = grow(2 * i + 1, n) } or nil
end

local function is_same(a, b)
    if type(a) ~= "table" then
        return a == b
    end
    for key, value in pairs(a) do
        if not is_same(value, b[key]) then
            return false
        end
    end
    return true
end

local ECHO = [[
local there, back = ...
while true do
    local message = there:demand()
    if message == false then
        break
    end
    back:push(message)
end
]]

local function ask(name, message, ops)
    meter.run(name, meter.ops(ops, 1), 1, function(count)
        local there, back = love.thread.newChannel(), love.thread.newChannel()
        local thread = love.thread.newThread(ECHO)
        thread:start(there, back)
        local returned
        for _ = 1, count do
            there:push(message)
            returned = back:demand()
        end
        there:push(false)
        thread:wait()
        meter.check(is_same(message, returned), "the echo is wrong")
    end)
end

local size = meter.size(10000)
ask("message", 4711, 5000)
ask("message.string", ("lagoon.."):rep(128), 5000)
ask("message.table", RECORD, 5000)
ask("message.tree", grow(1, size), 20)
