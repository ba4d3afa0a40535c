-- SPDX-License-Identifier: MIT
--
-- The text that is being edited: cells, a cursor between them, what was killed, and the way back.
-- A cell is what the cursor steps over: a character with the marks that are combined with it.
local characters = require "lagoon.characters"

local buffer = {}

local UNDO_MAX = 500
local JOINER = "\226\128\141" -- U+200D: what follows belongs to what stands before

---@class lagoon.repl.Buffer
---@field cells string[]
---@field at integer  cells before the cursor
local Buffer = {}
Buffer.__index = Buffer

---@param width fun(character: string): integer  columns
---@return lagoon.repl.Buffer
function buffer.new(width)
    return setmetatable({ cells = {}, at = 0, width = width, killed = "", undone = {} }, Buffer)
end

-- Characters of a text, marks with what they are on.
local function cells_of(self, text)
    local cells = {}
    for character in text:gmatch(characters.ONE) do
        local last = cells[#cells]
        local joins = last and last ~= "\n" and character ~= "\n"
            and (self.width(character) == 0 or last:sub(-#JOINER) == JOINER)
        if joins then
            cells[#cells] = last .. character
        else
            cells[#cells + 1] = character
        end
    end
    return cells
end

---@param first? integer
---@param last? integer
---@return string
function Buffer:text(first, last)
    return table.concat(self.cells, "", first or 1, last or #self.cells)
end

---Replaces the whole; the cursor is behind it.
---@param text string
function Buffer:set(text)
    self.cells = cells_of(self, text)
    self.at = #self.cells
end

---What stands now can be come back to. Of several in a row of one kind the first counts.
---@param kind string
function Buffer:remember(kind)
    local undone = self.undone
    if kind ~= "typing" or self.last_kind ~= kind then
        undone[#undone + 1] = { self:text(), self.at }
        if #undone > UNDO_MAX then
            table.remove(undone, 1)
        end
    end
    self.last_kind = kind
end

---Goes back.
---@return boolean  whether there was a way
function Buffer:undo()
    local state = table.remove(self.undone)
    self.last_kind = nil
    if not state then
        return false
    end
    self:set(state[1])
    self.at = math.min(state[2], #self.cells)
    return true
end

---Begins anew, with nothing to come back to.
function Buffer:clear()
    self:set ""
    self.undone, self.last_kind = {}, nil
end

---@param text string
function Buffer:insert(text)
    local before = self:text(1, self.at) .. text
    local after = self:text(self.at + 1)
    self.cells = cells_of(self, before)
    self.at = #self.cells
    for _, cell in ipairs(cells_of(self, after)) do
        self.cells[#self.cells + 1] = cell
    end
end

---Takes out the cells behind `first`, up to `last`.
---@return string  what they were
function Buffer:cut(first, last)
    local text = self:text(first + 1, last)
    local cells = {}
    for i, cell in ipairs(self.cells) do
        if i <= first or i > last then
            cells[#cells + 1] = cell
        end
    end
    self.cells = cells
    if self.at > first then
        self.at = math.max(first, self.at - (last - first))
    end
    return text
end

---The same, for yank(). Kills in a row are one.
function Buffer:kill(first, last)
    if first >= last then
        return
    end
    local is_behind = first >= self.at
    local is_row = self.last_kind == "kill"
    self:remember "kill"
    local text = self:cut(first, last)
    if not is_row then
        self.killed = text
    elseif is_behind then
        self.killed = self.killed .. text
    else
        self.killed = text .. self.killed
    end
end

-- ------------------------------------------------------------------------------------------------
-- Places. Each is a number of cells, as `at` is
-- ------------------------------------------------------------------------------------------------

---Where the line of a place begins.
---@param at integer
---@return integer
function Buffer:line_start(at)
    while at > 0 and self.cells[at] ~= "\n" do
        at = at - 1
    end
    return at
end

---Where it ends.
---@param at integer
---@return integer
function Buffer:line_end(at)
    while at < #self.cells and self.cells[at + 1] ~= "\n" do
        at = at + 1
    end
    return at
end

local function is_word(cell)
    return cell ~= nil and cell:find("^[%w_\128-\255]") ~= nil
end

---@return integer
function Buffer:word_before()
    local at = self.at
    while at > 0 and not is_word(self.cells[at]) do
        at = at - 1
    end
    while at > 0 and is_word(self.cells[at]) do
        at = at - 1
    end
    return at
end

---@return integer
function Buffer:word_after()
    local at = self.at
    while at < #self.cells and not is_word(self.cells[at + 1]) do
        at = at + 1
    end
    while at < #self.cells and is_word(self.cells[at + 1]) do
        at = at + 1
    end
    return at
end

---As a shell's ctrl-w: to the blank before.
---@return integer
function Buffer:blank_before()
    local at = self.at
    while at > 0 and self.cells[at]:find "^%s" do
        at = at - 1
    end
    while at > 0 and not self.cells[at]:find "^%s" do
        at = at - 1
    end
    return at
end

---The place in the line above or below, in the same column; nil: there is no such line.
---@param step -1|1
---@return integer?
function Buffer:other_line(step)
    local start = self:line_start(self.at)
    local column = self.at - start
    local target
    if step < 0 then
        if start == 0 then
            return nil
        end
        target = self:line_start(start - 1)
    else
        local last = self:line_end(self.at)
        if last == #self.cells then
            return nil
        end
        target = last + 1
    end
    return math.min(target + column, self:line_end(target))
end

return buffer
