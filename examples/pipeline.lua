-- SPDX-License-Identifier: MIT
--
-- Three isolated stages, connected by channels:
--
--   writer --lines--> parser --records--> counter --reports--> main
--
-- Each stage is a task with a Lua state of its own: they run at the same time on as many cores,
-- and share nothing but the channels, which are the same objects on both sides. A stage can
-- neither see nor spoil another's data. It is also the only one that knows its data, so it needs
-- no locks.
--
-- A message is copied, so many small ones cost more than a few large ones: lines and records
-- travel in batches. The channels have little room, so that nobody runs far ahead.
--
-- usage: lagoon pipeline.lua [LINES]
local lagoon = require "lagoon"

local BATCH = 500
local ROOM = 4

-- Stage 1 makes the log of a web server up, the same one each time.
local function writer(nlines, lines)
    local PATHS = { "/", "/tides", "/boats", "/boats/7", "/search", "/about" }
    local state = 1
    local function random(n)
        state = (state * 16807) % 2147483647
        return state % n + 1
    end

    local batch = {}
    for i = 1, nlines do
        local path = PATHS[math.min(random(#PATHS), random(#PATHS))]
        local status = random(50) == 1 and (random(3) == 1 and 500 or 404) or 200
        batch[#batch + 1] = ('10.0.0.%d - "GET %s" %d %d'):format(random(250), path, status,
            status == 200 and random(20000) or 0)
        if #batch == BATCH or i == nlines then
            lines:send(batch)
            batch = {}
        end
    end
    lines:close()
end

-- Stage 2 makes records out of lines.
local function parser(lines, records)
    for batch in lines do
        local parsed = {}
        for i, line in ipairs(batch) do
            local client, path, status, nbytes = line:match '^(%S+) %- "GET (%S+)" (%d+) (%d+)$'
            if not client then
                error("not a line of a log: " .. line)
            end
            parsed[i] = {
                client = client, path = path, status = tonumber(status), nbytes = tonumber(nbytes),
            }
        end
        records:send(parsed)
    end
    records:close()
end

-- Stage 3 adds up, and reports once.
local function counter(records, reports)
    local of_path, clients, nclients = {}, {}, 0
    for batch in records do
        for _, record in ipairs(batch) do
            local path = record.path
            local sum = of_path[path] or { path = path, n = 0, nfailed = 0, nbytes = 0 }
            of_path[path] = sum
            sum.n = sum.n + 1
            sum.nfailed = sum.nfailed + (record.status >= 400 and 1 or 0)
            sum.nbytes = sum.nbytes + record.nbytes
            if not clients[record.client] then
                clients[record.client], nclients = true, nclients + 1
            end
        end
    end
    local sums = {}
    for _, sum in pairs(of_path) do
        sums[#sums + 1] = sum
    end
    table.sort(sums, function(a, b)
        return a.n > b.n or a.n == b.n and a.path < b.path
    end)
    reports:send { sums = sums, nclients = nclients }
end

local nlines = tonumber(arg[1] or 20000)
if not nlines or nlines < 1 or nlines % 1 ~= 0 then
    io.stderr:write("usage: lagoon pipeline.lua [LINES]\n")
    os.exit(1)
end

-- In a group a stage that fails cancels the others: nobody waits for it in vain.
local stages = lagoon.group()
local lines, records, reports = lagoon.chan(ROOM), lagoon.chan(ROOM), lagoon.chan(1)
stages:parallel(writer, nlines, lines)
stages:parallel(parser, lines, records)
stages:parallel(counter, records, reports)
stages:wait()

local report = reports:recv()
print(("%-10s %8s %8s %10s"):format("path", "requests", "failed", "kilobytes"))
for _, sum in ipairs(report.sums) do
    print(("%-10s %8d %8d %10d"):format(sum.path, sum.n, sum.nfailed, sum.nbytes / 1000))
end
print(("%d requests of %d clients"):format(nlines, report.nclients))
