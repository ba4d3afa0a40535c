-- SPDX-License-Identifier: MIT
--
-- Tables for people: rows of cells as lines, whose columns are as wide as what is in them.
local characters = require "lagoon.characters"

local columns = {}

---The beginning of a text that takes at most so many columns.
---@param text string
---@param limit integer
---@param width fun(character: string): integer
---@return string
function columns.clip(text, limit, width)
    local n, at = 0, 1
    for from, character, behind in text:gmatch("()(" .. characters.ONE .. ")()") do
        n = n + math.max(width(character), 0)
        if n > limit then
            return text:sub(1, from - 1)
        end
        at = behind
    end
    return text:sub(1, at - 1)
end

-- What names hold may not move the cursor.
local function plain(cell)
    return (cell:gsub("%c", "?"))
end

---Lines of a table; the first row is its head.
---@param rows string[][]
---@param width fun(text: string): integer
---@return string[]
function columns.lines(rows, width)
    local widths = {}
    for _, row in ipairs(rows) do
        for i, cell in ipairs(row) do
            widths[i] = math.max(widths[i] or 0, width(plain(cell)))
        end
    end
    local lines = {}
    for n, row in ipairs(rows) do
        local cells = {}
        for i, cell in ipairs(row) do
            cell = plain(cell)
            cells[i] = i < #row and cell .. (" "):rep(widths[i] - width(cell)) or cell
        end
        lines[n] = table.concat(cells, "  ")
    end
    return lines
end

return columns
