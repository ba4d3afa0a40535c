-- SPDX-License-Identifier: MIT
--
-- The line editor, without a terminal: keys in, and what there is to be seen out. It never waits
-- and never writes; what it cannot decide by itself it asks its host.
local buffer = require "lagoon.repl.buffer"
local characters = require "lagoon.characters"

local editor = {}

---@class lagoon.repl.EditorHost
---@field width fun(character: string): integer
---@field is_complete fun(text: string): boolean  whether Enter submits it
---@field complete fun(text: string, at: integer): integer, string[]  behind which byte
---  what is completed begins, and by what it can be replaced
---@field history lagoon.repl.History

---@class lagoon.repl.Editor
local Editor = {}
Editor.__index = Editor

---@param host lagoon.repl.EditorHost
---@return lagoon.repl.Editor
function editor.new(host)
    return setmetatable({ host = host, buffer = buffer.new(host.width), entry = nil }, Editor)
end

-- ------------------------------------------------------------------------------------------------
-- History: `entry` is the place in it, nil for what is new, which waits in `draft`
-- ------------------------------------------------------------------------------------------------

local function show_entry(self, entry)
    local history = self.host.history
    if self.entry == nil then
        self.draft = self.buffer:text()
    end
    self.entry = entry
    self.buffer:remember "history"
    self.buffer:set(entry and history:get(entry) or self.draft or "")
end

local function older(self)
    local entry = (self.entry or self.host.history:count() + 1) - 1
    if entry >= 1 then
        show_entry(self, entry)
    end
end

local function newer(self)
    if self.entry then
        local entry = self.entry + 1
        show_entry(self, entry <= self.host.history:count() and entry or nil)
    end
end

-- ------------------------------------------------------------------------------------------------
-- Search: `search` is {text, entry}, what is looked for and where it was found
-- ------------------------------------------------------------------------------------------------

local function find_entry(self, from, step)
    local search = self.search
    local history = self.host.history
    local i = from
    while i >= 1 and i <= history:count() do
        if history:get(i):find(search.text, 1, true) then
            search.entry, search.is_failing = i, false
            return
        end
        i = i + step
    end
    search.is_failing = true
end

local function start_search(self)
    self.search = { text = "", before = self.buffer:text(), entry = nil }
end

local function end_search(self, is_taken)
    local search = self.search
    self.search = nil
    if is_taken and search.entry then
        show_entry(self, search.entry)
    end
end

-- True: the key was one of the search's.
local function search_key(self, key)
    local search = self.search
    local count = self.host.history:count()
    if key.text and not key.is_paste then
        search.text = search.text .. key.text
        find_entry(self, search.entry or count, -1)
    elseif key.name == "backspace" then
        search.text = search.text:gsub(characters.ONE .. "$", "")
        find_entry(self, count, -1)
    elseif key.name == "ctrl-r" then
        find_entry(self, (search.entry or count + 1) - 1, -1)
    elseif key.name == "ctrl-s" then
        find_entry(self, (search.entry or 0) + 1, 1)
    elseif key.name == "ctrl-g" or key.name == "escape" or key.name == "ctrl-c" then
        end_search(self, false)
    else
        end_search(self, true)
        return false
    end
    return true
end

-- ------------------------------------------------------------------------------------------------
-- Completion
-- ------------------------------------------------------------------------------------------------

