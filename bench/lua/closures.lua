-- SPDX-License-Identifier: MIT
--
-- How long does it take to make closures with variables of their own and coroutines, `size` of
-- them alive, and to call them?
local meter = dofile((arg[0]:match("^.*/") or "") .. "meter.lua")

local MADE = 1000000

local function counter(from)
    local value, calls = from, 0
    return function(by)
        value = value + by
        calls = calls + 1
        return value
    end, function()
        return calls
    end
end

local function generator(n)
    return coroutine.wrap(function()
        for i = 1, n do
            coroutine.yield(i)
        end
    end)
end

local size = meter.size(1000)
local made = meter.ops(MADE, 1)
local live = {}
meter.run("closures", 1, 1, function()
    local sum = 0
    for i = 1, made do
        local add, calls = counter(i)
        add(1)
        sum = sum + add(2) + calls()
        live[i % size] = add
        if i % 20 == 0 then
            local next_value = generator(2)
            sum = sum + next_value() + next_value()
        end
    end
    local expected = made * (made + 1) / 2 + 5 * made + 3 * math.floor(made / 20)
    meter.check(sum == expected and live[1](0), "the sum is wrong")
end)
meter.tell_peak("closures.peak")
