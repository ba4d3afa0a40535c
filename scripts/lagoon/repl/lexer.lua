-- SPDX-License-Identifier: MIT
--
-- Lua's tokens in a text that may be unfinished: for colours, for completion, and to see which
-- locals an input makes. Never fails: what is no token is one of kind "bad".
local lexer = {}

local find, sub = string.find, string.sub

local KEYWORDS = {}
for word in ([[
    and break do else elseif end false for function goto if in local nil not or repeat return then
    true until while]]):gmatch "%a+" do
    KEYWORDS[word] = true
end

-- Longest first.
local SYMBOLS = { "...", "..", "==", "~=", "<=", ">=", "::" }

-- The end of a long bracket that begins at `at`: "[[", "[=[" and so on; nil if none does there.
-- When it is not closed, the end of the text, and true.
local function long_end(text, at)
    local _, open, level = find(text, "^%[(=*)%[", at)
    if not open then
        return nil
    end
    local _, close = find(text, "]" .. level .. "]", open + 1, true)
    return close or #text, not close
end

local function string_end(text, at)
    local quote = sub(text, at, at)
    local i = at + 1
    while i <= #text do
        local c = sub(text, i, i)
        if c == quote then
            return i, false
        elseif c == "\n" then
            return i - 1, true
        elseif c == "\\" then
            local _, blank = find(text, "^z%s*", i + 1)
            i = blank or i + 1
        end
        i = i + 1
    end
    return #text, true
end

local function comment_end(text, at)
    local last, is_open = long_end(text, at + 2)
    if last then
        return last, is_open
    end
    local newline = find(text, "\n", at, true)
    return newline and newline - 1 or #text, false
end

local function number_end(text, at)
    local pattern = find(text, "^0[xX]", at) and "^0[xX][%x.]*" or "^[%d.]+"
    local _, last = find(text, pattern, at)
    local exponent = pattern == "^[%d.]+" and "^[eE][+-]?%d+" or "^[pP][+-]?%d+"
    local _, behind = find(text, exponent, last + 1)
    last = behind or last
    local _, suffix = find(text, "^[%w_]+", last + 1)
    return suffix or last, false
end

-- kind, last, is_open of the token at `at`, which is no blank.
local function token_at(text, at)
    local c = sub(text, at, at)
    if find(c, "[%a_\128-\255]") then
        local _, last = find(text, "^[%w_\128-\255]+", at)
        return KEYWORDS[sub(text, at, last)] and "keyword" or "name", last
    elseif find(text, "^%.?%d", at) then
        return "number", number_end(text, at)
    elseif c == '"' or c == "'" then
        return "string", string_end(text, at)
    elseif find(text, "^%-%-", at) then
        return "comment", comment_end(text, at)
    end
    local last, is_open = long_end(text, at)
    if last then
        return "long string", last, is_open
    end
    for _, symbol in ipairs(SYMBOLS) do
        if sub(text, at, at + #symbol - 1) == symbol then
            return "symbol", at + #symbol - 1
        end
    end
    return find(c, "[%+%-%*/%%%^#<>=%(%){}%[%];:,%.]") and "symbol" or "bad", at
end

---@class lagoon.repl.Token
---@field kind "name"|"keyword"|"number"|"string"|"long string"|"comment"|"symbol"|"bad"
---@field first integer
---@field last integer
---@field text string
---@field is_open boolean?  a string or comment that does not end

---Whether a text is nothing but comments.
---@param text string
---@return boolean
function lexer.is_comment(text)
    for _, token in ipairs(lexer.tokens(text)) do
        if token.kind ~= "comment" then
            return false
        end
    end
    return text:find "%S" ~= nil
end

---All tokens of a text, in order; blanks are left out.
---@param text string
---@return lagoon.repl.Token[]
function lexer.tokens(text)
    local tokens = {}
    local at = find(text, "%S")
    while at do
        local kind, last, is_open = token_at(text, at)
        tokens[#tokens + 1] = {
            kind = kind,
            first = at,
            last = last,
            text = sub(text, at, last),
            is_open = is_open or nil,
        }
        at = find(text, "%S", last + 1)
    end
    return tokens
end

return lexer
