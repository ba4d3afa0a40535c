-- SPDX-License-Identifier: MIT
--
-- Plays a lesson: shows its text and code, runs the code as an input of the session, draws what
-- happens meanwhile, and replays what was too quick. Whatever ends it, nothing that it has started
-- goes on.
local core = require "lagoon.core"
local lexer = require "lagoon.repl.lexer"
local pen = require "lagoon.repl.tour.pen"
local probe = require "lagoon.repl.tour.probe"
local task = require "lagoon.task"
local time = require "lagoon.time"

local player = {}

local FRAME_SECONDS = 0.1
local GLANCE_SECONDS = 0.02 -- between two looks at who is there, while a trace is kept
local END_SECONDS = 20 -- for those who were cancelled to end; on the clock, which may be quick
local EVENTS_MAX = 64 * 1024

---@class lagoon.repl.tour.Frame
---@field rows string[]
---@field seconds? number  that it is shown for

---@alias lagoon.repl.tour.Picture
---| fun(p: lagoon.repl.tour.Pen, now: lagoon.repl.tour.Probe): string[], boolean
---  of a moment, and whether it says what the lesson is about
---@alias lagoon.repl.tour.Replay
---| fun(p: lagoon.repl.tour.Pen, past: lagoon.repl.tour.Probe): lagoon.repl.tour.Frame[]
---  of the trace; the last one stays

---@class lagoon.repl.tour.Lesson
---@field name string
---@field title string
---@field text string
---@field code string
---@field after string  what was to be seen
---@field picture? lagoon.repl.tour.Picture  while the code runs
---@field replay? lagoon.repl.tour.Replay  when it has ended
---@field tidy? fun(locals: table)  ends what is no goroutine of this state

---@class lagoon.repl.tour.Player
local Player = {}
Player.__index = Player

local function new_player(session, lesson, code)
    return setmetatable({
        session = session,
        lesson = lesson,
        code = code or lesson.code,
        is_skipped = false,
        is_left = false,
    }, Player)
end

-- ------------------------------------------------------------------------------------------------
-- Texts
-- ------------------------------------------------------------------------------------------------

local function new_pen(session)
    return pen.new { columns = session.width() - 1, is_utf8 = pen.is_utf8(), paint = session.paint }
end

---Prints what is no part of a lesson.
---@param session lagoon.repl.Session
---@param text string
function player.print_hint(session, text)
    for _, row in ipairs(new_pen(session):wrap(text)) do
        session:print(session.paint("dim", row))
    end
end

