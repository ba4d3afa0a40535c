-- SPDX-License-Identifier: MIT
--
-- The block at the bottom of the terminal: the prompt and what is typed, and the menu below. It is
-- drawn whole each time, from its first row on. Nothing here writes: what is to be sent to the
-- terminal is returned.
local characters = require "lagoon.characters"
local lexer = require "lagoon.repl.lexer"
local palette = require "lagoon.repl.palette"

local screen = {}

local TAB = 4

---@class lagoon.repl.Screen
local Screen = {}
Screen.__index = Screen

---@param width fun(character: string): integer
---@param is_coloured boolean
---@return lagoon.repl.Screen
function screen.new(width, is_coloured)
    return setmetatable({
        width = width,
        is_coloured = is_coloured,
        columns = 80,
        height = 24,
    }, Screen)
end

-- ------------------------------------------------------------------------------------------------
-- Rows: text laid out in columns
-- ------------------------------------------------------------------------------------------------

-- What a character looks like, and its columns.
local function shown(self, character, column)
    if character == "\t" then
        local n = TAB - column % TAB
        return (" "):rep(n), n
    elseif character:find "^%c" then
        return "^" .. string.char((character:byte() + 64) % 128), 2
    end
    return character, math.max(self.width(character), 0)
end

local Rows = {}
Rows.__index = Rows

local function new_rows(self)
    return setmetatable({ screen = self, list = {}, pieces = {}, column = 0, code = nil }, Rows)
end

function Rows:set_code(code)
    if code == self.code or not self.screen.is_coloured then
        return
    end
    self.pieces[#self.pieces + 1] = code and ("\27[0;%sm"):format(code) or "\27[0m"
    self.code = code
end

function Rows:break_row()
    local code = self.code
    self:set_code(nil)
    self.list[#self.list + 1] = table.concat(self.pieces)
    self.pieces, self.column = {}, 0
    self:set_code(code)
end

function Rows:put(character)
    if character == "\n" then
        return self:break_row()
    end
    local text, width = shown(self.screen, character, self.column)
    if self.column + width > self.screen.columns then
        self:break_row()
    end
    self.pieces[#self.pieces + 1] = text
    self.column = self.column + width
end

-- A text of ours, with one colour.
function Rows:put_text(text, kind)
    self:set_code(palette.code(kind))
    for character in text:gmatch(characters.ONE) do
        self:put(character)
    end
    self:set_code(nil)
end

-- Where the next character would stand.
function Rows:place()
    if self.column >= self.screen.columns then
        return #self.list + 1, 0
    end
    return #self.list, self.column
end

-- ------------------------------------------------------------------------------------------------
-- The block
-- ------------------------------------------------------------------------------------------------

-- The kind of the token that each byte belongs to.
local function kinds_of(text)
    local tokens = lexer.tokens(text)
    local i = 1
    return function(at)
        while tokens[i] and tokens[i].last < at do
            i = i + 1
        end
        local token = tokens[i]
        return token and token.first <= at and token.kind or nil
    end
end

-- The typed text; returns where the cursor is to be.
local function put_typed(rows, view)
    local kind_at = kinds_of(view.text)
    local row, column
    local at = 1
    for character in view.text:gmatch(characters.ONE) do
        if at - 1 == view.at then
            row, column = rows:place()
        end
        rows:set_code(palette.code(kind_at(at)))
        rows:put(character)
        if character == "\n" then
            rows:put_text(view.continuation, "prompt")
        end
        at = at + #character
    end
    rows:set_code(nil)
    if not row then
        row, column = rows:place()
    end
    return row, column
end

local function put_menu(self, rows, menu)
    local widest = 1
    for _, word in ipairs(menu) do
        widest = math.max(widest, #word + 2)
    end
    local per_row = math.max(1, math.floor(self.columns / widest))
    local nrows = math.min(math.ceil(#menu / per_row), math.max(1, math.floor(self.height / 2)))
    for row = 1, nrows do
        rows:break_row()
        local words = {}
        for i = (row - 1) * per_row + 1, math.min(row * per_row, #menu) do
            words[#words + 1] = menu[i] .. (" "):rep(widest - #menu[i])
        end
        rows:put_text((table.concat(words):gsub("%s+$", "")), "dim")
    end
    if nrows * per_row < #menu then
        rows:break_row()
        rows:put_text(("... %d more"):format(#menu - nrows * per_row), "dim")
    end
end

local function search_prompt(search)
    return ("(%ssearch)`%s': "):format(search.is_failing and "failing " or "", search.text)
end

-- The rows of a block, and where the cursor is in them.
local function lay_out(self, view)
    local rows = new_rows(self)
    rows:put_text(view.search and search_prompt(view.search) or view.prompt, "prompt")
    local row, column = put_typed(rows, view)
    if view.menu then
        put_menu(self, rows, view.menu)
    end
    rows:break_row()
    if row >= #rows.list then
        rows.list[#rows.list + 1] = ""
    end
    return rows.list, row, column
end

-- Of a block that is higher than the terminal, the rows around the cursor.
local function window(rows, row, height)
    if #rows <= height then
        return rows, row
    end
    local first = math.max(1, math.min(row + 1 - math.floor(height / 2), #rows - height + 1))
    return { unpack(rows, first, first + height - 1) }, row + 1 - first
end

---@class lagoon.repl.View
---@field prompt string
---@field continuation string  before the second line and further ones
---@field text string
---@field at integer  bytes before the cursor
---@field menu? string[]
---@field search? table

---Draws a block.
---@param view lagoon.repl.View
---@return string block  from the beginning of a row
---@return string wipe  takes it away again, and leaves the cursor where the block began
function Screen:draw(view)
    local rows, row, column = lay_out(self, view)
    rows, row = window(rows, row, self.height)
    local below = #rows - 1 - row
    local block = table.concat {
        table.concat(rows, "\r\n"),
        below > 0 and ("\27[%dA"):format(below) or "",
        "\r",
        column > 0 and ("\27[%dC"):format(column) or "",
    }
    return block, (row > 0 and ("\27[%dA"):format(row) or "") .. "\r\27[J"
end

---Draws one that stays, with the cursor below it.
---@param view lagoon.repl.View
---@return string
function Screen:draw_last(view)
    local rows = lay_out(self, { prompt = view.prompt, continuation = view.continuation,
        text = view.text, at = #view.text })
    if rows[#rows] == "" then
        rows[#rows] = nil
    end
    return table.concat(rows, "\r\n") .. "\r\n"
end

---The terminal has another size now.
---@param columns integer
---@param height integer
function Screen:resize(columns, height)
    -- of a wide character's columns, at least
    self.columns, self.height = math.max(columns, 2), math.max(height, 1)
end

return screen
