-- SPDX-License-Identifier: MIT
--
-- What a request asks for: the forms of its target (RFC 9112, 3.2).
local char, byte, find = string.char, string.byte, string.find
local SLASH = byte("/")

local httptarget = {}

-- Percent-decoded; nil where a percent sign is not followed by two digits.
local function decode(text)
    if not text:find("%", 1, true) then
        return text
    elseif text:gsub("%%%x%x", ""):find("%", 1, true) then
        return nil
    end
    return (text:gsub("%%(%x%x)", function(digits)
        return char(tonumber(digits, 16))
    end))
end

-- Path and query; the query as it came, "" if there is none.
local function split(text)
    local path, query = text:match("^([^?]*)%??(.*)$")
    return decode(path), query
end

---The path, the query and, if the target names it, the host; nil if it is no target for the method.
---@param method string
---@param target string
---@return string? path
---@return string? query
---@return string? host
function httptarget.parse(method, target)
    if byte(target, 1) == SLASH then
        if not find(target, "[%%?]") then
            return target, ""
        end
        return split(target)
    elseif target == "*" then
        if method == "OPTIONS" then
            return "*", ""
        end
        return nil
    end
    local host, rest = target:match("^[hH][tT][tT][pP][sS]?://([^/?@]+)(.*)$")
    if not host then
        return nil
    end
    local path, query = split(rest)
    return path == "" and "/" or path, query, host
end

return httptarget
