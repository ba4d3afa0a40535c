-- SPDX-License-Identifier: MIT
--
-- Tour 8: tasks, errors, cancellation.
--
-- async(f, ...) is go with a handle. The task keeps what f returned, or its error, for wait().
local lagoon = require "lagoon"
local async = lagoon.async

-- Several at once; the results as from a call.
local function look_up(word)
    lagoon.sleep(0.01)
    return word, #word
end
local start = lagoon.now()
local tasks = {}
for i, word in ipairs { "reef", "sandbank", "tide" } do
    tasks[i] = async(look_up, word)
end
for _, task in ipairs(tasks) do
    print(task:wait())
end
print("one after the other it would take 30 ms; it took less:", lagoon.now() - start < 0.028)

-- An error comes out of wait() as the value it was, tables included.
local broken = async(function()
    error { code = 404 }
end)
local ok, err = pcall(broken.wait, broken)
print("failed:", not ok, err.code, broken:status())

-- wait may be limited.
local slow = async(function()
    lagoon.sleep(10)
end)
print("wait:  ", slow:wait(0.01))

-- Cancelling raises an error in the task's current or next blocking call. It passes through
-- pcall like any other, so the task can tidy up.
local log = {}
local worker = async(function()
    local fine, why = pcall(lagoon.sleep, 10)
    log[#log + 1] = fine and "slept" or "tidying up, because " .. why
    error(why, 0)
end)
lagoon.yield() -- let it begin: a task that has not started never does
worker:cancel "the guests have left"
print("worker:", pcall(worker.wait, worker))
print("log:   ", log[1])

slow:cancel()
print("slow:  ", pcall(slow.wait, slow))
print("status:", slow:status())

-- Who is still there? A name helps in reports.
local me = lagoon.self()
me:name "tour guide"
print(("goroutine %d is the %s, %d alive"):format(me:id(), me:name(),
    lagoon.runtime.num_goroutine()))
