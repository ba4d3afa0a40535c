-- SPDX-License-Identifier: MIT
--
-- JSON for bodies, by lua-cjson, where that is installed.
local core = require "lagoon.core"

local raise, RAISE = core.raise, core.RAISE

-- Where Debian has modules, which a LuaJIT of our own does not look for.
local FOLDERS = { x64 = "/usr/lib/x86_64-linux-gnu/lua/5.1/",
    arm64 = "/usr/lib/aarch64-linux-gnu/lua/5.1/" }

local function find_cjson()
    local ok, cjson = pcall(require, "cjson")
    if ok then
        return cjson
    end
    local folder = FOLDERS[jit.arch]
    local open = folder and package.loadlib(folder .. "cjson.so", "luaopen_cjson")
    return open and open("cjson")
end

-- One of our own: what a script has set in its own is not for us.
local found = find_cjson()
local cjson = found and found.new()
if cjson then
    cjson.decode_invalid_numbers(false)
end

local function check_installed()
    if not cjson then
        raise(RAISE, "JSON needs the module 'cjson', which is not installed; on Debian: "
            .. "apt install lua-cjson")
    end
end

local json = {
    ---What stands for null; nil without lua-cjson.
    null = cjson and cjson.null,
}

---The value that a text stands for. Raises without lua-cjson.
---@param text string
---@return any value
---@return string? err
---@return string? code  "EPROTO" where it is no JSON
function json.decode(text)
    check_installed()
    local ok, value = pcall(cjson.decode, text)
    if not ok then
        return nil, "not JSON: " .. tostring(value), "EPROTO"
    end
    return value
end

---A value as text. Raises for what JSON has no word for, and without lua-cjson.
---@param value any
---@return string text
function json.encode(value)
    check_installed()
    local ok, text = pcall(cjson.encode, value)
    if not ok then
        raise(RAISE, tostring(text))
    end
    return text
end

---The JSON of a body, all of which it reads.
---@async
---@param body lagoon.HttpBody|table  what has a `read`
---@return any value
---@return string? err
---@return string? code
function json.read(body)
    check_installed()
    local text, err, code = body:read("*a")
    if not text then
        return nil, err, code
    end
    return json.decode(text)
end

return json
