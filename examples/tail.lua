-- SPDX-License-Identifier: MIT
--
-- Follows several files side by side, as `tail -f`: a goroutine for each reads what is there, then
-- waits until the system tells that something has happened to the file. Nobody polls.
--
-- Watching begins before the first look: what is written in between is seen by one or the other.
-- A line that is not finished yet waits for its end.
--
-- usage: lagoon tail.lua [-a] [-n LINES] FILE...
--   -a         from the start of the files, not from their end
--   -n LINES   ends after so many lines
local lagoon = require "lagoon"
local fs = lagoon.fs

local paths, limit, is_from_start = {}, math.huge, false
do
    local i = 1
    while arg[i] do
        if arg[i] == "-a" then
            is_from_start = true
        elseif arg[i] == "-n" then
            i = i + 1
            limit = tonumber(arg[i]) or 0
        else
            paths[#paths + 1] = arg[i]
        end
        i = i + 1
    end
end
if #paths == 0 or limit < 1 then
    io.stderr:write("usage: lagoon tail.lua [-a] [-n LINES] FILE...\n")
    os.exit(1)
end

-- Sends what comes to a file, line by line, until nobody wants any more.
local function follow(path, file, lines)
    local events = assert(fs.watch(path))
    if not is_from_start then
        assert(file:seek("end"))
    end
    local begun = "" -- of a line whose end is not there yet
    repeat
        local text, err = file:read("*L")
        assert(not err, err)
        begun = begun .. (text or "")
        if begun:sub(-1) == "\n" then
            lines:send { path = path, line = begun }
            begun = ""
        end
    until not text and not events:recv()
end

local lines, failed = lagoon.chan(), 0
for _, path in ipairs(paths) do
    local file, err = fs.open(path)
    if file then
        lagoon.go(follow, path, file, lines)
    else
        io.stderr:write(("tail: %s: %s\n"):format(path, err))
        failed = failed + 1
    end
end

local n = 0
while n < limit and failed < #paths do
    local found = lines:recv()
    n = n + 1
    io.write(found.path, ": ", found.line)
    io.flush()
end
os.exit(failed > 0 and 1 or 0)
