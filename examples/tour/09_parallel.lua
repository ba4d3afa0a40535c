-- SPDX-License-Identifier: MIT
--
-- Tour 9: every core.
--
-- Goroutines of one Lua state take turns. `parallel(f, ...)` runs f(...) in another Lua state, on
-- any core, with memory of its own: what f captures, its arguments and its results are copied.
local lagoon = require "lagoon"
local parallel, chan = lagoon.parallel, lagoon.chan

-- A task is a task: the results as from a call, the error as the value it was.
local function count_primes(from, to)
    local n = 0
    for candidate = math.max(from, 2), to do
        local is_prime = true
        for divisor = 2, math.sqrt(candidate) do
            if candidate % divisor == 0 then
                is_prime = false
                break
            end
        end
        n = is_prime and n + 1 or n
    end
    return n
end
local low = parallel(count_primes, 1, 20000)
local high = parallel(count_primes, 20001, 40000)
print("primes up to 40000:", low:wait() + high:wait())

-- The same for a list: `map` keeps the order and shares the items out.
local texts = { "ebb", "flood", "slack", "spring tide" }
local lengths = lagoon.map(texts, function(text, i)
    return ("%d. %s has %d letters"):format(i, text, #text:gsub("%A", ""))
end)
print(table.concat(lengths, "; "))

-- What a function captures it takes along as a copy...
local settings = { depth = 3 }
parallel(function()
    settings.depth = 100
end):wait()
print("the copy was changed, not this one:", settings.depth)

-- ... so one that assigns a captured variable would do so in vain: it is refused, before anything
-- has been sent.
local total = 0
print(pcall(parallel, function()
    total = total + 1
end))

-- Channels are not copied: both sides have the same. What is sent through them is.
local jobs, results = chan(), chan()
local workers = lagoon.group()
for _ = 1, 3 do
    workers:parallel(function()
        for job in jobs do
            results:send { job = job, square = job * job }
        end
    end)
end
lagoon.go(function()
    for job = 1, 6 do
        jobs:send(job)
    end
    jobs:close()
    workers:wait() -- raises the first error, after it has cancelled the others
    results:close()
end)
local sum = 0
for result in results do
    sum = sum + result.square
end
print("squares added up:", sum)

-- For what really is one thing there are shared objects, such as numbers:
local hits = lagoon.atomic(0)
lagoon.map({ 1, 2, 3, 4, 5 }, function(n)
    hits:add(n)
end)
print("hits:", hits:get())

-- A context says "enough now" to all of them.
local ctx, cancel = lagoon.context.with_cancel(lagoon.context.background())
local patient = parallel(function()
    ctx:done():recv()
    return "it was told: " .. ctx:err()
end)
cancel()
print(patient:wait())
