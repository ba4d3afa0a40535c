-- SPDX-License-Identifier: MIT
--
-- The map, and the way from one cell to another. Knows nothing of LÖVE: it is also loaded by
-- tasks on other cores.
local sea = {}

sea.WIDTH, sea.HEIGHT = 80, 50

---@return integer
function sea.cell(x, y)
    return (y - 1) * sea.WIDTH + x
end

---@return integer x, integer y
function sea.place(cell)
    return (cell - 1) % sea.WIDTH + 1, math.floor((cell - 1) / sea.WIDTH) + 1
end

-- Fills a disc of cells, a little ragged.
local function raise_island(map, x, y, radius, random)
    for dy = -radius, radius do
        for dx = -radius, radius do
            local inside = dx * dx + dy * dy <= radius * radius - random(0, radius)
            local cx, cy = x + dx, y + dy
            if inside and cx >= 1 and cy >= 1 and cx <= sea.WIDTH and cy <= sea.HEIGHT then
                map[sea.cell(cx, cy)] = true
            end
        end
    end
end

-- From a cell, how many steps it is to every other one; breadth first.
local function flood(map, start)
    local distance, queue, first = { [start] = 0 }, { start }, 1
    while queue[first] do
        local cell = queue[first]
        first = first + 1
        local x, y = sea.place(cell)
        local function visit(nx, ny)
            local next_cell = sea.cell(nx, ny)
            if nx >= 1 and ny >= 1 and nx <= sea.WIDTH and ny <= sea.HEIGHT
                and not map[next_cell] and not distance[next_cell] then
                distance[next_cell] = distance[cell] + 1
                queue[#queue + 1] = next_cell
            end
        end
        visit(x + 1, y)
        visit(x - 1, y)
        visit(x, y + 1)
        visit(x, y - 1)
    end
    return distance, queue
end

---A map of so many islands: land[cell] is true or false. All water is one: lakes are filled in.
---@param n integer
---@param random fun(low: integer, high: integer): integer
---@return boolean[] land, integer[] water  the cells that a boat may be on
function sea.new(n, random)
    local map = {}
    for _ = 1, n do
        raise_island(map, random(1, sea.WIDTH), random(1, sea.HEIGHT), random(2, 5), random)
    end
    local distance, water = {}, {}
    while #water < sea.WIDTH * sea.HEIGHT / 2 do
        local start = random(1, sea.WIDTH * sea.HEIGHT)
        if not map[start] then
            distance, water = flood(map, start)
        end
    end
    local land = {}
    for cell = 1, sea.WIDTH * sea.HEIGHT do
        land[cell] = distance[cell] == nil
    end
    return land, water
end

---The shortest way between two cells of water: the cells after `from`, up to `to`.
---@param land boolean[]  may be frozen
---@return integer[]
function sea.find_way(land, from, to)
    local distance = flood(land, to)
    local way, cell = {}, from
    while cell ~= to do
        local x, y = sea.place(cell)
        local best = cell
        local function look(nx, ny)
            local d = nx >= 1 and nx <= sea.WIDTH and distance[sea.cell(nx, ny)]
            if d and d < distance[best] then
                best = sea.cell(nx, ny)
            end
        end
        look(x + 1, y)
        look(x, y + 1)
        look(x - 1, y)
        look(x, y - 1)
        cell = best
        way[#way + 1] = cell
    end
    return way
end

return sea
