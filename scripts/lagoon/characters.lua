-- SPDX-License-Identifier: MIT
--
-- Characters of UTF-8, in texts that may hold anything.
local characters = {}

---A pattern: one character, of a text that is UTF-8.
characters.ONE = "[%z\1-\127\194-\244][\128-\191]*"

-- Each well-formed sequence of more than a byte: neither overlong, nor a surrogate, nor beyond
-- U+10FFFF.
local SEQUENCES = {
    { "^[\194-\223][\128-\191]", 2 },
    { "^\224[\160-\191][\128-\191]", 3 },
    { "^[\225-\236\238\239][\128-\191][\128-\191]", 3 },
    { "^\237[\128-\159][\128-\191]", 3 },
    { "^\240[\144-\191][\128-\191][\128-\191]", 4 },
    { "^[\241-\243][\128-\191][\128-\191][\128-\191]", 4 },
    { "^\244[\128-\143][\128-\191][\128-\191]", 4 },
}

local function sequence_at(text, at)
    for _, sequence in ipairs(SEQUENCES) do
        if text:find(sequence[1], at) then
            return sequence[2]
        end
    end
end

---A text whose bytes that belong to no character are replaced, one by one.
---@param text string
---@param replace fun(byte: string): string
---@return string
function characters.valid(text, replace)
    if not text:find "[\128-\255]" then
        return text
    end
    local out, at = {}, 1
    while at <= #text do
        local plain = text:match("^[%z\1-\127]+", at)
        local size = plain and #plain or sequence_at(text, at)
        out[#out + 1] = size and text:sub(at, at + size - 1) or replace(text:sub(at, at))
        at = at + (size or 1)
    end
    return table.concat(out)
end

return characters
