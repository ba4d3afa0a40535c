-- SPDX-License-Identifier: MIT
--
-- Counts the words of all text files below a directory, on all cores:
--
--                           +-> counter 1 -+
--   find -> lister --paths--+-> counter 2 -+--results--> merger -> summary
--                           +-> counter N -+
--
-- One goroutine lists, the main one merges; between them N tasks read and count, each in a Lua
-- state of its own. So they run at the same time, and what they send is copied: a few numbers for
-- each file, and the words once, at the end. Channels carry the work and bound it: the lister is
-- never more than a few files ahead. Everything ends because each stage closes what it sends on
-- when its own input has ended.
--
-- usage: lagoon main.lua [DIRECTORY [COUNTERS]]
--
-- Without a directory it takes the licence texts that every Debian has, without a number a counter
-- for each core (LAGOON_PROCS). Exit status: 1 if something could not be read.
local lagoon = require "lagoon"
local go, chan, select = lagoon.go, lagoon.chan, lagoon.select

local DEFAULT_ROOT = "/usr/share/common-licenses"
local TOP = 10
local PROGRESS_SECONDS = 1

local function die(message)
    io.stderr:write("wordcount: ", message, "\n")
    os.exit(1)
end

local function settings()
    local root = arg[1] or DEFAULT_ROOT
    local wanted = arg[2] or lagoon.runtime.procs()
    local ncounters = tonumber(wanted)
    if not ncounters or ncounters < 1 or ncounters > 10000 or ncounters % 1 ~= 0 then
        die(("the number of counters must be 1 to 10000, not '%s'"):format(wanted))
    end
    local handle, why = io.open(root)
    if not handle then
        die(why)
    end
    handle:close()
    return root, ncounters
end

-- ---------------------------------------------------------------------------
-- Stage 1: the lister
-- ---------------------------------------------------------------------------

local function shell_quoted(text)
    return "'" .. text:gsub("'", "'\\''") .. "'"
end

-- Iterates over the files below root. lagoon has no file module yet, so `find` lists them; it
-- separates names by zero bytes, which no name contains, and puts its exit status after the last.
-- Directories that it cannot enter it names on stderr itself.
local function files_below(root)
    if root:sub(1, 1) == "-" then
        root = "./" .. root -- or find would take it for an option
    end
    local list = assert(io.popen(
        "LC_ALL=C find -H " .. shell_quoted(root) .. " -type f -print0; printf %d $?"))
    local names = list:read "*a"
    list:close()
    local next_name = names:gmatch "(%Z*)(%z?)"
    return function()
        local name, zero = next_name()
        if zero == "\0" then
            return name
        end
        return nil, name ~= "0" and "some directories could not be listed" or nil
    end
end

local function lister(root, paths, results)
    local next_file = files_below(root)
    while true do
        local path, why = next_file()
        if path then
            paths:send(path)
        else
            if why then
                results:send { failure = why }
            end
            break
        end
    end
    paths:close()
end

-- ---------------------------------------------------------------------------
-- Stage 2: the counters
-- ---------------------------------------------------------------------------

local function read_file(path)
    local file, why = io.open(path, "rb")
    if not file then
        return nil, why
    end
    local text, read_why = file:read "*a"
    file:close()
    if not text then
        return nil, ("%s: %s"):format(path, read_why or "cannot be read")
    end
    return text
end

-- A word is letters, with apostrophes inside ("licensor's"); what is not ASCII counts as letters.
local WORD = "[%a\128-\255][%a\128-\255']*"

-- Adds the words of a text to counts; says how many they are.
local function count_words(text, counts)
    local nwords = 0
    for word in text:lower():gmatch(WORD) do
        if word:byte(-1) == 39 then
            word = word:match "^(.-)'+$"
        end
        counts[word] = (counts[word] or 0) + 1
        nwords = nwords + 1
    end
    return nwords
end

