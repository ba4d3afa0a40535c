-- SPDX-License-Identifier: MIT
--
-- What both sides of a WebSocket's handshake share (RFC 6455, 4).
local core = require "lagoon.core"

local raise, RAISE = core.raise, core.RAISE

local MAX_BYTES = 2 ^ 30

local handshake = {}

-- Options that both sides have.
local TYPES = { protocols = "table", max_message_bytes = "number", close_timeout = "number" }

local function check_protocols(names)
    for _, name in ipairs(names) do
        if type(name) ~= "string" or not name:find("^[%w!#$%%&'*+%-.^_`|~]+$") then
            raise(RAISE, "bad option 'protocols' of websocket (a list of names expected)")
        end
    end
end

---Raises for an option that there is not, or of another type.
---@param opts table
---@param types table<string, string>  of one side's own options
function handshake.check(opts, types)
    for name, value in pairs(opts) do
        local kind = types[name] or TYPES[name]
        if type(value) ~= kind then
            raise(RAISE, ("bad option '%s' of websocket (%s)"):format(tostring(name),
                kind and kind .. " expected" or "there is none of that name"))
        end
    end
    check_protocols(opts.protocols or {})
    local max_bytes = opts.max_message_bytes or 1
    if max_bytes < 1 or max_bytes > MAX_BYTES then
        raise(RAISE, "bad option 'max_message_bytes' of websocket (out of range)")
    end
end

---The words of a header that is a list, in their order.
---@param headers lagoon.Headers
---@param name string
---@return string[] words
function handshake.words(headers, name)
    local words = {}
    for _, value in ipairs(headers:all(name)) do
        for word in value:gmatch("[^,]+") do
            words[#words + 1] = word:match("^%s*(.-)%s*$")
        end
    end
    return words
end

---Whether a word is among them, whatever its case.
---@param headers lagoon.Headers
---@param name string
---@param wanted string  in lower case
---@return boolean
function handshake.has_word(headers, name, wanted)
    for _, word in ipairs(handshake.words(headers, name)) do
        if word:lower() == wanted then
            return true
        end
    end
    return false
end

return handshake
