-- SPDX-License-Identifier: MIT
--
-- What live.lua is, for who has attached to this program: the terminal is with the client. Each
-- picture asks for an answer, a key or that the picture's time is over, and each answer is followed
-- by a picture; so there is never more than one of both under way, however slow the client is.
local chan = require "lagoon.chan"
local core = require "lagoon.core"

local guestlive = {}

local LIVE, PICTURE = "L", "P"
local COLUMNS_MAX, ROWS_MAX = 500, 300 -- a picture is one frame
local ANSWERS_MAX = 4
local ROUND_SECONDS = 0.25

---@class lagoon.repl.GuestLive
local Live = {}
Live.__index = Live

---@param session lagoon.repl.Session  a guest's, which waits for the end of an input
---@return lagoon.repl.GuestLive
function guestlive.open(session)
    local self = setmetatable({ session = session, answers = chan.new(ANSWERS_MAX), rows = {} },
        Live)
    session.live = self
    core.attach_write(session.id, LIVE, "1")
    return self
end

---How many columns a row may have, and how many rows there may be.
---@return integer columns
---@return integer rows
function Live:size()
    local session = self.session
    return math.max(math.min(session.columns, COLUMNS_MAX) - 1, 1),
        math.max(math.min(session.rows, ROWS_MAX) - 1, 1)
end

---What next() shows in the place of the rows before.
---@param rows string[]
function Live:draw(rows)
    self.rows = rows
end

---A key, "resize", or nil after so many seconds, which are the client's.
---@async
---@param seconds number
---@return string?
function Live:next(seconds)
    local picture = ("%.3f\n%s"):format(seconds, table.concat(self.rows, "\n"))
    if not core.attach_write(self.session.id, PICTURE, picture) then
        return "ctrl-c"
    end
    local key
    repeat -- a timer is there for as long, so that the program is not deadlocked
        key = self.answers:recv(ROUND_SECONDS)
    until key
    return key ~= "" and key or nil
end

Live.next_real = Live.next

---What the client has answered.
---@param key string
function Live:press(key)
    self.answers:try_send(key)
end

---Gives the terminal back.
function Live:close()
    self.session.live = nil
    core.attach_write(self.session.id, LIVE, "0")
end

return guestlive
