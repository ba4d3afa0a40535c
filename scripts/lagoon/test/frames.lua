-- SPDX-License-Identifier: MIT
--
-- Where in the specs something has happened: stacks without the frames of what runs them.
local frames = {}

local SHOWN = 20

-- Our own modules; busted, and what it is made of.
local MACHINERY = { "^=lagoon/", "[/\\]busted[/\\]", "[/\\]luassert[/\\]", "[/\\]mediator%.lua$" }

local function is_machinery(source)
    for _, pattern in ipairs(MACHINERY) do
        if source:find(pattern) then
            return true
        end
    end
    return false
end

local function described(info)
    if info.what == "main" then
        return "main chunk"
    elseif info.name then
        return ("function '%s'"):format(info.name)
    end
    return ("function <%s:%d>"):format(info.short_src, info.linedefined)
end

---@class lagoon.test.Stack
---@field short_src string  the file of the innermost frame
---@field currentline integer
---@field lines string[]  the frames, one each, innermost first

---The stack of the caller's caller; nil if nothing of a spec stands on it.
---@param level integer  as debug.getinfo's, for the caller
---@return lagoon.test.Stack?
function frames.capture(level)
    local stack = { lines = {} }
    local info = debug.getinfo(level + 1, "Snl")
    while info and #stack.lines < SHOWN do
        level = level + 1
        if info.what ~= "C" and not is_machinery(info.source) then
            if not stack.short_src then
                stack.short_src, stack.currentline = info.short_src, info.currentline
            end
            stack.lines[#stack.lines + 1] = ("%s:%d: in %s"):format(info.short_src,
                info.currentline, described(info))
        end
        info = debug.getinfo(level + 1, "Snl")
    end
    return stack.short_src and stack or nil
end

return frames
