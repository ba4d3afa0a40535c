-- SPDX-License-Identifier: MIT
--
-- Tour 6: wait groups, locks, groups, contexts.
--
-- Goroutines of one state never run at the same moment, but they interleave wherever they wait.
-- What must stay together across a wait needs a lock; what must be waited for, a wait group.
local lagoon = require "lagoon"
local go = lagoon.go

-- A wait group counts what is still to be done.
local wg = lagoon.waitgroup()
local account, lock = { balance = 100 }, lagoon.mutex()

local function withdraw(amount)
    lock:lock()
    local balance = account.balance
    lagoon.sleep(0.001) -- others run here; without the lock they would read the old balance
    account.balance = balance - amount
    lock:unlock()
    wg:done()
end

wg:add(10)
for _ = 1, 10 do
    go(withdraw, 10)
end
wg:wait()
print("balance: " .. account.balance)

-- once(f): the first call runs f, the others wait for it.
local connect = lagoon.once(function()
    print "connecting, once"
end)
connect()
connect()

-- A semaphore bounds how many do something at a time.
local seats, seated, most = lagoon.semaphore(2), 0, 0
wg:add(6)
for _ = 1, 6 do
    go(function()
        seats:acquire()
        seated = seated + 1
        most = math.max(most, seated)
        lagoon.sleep(0.002)
        seated = seated - 1
        seats:release()
        wg:done()
    end)
end
wg:wait()
print("never more than " .. most .. " at the table")

-- A group ties goroutines together: wait() waits for all; the first error cancels the rest and
-- is raised here. opts.limit bounds how many run at once.
local group = lagoon.group { limit = 3 }
group:go(function()
    lagoon.sleep(10) -- is cancelled long before
    print "never printed"
end)
group:go(function()
    lagoon.sleep(0.01)
    error("the disk is full", 0)
end)
print("group:", pcall(group.wait, group))

-- A context carries "enough now" through a program: a deadline, a cancellation, values.
local background = lagoon.context.background()
local with_user = lagoon.context.with_value(background, "user", "ada")
local ctx, cancel = lagoon.context.with_timeout(with_user, 0.02)

local function search(within)
    local i = lagoon.select(within:done(), lagoon.after(10))
    return i == 1 and "gave up: " .. within:err() or "found"
end
print(ctx:value "user" .. "'s search " .. search(ctx))
cancel() -- always, so that its timer goes early when the work was quicker
