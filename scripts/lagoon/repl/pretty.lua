-- SPDX-License-Identifier: MIT
--
-- Values as text for people: tables as they could be written, with limits, and what is not plain
-- data by its tostring(). A table that is inside itself is named, not repeated.
local characters = require "lagoon.characters"
local core = require "lagoon.core"
local lexer = require "lagoon.repl.lexer"

local pretty = {}

local DEPTH, ENTRIES, STRING, WIDTH, TOTAL = 4, 40, 200, 78, 1000

---@class lagoon.repl.Limits
---@field depth? integer  tables in tables
---@field entries? integer  of each table
---@field total? integer  of all tables together
---@field string? integer  bytes of each string
---@field width? integer  columns that a table may take to be on one line
---@field paint? fun(kind: string, text: string): string  colours

local ESCAPES = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\\"] = "\\\\", ['"'] = '\\"' }

local function escape(c)
    return ESCAPES[c] or ("\\%d"):format(c:byte())
end

-- Bytes that are no UTF-8 are escaped, so that nothing that is shown can move the cursor.
local function quote(text, limit)
    local rest = #text - limit
    local shown = rest > 0 and text:sub(1, limit) or text
    shown = shown:gsub('[%c\\"]', escape)
    shown = shown:gsub("[\128-\255]+", pretty.valid)
    return '"' .. shown .. '"' .. (rest > 0 and ("... (%d bytes more)"):format(rest) or "")
end

local function is_name(key)
    if type(key) ~= "string" or not key:find("^[%a_][%w_]*$") then
        return false
    end
    return lexer.tokens(key)[1].kind == "name"
end

local function without_controls(text)
    return (text:gsub("%c", escape):gsub("[\128-\255]+", pretty.valid))
end

-- What a __tostring has returned or raised: it may be anything, also something that has another.
local function word_of(outcome)
    local kind = type(outcome)
    if kind == "string" or kind == "number" then
        return without_controls(tostring(outcome))
    end
    return nil, kind == "nil" and kind or "a " .. kind
end

-- Plain tostring(): what a metamethod makes of it is no reason to show nothing.
local function described(value)
    local ok, outcome = pcall(tostring, value)
    local word, kind = word_of(outcome)
    if ok and word then
        return word
    end
    return ("<%s whose __tostring %s %s>"):format(type(value), ok and "returns" or "raises:",
        word or kind)
end