local function common_prefix(words)
    local prefix = words[1]
    for _, word in ipairs(words) do
        while word:sub(1, #prefix) ~= prefix do
            prefix = prefix:gsub(characters.ONE .. "$", "")
        end
    end
    return prefix
end

local function complete(self)
    local text = self.buffer
    local line = text:text(text:line_start(text.at) + 1, text.at)
    if not line:find "%S" then
        text:remember "typing"
        text:insert "  "
        return
    end
    local before = text:text(1, text.at)
    local from, words = self.host.complete(before, #before)
    if #words == 0 then
        return
    end
    local prefix = common_prefix(words)
    local typed = before:sub(from + 1)
    if #words == 1 or #prefix > #typed then
        text:remember "complete"
        local after = text:text(text.at + 1)
        text:set(before:sub(1, from) .. prefix)
        local at = text.at
        text:insert(after)
        text.at = at
    else
        self.menu = words
    end
end

-- ------------------------------------------------------------------------------------------------
-- Keys. What a key does may be an action for the host: a string, and what belongs to it
-- ------------------------------------------------------------------------------------------------

local function move(self, at)
    self.buffer.at = math.max(0, math.min(at, #self.buffer.cells))
    self.buffer.last_kind = nil
end

local function erase(self, first, last)
    if first >= 0 and last <= #self.buffer.cells and first < last then
        self.buffer:remember "erase"
        self.buffer:cut(first, last)
    end
end

-- A new line begins where the one before did.
local function new_line(self)
    local text = self.buffer
    local line = text:text(text:line_start(text.at) + 1, text.at)
    text:remember "line"
    text:insert("\n" .. line:match "^[ \t]*")
end

local function submit(self)
    local text = self.buffer:text()
    self.buffer:clear()
    self.entry, self.draft = nil, nil
    return "submit", text
end

local function enter(self)
    local text = self.buffer:text()
    if not self.host.is_complete(text) then
        return new_line(self)
    end
    return submit(self)
end

local function up(self)
    local at = self.buffer:other_line(-1)
    if at then
        return move(self, at)
    end
    older(self)
end

local function down(self)
    local at = self.buffer:other_line(1)
    if at then
        return move(self, at)
    end
    newer(self)
end

local function transpose(self)
    local text = self.buffer
    local at = math.min(text.at, #text.cells - 1)
    if at >= 1 then
        text:remember "transpose"
        text.cells[at], text.cells[at + 1] = text.cells[at + 1], text.cells[at]
        text.at = at + 1
    end
end

local DO = {
    enter = enter,
    ["alt-enter"] = new_line,
    tab = complete,
    up = up,
    down = down,
    ["ctrl-p"] = older,
    ["ctrl-n"] = newer,
    ["ctrl-r"] = start_search,
    ["ctrl-t"] = transpose,
    left = function(self) move(self, self.buffer.at - 1) end,
    right = function(self) move(self, self.buffer.at + 1) end,
    home = function(self) move(self, self.buffer:line_start(self.buffer.at)) end,
    ["end"] = function(self) move(self, self.buffer:line_end(self.buffer.at)) end,
    ["alt-<"] = function(self) move(self, 0) end,
    ["alt->"] = function(self) move(self, #self.buffer.cells) end,
    ["alt-b"] = function(self) move(self, self.buffer:word_before()) end,
    ["alt-f"] = function(self) move(self, self.buffer:word_after()) end,
    backspace = function(self) erase(self, self.buffer.at - 1, self.buffer.at) end,
    delete = function(self) erase(self, self.buffer.at, self.buffer.at + 1) end,
    ["ctrl-w"] = function(self) self.buffer:kill(self.buffer:blank_before(), self.buffer.at) end,
    ["alt-backspace"] = function(self)
        self.buffer:kill(self.buffer:word_before(), self.buffer.at)
    end,
    ["alt-d"] = function(self) self.buffer:kill(self.buffer.at, self.buffer:word_after()) end,
    ["ctrl-u"] = function(self)
        self.buffer:kill(self.buffer:line_start(self.buffer.at), self.buffer.at)
    end,
    ["ctrl-k"] = function(self)
        self.buffer:kill(self.buffer.at, self.buffer:line_end(self.buffer.at))
    end,
    ["ctrl-y"] = function(self)
        self.buffer:remember "yank"
        self.buffer:insert(self.buffer.killed)
    end,
    ["ctrl-_"] = function(self) self.buffer:undo() end,
    ["ctrl-l"] = function() return "clear" end,
    ["ctrl-z"] = function() return "suspend" end,
    ["ctrl-c"] = function(self)
        self.entry, self.draft = nil, nil
        return "interrupt", self.buffer:text()
    end,
    ["ctrl-d"] = function(self)
        if #self.buffer.cells == 0 then
            return "eof"
        end
        erase(self, self.buffer.at, self.buffer.at + 1)
    end,
}
DO["ctrl-a"], DO["ctrl-e"], DO["ctrl-b"], DO["ctrl-f"] = DO.home, DO["end"], DO.left, DO.right
DO["ctrl-left"], DO["ctrl-right"] = DO["alt-b"], DO["alt-f"]
DO["alt-left"], DO["alt-right"] = DO["alt-b"], DO["alt-f"]

local function type_text(self, key)
    local text = key.text
    if key.is_paste then
        text = text:gsub("\r\n?", "\n"):gsub("[%z\1-\8\11-\31\127]", "")
        self.buffer:remember "paste"
    else
        self.buffer:remember "typing"
    end
    self.buffer:insert(text)
end

---Does what a key means.
---@param key lagoon.repl.Key
---@return string? action  "submit" with the text; "interrupt" with it; "eof"; "clear"; "suspend"
---@return string? text
function Editor:press(key)
    self.menu = nil
    if self.search and search_key(self, key) then
        return nil
    elseif key.text then
        type_text(self, key)
        return nil
    end
    local does = DO[key.name]
    if does then
        return does(self)
    end
end

---Empties the line.
function Editor:clear()
    self.buffer:clear()
    self.entry, self.draft, self.search, self.menu = nil, nil, nil, nil
end

---What is to be seen.
---@return lagoon.repl.View  text, at, menu and search of it
function Editor:view()
    local search = self.search
    if search then
        local text = search.entry and self.host.history:get(search.entry) or search.before
        return { text = text, at = #text, search = search }
    end
    return {
        text = self.buffer:text(),
        at = #self.buffer:text(1, self.buffer.at),
        menu = self.menu,
    }
end

return editor
