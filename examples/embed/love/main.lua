-- SPDX-License-Identifier: MIT
--
-- Four hundred boats that cross a sea full of islands.
--
--   love examples/embed/love [--arrivals N] [--picture FILE.png]
--
-- Each boat is a goroutine, which reads like the boat's diary. The ways are found by tasks on the
-- other cores, while the game draws. Who arrives says so on a channel, which love.update reads.
-- With --arrivals the game ends after so many, with --picture it leaves a picture.
local lagoon = require "lagoon"
local sea = require "sea"

local BOATS, ISLANDS, CELL, STEP_S = 400, 40, 8, 0.05
local BUDGET_S = 0.004 -- of a frame's 16.7 ms

local boats, rings = {}, {}
local arrivals = lagoon.chan(BOATS)
local counts = { frames = 0, arrivals = 0, late = 0 }
local land, water, goal, picture

-- == a boat ==

-- What a task runs: in a Lua state of its own, on any core.
local function find_way(map, from, to)
    return require("sea").find_way(map, from, to)
end

local function sail(boat, map)
    while true do
        local harbour = water[love.math.random(#water)]
        local way = lagoon.parallel(find_way, map, boat.cell, harbour):wait()
        for _, cell in ipairs(way) do
            boat.before, boat.cell, boat.since = boat.cell, cell, lagoon.now()
            lagoon.sleep(STEP_S)
        end
        boat.before = boat.cell
        arrivals:send(boat)
    end
end

-- == the game ==

local function read_arguments(words)
    for i = 1, #words, 2 do
        if words[i] == "--arrivals" then
            goal = tonumber(words[i + 1])
        elseif words[i] == "--picture" then
            picture = words[i + 1]
        else
            error("unknown argument " .. words[i], 0)
        end
    end
end

function love.load(words)
    read_arguments(words)
    lagoon.runtime.procs(math.max(2, lagoon.runtime.num_cpu()))
    -- Tasks look for modules where the game does.
    package.path = love.filesystem.getSource() .. "/?.lua;" .. package.path
    land, water = sea.new(ISLANDS, love.math.random)
    local map = lagoon.freeze(land) -- every core reads it in place
    for i = 1, BOATS do
        local cell = water[love.math.random(#water)]
        boats[i] = { cell = cell, before = cell, since = lagoon.now(), hue = i / BOATS }
        lagoon.go(sail, boats[i], map)
    end
end

local function see_arrivals()
    while true do
        local i, boat = lagoon.select(arrivals, lagoon.default)
        if i == 2 then
            return
        end
        counts.arrivals = counts.arrivals + 1
        rings[#rings + 1] = { cell = boat.cell, age = 0 }
    end
end

local function leave()
    print(("%d frames, %d arrivals, %d frames over budget"):format(counts.frames,
        counts.arrivals, counts.late))
    love.event.quit()
end

local function finish()
    goal = nil
    if not picture then
        return leave()
    end
    love.graphics.captureScreenshot(function(image)
        local file = assert(io.open(picture, "wb"))
        file:write(image:encode("png"):getString())
        file:close()
        leave()
    end)
end

function love.update(dt)
    local before = lagoon.now()
    lagoon.update(BUDGET_S)
    counts.frames = counts.frames + 1
    counts.late = counts.late + (lagoon.now() - before > 2 * BUDGET_S and 1 or 0)
    see_arrivals()
    for i = #rings, 1, -1 do
        rings[i].age = rings[i].age + dt
        if rings[i].age > 1 then
            table.remove(rings, i)
        end
    end
    if goal and counts.arrivals >= goal then
        finish()
    end
end

-- == the picture ==

-- Between the cell that a boat has left and the one that it is bound for.
local function position(boat, now)
    local x, y = sea.place(boat.cell)
    local px, py = sea.place(boat.before)
    local t = math.min(1, (now - boat.since) / STEP_S)
    return (px + (x - px) * t - 0.5) * CELL, (py + (y - py) * t - 0.5) * CELL
end

local function set_hue(hue, alpha)
    local function channel(shift)
        return 0.6 + 0.4 * math.cos(2 * math.pi * (hue + shift))
    end
    love.graphics.setColor(channel(0), channel(1 / 3), channel(2 / 3), alpha)
end

function love.draw()
    love.graphics.clear(0.05, 0.18, 0.3)
    love.graphics.setColor(0.33, 0.43, 0.25)
    for cell = 1, #land do
        if land[cell] then
            local x, y = sea.place(cell)
            love.graphics.rectangle("fill", (x - 1) * CELL, (y - 1) * CELL, CELL, CELL)
        end
    end
    for _, ring in ipairs(rings) do
        local x, y = sea.place(ring.cell)
        love.graphics.setColor(1, 1, 1, 1 - ring.age)
        love.graphics.circle("line", (x - 0.5) * CELL, (y - 0.5) * CELL, 4 + 16 * ring.age)
    end
    local now = lagoon.now()
    for _, boat in ipairs(boats) do
        set_hue(boat.hue, 1)
        local x, y = position(boat, now)
        love.graphics.circle("fill", x, y, CELL * 0.4)
    end
    love.graphics.setColor(1, 1, 1)
    love.graphics.print(("%d boats, %d arrivals"):format(BOATS, counts.arrivals), 8, 8)
end
