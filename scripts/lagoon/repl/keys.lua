-- SPDX-License-Identifier: MIT
--
-- What a terminal sends, as keys: bytes in, events out, in whatever pieces they come. A lone escape
-- is a key of its own only when nothing follows it for a while, which the caller judges: flush().
--
-- Sequences are those of ECMA-48 and xterm (ctlseqs), which all terminals of today send.
local keys = {}

---@class lagoon.repl.Key
---@field name? string  "enter", "ctrl-a", "alt-b", "up", ...; nil: text
---@field text? string  what was typed, one character; or pasted, if is_paste
---@field is_paste? boolean

local CONTROL = {
    [0] = "ctrl-space",
    [8] = "backspace",
    [9] = "tab",
    [10] = "enter",
    [13] = "enter",
    [27] = "escape",
    [28] = "ctrl-\\",
    [29] = "ctrl-]",
    [30] = "ctrl-^",
    [31] = "ctrl-_",
    [127] = "backspace",
}
for i = 1, 26 do
    CONTROL[i] = CONTROL[i] or "ctrl-" .. string.char(96 + i)
end

local FINAL = {
    A = "up", B = "down", C = "right", D = "left", H = "home", F = "end", Z = "shift-tab",
    P = "f1", Q = "f2", R = "f3", S = "f4",
}
local TILDE = {
    ["1"] = "home", ["2"] = "insert", ["3"] = "delete", ["4"] = "end", ["5"] = "page-up",
    ["6"] = "page-down", ["7"] = "home", ["8"] = "end",
}
-- The second parameter less one is a set: 1 shift, 2 alt, 4 ctrl.
local MODIFIERS = {
    "shift-", "alt-", "alt-shift-", "ctrl-", "ctrl-shift-", "ctrl-alt-", "ctrl-alt-shift-",
}

local INTERRUPT = "\3"
local PASTE_START, PASTE_END = "\27[200~", "\27[201~"

local function length_of_lead(byte)
    return byte < 0x80 and 1 or byte >= 0xF0 and byte < 0xF5 and 4 or byte >= 0xE0 and byte < 0xF0
        and 3 or byte >= 0xC2 and byte < 0xE0 and 2 or nil
end

-- A character at `at`: it and how long it is; nil: more bytes are to come. What is no UTF-8 counts
-- as one character that shows it.
local function character(bytes, at)
    local length = length_of_lead(bytes:byte(at))
    if not length then
        return "\239\191\189", 1
    end
    for i = 1, length - 1 do
        local byte = bytes:byte(at + i)
        if not byte then
            return nil
        elseif byte < 0x80 or byte > 0xBF then
            return "\239\191\189", i
        end
    end
    return bytes:sub(at, at + length - 1), length
end

-- A sequence "ESC [ parameters final" as a name; nil: none that we know.
local function name_of_sequence(parameters, final)
    local first, second = parameters:match("^(%d*);?(%d*)")
    local base = final == "~" and TILDE[first] or FINAL[final]
    local modifier = tonumber(second)
    if not base or not modifier or modifier < 2 then
        return base
    end
    return (MODIFIERS[modifier - 1] or "") .. base
end

-- An escape at `at`: an event, or false for a sequence that means nothing, and its length; nil:
-- more is to come.
local function escape(bytes, at)
    local second = bytes:sub(at + 1, at + 1)
    if second == "" then
        return nil
    elseif second == "[" then
        local _, last, parameters, final = bytes:find("^([%d;:<=>?]*[ -/]*)([@-~])", at + 2)
        if last then
            local name = name_of_sequence(parameters, final)
            return name and { name = name } or false, last - at + 1
        elseif bytes:find("^[%d;:<=>? -/]*$", at + 2) then
            return nil
        end
        return false, 2
    elseif second == "O" then
        local final = bytes:sub(at + 2, at + 2)
        if final == "" then
            return nil
        end
        return FINAL[final] and { name = FINAL[final] } or false, 3
    elseif second == "\27" then
        return { name = "escape" }, 1
    end
    local byte = second:byte()
    if CONTROL[byte] then
        return { name = "alt-" .. CONTROL[byte] }, 2
    end
    local text, length = character(bytes, at + 1)
    if not text then
        return nil
    end
    return { name = "alt-" .. text }, 1 + length
end

---@class lagoon.repl.Keys
local Keys = {}
Keys.__index = Keys

-- The next event; false for nothing worth one; nil when the rest is to come. Also its length.
local function next_event(self, at)
    local bytes = self.bytes
    if self.is_pasting then
        local first, last = bytes:find(PASTE_END, at, true)
        if not first and bytes:sub(-1) == INTERRUPT then
            first, last = #bytes, #bytes - 1 -- its end was lost; the key is one
        elseif not first then
            return nil
        end
        self.is_pasting = false
        return { text = bytes:sub(at, first - 1), is_paste = true }, last - at + 1
    elseif bytes:sub(at, at + #PASTE_START - 1) == PASTE_START then
        self.is_pasting = true
        return false, #PASTE_START
    end
    local byte = bytes:byte(at)
    if byte == 27 then
        return escape(bytes, at)
    elseif CONTROL[byte] then
        return { name = CONTROL[byte] }, 1
    end
    local text, length = character(bytes, at)
    return text and { text = text }, length
end

---Takes bytes, and gives the keys that they complete.
---@param bytes string
---@return lagoon.repl.Key[]
function Keys:feed(bytes)
    self.bytes = self.bytes .. bytes
    local events, at = {}, 1
    while at <= #self.bytes do
        local event, length = next_event(self, at)
        if event == nil then
            break
        elseif event then
            events[#events + 1] = event
        end
        at = at + length
    end
    self.bytes = self.bytes:sub(at)
    return events
end

---Whether an escape has come and nothing that belongs to it.
---@return boolean
function Keys:is_undecided()
    return self.bytes:sub(1, 1) == "\27" and not self.is_pasting
end

---Nothing more will come for now: takes what is undecided for what it is.
---@return lagoon.repl.Key[]
function Keys:flush()
    if not self:is_undecided() then
        return {}
    end
    local rest = self.bytes:sub(2)
    self.bytes = ""
    local events = self:feed(rest)
    table.insert(events, 1, { name = "escape" })
    return events
end

---@return lagoon.repl.Keys
function keys.new()
    return setmetatable({ bytes = "", is_pasting = false }, Keys)
end

return keys
