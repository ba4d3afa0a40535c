-- SPDX-License-Identifier: MIT
--
-- A terminal for specs: what a program writes, as rows that can be looked at. It knows what the
-- REPL sends, and raises for anything else.
local vt = {}

local Screen = {}
Screen.__index = Screen

---@param columns integer
---@param rows integer
function vt.new(columns, rows)
  local self = setmetatable({ columns = columns, height = rows, rows = {}, row = 1, column = 1,
    top = 1, rest = "", style = "", styles = {} }, Screen)
  self.width = function(character)
    local byte = character:byte()
    return byte >= 0xE3 and byte <= 0xED and 2 or 1 -- what specs type is ASCII, Latin or CJK
  end
  return self
end

local function cells(self)
  self.rows[self.row] = self.rows[self.row] or {}
  return self.rows[self.row]
end

local function line_feed(self)
  self.row = self.row + 1
  if self.row >= self.top + self.height then
    self.top = self.row - self.height + 1
  end
end

local function put(self, character)
  local width = self.width(character)
  if self.column + width - 1 > self.columns then
    self.column = 1
    line_feed(self)
  end
  local row = cells(self)
  row[self.column] = character
  self.styles[self.row] = self.styles[self.row] or {}
  self.styles[self.row][self.column] = self.style -- as in "1;34"; "": as usual
  for i = 1, width - 1 do
    row[self.column + i] = ""
  end
  self.column = self.column + width
end

local function wipe_below(self)
  for i = #cells(self), self.column, -1 do
    cells(self)[i] = nil
  end
  for i in pairs(self.rows) do
    if i > self.row then
      self.rows[i] = nil
    end
  end
end

local SEQUENCES = {
  A = function(self, n) self.row = math.max(self.top, self.row - math.max(n, 1)) end,
  C = function(self, n) self.column = math.min(self.columns, self.column + math.max(n, 1)) end,
  H = function(self) self.row, self.column = self.top, 1 end,
  J = function(self, n)
    if n == 2 then
      self.rows = {}
    else
      wipe_below(self)
    end
  end,
  m = function(self, _, all) self.style = all:gsub("^0$", "") end,
}

local CONTROLS = {
  ["\r"] = function(self) self.column = 1 end,
  ["\n"] = line_feed,
  ["\b"] = function(self) self.column = math.max(1, self.column - 1) end,
  ["\7"] = function() end,
}

---@param bytes string
function Screen:feed(bytes)
  local text, at = self.rest .. bytes, 1
  while at <= #text do
    local _, last, all, final = text:find("^\27%[([%d;]*)(%a)", at)
    local _, mode = text:find("^\27%[%?%d+[hl]", at)
    if mode then
      last = mode -- nothing to be seen
    elseif last then
      assert(SEQUENCES[final], "unknown sequence ESC [ " .. all .. final)
      SEQUENCES[final](self, tonumber(all:match("^%d+")) or 0, all)
    elseif text:find("^\27", at) then
      break -- the rest is to come
    elseif CONTROLS[text:sub(at, at)] then
      last = at
      CONTROLS[text:sub(at, at)](self)
    else
      _, last = text:find("^[%z\1-\127\194-\244][\128-\191]*", at)
      last = last or at
      put(self, text:sub(at, last))
    end
    at = last + 1
  end
  self.rest = text:sub(at)
end

---The rows, without blanks at their ends; those that have been scrolled away, too.
---@return string
function Screen:text()
  local lines, last = {}, 0
  for row in pairs(self.rows) do
    last = math.max(last, row)
  end
  for row = 1, math.max(last, self.row) do
    local line, row_cells, width = {}, self.rows[row] or {}, 0
    for column in pairs(row_cells) do
      width = math.max(width, column)
    end
    for column = 1, width do
      line[column] = row_cells[column] or " "
    end
    lines[row] = (table.concat(line):gsub("%s+$", ""))
  end
  return table.concat(lines, "\n")
end

return vt
