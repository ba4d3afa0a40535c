-- SPDX-License-Identifier: MIT
--
-- What does a frame of a game cost whose entities are coroutines, resumed one after the other: of
-- `size` that each take a step, of ten times as many of which each waits for its moment?
local meter = dofile "bench/lua/meter.lua"

local size = meter.size(1000)
local frames = meter.ops(2000, 1)

local resume, yield = coroutine.resume, coroutine.yield

local function step(entity)
    entity.x = entity.x + entity.vx
end

local function live(entity)
    while true do
        yield()
        step(entity)
    end
end

local function sleep(entity)
    while true do
        yield(3600)
        step(entity)
    end
end

local function make(n, body)
    local entities = {}
    for i = 1, n do
        entities[i] = { x = 0, vx = i, thread = coroutine.create(body), due = 0 }
    end
    return entities
end

local awake = make(size, live)
meter.run("frame", frames, 1, function(count)
    for _ = 1, count do
        for i = 1, size do
            resume(awake[i].thread, awake[i])
        end
    end
end)
meter.check(awake[2].x == 2 * awake[1].x and awake[1].x >= frames, "not one step per frame")

-- As games do it: each frame looks at the moments of all.
local asleep = make(10 * size, sleep)
local function wake_due(now)
    for i = 1, #asleep do
        local entity = asleep[i]
        if now >= entity.due then
            local _, seconds = resume(entity.thread, entity)
            entity.due = now + seconds
        end
    end
end
meter.run("frame.asleep", frames, 1, function(count)
    for _ = 1, count do
        wake_due(meter.clock())
    end
end)
