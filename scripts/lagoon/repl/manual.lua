-- SPDX-License-Identifier: MIT
--
-- Which annotation of lagoon's modules speaks of a value. A Lua function is known by its line, one
-- in C by the field of lagoon.core that it is; where fast twins have replaced a method, and where
-- only a class's comment lists it, by the table that it was found in and its name there.
local annotation = require "lagoon.repl.annotation"
local core = require "lagoon.core"

local getinfo, getmetatable = debug.getinfo, debug.getmetatable
local loaded = package.loaded

local manual = {}

-- What is asked for in many ways, made of all modules' texts.
local function new_index()
    return {
        heads = {}, -- by module
        by_line = {}, -- "lagoon.chan:27"
        by_core = {}, -- lists, by the name of a field of lagoon.core
        by_field = {}, -- lists, "Channel.send": all that have a comment
        entries = {},
        classes = {}, -- by name
        owners = {}, -- lists of classes, by the variable that has the methods
    }
end

local function add_to(lists, key, item)
    lists[key] = lists[key] or {}
    table.insert(lists[key], item)
end

local function add_class(index, class)
    local known = index.classes[class.name]
    if not known then
        index.classes[class.name] = class
    else
        for name, text in pairs(class.fields) do
            known.fields[name] = text
        end
        known.owner = known.owner or class.owner
    end
    if class.owner then
        add_to(index.owners, class.owner, index.classes[class.name])
    end
end

local function add_entry(index, entry)
    table.insert(index.entries, entry)
    index.by_line[entry.module .. ":" .. entry.line] = entry
    local field = entry.value and entry.value:match "^core%.(.+)$"
    if field then
        add_to(index.by_core, field, entry)
    end
    if #entry.comment > 0 and entry.owner then
        add_to(index.by_field, entry.owner .. "." .. entry.name, entry)
    end
end

local the_index

local function index_of_all()
    if the_index then
        return the_index
    end
    the_index = new_index()
    for _, module in ipairs(core.module_names()) do
        local read = annotation.read(module, core.module_text(module))
        the_index.heads[module] = read.head
        for _, class in ipairs(read.classes) do
            add_class(the_index, class)
        end
        for _, entry in ipairs(read.entries) do
            add_entry(the_index, entry)
        end
    end
    return the_index
end

-- The class whose methods a variable of a module has.
local function class_of_owner(index, owner, module)
    local classes = index.owners[owner] or {}
    for _, class in ipairs(classes) do
        if class.module == module then
            return class
        end
    end
    return #classes == 1 and classes[1] or nil
end

local function entry_at(index, f)
    local info = getinfo(f, "S")
    local path = info.source:match "^=(lagoon[%w_/]*)%.lua$"
    return path and index.by_line[path:gsub("/init$", ""):gsub("/", ".") .. ":" .. info.linedefined]
end

-- The entries of a function in C.
local function entries_of_core(index, f)
    for key, value in pairs(core) do
        if rawequal(value, f) then
            return index.by_core[key] or {}
        end
    end
    return {}
end

---The name of one of our modules that is this value; nil: it is none.
---@param value any
---@return string?
function manual.module_of(value)
    local index = index_of_all()
    for name, module in pairs(loaded) do
        if rawequal(module, value) and index.heads[name] then
            return name
        end
    end
    return nil
end

---The table of a value's methods: what its metatable's __index is; nil: it has none.
---@param value any
---@return table?
function manual.methods_of(value)
    local mt = getmetatable(value)
    local methods = type(mt) == "table" and rawget(mt, "__index")
    return type(value) ~= "string" and type(methods) == "table" and methods or nil
end

-- How many functions of a table are of each class.
local function votes(index, methods)
    local count = {}
    local function vote(class)
        if class then
            count[class] = (count[class] or 0) + 1
        end
    end
    for _, f in next, methods do
        if type(f) == "function" then
            local entry = entry_at(index, f)
            if entry then
                vote(entry.owner and class_of_owner(index, entry.owner, entry.module))
            end
            for _, of_core in ipairs(entries_of_core(index, f)) do
                vote(of_core.owner and class_of_owner(index, of_core.owner, of_core.module))
            end
        end
    end
    return count
end

---The class whose methods a table has; nil: it is none of ours.
---@param methods table
---@return lagoon.repl.ClassEntry?
function manual.class_of(methods)
    local index = index_of_all()
    local count = votes(index, methods)
    local most
    for class, n in pairs(count) do
        if class.parent then -- what a class has from its parent speaks for it
            n = n + (count[index.classes[class.parent]] or 0)
        end
        if not most or n > most.n or n == most.n and class.name < most.class.name then
            most = { class = class, n = n }
        end
    end
    return most and most.class
end

-- What the annotations of a class, and of its parents, say about a name.
local function find_in_class(index, class, name)
    while class do
        for _, entry in ipairs(index.by_field[(class.owner or "") .. "." .. name] or {}) do
            if entry.module == class.module then
                return entry
            end
        end
        if class.fields[name] then
            return { module = class.module, name = name, is_method = true,
                field = class.fields[name], comment = {} }
        end
        class = class.parent and index.classes[class.parent]
    end
end

local function find_in_module(index, module, name)
    for _, entry in ipairs(index.entries) do
        if entry.module == module and entry.name == name and #entry.comment > 0 then
            return entry
        end
    end
    local class = index.classes[module]
    return class and find_in_class(index, class, name)
end

local function find_by_container(index, container, name)
    local module = manual.module_of(container)
    local found = module and find_in_module(index, module, name)
    if found then
        return found
    end
    local methods = manual.methods_of(container) or type(container) == "table" and container
    local class = methods and manual.class_of(methods)
    return class and find_in_class(index, class, name)
end

-- Of several that are the same function in C the one that is called so.
local function find_by_core(index, f, name)
    local found
    for _, entry in ipairs(entries_of_core(index, f)) do
        if #entry.comment > 0 and (not found or entry.name == name) then
            found = entry
        end
    end
    return found
end

-- By the value itself, wherever it was found.
local function find_by_value(index, value, name)
    if type(value) ~= "function" then
        return nil
    end
    local entry = entry_at(index, value)
    if not entry then
        return find_by_core(index, value, name)
    elseif #entry.comment > 0 then
        return entry
    elseif entry.owner then -- a fast twin
        return (index.by_field[entry.owner .. "." .. entry.name] or {})[1]
    end
end

---@class lagoon.repl.Found: lagoon.repl.Entry
---@field field string?  what the comment of its class says about it

---What is said about a value.
---@param value any
---@param container any  what it was found in, if that is known
---@param name string?  its name there
---@return lagoon.repl.Found?
function manual.find(value, container, name)
    local index = index_of_all()
    local found = find_by_value(index, value, name)
    local is_ambiguous = found and name and found.name ~= name
    if (not found or is_ambiguous) and container ~= nil and name then
        found = find_by_container(index, container, name) or found
    end
    return found
end

---What the comments of a module's class say about fields that are made when they are asked for.
---@param module string
---@return table<string, string>
function manual.fields(module)
    local class = index_of_all().classes[module]
    return class and class.fields or {}
end

---All that is declared in our modules.
---@return lagoon.repl.Entry[]
function manual.entries()
    return index_of_all().entries
end

---The comment at the head of one of our modules.
---@param module string
---@return string[]
function manual.head(module)
    return index_of_all().heads[module]
end

return manual
