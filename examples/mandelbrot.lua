-- SPDX-License-Identifier: MIT
--
-- The Mandelbrot set as a picture, its rows computed on all cores.
--
-- A row is one item of the map: rows differ much in how long they take, and whoever has done one
-- takes the next. A result is a string, which crosses as one block of bytes. How many cores there
-- are decides who computes which row, and changes no pixel.
--
-- usage: lagoon mandelbrot.lua [WIDTH [HEIGHT [FILE]]]
--
-- Writes a PPM, which most viewers show, to FILE or else to mandelbrot.ppm; "-" is the standard
-- output.
local lagoon = require "lagoon"

local ITERATIONS = 255
local LEFT, RIGHT = -2.1, 0.7
local CENTRE = 0

local function size(i, otherwise)
    local n = tonumber(arg[i] or otherwise)
    if not n or n < 1 or n > 65536 or n % 1 ~= 0 then
        io.stderr:write(("mandelbrot: a size must be 1 to 65536, not '%s'\n"):format(arg[i]))
        os.exit(1)
    end
    return n
end

local width, height = size(1, 600), size(2, 400)
local path = arg[3] or "mandelbrot.ppm"
local step = (RIGHT - LEFT) / width

-- How many iterations until the point leaves the circle of radius 2; 0 if it does not.
local function iterations_of(cx, cy)
    local x, y = 0, 0
    for n = 1, ITERATIONS do
        local xx, yy = x * x, y * y
        if xx + yy > 4 then
            return n
        end
        x, y = xx - yy + cx, 2 * x * y + cy
    end
    return 0
end

-- Black inside, and from deep blue over white to gold outside.
local function colour(n)
    if n == 0 then
        return "\0\0\0"
    end
    local light = math.min(255, n * 8)
    local glow = math.max(0, math.min(255, (n - 8) * 8))
    local dusk = math.max(0, math.min(255, (n - 40) * 4))
    return string.char(glow, math.max(glow, light / 2) - dusk / 4, math.max(64, light) - dusk)
end

local function row(number)
    local cy = CENTRE + (number - (height + 1) / 2) * step
    local pixels = {}
    for i = 1, width do
        pixels[i] = colour(iterations_of(LEFT + (i - 0.5) * step, cy))
    end
    return table.concat(pixels)
end

local numbers = {}
for i = 1, height do
    numbers[i] = i
end
local rows = lagoon.map(numbers, row)

local file = path == "-" and io.stdout or assert(io.open(path, "wb"))
file:write(("P6\n%d %d\n255\n"):format(width, height), table.concat(rows))
if path ~= "-" then
    file:close()
    print(("%s: %d x %d pixels"):format(path, width, height))
end