-- Of a channel also its number, as :chans and traces have it, and how many wait.
local function channel_text(value)
    local ok, info = pcall(core.chan_info, value)
    if not ok then
        return described(value)
    end
    local words = { ("<number %d"):format(info.number) }
    if info.receivers > 0 then
        words[#words + 1] = ("%d receiving"):format(info.receivers)
    end
    if info.senders > 0 then
        words[#words + 1] = ("%d sending"):format(info.senders)
    end
    return described(value) .. " " .. table.concat(words, ", ") .. ">"
end

local ORDER = { number = 1, string = 2, boolean = 3 }

local function comes_before(a, b)
    local of_a, of_b = ORDER[type(a)] or 4, ORDER[type(b)] or 4
    if of_a ~= of_b then
        return of_a < of_b
    elseif of_a <= 2 then
        return a < b
    end
    return tostring(a) < tostring(b)
end

-- The keys that are not 1 to n, in an order that is the same every time; at most a few too many.
local function other_keys(t, n, limit)
    local keys = {}
    for key in next, t do
        local is_listed = type(key) == "number" and key >= 1 and key <= n and key % 1 == 0
        if not is_listed then
            keys[#keys + 1] = key
            if #keys > limit * 50 then
                break -- sorted or not, nobody sees them all
            end
        end
    end
    pcall(table.sort, keys, comes_before)
    return keys
end

local function list_length(t)
    local n = 0
    while rawget(t, n + 1) ~= nil do
        n = n + 1
    end
    return n
end

local show

local function key_text(self, key, depth)
    if is_name(key) then
        return self.paint("key", key)
    end
    return "[" .. show(self, key, depth) .. "]"
end

-- Whether one more entry may be shown.
local function take_room(self)
    self.room = self.room - 1
    return self.room >= 0
end

-- The entries of a table as texts.
local function entries_of(self, t, depth)
    local items, n = {}, list_length(t)
    for i = 1, math.min(n, self.entries) do
        if not take_room(self) then
            break
        end
        items[i] = show(self, rawget(t, i), depth + 1)
    end
    local nlisted = #items
    local left = n - nlisted
    local keys = other_keys(t, n, self.entries)
    for _, key in ipairs(keys) do
        if #items >= self.entries or not take_room(self) then
            left = left + 1
        else
            items[#items + 1] = key_text(self, key, depth + 1) .. " = "
                .. show(self, rawget(t, key), depth + 1)
        end
    end
    if left > 0 then
        items[#items + 1] = self.paint("dim", ("... %d more"):format(left))
    end
    return items, nlisted
end

local function plain_length(items)
    local length = 0
    for _, item in ipairs(items) do
        if item:find("\n", 1, true) then
            return math.huge
        end
        length = length + #item:gsub("\27%[[%d;]*m", "") + 2
    end
    return length
end

-- Lines of items: those of a list fill them, one with a key has its own.
local function lines_of(self, items, nlisted, indent)
    local lines, room = {}, 0
    for i, item in ipairs(items) do
        local length = plain_length({ item })
        if i > 1 and i <= nlisted and length <= room then
            lines[#lines] = lines[#lines] .. ", " .. item
            room = room - length
        else
            lines[#lines + 1] = item
            room = self.width - #indent - length - 2
        end
    end
    return lines
end

local function layout(self, items, nlisted, depth)
    local indent = ("  "):rep(depth)
    if plain_length(items) + #indent + 2 <= self.width then
        return "{ " .. table.concat(items, ", ") .. " }"
    end
    local lines = lines_of(self, items, nlisted, indent)
    return "{\n" .. indent .. "  " .. table.concat(lines, ",\n" .. indent .. "  ") .. "\n"
        .. indent .. "}"
end

local function show_table(self, t, depth)
    if self.inside[t] then
        local up = depth - self.inside[t]
        return self.paint("dim", ("<cycle: %d up>"):format(up))
    elseif depth >= self.depth then
        return self.paint("dim", next(t) == nil and "{}" or "{...}")
    end
    self.inside[t] = depth
    local items, nlisted = entries_of(self, t, depth)
    self.inside[t] = nil
    local text = #items == 0 and "{}" or layout(self, items, nlisted, depth)
    local mt = getmetatable(t)
    if mt ~= nil then
        local name = type(mt) == "table" and rawget(mt, "__name")
        name = type(name) == "string" and " " .. without_controls(name) or ""
        text = text .. self.paint("dim", " <metatable" .. name .. ">")
    end
    return text
end

function show(self, value, depth)
    local kind = type(value)
    if kind == "string" then
        return self.paint("string", quote(value, self.string))
    elseif kind == "number" or kind == "boolean" or kind == "nil" then
        return self.paint(kind, tostring(value))
    elseif kind == "table" then
        local mt = debug.getmetatable(value)
        if type(mt) == "table" and rawget(mt, "__tostring") then
            return self.paint("object", described(value))
        end
        return show_table(self, value, depth)
    end
    local is_channel = debug.getmetatable(value) == core.classes.channel
    return self.paint("object", is_channel and channel_text(value) or described(value))
end

local function plain(_, text)
    return text
end

---A value as text.
---@param value any
---@param limits? lagoon.repl.Limits
---@return string
function pretty.text(value, limits)
    limits = limits or {}
    local self = {
        depth = limits.depth or DEPTH,
        entries = limits.entries or ENTRIES,
        room = limits.total or TOTAL,
        string = limits.string or STRING,
        width = limits.width or WIDTH,
        paint = limits.paint or plain,
        inside = {},
    }
    return show(self, value, 0)
end

-- Controls beyond ASCII, which some terminals heed.
local function escape_all(character)
    return (character:gsub(".", escape))
end

-- Bytes from 128 on that are UTF-8 as they are, others escaped.
function pretty.valid(bytes)
    return (characters.valid(bytes, escape):gsub("\194[\128-\159]", escape_all))
end

return pretty
