-- SPDX-License-Identifier: MIT
--
-- What luassert says about two values that are not alike, as the lines that differ.
local diff = {}

-- The table of a comparison has the product of both numbers of lines as entries.
local LINES_MAX = 400

local function split(text)
    local lines = {}
    for line in (text .. "\n"):gmatch "(.-)\n" do
        lines[#lines + 1] = line
    end
    return lines
end

-- How long the longest common subsequence of the rest is, from each pair of lines on.
local function common_lengths(a, b)
    local lengths = { [#a + 1] = {} }
    for i = #a, 1, -1 do
        local row, below = {}, lengths[i + 1]
        for j = #b, 1, -1 do
            row[j] = a[i] == b[j] and (below[j + 1] or 0) + 1
                or math.max(below[j] or 0, row[j + 1] or 0)
        end
        lengths[i] = row
    end
    return lengths
end

---The lines of both texts, as { sign, line }: "-" is in the first one only, "+" in the second one
---only, " " in both.
---@param before string
---@param after string
---@return table[]
function diff.lines(before, after)
    local a, b = split(before), split(after)
    if #a > LINES_MAX or #b > LINES_MAX then
        return { { "-", before }, { "+", after } }
    end
    local lengths, result, i, j = common_lengths(a, b), {}, 1, 1
    while i <= #a or j <= #b do
        if i <= #a and j <= #b and a[i] == b[j] then
            result[#result + 1] = { " ", a[i] }
            i, j = i + 1, j + 1
        elseif i <= #a and (j > #b or (lengths[i + 1][j] or 0) >= (lengths[i][j + 1] or 0)) then
            result[#result + 1] = { "-", a[i] }
            i = i + 1
        else
            result[#result + 1] = { "+", b[j] }
            j = j + 1
        end
    end
    return result
end

-- Without luassert's own signs for where tables differ, and their addresses, which always do.
local function plain(text)
    return (text:gsub("%*%[", " ["):gsub("%((table): 0x%x+%)", "(%1)"))
end

---A message of luassert's as what stands in front, what was expected, and what came; nil: it is
---another.
---@param message string
---@return string? head
---@return string? expected
---@return string? passed
function diff.parse(message)
    local head, passed, expected = message:match "^(.-)\nPassed in:\n(.*)\nExpected:\n(.*)$"
    if not head then
        return nil
    end
    return head, plain(expected), plain(passed)
end

return diff
