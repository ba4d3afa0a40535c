-- SPDX-License-Identifier: MIT
--
-- JSON: read from the file of a trace, and written so that it may stand inside a page.
local characters = require "lagoon.characters"

local json = {}

-- ------------------------------------------------------------------------------------------------
-- Reading
-- ------------------------------------------------------------------------------------------------

local ESCAPED = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

-- A code point as UTF-8; halves of pairs that stand alone become the replacement character.
local function utf8(code)
    if code >= 0xd800 and code < 0xe000 then
        code = 0xfffd
    end
    if code < 0x80 then
        return string.char(code)
    elseif code < 0x800 then
        return string.char(0xc0 + math.floor(code / 64), 0x80 + code % 64)
    elseif code < 0x10000 then
        return string.char(0xe0 + math.floor(code / 4096), 0x80 + math.floor(code / 64) % 64,
            0x80 + code % 64)
    end
    return string.char(0xf0 + math.floor(code / 262144), 0x80 + math.floor(code / 4096) % 64,
        0x80 + math.floor(code / 64) % 64, 0x80 + code % 64)
end

local function unescape(text)
    text = text:gsub("\\u([dD][89abAB]%x%x)\\u([dD][c-fC-F]%x%x)", function(high, low)
        return utf8(0x10000 + (tonumber(high, 16) - 0xd800) * 1024 + tonumber(low, 16) - 0xdc00)
    end)
    return (text:gsub("\\(.)(%x?%x?%x?%x?)", function(kind, hex)
        if kind == "u" and #hex == 4 then
            return utf8(tonumber(hex, 16))
        end
        return (ESCAPED[kind] or kind) .. hex
    end))
end

local WORDS = { ["true"] = true, ["false"] = false }
local QUOTE, BACKSLASH, BLANK = 34, 92, 32
local COMMA, COLON = 44, 58
local PLUS, MINUS, DOT, ZERO, NINE, BIG_E, LOW_A, LOW_Z = 43, 45, 46, 48, 57, 69, 97, 122
local OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT = 91, 93, 123, 125

-- By bytes and not by patterns: loops over bytes are compiled, and traces are long.
local byte, sub = string.byte, string.sub
local read_value

-- Where there is something else than blanks and what separates.
local function skip(text, at, separator)
    local c = byte(text, at)
    while c and (c <= BLANK or c == separator) do
        at = at + 1
        c = byte(text, at)
    end
    return c, at
end

local function read_string(text, at)
    local first, has_escape = at + 1, false
    repeat
        at = at + 1
        local c = byte(text, at)
        if c == BACKSLASH then
            has_escape = true
            at = at + 1 -- what follows it ends nothing
        end
    until not c or c == QUOTE
    if byte(text, at) ~= QUOTE then
        return nil
    end
    local body = sub(text, first, at - 1)
    return has_escape and unescape(body) or body, at + 1
end

local function read_object(text, at)
    local result = {}
    local c, here = skip(text, at + 1)
    while c == QUOTE do
        local key, after_key = read_string(text, here)
        if not after_key then
            return nil
        end
        local value, after = read_value(text, after_key, COLON)
        if not after then
            return nil
        end
        result[key] = value
        c, here = skip(text, after, COMMA)
    end
    if c == CLOSE_OBJECT then
        return result, here + 1
    end
end

local function read_list(text, at)
    local result, n = {}, 0
    local c, here = skip(text, at + 1)
    while c and c ~= CLOSE_LIST do
        local value, after = read_value(text, here)
        if not after then
            return nil
        end
        n = n + 1
        result[n] = value
        c, here = skip(text, after, COMMA)
    end
    if c then
        return result, here + 1
    end
end

-- A number, or a word.
local function read_bare(text, at)
    local first = at
    local c = byte(text, at)
    while c and (c >= ZERO and c <= NINE or c >= LOW_A and c <= LOW_Z or c == DOT or c == MINUS
        or c == PLUS or c == BIG_E) do
        at = at + 1
        c = byte(text, at)
    end
    if at > first then
        local word = sub(text, first, at - 1)
        return tonumber(word) or WORDS[word], at
    end
end

function read_value(text, from, separator)
    local c, at = skip(text, from, separator)
    if c == QUOTE then
        return read_string(text, at)
    elseif c == OPEN_OBJECT then
        return read_object(text, at)
    elseif c == OPEN_LIST then
        return read_list(text, at)
    elseif c then
        return read_bare(text, at)
    end
end

---The value that a text begins with, and where it ends; nil, nil if it begins with none. `null` is
---nil.
---@param text string
---@param at? integer  where it begins; 1
---@return any value
---@return integer? after
function json.read(text, at)
    return read_value(text, at or 1)
end

-- ------------------------------------------------------------------------------------------------
-- Writing
-- ------------------------------------------------------------------------------------------------

---What is not UTF-8 becomes the replacement character.
---@param text string
---@return string
function json.valid(text)
    return characters.valid(text, function()
        return "\239\191\189"
    end)
end

-- "<" so that no end of a script, and no comment, begins in it; the two separators for readers
-- that take JSON for JavaScript.
local function quote(text)
    text = json.valid(text):gsub('[%c"\\<>&\127]', function(c)
        return ("\\u%04x"):format(c:byte())
    end)
    return '"' .. text:gsub("\226\128([\168\169])", function(c)
        return c == "\168" and "\\u2028" or "\\u2029"
    end) .. '"'
end

-- Thousandths are as exact as a trace is.
local function number(value)
    if value ~= value or value == math.huge or value == -math.huge then
        return "0"
    elseif value == math.floor(value) and math.abs(value) < 1e15 then
        return ("%d"):format(value)
    end
    return (("%.3f"):format(value):gsub("%.?0+$", ""))
end

local write_value

local function write_list(value, out)
    out[#out + 1] = "["
    for i = 1, #value do
        out[#out + 1] = i > 1 and "," or ""
        write_value(value[i], out)
    end
    out[#out + 1] = "]"
end

local function write_object(value, out)
    local keys = {}
    for key in pairs(value) do
        keys[#keys + 1] = key
    end
    table.sort(keys)
    out[#out + 1] = "{"
    for i, key in ipairs(keys) do
        out[#out + 1] = (i > 1 and "," or "") .. quote(key) .. ":"
        write_value(value[key], out)
    end
    out[#out + 1] = "}"
end

function write_value(value, out)
    local kind = type(value)
    if kind == "number" then
        out[#out + 1] = number(value)
    elseif kind == "string" then
        out[#out + 1] = quote(value)
    elseif kind == "boolean" then
        out[#out + 1] = tostring(value)
    elseif kind == "table" and (value[1] ~= nil or next(value) == nil) then
        write_list(value, out)
    elseif kind == "table" then
        write_object(value, out)
    else
        error("no JSON for a " .. kind)
    end
end

---A value as JSON, which may also stand in a page's `script`. A table without a first element is
---an object, an empty one a list.
---@param value any
---@return string
function json.write(value)
    local out = {}
    write_value(value, out)
    return table.concat(out)
end

return json
