-- SPDX-License-Identifier: MIT
--
-- What a module's text says about what it declares: LuaCATS annotations and the comments that they
-- stand in, by the lines of the declarations. It reads our own modules, whose form is known, line
-- by line, and never fails: what it does not know is left out.
local annotation = {}

---@class lagoon.repl.Entry
---@field module string  "lagoon.chan"
---@field owner string?  what the name is a field of, as the text calls it: "Channel"
---@field name string
---@field line integer
---@field is_method boolean?  declared with a colon
---@field parameters string?  as declared: "value, seconds"; nil: the text does not say
---@field value string?  the right side, if it is a field of something: "core.chan_close"
---@field comment string[]  the lines above, without their dashes; none: it is not annotated

---@class lagoon.repl.ClassEntry
---@field module string
---@field name string  "lagoon.Channel"
---@field owner string?  the variable that holds its methods
---@field parent string?
---@field comment string[]
---@field fields table<string, string>  what the text says behind a field's name

---@class lagoon.repl.Annotations
---@field head string[]  the comment that the text begins with
---@field entries lagoon.repl.Entry[]
---@field classes lagoon.repl.ClassEntry[]

---The comment at the top, without the licence.
---@param text string
---@return string[] lines
function annotation.head(text)
    local lines = {}
    for line in text:gmatch "([^\n]*)\n?" do
        local comment = line:match "^%-%-%s?(.*)$"
        if not comment or comment:find "^%-" then
            break
        elseif not comment:find "^SPDX" and not (comment == "" and #lines == 0) then
            lines[#lines + 1] = comment
        end
    end
    return lines
end

-- Adds the fields of a class's comment; returns the lines that are none of a field's.
local function take_fields(comment, fields)
    local rest, last = {}, nil
    for _, line in ipairs(comment) do
        local name, text = line:match "^@field%s+([%w_]+)%s+(.*)$"
        if name then
            fields[name], last = text, name
        elseif last and not line:find "^@" then
            fields[last] = fields[last] .. " " .. line
        else
            last = nil
            rest[#rest + 1] = not line:find "^@" and line or nil
        end
    end
    return rest
end

local function class_name(comment)
    for _, line in ipairs(comment) do
        local name, parent = line:match "^@class%s+([%w_.]+):?%s*([%w_.]*)"
        if name then
            return name, parent ~= "" and parent or nil
        end
    end
end

-- The variable that a line declares or fills.
local function owner_of(line)
    local owner = line:match "^%s*local ([%w_]+) =" or line:match "^%s*([%w_.]+) = "
    return owner and owner:match "([%w_]+)$"
end

local Reader = {}
Reader.__index = Reader

function Reader:add(entry)
    entry.module, entry.line, entry.comment = self.module, self.line, self.comment
    self.entries[#self.entries + 1] = entry
end

-- A class whose comment has just ended, above this line.
function Reader:add_class(line)
    local name, parent = class_name(self.comment)
    if not name then
        return nil
    end
    local class = { module = self.module, name = name, parent = parent, fields = {} }
    class.comment = take_fields(self.comment, class.fields)
    class.owner = owner_of(line)
    self.classes[#self.classes + 1] = class
    return class
end

-- `name = core.something`, inside of a table's braces.
function Reader:add_in_braces(line)
    for name, value in line:gmatch "([%a_][%w_]*) = (core%.[%w_]+)" do
        self:add { owner = self.inside, name = name, value = value }
    end
    local name = line:match "^%s*([%a_][%w_]*) = "
    if name and #self.comment > 0 and not line:find " = core%." then
        self:add { owner = self.inside, name = name }
    end
end

function Reader:add_function(line)
    local path, parameters = line:match "^%s*function ([%w_.:]+)%((.*)%)"
    if not path then
        path, parameters = line:match "^%s*local function ([%w_]+)%((.*)%)"
    end
    if path then
        local owner, separator, name = path:match "^(.-)([.:]?)([%w_]+)$"
        self:add { owner = owner ~= "" and owner or nil, name = name,
            is_method = separator == ":", parameters = parameters }
        return true
    end
    parameters = line:match "^return function%((.*)%)"
    if parameters then
        self:add { name = "", parameters = parameters }
    end
    return parameters ~= nil
end

-- Whose fields the following lines are, if this one opens braces.
function Reader:enter(line)
    if line:find "{$" then
        self.inside = owner_of(line)
    elseif line:find "^%s*}" then
        self.inside = nil
    end
end

function Reader:declare(line)
    local class = self:add_class(line)
    if class and class.owner == "__index" then -- core.classes.timer.__index = { ... }
        class.owner = class.name
    end
    if self:add_function(line) then
        return
    end
    local owner, name, value = line:match "^([%w_]+)%.([%w_]+) = ([%w_]+%.[%w_]+)$"
    if owner then
        self:add { owner = owner, name = name, value = value }
    elseif self.inside or class then
        local outside = self.inside
        self.inside = class and class.owner or outside
        self:add_in_braces(line)
        self.inside = outside
    end
    self:enter(line)
    if self.inside and class then
        self.inside = class.owner
    end
end

---Reads a text.
---@param module string  its name
---@param text string
---@return lagoon.repl.Annotations
function annotation.read(module, text)
    local self = setmetatable({ module = module, line = 0, comment = {}, entries = {},
        classes = {} }, Reader)
    for line in (text .. "\n"):gmatch "([^\n]*)\n" do
        self.line = self.line + 1
        local comment = line:match "^%s*%-%-%-%s?(.*)$"
        if comment then
            self.comment[#self.comment + 1] = comment
        else
            self:declare(line)
            self.comment = {}
        end
    end
    return { head = annotation.head(text), entries = self.entries, classes = self.classes }
end

return annotation
