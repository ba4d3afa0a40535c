-- SPDX-License-Identifier: MIT
--
-- The game's rules. The engine, main.c, gives a global function draw(x, y, size, r, g, b), and
-- calls what this file returns once a frame.
local lagoon = require "lagoon"

local WIDTH, HEIGHT, SPARKS, ROCKETS = 640, 400, 60, 12

local things = {}

local function add(thing)
    things[thing] = true
    return thing
end

local function fly(thing, seconds, gravity)
    local until_s = lagoon.now() + seconds
    local before = lagoon.now()
    while before < until_s do
        lagoon.sleep(1 / 60)
        local now = lagoon.now()
        local dt = now - before
        thing.vy = thing.vy + gravity * dt
        thing.x, thing.y = thing.x + thing.vx * dt, thing.y + thing.vy * dt
        before = now
    end
    things[thing] = nil
end

local function burst(x, y, hue)
    for i = 1, SPARKS do
        local angle, speed = i / SPARKS * 2 * math.pi, math.random(30, 90)
        lagoon.go(fly, add {
            x = x, y = y, vx = math.cos(angle) * speed, vy = math.sin(angle) * speed,
            size = 3, hue = hue,
        }, 0.3 + 0.7 * math.random(), 60)
    end
end

-- One after the other: what a state machine would be elsewhere.
local function launch(n)
    lagoon.sleep(n * 0.05)
    local rocket = add {
        x = WIDTH * n / (ROCKETS + 1), y = HEIGHT, vx = 0, vy = -math.random(220, 320),
        size = 5, hue = n / ROCKETS,
    }
    fly(rocket, 0.7, 120)
    burst(rocket.x, rocket.y, rocket.hue)
end

for n = 1, ROCKETS do
    lagoon.go(launch, n)
end

local function brightness(hue)
    return math.floor(155 + 100 * math.cos(2 * math.pi * hue))
end

---@return boolean  whether the show goes on
return function()
    for thing in pairs(things) do
        draw(thing.x, thing.y, thing.size, brightness(thing.hue), brightness(thing.hue + 1 / 3),
            brightness(thing.hue + 2 / 3))
    end
    return lagoon.runtime.num_goroutine() > 0
end
