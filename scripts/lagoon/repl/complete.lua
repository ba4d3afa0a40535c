-- SPDX-License-Identifier: MIT
--
-- What could be typed next: globals and locals of the session, fields, methods, modules after
-- `require`, files in other strings, commands. It looks into values and calls nothing, so no
-- metamethod runs.
local chunk = require "lagoon.repl.chunk"

local complete = {}

local KEYWORDS = {
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in",
    "local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while",
}

-- Calls f(key) for the string keys of a value and of what its metatables' __index tables hold.
local function each_key(value, f)
    for _ = 1, 10 do
        if type(value) == "table" then
            for key in next, value do
                if type(key) == "string" then
                    f(key, rawget(value, key))
                end
            end
        end
        local mt = debug.getmetatable(value)
        value = type(mt) == "table" and rawget(mt, "__index")
        if type(value) ~= "table" then
            return
        end
    end
end

local function raw_field(value, name)
    local found
    each_key(value, function(key, field)
        if found == nil and key == name then
            found = field
        end
    end)
    return found
end

-- The value of "a.b.c".
local function value_of(scope, path)
    local value
    for name in path:gmatch "[%a_][%w_]*" do
        if value == nil then
            value = raw_field(scope, name)
            if value == nil then
                value = raw_field(chunk.globals(scope), name)
            end
        else
            value = raw_field(value, name)
        end
        if value == nil then
            return nil
        end
    end
    return value
end

local function sorted(set)
    local words = {}
    for word in pairs(set) do
        words[#words + 1] = word
    end
    table.sort(words)
    return words
end

-- Keys of the program's tables may be anything.
local function collect(prefix, list)
    local set = {}
    for _, word in ipairs(list) do
        if type(word) == "string" and word:sub(1, #prefix) == prefix then
            set[word] = true
        end
    end
    return sorted(set)
end

local function members(value, prefix, only_functions)
    local names = {}
    each_key(value, function(key, field)
        if key:find "^[%a_][%w_]*$" and not (only_functions and type(field) ~= "function") then
            names[#names + 1] = key
        end
    end)
    return collect(prefix, names)
end

-- Names that `require` would take.
local function module_names(prefix)
    local names = {}
    for name in pairs(package.loaded) do
        names[#names + 1] = name
    end
    for name in pairs(package.preload) do
        names[#names + 1] = name
    end
    return collect(prefix, names)
end

-- Names of modules of the script's, which :reload would take.
local function loaded_names(prefix)
    local names = {}
    for name in pairs(package.loaded) do
        if type(name) == "string" and package.searchpath(name, package.path) then
            names[#names + 1] = name
        end
    end
    return collect(prefix, names)
end

---@class lagoon.repl.Completer
---@field scope table  the session's locals, globals behind
---@field commands string[]  with their colons
---@field list fun(folder: string): string[]?  names in it, folders with a slash

local function file_names(self, prefix)
    local folder, name = prefix:match "^(.*/)([^/]*)$"
    local names = self.list(folder or ".") or {}
    local words = collect(name or prefix, names)
    for i, word in ipairs(words) do
        words[i] = (folder or "") .. word
    end
    return words
end

local function global_names(self, prefix)
    local names = { unpack(KEYWORDS) }
    local function add(key)
        names[#names + 1] = key
    end
    each_key(self.scope, add)
    each_key(chunk.globals(self.scope), add)
    return collect(prefix, names)
end

-- quotes: how many there are in the text and before it.
local function complete_end(self, text, quotes)
    local command = text:match "^%s*(:%w*)$"
    if command then
        return #text - #command, collect(command, self.commands)
    end
    local module = text:match "require%s*%(?%s*[\"']([%w_%.%-/]*)$"
    if module then
        return #text - #module, module_names(module)
    end
    module = text:match "^%s*:reload%s+([%w_%.%-/]*)$"
    if module then
        return #text - #module, loaded_names(module)
    end
    local is_code = not text:find "^%s*:" or text:find "^%s*:doc%s" or text:find "^%s*:time%s"
    local path = text:match "[\"']([^\"'\n]*)$" or not is_code and text:match "^%s*:%w+%s+(%S*)$"
    if path and (quotes % 2 == 1 or not is_code) then
        return #text - #path, file_names(self, path)
    end
    local object, separator, name = text:match "([%a_][%w_%.]*)([%.:])([%w_]*)$"
    if object then
        local value = value_of(self.scope, object)
        return #text - #name, value ~= nil and members(value, name, separator == ":") or {}
    end
    name = text:match "[%a_][%w_]*$"
    if not name then
        return #text, {}
    end
    return #text - #name, global_names(self, name)
end

-- A pattern that has to match at the end of a text takes the square of its length.
local LOOKED_AT = 1000

---What the end of a text can be replaced by.
---@param self lagoon.repl.Completer
---@param text string  up to the cursor
---@return integer from  behind which byte it is replaced
---@return string[] words
function complete.at(self, text)
    local _, quotes = text:gsub("[\"']", "")
    local nbefore = math.max(#text - LOOKED_AT, 0)
    local from, words = complete_end(self, text:sub(nbefore + 1), quotes)
    return nbefore + from, words
end

---What stands in a folder, as completions are offered it: folders end with a slash.
---@param folder string
---@return string[]?
function complete.list_folder(folder)
    local fs = require "lagoon.fs"
    local names = fs.list(folder)
    for i, name in ipairs(names or {}) do
        local stat = fs.stat(folder .. "/" .. name)
        names[i] = stat and stat.type == "directory" and name .. "/" or name
    end
    return names
end

return complete
