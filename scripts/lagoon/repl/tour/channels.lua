-- SPDX-License-Identifier: MIT
--
-- Pictures of channels: who waits to send, what is buffered, who waits to receive.
local channels = {}

---@class lagoon.repl.tour.Waiters
---@field count integer
---@field [integer] integer  their goroutines, first come, first served

---@class lagoon.repl.tour.Channel
---@field name string
---@field length integer
---@field cap integer
---@field is_closed boolean
---@field senders lagoon.repl.tour.Waiters
---@field receivers lagoon.repl.tour.Waiters

local function put_waiters(line, waiters)
    if waiters.count == 0 then
        return line:add("nobody", "dim")
    end
    for i, g in ipairs(waiters) do
        line:add((i > 1 and " " or "") .. "G" .. g, "object")
    end
    return line:add(waiters.count > #waiters and " ..." or "")
end

local function put_arrow(p, line)
    return line:add(" " .. p.glyph.dash .. p.glyph.right .. " ", "dim")
end

local function put_buffer(p, line, channel)
    local shown = math.min(channel.cap, math.max(math.floor(p.columns / 3), 4))
    local filled = math.min(channel.length, shown)
    return line:add(p.glyph.vertical, "title"):add(p.glyph.square:rep(filled), "string")
        :add(p.glyph.empty:rep(shown - filled), "dim")
        :add(channel.cap > shown and "..." or "", "dim"):add(p.glyph.vertical, "title")
end

---@param p lagoon.repl.tour.Pen
---@param list lagoon.repl.tour.Channel[]
---@return string[]
function channels.draw(p, list)
    local rows = { p:line():add("  send ", "dim"):add(p.glyph.dash .. p.glyph.right, "dim")
        :add(" buffer ", "dim"):add(p.glyph.dash .. p.glyph.right, "dim"):add(" receive", "dim")
        :text() }
    for _, channel in ipairs(list) do
        local about = channel.cap == 0 and "unbuffered"
            or ("%d of %d buffered"):format(channel.length, channel.cap)
        rows[#rows + 1] = p:line():add(channel.name, "title"):add("  " .. about, "dim")
            :add(channel.is_closed and ", closed" or "", "error"):text()
        local line = put_waiters(p:line():add "  ", channel.senders)
        put_buffer(p, put_arrow(p, line), channel)
        rows[#rows + 1] = put_waiters(put_arrow(p, line), channel.receivers):text()
    end
    return rows
end

return channels