local function highlighted(paint, code)
    local pieces, at = {}, 1
    for _, token in ipairs(lexer.tokens(code)) do
        pieces[#pieces + 1] = code:sub(at, token.first - 1)
        -- Each line by itself: something else may be printed between two of them.
        pieces[#pieces + 1] = token.text:gsub("[^\n]+", function(line)
            return paint(token.kind, line)
        end)
        at = token.last + 1
    end
    return table.concat(pieces) .. code:sub(at)
end

function Player:print_text(text)
    for _, row in ipairs(new_pen(self.session):wrap(text)) do
        self.session:print(row)
    end
end

function Player:print_title(number, count)
    local p = new_pen(self.session)
    local title = (" %d of %d: %s "):format(number, count, self.lesson.title)
    self.session:print ""
    self.session:print(p:line():add(p.glyph.horizontal:rep(2), "dim"):add(title, "title")
        :add(p.glyph.horizontal:rep(p.columns), "dim"):text())
end

-- As it would stand there if it had been typed.
function Player:print_code()
    local prompt = ("%d> "):format(self.session.ninputs + 1)
    local code = highlighted(self.session.paint, self.code)
    code = code:gsub("\n", "\n" .. (" "):rep(#prompt))
    self.session:print(self.session.paint("prompt", prompt) .. code)
end

-- ------------------------------------------------------------------------------------------------
-- Pictures
-- ------------------------------------------------------------------------------------------------

local function with_caption(p, caption, rows)
    local framed = { p:line():add(p.glyph.horizontal:rep(2) .. " " .. caption .. " ", "dim")
        :add(p.glyph.horizontal:rep(p.columns), "dim"):text() }
    for _, row in ipairs(rows) do
        framed[#framed + 1] = row
    end
    return framed
end

function Player:show(rows)
    self.still = rows
    if self.live then
        local _, height = self.live:size()
        self.live:draw(#rows > height and { unpack(rows, 1, height) } or rows)
    end
end

-- Waits for so many seconds, or for a key: Ctrl-C leaves, others skip what is left of a replay.
function Player:wait(seconds)
    local key = self.live:next(seconds)
    if key == "ctrl-c" then
        self.is_left = true
        self.session:interrupt()
    elseif key and key ~= "resize" then
        self.is_skipped = true
    end
end

-- The state of this moment. The last one that tells something is what stays.
function Player:look(now)
    now:goroutines() -- names are known while they live
    if not self.lesson.picture then
        return
    end
    local p = new_pen(self.session)
    local rows, is_telling = self.lesson.picture(p, now)
    local seconds = now:seconds()
    if is_telling or not self.has_told then
        self.has_told = is_telling
        self.telling = with_caption(p, ("as it was after %.1f s"):format(seconds), rows)
    end
    self:show(with_caption(p, ("live, after %.1f s"):format(seconds), rows))
end

local function is_over(running)
    local status = running:status()
    return status == "done" or status == "failed" or status == "cancelled"
end

local function how_much_slower(self, past, frames)
    local seconds = 0
    for _, frame in ipairs(frames) do
        seconds = seconds + (frame.seconds or FRAME_SECONDS)
    end
    local first, last = past.events[1], past.events[#past.events]
    local took = first and last.time - first.time or 0
    local factor = took > 0 and seconds / took or 1
    local caption = "recorded: " .. pen.seconds(took)
    if self.live and #frames > 1 then
        caption = caption .. ("; replayed %.0f times slower"):format(math.max(factor, 1))
    end
    return past.nlost == 0 and caption
        or caption .. (", without the last %d events"):format(past.nlost)
end

-- What was recorded, slowly. Enter goes to its end.
function Player:replay(past)
    local p = new_pen(self.session)
    local frames = self.lesson.replay(p, past)
    local caption = how_much_slower(self, past, frames)
    for i, frame in ipairs(frames) do
        local is_last = i == #frames
        if not (self.live and (self.is_skipped or self.is_left)) or is_last then
            self:show(with_caption(p, caption, frame.rows))
        end
        if self.live and not (self.is_skipped or is_last or self.is_left) then
            self:wait(frame.seconds or FRAME_SECONDS)
        end
    end
end

-- ------------------------------------------------------------------------------------------------
-- The code
-- ------------------------------------------------------------------------------------------------

function Player:record()
    local recording, message = core.events_start(EVENTS_MAX)
    if not recording then
        self.session:print_error("nothing can be replayed after this: " .. message)
    end
    return recording
end

-- Runs it, looking now and then; returns what was seen.
function Player:run()
    local session = self.session
    local recording = self.lesson.replay and self:record()
    local running = task.async(function() session:run(self.code) end)
    running:name "tour"
    local now = probe.new(session.locals, running:id())
    now.looker = task.self():id()
    self.now = now
    while not is_over(running) do
        self:look(now)
        local seconds = self.lesson.picture and FRAME_SECONDS or GLANCE_SECONDS
        if self.live then
            self:wait(seconds)
        else
            session.pause(running, seconds)
        end
    end
    if recording then
        now.events, now.nlost = core.events_stop(recording)
    end
    return now
end

-- Ends what the code has left behind; returns what does not end.
function Player:tidy()
    if self.lesson.tidy then
        self.lesson.tidy(self.session.locals)
    end
    local deadline = core.now() + END_SECONDS
    local left = self.now:goroutines()
    while #left > 0 and core.now() < deadline do
        for _, info in ipairs(left) do
            self.session.hushed[info.id] = true
            core.goroutine_cancel(info.id)
        end
        time.sleep(0.005)
        left = self.now:goroutines()
    end
    return left
end

function Player:watch()
    local past = self:run()
    self.is_skipped = false -- keys that were pressed meanwhile are not for the replay
    if past.events and #past.events > 0 and not self.is_left then
        self:replay(past)
    elseif self.telling then
        self.still = self.telling
    end
end

function Player:play()
    self.live = self.session.open_live and self.session.open_live()
    local ok, err = xpcall(self.watch, core.note_trace, self)
    if self.live then
        self.live:close()
    end
    if ok and self.still and not self.is_left then
        self.session:print(table.concat(self.still, "\n"))
    end
    local left = self.now and self:tidy() or {}
    for _, info in ipairs(left) do
        self.session:print_error(("goroutine %d does not end"):format(info.id))
    end
    if not ok then
        error(err, 0)
    end
end

---Plays a lesson; one with other code than its own has no text.
---@async
---@param session lagoon.repl.Session
---@param lesson lagoon.repl.tour.Lesson
---@param opts { number: integer, count: integer, code?: string }
---@return boolean is_whole  false: it was left
function player.play(session, lesson, opts)
    local self = new_player(session, lesson, opts.code)
    self:print_title(opts.number, opts.count)
    if not opts.code then
        self:print_text(lesson.text)
        session:print ""
        session.remember(lesson.code)
    end
    self:print_code()
    self:play()
    if self.is_left then
        return false
    end
    session:print ""
    if not opts.code then
        self:print_text(lesson.after)
    end
    return true
end

return player
