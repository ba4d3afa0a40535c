-- SPDX-License-Identifier: MIT
--
-- LuaCATS for people: the lines of a comment as a text, parameters and results, and a signature.
local luacats = {}

---@class lagoon.repl.Described
---@field text string  what it does
---@field is_async boolean  it may wait
---@field is_method boolean
---@field parameters string[][]  rows of a name, a type and a text
---@field returns string[][]
---@field signature string  "(value, seconds?)"; with what it returns, if only its type says so
---@field brief string  the same without types

-- "type  text", with two blanks between.
local function split_text(line)
    local kind, text = line:match "^(.-)%s%s+(.*)$"
    return kind or line, text or ""
end

-- The items of a list, whose commas may also stand in brackets.
local function split_list(text)
    local items, depth, from = {}, 0, 1
    for at, symbol in text:gmatch "()([,(){}<>])" do
        if symbol == "," and depth == 0 then
            items[#items + 1] = text:sub(from, at - 1)
            from = at + 1
        elseif symbol:find "[({<]" then
            depth = depth + 1
        elseif symbol ~= "," then
            depth = depth - 1
        end
    end
    items[#items + 1] = text:sub(from)
    for i, item in ipairs(items) do
        items[i] = item:match "^%s*(.-)%s*$"
    end
    return items
end

local function add_parameter(described, name, kind, text)
    if name == "self" then
        described.is_method = true
        return
    end
    local base, mark = name:match "^(.-)(%??)$"
    table.insert(described.parameters, { base, kind .. mark, text })
    table.insert(described.names, base .. mark)
end

-- `fun(self: T, a?: U): R`, which says it all at once.
local function take_type(described, kind)
    local async, list, rest = kind:match "^(a?s?y?n?c?)%s*fun(%b())(.*)$"
    if not list then
        described.kind = kind
        return
    end
    described.is_async = described.is_async or async == "async"
    described.is_function = true
    for _, item in ipairs(split_list(list:sub(2, -2))) do
        local name, of_type = item:match "^([%w_.]+%??):?%s*(.*)$"
        if name then
            add_parameter(described, name, of_type, "")
        end
    end
    described.result = rest:match "^:%s*(.*)$"
end

-- "type name", where the name may be missing.
local function add_return(described, text)
    local head, more = split_text(text)
    local kind, name = head:match "^(.*[^:,|])%s+([%w_.]+)$"
    table.insert(described.returns, { name or "", kind or head, more })
end

local TAGS = {
    param = function(described, text)
        local name, rest = text:match "^(%S+)%s+(.*)$"
        if name then
            add_parameter(described, name, split_text(rest))
        end
    end,
    ["return"] = add_return,
    type = take_type,
    async = function(described)
        described.is_async = true
    end,
}

-- The lines as tags, each with those that go on with it, and the text without them.
local function parts_of(comment)
    local tags, text, is_text = {}, {}, true
    for _, line in ipairs(comment) do
        local tag, rest = line:match "^@(%w+)%s*(.*)$"
        if tag then
            tags[#tags + 1] = { tag, rest }
            -- A type stands on one line: what follows it is the text again.
            is_text = tag == "type" or tag == "async"
        elseif is_text then
            text[#text + 1] = line
        else
            local last = tags[#tags]
            last[2] = last[2] .. (last[2]:find "  " and " " or "  ") .. line
        end
    end
    return tags, table.concat(text, "\n")
end

local function signature_of(described, declared)
    local names = described.names
    if #names == 0 and declared then
        names = split_list(declared)
    end
    return "(" .. table.concat(names, ", ") .. ")"
end

---What a comment says.
---@param found lagoon.repl.Found
---@return lagoon.repl.Described
function luacats.describe(found)
    local tags, text = parts_of(found.comment)
    local described = { text = text, is_async = false, is_method = found.is_method or false,
        parameters = {}, returns = {}, names = {}, is_function = found.parameters ~= nil }
    if found.field then
        local kind, more = split_text(found.field)
        take_type(described, kind)
        described.text = more
    end
    for _, tag in ipairs(tags) do
        local take = TAGS[tag[1]]
        if take then
            take(described, tag[2])
        end
    end
    described.brief = described.is_function and signature_of(described, found.parameters)
        or ""
    described.signature = described.brief
        .. (described.result and ": " .. described.result
            or described.kind and ": " .. described.kind or "")
    return described
end

---The first sentence of a text.
---@param text string
---@return string
function luacats.first_sentence(text)
    local line = text:gsub("%s+", " ")
    return line:match "^(.-%.)%s%u" or line
end

-- A paragraph in lines of so many columns, further ones indented.
local function wrap_paragraph(text, width, indent, head)
    local lines, line = {}, head or (" "):rep(indent)
    local is_fresh = true
    for word in text:gmatch "%S+" do
        local longer = line .. (is_fresh and "" or " ") .. word
        if #longer > width and not is_fresh then
            lines[#lines + 1] = line
            line = (" "):rep(indent) .. word
        else
            line = longer
        end
        is_fresh = false
    end
    lines[#lines + 1] = line
    return table.concat(lines, "\n")
end

---A text in lines of so many columns. Empty and indented lines stay as they are.
---@param text string
---@param width integer
---@param indent? integer  of all lines but the first
---@param head? string  what the first line begins with
---@return string
function luacats.wrap(text, width, indent, head)
    indent = indent or 0
    if text == "" then
        return head or ""
    end
    local paragraphs = {}
    local function add(paragraph)
        paragraphs[#paragraphs + 1] = paragraph
    end
    local pending
    for line in (text .. "\n"):gmatch "([^\n]*)\n" do
        if line:find "%S" and not line:find "^%s" then
            pending = pending and pending .. " " .. line or line
        else
            add(pending and wrap_paragraph(pending, width, indent, #paragraphs == 0 and head))
            add(line)
            pending = nil
        end
    end
    if pending then
        add(wrap_paragraph(pending, width, indent, #paragraphs == 0 and head))
    end
    return table.concat(paragraphs, "\n")
end

return luacats
