-- SPDX-License-Identifier: MIT
--
-- The fields of an HTTP message: a list name, value, name, value, in their order and spelling, which
-- is looked at without regard to case.
local find, lower = string.find, string.lower

---@class lagoon.Headers
---@field [string] string?
local Headers = {}

local mt = {}

-- Names are tokens (RFC 9110, 5.1).
local function check_name(name)
    if type(name) ~= "string" then
        error("the name of a header must be a string, not a " .. type(name), 3)
    end
    if not find(name, "^[A-Za-z0-9!#$%%&'*+%-.^_`|~]+$") then
        error(("'%s' is no name of a header"):format(name:gsub("%c", "?")), 3)
    end
end

-- Neither the end of a line nor any other control character: what follows would be taken for
-- another header, or for a response.
local function check_value(name, value)
    if type(value) ~= "string" and type(value) ~= "number" then
        error(("the value of '%s' must be a string, not a %s"):format(name, type(value)), 3)
    end
    value = tostring(value)
    if find(value, "[%z\1-\8\10-\31\127]") then
        error(("the value of '%s' has a control character"):format(name), 3)
    end
    return value
end

---The first value of a header, as `headers[name]`. Go: `Header.Get`.
---@param name string
---@return string? value
function Headers:get(name)
    local wanted = lower(name)
    for i = 1, #self, 2 do
        local own = self[i]
        if own == name or lower(own) == wanted then
            return self[i + 1]
        end
    end
end

---All values of a header, in their order. Go: `Header.Values`.
---@param name string
---@return string[] values
function Headers:all(name)
    local values, wanted = {}, lower(name)
    for i = 1, #self, 2 do
        if lower(self[i]) == wanted then
            values[#values + 1] = self[i + 1]
        end
    end
    return values
end

-- Takes all fields of a name out.
local function remove(self, name)
    local wanted, n, count = lower(name), 0, #self
    for i = 1, count, 2 do
        if lower(self[i]) ~= wanted then
            rawset(self, n + 1, self[i])
            rawset(self, n + 2, self[i + 1])
            n = n + 2
        end
    end
    for i = n + 1, count do
        rawset(self, i, nil)
    end
end

local function append(self, name, value)
    local n = #self
    rawset(self, n + 1, name)
    rawset(self, n + 2, value)
end

---Replaces a header, as `headers[name] = value`; nil removes it. Raises for control characters,
---line ends above all. Go: `Header.Set`.
---@param name string
---@param value string|number|nil
function Headers:set(name, value)
    check_name(name)
    if value ~= nil then
        value = check_value(name, value)
    end
    remove(self, name)
    if value ~= nil then
        append(self, name, value)
    end
end

---Adds a header beside those of the same name. Go: `Header.Add`.
---@param name string
---@param value string|number
function Headers:add(name, value)
    check_name(name)
    append(self, name, check_value(name, value))
end

---An iterator over names and values, in their order.
---@return fun(): string?, string?
function Headers:each()
    local i = -1
    return function()
        i = i + 2
        return self[i], self[i + 1]
    end
end

function mt.__index(self, key)
    if type(key) ~= "string" then
        return nil -- behind the last field
    end
    return Headers[key] or Headers.get(self, key)
end

mt.__newindex = Headers.set

local headers = {}

---Makes headers of a list name, value, name, value, which becomes them.
---@param list? string[]
---@return lagoon.Headers
function headers.of_list(list)
    return setmetatable(list or {}, mt)
end

return headers
