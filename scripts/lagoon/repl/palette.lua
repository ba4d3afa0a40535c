-- SPDX-License-Identifier: MIT
--
-- Colours: of a kind of thing, as a terminal's SGR codes. The sixteen that every terminal has, in
-- the user's own choice of them.
local palette = {}

local CODES = {
    keyword = "35",
    string = "32",
    ["long string"] = "32",
    number = "36",
    ["nil"] = "36",
    boolean = "36",
    comment = "90",
    bad = "31",
    key = "34",
    object = "33",
    dim = "90",
    error = "31",
    prompt = "1;34",
    title = "1",
    chosen = "7",
}

---A function that paints a text; without colours, one that leaves it.
---@param is_coloured boolean
---@return fun(kind: string, text: string): string
function palette.painter(is_coloured)
    return function(kind, text)
        local code = is_coloured and CODES[kind]
        return code and ("\27[%sm%s\27[0m"):format(code, text) or text
    end
end

---The code that begins a kind; nil: it has no colour.
---@param kind? string
---@return string?
function palette.code(kind)
    return kind and CODES[kind]
end

return palette
