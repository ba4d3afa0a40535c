-- SPDX-License-Identifier: MIT
--
-- A program with a loop of its own, in a luajit that knows nothing of lagoon:
--
--   luajit examples/embed/luajit/main.lua [FRAMES]
--
-- A rocket counts down and flies; telemetry comes from a task on another core.
local lagoon = require "lagoon"

local FRAMES = tonumber(arg[1]) or 180
local FRAME_S = 1 / 60

lagoon.runtime.procs(math.max(2, lagoon.runtime.num_cpu()))

local rocket = { height = 0, speed = 0, is_lit = false }
local telemetry = lagoon.chan(16)

-- On another core, and in another Lua state: sends what it computes.
local function predict(out)
    for second = 1, 5 do
        local height, speed = 0, 0
        for _ = 1, second * 1000 do
            speed = speed + (30 - 9.81) / 1000
            height = height + speed / 1000
        end
        out:send(("after %d s: %.0f m"):format(second, height))
    end
    out:close()
end

local function count_down()
    for n = 3, 1, -1 do
        print(n)
        lagoon.sleep(0.2)
    end
    print "lift-off"
    rocket.is_lit = true
end

local function print_telemetry()
    for line in telemetry do
        print("prediction", line)
    end
end

local function step(dt)
    if rocket.is_lit then
        rocket.speed = rocket.speed + (30 - 9.81) * dt
        rocket.height = rocket.height + rocket.speed * dt
    end
end

-- In place of an engine that waits for the display.
local function wait_for_display(frame, began)
    local deadline = began + frame * FRAME_S
    while lagoon.now() < deadline do
        lagoon.update(deadline - lagoon.now())
    end
end

lagoon.go(count_down)
lagoon.go(print_telemetry)
lagoon.parallel(predict, telemetry)

local began = lagoon.now()
for frame = 1, FRAMES do
    lagoon.update(0.004)
    step(FRAME_S)
    wait_for_display(frame, began)
end
print(("%d frames, the rocket is at %.1f m"):format(FRAMES, rocket.height))
