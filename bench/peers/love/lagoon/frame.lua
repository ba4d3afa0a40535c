-- SPDX-License-Identifier: MIT
--
-- What does a frame of a game cost, with lagoon inside LÖVE: with nothing to do, with `size`
-- goroutines that each take a step, with ten times as many that sleep?
local lagoon = require "lagoon"
local meter = dofile "bench/lua/meter.lua"

local size = meter.size(1000)
local frames = meter.ops(2000, 1)

local function step(entity)
    entity.x = entity.x + entity.vx
end

local function play(name)
    meter.run(name, frames, 1, function(count)
        for _ = 1, count do
            lagoon.update() -- begins a frame
        end
    end)
end

lagoon.runtime.procs(1)
play "frame.empty"

local entities, group = {}, nil
local function fill(n, live)
    group = lagoon.group()
    lagoon.go(function()
        for i = 1, n do
            entities[i] = { x = 0, vx = i }
            group:go(live, entities[i])
        end
    end)
    lagoon.update()
end

fill(size, function(entity)
    while true do
        lagoon.next_frame()
        step(entity)
    end
end)
play "frame"
meter.check(entities[2].x == 2 * entities[1].x and entities[1].x >= frames,
    "not one step per frame")
group:cancel()
lagoon.update()

fill(10 * size, function(entity)
    while true do
        lagoon.sleep(3600)
        step(entity)
    end
end)
play "frame.asleep"
