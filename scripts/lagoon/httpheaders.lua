-- SPDX-License-Identifier: MIT
--
-- The fields of an HTTP message, in their order and spelling, looked at without regard to case.
--
-- They stand in a list name, value, name, value under a key that only this module has: what gets
-- there has been checked.
local core = require "lagoon.core"

local raise, RAISE = core.raise, core.RAISE
local find, lower, concat = string.find, string.lower, table.concat

local LIST = {}

---@class lagoon.Headers
---@field [string] string?
local Headers = {}

local mt = {}

-- Names are tokens (RFC 9110, 5.1).
local function check_name(name)
    if type(name) ~= "string" then
        raise(RAISE, "the name of a header must be a string, not a " .. type(name))
    end
    if not find(name, "^[A-Za-z0-9!#$%%&'*+%-.^_`|~]+$") then
        raise(RAISE, ("'%s' is no name of a header"):format(name:gsub("%c", "?")))
    end
end

-- Neither the end of a line nor any other control character: what follows would be taken for
-- another header, or for a response.
local function check_value(name, value)
    if type(value) ~= "string" and type(value) ~= "number" then
        raise(RAISE, ("the value of '%s' must be a string, not a %s"):format(name, type(value)))
    end
    value = tostring(value)
    if find(value, "[%z\1-\8\10-\31\127]") then
        raise(RAISE, ("the value of '%s' has a control character"):format(name))
    end
    return value
end

---The first value of a header, as `headers[name]`. Go: `Header.Get`.
---@param name string
---@return string? value
function Headers:get(name)
    local list, wanted = self[LIST], lower(name)
    for i = 1, #list, 2 do
        local own = list[i]
        if own == name or lower(own) == wanted then
            return list[i + 1]
        end
    end
end

---All values of a header, in their order. Go: `Header.Values`.
---@param name string
---@return string[] values
function Headers:all(name)
    local list, values, wanted = self[LIST], {}, lower(name)
    for i = 1, #list, 2 do
        if lower(list[i]) == wanted then
            values[#values + 1] = list[i + 1]
        end
    end
    return values
end

-- Takes all fields of a name out.
local function remove(list, name)
    local wanted, n, count = lower(name), 0, #list
    for i = 1, count, 2 do
        if lower(list[i]) ~= wanted then
            list[n + 1], list[n + 2] = list[i], list[i + 1]
            n = n + 2
        end
    end
    for i = n + 1, count do
        list[i] = nil
    end
end

local function append(list, name, value)
    local n = #list
    list[n + 1], list[n + 2] = name, value
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
    remove(self[LIST], name)
    if value ~= nil then
        append(self[LIST], name, value)
    end
end

---Adds a header beside those of the same name. Go: `Header.Add`.
---@param name string
---@param value string|number
function Headers:add(name, value)
    check_name(name)
    append(self[LIST], name, check_value(name, value))
end

---An iterator over names and values, in their order.
---@return fun(): string?, string?
function Headers:each()
    local list, i = self[LIST], -1
    return function()
        i = i + 2
        return list[i], list[i + 1]
    end
end

function mt.__index(self, key)
    if type(key) ~= "string" then
        return nil
    end
    return Headers[key] or Headers.get(self, key)
end

mt.__newindex = Headers.set

local headers = {}

---Makes headers of a list name, value, name, value, which becomes theirs.
---@param list? string[]
---@return lagoon.Headers
function headers.of_list(list)
    return setmetatable({ [LIST] = list or {} }, mt)
end

---As Headers.get, without the detour of an index: for those who ask for many.
---@param own lagoon.Headers
---@param name string
---@return string? value
function headers.get(own, name)
    if own[LIST][1] then
        return Headers.get(own, name)
    end
end

---Makes headers of a table: names and values, or names and lists of values. Raises.
---@param fields? table<string, string|number|table>
---@return lagoon.Headers
function headers.of_table(fields)
    local own = headers.of_list()
    for name, value in pairs(fields or {}) do
        for _, one in ipairs(type(value) == "table" and value or { value }) do
            own:add(name, one)
        end
    end
    return own
end

---The text of the fields, a line for each.
---@param own lagoon.Headers
---@return string[] lines
function headers.lines(own)
    local list, lines = own[LIST], {}
    for i = 1, #list, 2 do
        lines[#lines + 1] = list[i] .. ": " .. list[i + 1]
    end
    return lines
end

---The same as one text, each line with its end; "" if there is none.
---@param own lagoon.Headers
---@return string
function headers.text(own)
    if not own[LIST][1] then
        return ""
    end
    return concat(headers.lines(own), "\r\n") .. "\r\n"
end

return headers
