-- SPDX-License-Identifier: MIT
--
-- :tour, a course in lessons (tour/lessons), each played once or again (tour/player.lua).
local player = require "lagoon.repl.tour.player"

local tour = {}

---@type lagoon.repl.tour.Lesson[]
local LESSONS = {
    require "lagoon.repl.tour.lessons.goroutines",
    require "lagoon.repl.tour.lessons.channels",
    require "lagoon.repl.tour.lessons.select",
    require "lagoon.repl.tour.lessons.mpg",
    require "lagoon.repl.tour.lessons.stealing",
    require "lagoon.repl.tour.lessons.preemption",
    require "lagoon.repl.tour.lessons.allocator",
    require "lagoon.repl.tour.lessons.gc",
}

-- Where a session is.
local function place_of(session)
    session.tour = session.tour or { at = 0, seen = {} }
    return session.tour
end

local function print_contents(session)
    local place = place_of(session)
    for i, lesson in ipairs(LESSONS) do
        local mark = i == place.at and ">" or place.seen[i] and "x" or " "
        local row = ("%s %d  %-11s %s"):format(mark, i, lesson.name, lesson.title)
        session:print(i == place.at and session.paint("title", row) or row)
    end
    session:print(session.paint("dim", place.at == 0
        and ":tour next begins, :tour 3 or :tour select takes one of them"
        or ":tour next, back, again, N or a name; :tour with CODE; :tour end"))
end

local function print_next(session, place)
    local following = LESSONS[place.at + 1]
    player.print_hint(session, "The code is an input like any other: the up key brings it back, to "
        .. "be changed; with `:tour with` in front, it is drawn, too.")
    player.print_hint(session, following
        and ("Enter goes on to %q; :tour again, :tour back; :tour lists all.")
            :format(following.name)
        or "That was the last lesson; :tour lists all.")
end

-- With the lesson's own code, or another one.
local function play(session, i, code)
    local place = place_of(session)
    place.at = i
    if not player.play(session, LESSONS[i], { number = i, count = #LESSONS, code = code }) then
        return player.print_hint(session, "The lesson was left: :tour again, :tour next.")
    end
    place.seen[i] = true
    print_next(session, place)
    session.on_empty = i < #LESSONS and function() play(session, i + 1) end or nil
end

-- The picture of the present lesson, for code of the user's.
local function play_with(session, code)
    local place = place_of(session)
    if place.at == 0 then
        return session:print_error "the tour has not begun; :tour next begins it"
    elseif code == "" then
        return session:print_error "code is needed: :tour with print(1)"
    end
    play(session, place.at, code)
end

local function leave(session)
    session.tour, session.on_empty = nil, nil
    session:print "The tour is over; :tour begins it again."
end

local MOVES = { next = 1, back = -1, again = 0 }

-- The lesson that an argument means; nil and a message: none.
local function find(place, argument)
    local move = MOVES[argument]
    if move then
        local i = place.at + move
        if i > #LESSONS then
            return nil, "that was the last lesson; :tour lists all, :tour end leaves"
        elseif i < 1 then
            return nil, place.at == 0 and "the tour has not begun; :tour next begins it"
                or "this is the first lesson"
        end
        return i
    end
    for i, lesson in ipairs(LESSONS) do
        if argument == lesson.name or tonumber(argument) == i then
            return i
        end
    end
    return nil, ("there is no lesson %q; :tour lists them"):format(argument)
end

---What `:tour` does.
---@async
---@param session lagoon.repl.Session
---@param argument string
function tour.run(session, argument)
    if session.is_guest then
        return session:print_error "no tour in a program that runs for others: it would change it"
    elseif argument == "" then
        return print_contents(session)
    elseif argument == "end" then
        return leave(session)
    end
    local code = argument:match "^with%s+(.*)$" or argument == "with" and ""
    if code then
        return play_with(session, code)
    end
    local i, message = find(place_of(session), argument)
    if not i then
        return session:print_error(message)
    end
    play(session, i)
end

return tour
