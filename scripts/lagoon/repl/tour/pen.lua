-- SPDX-License-Identifier: MIT
--
-- What pictures are drawn with: characters that the terminal has, lines that are never wider than
-- it, boxes. Knows no terminal: a picture is a list of texts.
local characters = require "lagoon.characters"

local pen = {}

local UTF8 = {
    horizontal = "─", vertical = "│", top_left = "╭", top_right = "╮", bottom_left = "╰",
    bottom_right = "╯", full = "█", half = "▒", light = "░", square = "■", chosen = "▣",
    empty = "·", dot = "·", right = "▶", left = "◀", done = "✓", dash = "─",
}

local ASCII = {
    horizontal = "-", vertical = "|", top_left = "+", top_right = "+", bottom_left = "+",
    bottom_right = "+", full = "#", half = "%", light = "-", square = "#", chosen = "@",
    empty = ".", dot = ".", right = ">", left = "<", done = "x", dash = "-",
}

---Whether the locale's characters are UTF-8, as setlocale() would find out.
---@param getenv? fun(name: string): string?
---@return boolean
function pen.is_utf8(getenv)
    getenv = getenv or os.getenv
    for _, name in ipairs { "LC_ALL", "LC_CTYPE", "LANG" } do
        local value = getenv(name)
        if value and value ~= "" then
            return value:lower():find "utf%-?8" ~= nil
        end
    end
    return false
end

---@class lagoon.repl.tour.Pen
---@field columns integer
---@field glyph table<string, string>
---@field paint fun(kind: string, text: string): string
local Pen = {}
Pen.__index = Pen

---@class lagoon.repl.tour.PenOptions
---@field columns integer
---@field is_utf8 boolean
---@field paint? fun(kind: string, text: string): string

---@param opts lagoon.repl.tour.PenOptions
---@return lagoon.repl.tour.Pen
function pen.new(opts)
    return setmetatable({
        columns = math.max(opts.columns, 10),
        glyph = opts.is_utf8 and UTF8 or ASCII,
        paint = opts.paint or function(_, text) return text end,
    }, Pen)
end

---@class lagoon.repl.tour.Line
local Line = {}
Line.__index = Line

---A line that text is added to, and that ends at a column.
---@param columns? integer
---@return lagoon.repl.tour.Line
function Pen:line(columns)
    local room = columns or self.columns
    return setmetatable({ pen = self, room = room, width = 0, pieces = {} }, Line)
end

---Adds a text, as far as there is room.
---@param text string  each character has one column
---@param kind? string  of the palette
---@return lagoon.repl.tour.Line
function Line:add(text, kind)
    local kept = {}
    for character in text:gmatch(characters.ONE) do
        if self.width == self.room then
            break
        end
        kept[#kept + 1] = character
        self.width = self.width + 1
    end
    local shown = table.concat(kept)
    if shown ~= "" then
        self.pieces[#self.pieces + 1] = kind and self.pen.paint(kind, shown) or shown
    end
    return self
end

---Blanks up to a column.
---@param column integer
---@return lagoon.repl.tour.Line
function Line:to(column)
    return self:add((" "):rep(column - self.width))
end

---@return string
function Line:text()
    return table.concat(self.pieces)
end

---A box around lines, each at most four columns narrower than it.
---@param title string
---@param lines lagoon.repl.tour.Line[]
---@param width integer
---@return string[]
function Pen:box(title, lines, width)
    local glyph = self.glyph
    local top = self:line(width):add(glyph.top_left .. glyph.horizontal .. " ", "dim")
        :add(title, "title"):add(" ", "dim")
    top.room = width - 1
    top:add(glyph.horizontal:rep(width), "dim")
    top.room = width
    top:add(glyph.top_right, "dim")
    local rows = { top:text() }
    for _, line in ipairs(lines) do
        local side = self.paint("dim", glyph.vertical)
        rows[#rows + 1] = side .. " " .. line:to(width - 4):text() .. " " .. side
    end
    rows[#rows + 1] = self.paint("dim", glyph.bottom_left .. glyph.horizontal:rep(width - 2)
        .. glyph.bottom_right)
    return rows
end

---Boxes of one width and height, as many beside each other as there is room for.
---@param boxes string[][]
---@param width integer
---@return string[]
function Pen:beside(boxes, width)
    local per_row = math.max(1, math.floor((self.columns + 1) / (width + 1)))
    local rows = {}
    for first = 1, #boxes, per_row do
        for i = 1, #boxes[first] do
            local parts = {}
            for n = first, math.min(first + per_row - 1, #boxes) do
                parts[#parts + 1] = boxes[n][i]
            end
            rows[#rows + 1] = table.concat(parts, " ")
        end
    end
    return rows
end

---A text as lines of words.
---@param text string  paragraphs with an empty line between; what is indented stays as it is
---@return string[]
function Pen:wrap(text)
    local rows = {}
    for paragraph in (text .. "\n\n"):gmatch "(.-)\n\n+" do
        if #rows > 0 then
            rows[#rows + 1] = ""
        end
        local row
        for word in paragraph:gmatch "%S+" do
            if row and #row + 1 + #word <= self.columns then
                row = row .. " " .. word
            else
                rows[#rows + 1] = row
                row = word
            end
        end
        rows[#rows + 1] = row
    end
    return rows
end

---A bar of parts, one of them for each number.
---@param line lagoon.repl.tour.Line
---@param parts { [1]: number, [2]: string, [3]: string? }[]  how much, the character, its kind
---@param total number  what fills the whole width
---@param width integer
---@return lagoon.repl.tour.Line
function Pen:bar(line, parts, total, width)
    local sum, drawn = 0, 0
    for _, part in ipairs(parts) do
        sum = sum + part[1]
        local upto = total > 0 and math.min(math.floor(sum / total * width + 0.5), width) or 0
        local n = upto - drawn
        if part[1] > 0 and n == 0 and drawn < width then
            n = 1 -- what there is can be seen
        end
        line:add(part[2]:rep(n), part[3])
        drawn = drawn + n
    end
    return line
end

---@param bytes number
---@return string
function pen.bytes(bytes)
    if bytes < 1024 then
        return ("%d B"):format(bytes)
    elseif bytes < 1024 * 1024 then
        return ("%.1f KB"):format(bytes / 1024)
    end
    return ("%.1f MB"):format(bytes / 1024 / 1024)
end

---@param seconds number
---@return string
function pen.seconds(seconds)
    if seconds < 0.001 then
        return ("%.0f us"):format(seconds * 1e6)
    elseif seconds < 1 then
        return ("%.1f ms"):format(seconds * 1e3)
    end
    return ("%.2f s"):format(seconds)
end

return pen
