-- SPDX-License-Identifier: MIT
--
-- Pictures of Ps: boxes with what each runs and what stands in its run queue.
local ps = {}

local BOX = 38 -- columns; two in a row of 80
local BOXES_MAX = 8 -- of more Ps each has a row only

---@class lagoon.repl.tour.PBox
---@field number integer
---@field runs? string  what it runs
---@field note? string  in the place of that
---@field queued integer
---@field nstolen? integer  of those, that have just come from another
---@field is_aside? boolean  in excess

local function put_queue(p, line, box)
    if box.queued == 0 then
        return line:add("empty", "dim")
    end
    local room = math.max(line.room - line.width - 5, 1)
    local nstolen = math.min(box.nstolen or 0, box.queued, room)
    local nold = math.min(box.queued - nstolen, room - nstolen)
    return line:add(p.glyph.square:rep(nold), "object")
        :add(p.glyph.chosen:rep(nstolen), "error"):add((" %d"):format(box.queued), "dim")
end

local function put_runs(line, box)
    if box.runs then
        return line:add("runs  "):add(box.runs, "string")
    end
    return line:add(box.note or "idle", "dim")
end

local function draw_box(p, box, width)
    local title = "P" .. box.number .. (box.is_aside and " aside" or "")
    local queue = put_queue(p, p:line(width - 4):add "queue ", box)
    return p:box(title, { put_runs(p:line(width - 4), box), queue }, width)
end

local function draw_row(p, box)
    local line = p:line():add(("P%-3d "):format(box.number), "title")
    put_runs(line, box):to(math.floor(p.columns / 2)):add " "
    return put_queue(p, line, box):text()
end

---@param p lagoon.repl.tour.Pen
---@param boxes lagoon.repl.tour.PBox[]
---@return string[]
function ps.draw(p, boxes)
    local width = math.min(BOX, p.columns)
    local drawn = {}
    for i, box in ipairs(boxes) do
        drawn[i] = #boxes > BOXES_MAX and draw_row(p, box) or draw_box(p, box, width)
    end
    return #boxes > BOXES_MAX and drawn or p:beside(drawn, width)
end

-- ------------------------------------------------------------------------------------------------
-- What moved, from a trace
-- ------------------------------------------------------------------------------------------------

---@class lagoon.repl.tour.Move
---@field time number
---@field kind string  of its event
---@field n integer  of how many tasks it tells
---@field text string  what has happened
---@field boxes lagoon.repl.tour.PBox[]
---@field nglobal integer  tasks in the global queue, or on their way from there

local Model = {}
Model.__index = Model

function Model:see(number)
    for i = self.nps, number do
        self.queued[i] = 0
    end
    self.nps = math.max(self.nps, number + 1)
end

function Model:name(g)
    local name = self.names[g]
    return name and ("G%d %s"):format(g, name) or "G" .. g
end

function Model:boxes(thief, nstolen)
    local boxes = {}
    for i = 0, self.nps - 1 do
        boxes[i + 1] = {
            number = i,
            runs = self.runs[i] and self:name(self.runs[i]),
            note = "runs nothing",
            queued = self.queued[i],
            nstolen = i == thief and nstolen or nil,
        }
    end
    return boxes
end

-- A move, in the place of the last one if that was the same with another task.
function Model:keep(event, thief, describe)
    local last = self.moves[#self.moves]
    local is_more = last and last.kind == event.kind and last.p == event.p
        and last.arg == event.arg and last.g == event.g
    local n = is_more and last.n + 1 or 1
    self.moves[#self.moves + (is_more and 0 or 1)] = { time = event.time, kind = event.kind,
        p = event.p, arg = event.arg, g = event.g, n = n, boxes = self:boxes(thief, n),
        nglobal = self.nglobal, text = describe(n == 1 and "1 task" or n .. " tasks") }
end

local TAKES = {}

function TAKES.job(model, event)
    model.queued[event.p] = model.queued[event.p] + 1
    model:keep(event, nil, function(tasks) return ("P%d queues %s"):format(event.p, tasks) end)
end

function TAKES.steal(model, event)
    model:see(event.arg)
    if event.g ~= 0 then
        return model:keep(event, nil, function()
            return ("P%d steals %s from P%d"):format(event.p, model:name(event.g), event.arg)
        end)
    end
    if model.queued[event.arg] > 0 then
        model.queued[event.arg] = model.queued[event.arg] - 1
    else -- which that P had taken from the global queue, with others
        model.nglobal = math.max(model.nglobal - 1, 0)
    end
    model.queued[event.p] = model.queued[event.p] + 1
    model:keep(event, event.p, function(tasks)
        return ("P%d steals %s from P%d"):format(event.p, tasks, event.arg)
    end)
end

-- What leaves a queue leaves by its owner or by a thief, or all of it goes to the global queue,
-- when a P is given up; only that is in no trace, and seen by who takes something from there.
function Model:give_up_fullest()
    local fullest = 0
    for i = 1, self.nps - 1 do
        fullest = self.queued[i] > self.queued[fullest] and i or fullest
    end
    self.nglobal = self.nglobal + self.queued[fullest]
    self.queued[fullest] = 0
end

TAKES["job begin"] = function(model, event)
    local is_own = model.queued[event.p] > 0
    if is_own then
        model.queued[event.p] = model.queued[event.p] - 1
    else
        if model.nglobal == 0 then
            model:give_up_fullest()
        end
        model.nglobal = math.max(model.nglobal - 1, 0)
    end
    model:keep(event, nil, function(tasks)
        return ("P%d takes %s%s"):format(event.p, tasks,
            is_own and "" or " out of the global queue")
    end)
end

function TAKES.run(model, event)
    model.runs[event.p] = event.g
end

local function stops(model, event)
    model.runs[event.p] = nil
end

TAKES.park, TAKES.yield, TAKES["end"] = stops, stops, stops

---How tasks came into run queues, were stolen and begun.
---@param events lagoon.TraceEvent[]
---@param names table<integer, string>
---@return lagoon.repl.tour.Move[]
function ps.moves(events, names)
    local model = setmetatable({ names = names, queued = {}, runs = {}, nps = 0, nglobal = 0,
        moves = {} }, Model)
    for _, event in ipairs(events) do
        if TAKES[event.kind] and event.p >= 0 then
            model:see(event.p)
            TAKES[event.kind](model, event)
        end
    end
    return model.moves
end

return ps