local function count_file(path, counts)
    local text, why = read_file(path)
    if not text then
        return { failure = why }
    elseif text:find("\0", 1, true) then
        return { is_binary = true }
    end
    return { nbytes = #text, nwords = count_words(text, counts) }
end

-- Runs in a Lua state of its own: it takes copies of the functions above along, and the channels.
local function counter(number, paths, results)
    local counts = {}
    for path in paths do
        local result = count_file(path, counts)
        result.counter = number
        results:send(result)
    end
    results:send { counts = counts }
end

-- ---------------------------------------------------------------------------
-- Stage 3: the merger
-- ---------------------------------------------------------------------------

local function new_total(ncounters)
    local total = {
        nfiles = 0, nbytes = 0, nwords = 0, ndistinct = 0, nbinary = 0, nfailures = 0,
        counts = {}, files_of = {},
    }
    for i = 1, ncounters do
        total.files_of[i] = 0
    end
    return total
end

local function add_words(total, more)
    local counts = total.counts
    for word, n in pairs(more) do
        local old = counts[word]
        counts[word] = (old or 0) + n
        if not old then
            total.ndistinct = total.ndistinct + 1
        end
    end
end

local function add(total, result)
    if result.failure then
        total.nfailures = total.nfailures + 1
        io.stderr:write("wordcount: ", result.failure, "\n")
    elseif result.is_binary then
        total.nbinary = total.nbinary + 1
    elseif result.counts then
        add_words(total, result.counts)
    else
        total.nfiles = total.nfiles + 1
        total.nbytes = total.nbytes + result.nbytes
        total.nwords = total.nwords + result.nwords
        total.files_of[result.counter] = total.files_of[result.counter] + 1
    end
end

-- Takes results until there are no more; says where it stands if that lasts.
local function merge(results, total)
    local progress = lagoon.tick(PROGRESS_SECONDS)
    while true do
        local i, result, ok = select(results, progress)
        if i == 2 then
            io.stderr:write(("... %d files, %d words\n"):format(total.nfiles, total.nwords))
        elseif ok then
            add(total, result)
        else
            break
        end
    end
    progress:stop()
end

-- ---------------------------------------------------------------------------
-- The summary
-- ---------------------------------------------------------------------------

local function grouped(n)
    local digits = ("%d"):format(n):reverse():gsub("(%d%d%d)", "%1,"):reverse()
    return (digits:gsub("^,", ""))
end

local function padded(word, width)
    local _, ncontinuation = word:gsub("[\128-\191]", "")
    return word .. (" "):rep(width - (#word - ncontinuation))
end

local function most_frequent(counts, limit)
    local words = {}
    for word in pairs(counts) do
        words[#words + 1] = word
    end
    table.sort(words, function(a, b)
        if counts[a] ~= counts[b] then
            return counts[a] > counts[b]
        end
        return a < b
    end)
    for i = #words, limit + 1, -1 do
        words[i] = nil
    end
    return words
end

local function print_top(total)
    local words = most_frequent(total.counts, TOP)
    if #words == 0 then
        return
    end
    local width = 0
    for _, word in ipairs(words) do
        width = math.max(width, #word)
    end
    local most = total.counts[words[1]]
    print(("\n  the %d most frequent"):format(#words))
    for rank, word in ipairs(words) do
        local n = total.counts[word]
        print(("  %3d  %s %11s  %4.1f %%  %s"):format(rank, padded(word, width), grouped(n),
            100 * n / total.nwords, ("#"):rep(math.ceil(30 * n / most))))
    end
end

local function print_summary(root, total, seconds)
    print("words below " .. root .. "\n")
    local left_out = {}
    if total.nbinary > 0 then
        left_out[#left_out + 1] = grouped(total.nbinary) .. " binary left out"
    end
    if total.nfailures > 0 then
        left_out[#left_out + 1] = grouped(total.nfailures) .. " unreadable"
    end
    local note = #left_out > 0 and "   (" .. table.concat(left_out, ", ") .. ")" or ""
    print(("  files    %12s%s"):format(grouped(total.nfiles), note))
    print(("  bytes    %12s"):format(grouped(total.nbytes)))
    print(("  words    %12s"):format(grouped(total.nwords)))
    print(("  distinct %12s"):format(grouped(total.ndistinct)))
    print_top(total)
    local shares = table.concat(total.files_of, " + ", 1, math.min(#total.files_of, 8))
    print(("\n  %.1f ms, %.1f MB/s; %d counter%s shared the files: %s%s"):format(
        seconds * 1e3, total.nbytes / 1e6 / seconds, #total.files_of,
        #total.files_of == 1 and "" or "s", shares, #total.files_of > 8 and " + ..." or ""))
end

-- ---------------------------------------------------------------------------
-- All together
-- ---------------------------------------------------------------------------

local function main()
    local root, ncounters = settings()
    local start = lagoon.now()
    local paths, results = chan(2 * ncounters), chan(2 * ncounters)

    -- The lister and the counters all send results; when the last of them has ended, or one has
    -- failed, the group's wait returns or raises.
    local senders = lagoon.group()
    senders:go(lister, root, paths, results)
    for i = 1, ncounters do
        senders:parallel(counter, i, paths, results)
    end
    go(function()
        senders:wait()
        results:close()
    end)

    local total = new_total(ncounters)
    merge(results, total)
    print_summary(root, total, lagoon.now() - start)
    if total.nfailures > 0 then
        os.exit(1)
    end
end

main()
